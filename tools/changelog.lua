-- Checks what a merge that keeps both sides can leave in CHANGELOG.md: a section of a version that is there twice, an
-- entry or a row of a table that is: lua5.4 tools/changelog.lua

local PATH = "CHANGELOG.md"

local problems, seen = 0, {}
local number = 0
for line in io.lines(PATH) do
  number = number + 1
  if line:find "^## " then
    seen = {}
  elseif line:find "^### " or line:find "^%- " or line:find "^| " then
    if seen[line] then
      problems = problems + 1
      io.stderr:write(("%s:%d: stands in line %d, too: %s\n"):format(PATH, number, seen[line], line:sub(1, 60)))
    end
    seen[line] = number
  end
end
os.exit(problems == 0)
