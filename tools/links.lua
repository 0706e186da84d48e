-- Checks that the pages lead somewhere: every relative link to a file or a folder, with its anchor, and every path
-- below doc/ that a page names. Links to other hosts are not looked at.
--
--     lua tools/links.lua
--
-- An anchor is a heading as GitHub spells it: lower case, blanks as "-", without punctuation.

package.path = "./?.lua;" .. package.path

local files = require "tools.files"

local FIND = "find . -name '*.md' -not -path './build/*' -not -path './.git/*'"
local FURTHER = { "./doc/anthropic.txt", "./doc/anthropic-reference.txt" }

local problems = {}

local function note(page, words, ...)
  problems[#problems + 1] = ("%s: "):format((page:gsub("^%./", ""))) .. words:format(...)
end

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read "*a"
  if file then
    file:close()
  end
  return text
end

local function exists(path)
  local file = io.open(path, "rb") -- a folder, too
  if file then
    file:close()
  end
  return file ~= nil
end

-- "./doc/how-to", "../tutorial.md" -> "./doc/tutorial.md"
local function resolve(folder, path)
  local parts = {}
  for part in (folder .. "/" .. path):gmatch "[^/]+" do
    if part == ".." and #parts > 0 and parts[#parts] ~= "." then
      parts[#parts] = nil
    elseif part ~= "." or #parts == 0 then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, "/")
end

-- Without code: links in it are shown, not meant. Blocks keep no line, spans no text.
local function without_code(text)
  local lines, is_code = {}, false
  for line in (text .. "\n"):gmatch "(.-)\n" do
    if line:find "^%s*```" then
      is_code = not is_code
    elseif not is_code then
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end

local function anchor_of(heading)
  local text = heading:gsub("%[([^%]]*)%]%([^%)]*%)", "%1"):lower()
  return (text:gsub("[^%w%s_\128-\255-]", ""):gsub("%s", "-"))
end

local anchors_of_page = {}

local function anchors_of(path)
  if not anchors_of_page[path] then
    local anchors, counts = {}, {}
    local text = without_code(read(path) or "")
    for heading in ("\n" .. text):gmatch "\n#+ +([^\n]+)" do
      local anchor = anchor_of(heading)
      local count = counts[anchor]
      counts[anchor] = (count or 0) + 1
      anchors[count and anchor .. "-" .. count or anchor] = true
    end
    for name in text:gmatch '<a [^>]*name="([^"]+)"' do
      anchors[name] = true
    end
    anchors_of_page[path] = anchors
  end
  return anchors_of_page[path]
end

local function check_link(page, target)
  local path, anchor = target:match "^([^#]*)#?(.*)$"
  local file = path == "" and page or resolve(page:match "^(.*)/", path)
  if not exists(file) then
    note(page, "%s leads nowhere", target)
  elseif anchor ~= "" and file:find "%.md$" and not anchors_of(file)[anchor] then
    note(page, "%s: that page has no such heading", target)
  end
end

local function check(page)
  local text = read(page)
  local prose = without_code(text)
  for target in prose:gsub("`[^`\n]*`", "``"):gmatch "%]%(([^%)%s]+)[^%)]*%)" do
    if not target:find "^%a[%w+.-]*:" then
      check_link(page, target)
    end
  end
  for path in text:gmatch "%f[%w./]doc/[%w/_-]+%.%a+" do
    if not exists(path) then
      note(page, "%s is not there", path)
    end
  end
end

for _, page in ipairs(files.list(FIND)) do
  check(page)
end
for _, page in ipairs(FURTHER) do
  if exists(page) then
    check(page)
  end
end
if #problems > 0 then
  io.stderr:write(table.concat(problems, "\n"), "\n")
  os.exit(1)
end
