-- The programs that the documentation shows.
--
--     for _, program in ipairs(documentation.programs "README.md") do
--       local output, code = documentation.run(program, "ANTHROPIC_API_KEY=k ANTHROPIC_BASE_URL=http://...")
--     end

local background = require "spec.support.background"

local documentation = {}

local PRELUDE = 'local anthropic = require "anthropic"\nlocal client = anthropic.new()\n'

--- Every block of Lua on a page, with the heading it stands under.
---@param page string
---@return { page: string, title: string, code: string }[]
function documentation.programs(page)
  local found, title, code = {}, "", nil
  for line in io.lines(page) do
    if line == "```lua" then
      code = {}
    elseif line == "```" and code then
      found[#found + 1] = { page = page, title = title, code = table.concat(code, "\n") .. "\n" }
      code = nil
    elseif code then
      code[#code + 1] = line
    else
      title = line:match "^#+ (.*)" or title
    end
  end
  return found
end

--- Runs a program in a Lua of its own; one that shows no client has one of the environment's.
---@param program { code: string }
---@param environment string assignments
---@return string output errors included
---@return integer code
function documentation.run(program, environment)
  local path = os.tmpname()
  local begins_itself = program.code:find 'require "anthropic"\n'
  background.write_file(path, (begins_itself and "" or PRELUDE) .. program.code)
  local output, code = background.output_of(("%s %s %s 2>&1"):format(environment, background.interpreter(), path))
  os.remove(path)
  return output, code
end

--- A page with another table in the place of the one that a command has made.
---@param page string
---@param command string as the marks before and behind it name it
---@param text string
---@return string
function documentation.with_table(page, command, text)
  local _, first = page:find("<!-- begin of " .. command .. " -->\n", 1, true)
  local last = page:find("\n<!-- end of " .. command .. " -->", 1, true)
  return page:sub(1, first) .. text .. page:sub(last)
end

return documentation
