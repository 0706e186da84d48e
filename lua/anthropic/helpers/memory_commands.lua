--- The commands of the API's memory tool on a directory.
--
--     local commands = memory_commands.new(core.folder "memory", limits)
--     commands:run { command = "create", path = "/memories/notes.txt", file_text = "..." }
--
-- `/memories` is the directory. A command returns the words that the model was taught to read; nil and a message if it
-- fails. Files are checked and opened in C (src/util/folder.h), where no path leaves the directory.

local json = require "anthropic.base.json"
local text_search = require "anthropic.helpers.text_search"

local memory_commands = {}

local ROOT = "/memories"

-- Lines that a view can number, and how wide a number is.
local MOST_LINES = 999999
local NUMBERED = "%6d\t"

-- Entries of a directory that a view reads and shows.
local MOST_LISTED, MOST_SHOWN = 10000, 1000

local Commands = {}
Commands.__index = Commands

--- The commands on a folder of the core.
---@param folder userdata of the core
---@param limits { file_bytes: integer, bytes: number, files: integer }
function memory_commands.new(folder, limits)
  return setmetatable({ folder = folder, limits = limits }, Commands)
end

-- --- paths ---------------------------------------------------------------------------------------

-- A path below the directory, "" for itself; nil and a message.
local function below(path)
  if path ~= ROOT and path:sub(1, #ROOT + 1) ~= ROOT .. "/" then
    return nil, ("Path must start with %s, got: %s"):format(ROOT, path)
  end
  local names = {}
  for name in path:sub(#ROOT + 1):gmatch "[^/]+" do
    if name == ".." or name:find("%z") then
      return nil, ("Path %s would escape %s directory"):format(path, ROOT)
    elseif name ~= "." then
      names[#names + 1] = name
    end
  end
  return table.concat(names, "/")
end

-- The message for a failure of the core's.
local function failure(path, words, word)
  if word == "missing" then
    return nil, ("The path %s does not exist. Please provide a valid path."):format(path)
  elseif word == "exists" then
    return nil, ("File %s already exists"):format(path)
  end
  return nil, ("The path %s cannot be used: %s"):format(path, words)
end

-- --- lines ---------------------------------------------------------------------------------------

local function lines_of(text)
  local lines, from = {}, 1
  while true do
    local at = text:find("\n", from, true)
    lines[#lines + 1] = text:sub(from, at and at - 1)
    if not at then
      return lines
    end
    from = at + 1
  end
end

local function numbered(lines, first, last)
  local shown = {}
  for i = math.max(first, 1), math.min(last, #lines) do
    shown[#shown + 1] = NUMBERED:format(i) .. lines[i] -- %s of Lua 5.1 ends at a NUL
  end
  return table.concat(shown, "\n")
end

local function is_whole(value)
  return type(value) == "number" and value % 1 == 0 and math.abs(value) < 2 ^ 53
end

-- --- viewing -------------------------------------------------------------------------------------

local UNITS = { "B", "K", "M", "G" }

local function size_of(bytes)
  local unit = 1
  while bytes >= 1024 and unit < #UNITS do
    bytes, unit = bytes / 1024, unit + 1
  end
  return (bytes % 1 == 0 and "%d%s" or "%.1f%s"):format(bytes, UNITS[unit])
end

local function is_before(one, other)
  return one[1] < other[1]
end

-- Adds what is in a directory, hidden entries and links aside. What keeps it from being read, or nil.
local function add_entries(self, shown, path, name, depth)
  local list, words = self.folder:list(path, MOST_LISTED)
  if not list then
    return words
  end
  table.sort(list, is_before)
  for _, entry in ipairs(list) do
    local is_directory = entry[2] == "directory"
    local is_shown = entry[1]:sub(1, 1) ~= "." and entry[1] ~= "node_modules" and entry[2] ~= "other"
    if is_shown and #shown >= MOST_SHOWN then
      shown.are_cut = true
      return
    elseif is_shown then
      local whole = name .. "/" .. entry[1]
      shown[#shown + 1] = size_of(entry[3]) .. "\t" .. whole .. (is_directory and "/" or "")
      local place = #shown
      words = is_directory and depth < 2
        and add_entries(self, shown, (path == "" and "" or path .. "/") .. entry[1], whole, depth + 1)
      if words then
        shown[place] = ("%s [cannot be read: %s]"):format(shown[place], words)
      end
    end
  end
end

local function view_directory(self, path, given, size)
  local name = given:match "^(.-)/*$"
  local shown = { size_of(size) .. "\t" .. name }
  local words = add_entries(self, shown, path, name, 1)
  if words then
    return failure(given, words)
  elseif shown.are_cut then
    shown[#shown + 1] = "[cut: more than " .. MOST_SHOWN .. " entries]"
  end
  return ("Here're the files and directories up to 2 levels deep in %s, excluding hidden items and node_modules:\n%s")
    :format(name, table.concat(shown, "\n"))
end

local function is_range(value)
  return type(value) == "table" and is_whole(value[1]) and is_whole(value[2])
end

local COMMANDS = {}

function COMMANDS.view(self, input, path)
  local kind, size, word = self.folder:look(path)
  if not kind then
    return failure(input.path, size, word)
  elseif kind == "directory" then
    return view_directory(self, path, input.path, size)
  end
  local text, words
  text, words, word = self.folder:read(path, self.limits.file_bytes)
  if not text then
    return failure(input.path, words, word)
  end
  local count, range = select(2, text:gsub("\n", "")) + 1, input.view_range
  if count > MOST_LINES then
    return nil, ("File %s has too many lines (%d). Maximum is %d lines."):format(input.path, count, MOST_LINES)
  elseif range ~= nil and range ~= json.null and not is_range(range) then
    return nil, "Invalid `view_range` parameter: a list of two line numbers expected"
  end
  local lines, first, last = lines_of(text), 1, count
  if is_range(range) then
    first, last = range[1], range[2] == -1 and count or range[2]
  end
  return ("Here's the content of %s with line numbers:\n"):format(input.path) .. numbered(lines, first, last)
end

-- --- writing -------------------------------------------------------------------------------------

-- A longer path is refused by the core.
local LONGEST_PATH = 4095

-- How many entries are missing on the way to a path, itself included.
local function count_missing(self, path)
  local count = 0
  if #path > LONGEST_PATH then
    return count
  end
  for at in (path .. "/"):gmatch "()/" do
    count = count + (self.folder:look(path:sub(1, at - 1)) and 0 or 1)
  end
  return count
end

-- What is wrong if there is no room for so many more entries and bytes, or nil.
local function problem_of_room(self, entries, more)
  local limits = self.limits
  local files, bytes = self.folder:measure(limits.files)
  if not files then
    return tostring(bytes)
  elseif entries > 0 and files + entries > limits.files then
    return ("the directory is full: at most %d files are allowed"):format(limits.files)
  elseif more > 0 and bytes + more > limits.bytes then
    return ("the directory would have more than %d bytes"):format(limits.bytes)
  end
end

local function problem_of_text(self, text)
  local most = self.limits.file_bytes
  return #text > most and ("the file would have %d bytes; at most %d are allowed"):format(#text, most) or nil
end

function COMMANDS.create(self, input, path)
  local text = input.file_text
  local problem = problem_of_text(self, text) or problem_of_room(self, count_missing(self, path), #text)
  local kind = self.folder:look(path)
  if kind then
    return failure(input.path, nil, "exists")
  elseif problem then
    return nil, ("File %s was not created: %s"):format(input.path, problem)
  end
  local ok, words, word = self.folder:create(path, text)
  if not ok then
    return failure(input.path, words, word)
  end
  return "File created successfully at: " .. input.path
end

-- The text of a file that is to be changed.
local function text_of(self, input, path)
  local kind, words, word = self.folder:look(path)
  if kind and kind ~= "file" then
    return nil, ("The path %s is not a file."):format(input.path)
  end
  local text
  if kind then
    text, words, word = self.folder:read(path, self.limits.file_bytes)
  end
  if not text then
    return failure(input.path, words, word)
  end
  return text
end

local function replace(self, input, path, text, before)
  local problem = problem_of_text(self, text) or problem_of_room(self, 0, #text - #before)
  if problem then
    return nil, ("The file %s was not changed: %s"):format(input.path, problem)
  end
  local ok, words, word = self.folder:replace(path, text)
  if not ok then
    return failure(input.path, words, word)
  end
  return true
end

-- The numbers of the lines in which some places are.
local function numbers_of(text, places)
  local numbers, line, from = {}, 1, 1
  for _, place in ipairs(places) do
    local at = text:find("\n", from, true)
    while at and at < place do
      line, from = line + 1, at + 1
      at = text:find("\n", from, true)
    end
    if numbers[#numbers] ~= line then
      numbers[#numbers + 1] = line
    end
  end
  return numbers
end

local MOST_PLACES = 100

function COMMANDS.str_replace(self, input, path)
  local old, new = input.old_str, type(input.new_str) == "string" and input.new_str or ""
  local text, problem = text_of(self, input, path)
  if not text then
    return nil, problem
  end
  local places = old ~= "" and text_search.places(text, old, MOST_PLACES) or {}
  local numbers = numbers_of(text, places)
  if #places == 0 then
    return nil, ("No replacement was performed, old_str `%s` did not appear verbatim in %s."):format(old, input.path)
  elseif #places > 1 then
    return nil, ("No replacement was performed. Multiple occurrences of old_str `%s` in lines: %s. Please ensure it is "
      .. "unique"):format(old, table.concat(numbers, ", "))
  end
  local changed = text:sub(1, places[1] - 1) .. new .. text:sub(places[1] + #old)
  local ok
  ok, problem = replace(self, input, path, changed, text)
  if not ok then
    return nil, problem
  end
  return "The memory file has been edited. Here is the snippet showing the change (with line numbers):\n"
    .. numbered(lines_of(changed), numbers[1] - 2, numbers[1] + 2)
end

function COMMANDS.insert(self, input, path)
  local text, problem = text_of(self, input, path)
  if not text then
    return nil, problem
  end
  local lines, at = lines_of(text), input.insert_line
  if at < 0 or at > #lines then
    return nil, ("Invalid `insert_line` parameter: %d. It should be within the range of lines of the file: [0, %d]")
      :format(at, #lines)
  end
  table.insert(lines, at + 1, (input.insert_text:gsub("\n$", "")))
  local ok
  ok, problem = replace(self, input, path, table.concat(lines, "\n"), text)
  if not ok then
    return nil, problem
  end
  return ("The file %s has been edited."):format(input.path)
end

-- --- others --------------------------------------------------------------------------------------

function COMMANDS.delete(self, input, path)
  if path == "" then
    return nil, ("Cannot delete the %s directory itself"):format(ROOT)
  end
  local ok, words, word = self.folder:remove(path)
  if word == "missing" then
    return nil, ("The path %s does not exist"):format(input.path)
  elseif not ok then
    return failure(input.path, words)
  end
  return "Successfully deleted " .. input.path
end

function COMMANDS.rename(self, input, path)
  local target, problem = below(input.new_path)
  if not target then
    return nil, problem
  elseif path == "" then
    return nil, ("Cannot rename the %s directory itself"):format(ROOT)
  elseif target == "" then
    return nil, ("The destination %s already exists"):format(input.new_path)
  end
  local missing = count_missing(self, target) - 1 -- it is there already
  problem = missing > 0 and problem_of_room(self, missing, 0)
  if problem then
    return nil, ("%s was not renamed: %s"):format(input.old_path, problem)
  end
  local ok, words, word = self.folder:rename(path, target)
  if word == "exists" then
    return nil, ("The destination %s already exists"):format(input.new_path)
  elseif word == "missing" then
    return nil, ("The path %s does not exist"):format(input.old_path)
  elseif not ok then
    return failure(input.old_path, words)
  end
  return ("Successfully renamed %s to %s"):format(input.old_path, input.new_path)
end

-- --- inputs --------------------------------------------------------------------------------------

local function is_text(value)
  return type(value) == "string"
end

local function is_text_or_nothing(value)
  return value == nil or value == json.null or is_text(value)
end

-- What each command takes, its path first.
local INPUTS = {
  view = { { "path", is_text } },
  create = { { "path", is_text }, { "file_text", is_text } },
  str_replace = { { "path", is_text }, { "old_str", is_text }, { "new_str", is_text_or_nothing } },
  insert = { { "path", is_text }, { "insert_line", is_whole }, { "insert_text", is_text } },
  delete = { { "path", is_text } },
  rename = { { "old_path", is_text }, { "new_path", is_text } },
}

--- Runs a command.
---@param input table what the model wrote
---@return string|nil text
---@return string? message why it failed
function Commands:run(input)
  local command = type(input) == "table" and input.command
  local fields = is_text(command) and INPUTS[command]
  if not fields then
    return nil, (is_text(command) and command or "This") .. " is not a command of the memory tool"
  end
  for _, field in ipairs(fields) do
    if not field[2](input[field[1]]) then
      return nil, ("Invalid `%s` parameter of %s"):format(field[1], input.command)
    end
  end
  local path, problem = below(input[fields[1][1]])
  if not path then
    return nil, problem
  end
  return COMMANDS[input.command](self, input, path)
end

return memory_commands
