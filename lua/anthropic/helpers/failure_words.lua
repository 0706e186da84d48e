--- What a tool's failure says to the model: the words, without the places in this program that Lua puts into them.
--
--     failure_words.of_raised("/home/ada/app/tools.lua:12: no such city")   --> "no such city"
--
-- What was raised may come from anywhere, so every position in a file is cut, and every traceback. What a tool
-- returned may be words of its own about files: of these only the positions in the tool's own file are cut, which
-- an error that it caught would have.

local json = require "anthropic.base.json"

local failure_words = {}

-- A file that a line begins with, spaces in its name included, and the number of a line in it.
local LEADING = {
  "^[ \t]*(%.?%.?[/\\][^\n:]*):%d+: ",
  "^[ \t]*(%a:[/\\][^\n:]*):%d+: ",
  "^[ \t]*(%.%.%.[^\n:]*):%d+: ",
}
-- The places where `require` has looked, and the file that it could not load.
local SEARCHED = { "\n\tno file '[^\n]*", "\n\tno field package[^\n]*", " from file '[^'\n]*'" }

local TRACEBACK = "stack traceback:\n"

local function is_file(name)
  return (name:find "[/\\]" or name:find "%.lua$") and not name:find("://", 1, true)
end

-- Where a line goes on after a position at its beginning; nil if there is no position.
local function after_positions(line, first)
  for _, pattern in ipairs(LEADING) do
    local _, last, name = line:find(pattern, first)
    if last and is_file(name) then
      return last + 1
    end
  end
end

local function without_name(name)
  return is_file(name) and "" or nil
end

local function without_positions(line)
  local first, next_first = 1, 1
  while next_first do
    first, next_first = next_first, after_positions(line, next_first)
  end
  local rest = " " .. line:sub(first) -- at a text's beginning %f[%S] does not match
  return (rest:gsub("%f[%S](%S+):%d+: ", without_name):sub(2))
end

-- What Lua writes before the number of a line in the file of a function; nil if the function has no file.
local function file_of(f)
  local source = f and debug.getinfo(f, "S").short_src
  return source and source ~= "[C]" and source ~= "?" and source or nil
end

local function without_file(text, file)
  return (text:gsub(file:gsub("%W", "%%%0") .. ":%d+: ", ""))
end

-- `file`: if given, only a traceback that names it is cut.
local function without_traceback(text, file)
  local at = text:find(TRACEBACK, 1, true)
  if at and (not file or text:find(file, at, true)) then
    return text:sub(1, at - (text:sub(at - 1, at - 1) == "\n" and 2 or 1))
  end
  return text
end

local function cut(text, run)
  local file = file_of(run)
  text = without_traceback(text)
  text = file and without_file(text, file) or text
  for _, pattern in ipairs(SEARCHED) do
    text = text:gsub(pattern, "")
  end
  return (text:gsub("[^\n]+", without_positions))
end

local function has_tostring(value)
  local metatable = type(value) == "table" and getmetatable(value)
  return type(metatable) == "table" and metatable.__tostring ~= nil
end

--- The text of a value; nil if only JSON can say it. Raises what its metamethods raise.
---@param value any
---@return string?
function failure_words.text_of(value)
  if type(value) == "string" then
    return value
  elseif type(value) == "table" and not has_tostring(value) then
    return nil
  end
  local text = tostring(value)
  return type(text) == "string" and text or error("its text is a " .. type(text), 0)
end

local function cut_all(value, run)
  if type(value) == "string" then
    return cut(value, run)
  elseif type(value) == "table" then
    for name, member in pairs(value) do
      value[name] = cut_all(member, run)
    end
  end
  return value
end

--- What was raised, for the model: a text, or a table whose texts are cut.
---@param value any
---@param run? function of the tool
---@return any reason
function failure_words.of_raised(value, run)
  local text = failure_words.text_of(value)
  if text then
    return cut(text, run)
  end
  local written = json.encode_mended(value)
  local copy = written and json.decode(written)
  return type(copy) == "table" and cut_all(copy, run) or value
end

--- Why a tool says that it failed, for the model.
---@param value any
---@param run function of the tool
---@return any reason
function failure_words.of_returned(value, run)
  local file = file_of(run)
  if type(value) ~= "string" or not file then
    return value
  end
  return without_file(without_traceback(value, file), file)
end

--- What was raised, as a log shows it: whole.
---@param value any
---@return string
function failure_words.whole(value)
  local ok, text = pcall(function()
    return failure_words.text_of(value) or json.encode_mended(value)
  end)
  return ok and text or "an error without words (a " .. type(value) .. ")"
end

return failure_words
