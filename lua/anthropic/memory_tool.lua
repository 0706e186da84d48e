--- The API's memory tool on a directory: the model keeps notes in files, and finds them again in another conversation.
--
--     local memory = assert(anthropic.memory_tool.new { dir = "memory" })
--     client.messages.run { tools = { memory }, ... }
--
-- `/memories` of the model is `dir`. No path leaves it: `..` is refused, and no symbolic or hard link is followed, at
-- any level, whenever it was made. A file is replaced whole or not at all.

local check = require "anthropic.base.check"
local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local memory_commands = require "anthropic.helpers.memory_commands"
local options = require "anthropic.http.options"
local tools = require "anthropic.helpers.tools"

---@class anthropic.memory_tool
local memory_tool = {}

---@class anthropic.MemoryToolOptions
---@field dir string path of the directory; it is made if it is missing
---@field max_file_bytes? integer bytes of one file. Default: 1048576 (1 MiB)
---@field max_bytes? integer bytes of all files. Default: 104857600 (100 MiB)
---@field max_files? integer files and directories. Default: 10000
---@field cache_control? table sent with the tool

local ROWS = {
  dir = check.of_type "string",
  max_file_bytes = check.whole(1),
  max_bytes = check.whole(1),
  max_files = check.whole(1),
  cache_control = check.of_type "table",
}

--- Makes the tool. Raises if an option is wrong.
---@param given anthropic.MemoryToolOptions
---@return anthropic.Tool|nil tool
---@return anthropic.Error? err the directory cannot be opened or made
function memory_tool.new(given)
  if type(given) ~= "table" or given.dir == nil then
    error("memory_tool.new: a table with dir expected", 2)
  end
  options.check_rows("option", given, ROWS, 2)
  local folder, words = core.folder(given.dir)
  if not folder then
    return nil, errors.invalid_request(("dir: %s cannot be opened: %s"):format(given.dir, words))
  end
  local commands = memory_commands.new(folder, {
    file_bytes = given.max_file_bytes or 1024 * 1024,
    bytes = given.max_bytes or 100 * 1024 * 1024,
    files = given.max_files or 10000,
  })
  return tools.tool {
    type = "memory_20250818",
    name = "memory",
    cache_control = given.cache_control,
    run = function(input)
      return commands:run(input)
    end,
  }
end

return memory_tool
