-- Reads the LuaCATS annotations of a Lua file: `local items, header = require("tools.annotations").read(path)`.
--
-- An item is a comment of three dashes and the line that it stands above:
--
--     kind        "class", "alias", "function" or "value"
--     name        of a class or an alias; of a function or value what stands there: "Client:request"
--     words       its text, a list of lines
--     params, returns, fields, overloads, values      lists, in their order
--     is_private  marked `---@private`, `---@package` or `---@protected`
--     variable    of a class: the local that holds its methods
--     arguments   of a function: the names in its parentheses
--     place       file and line, for what is wrong with it
--
-- A tag goes on to the next one, or to the end of the comment: its further lines belong to it.

local annotations = {}

local IS_HIDDEN = { private = true, package = true, protected = true }

-- The end of a type is the first space outside of brackets and quotes that stands beside none of ":", "|" and ",".
function annotations.split_type(text)
  local depth, quoted = 0, false
  for i = 1, #text do
    local char = text:sub(i, i)
    if char == '"' then
      quoted = not quoted
    elseif char:find "[<({%[]" then
      depth = depth + 1
    elseif char:find "[>)}%]]" then
      depth = depth - 1
    elseif char == " " and depth == 0 and not quoted and not text:sub(i - 1, i - 1):find "[:|,]"
      and not text:sub(i + 1, i + 1):find "[:|]" then
      return text:sub(1, i - 1), (text:sub(i + 1):gsub("^#?%s*", ""))
    end
  end
  return text, ""
end

local function new_item(place)
  return {
    place = place, words = {}, params = {}, returns = {}, fields = {}, overloads = {}, values = {}, operators = {},
  }
end

-- The tag whose further lines are read: a list and its last entry, or the item's words.
local function continue_tag(item, line)
  local tag = item.open
  if not tag then
    item.words[#item.words + 1] = line
  elseif line:find "%S" then
    tag.text = tag.text .. " " .. line:match "^%s*(.*)$"
  end
end

local LISTS = { param = "params", ["return"] = "returns", field = "fields", overload = "overloads",
  operator = "operators" }

local function begin_tag(item, tag, text)
  item.open = { text = text }
  if LISTS[tag] then
    table.insert(item[LISTS[tag]], item.open)
  elseif tag == "class" or tag == "alias" then
    item.kind, item.definition = tag, item.open
  elseif tag == "type" then
    item.type = item.open
  elseif IS_HIDDEN[tag] then
    item.is_private = true
  end
end

local function add(item, line)
  local value, about = line:match "^%-%-%-|%s*(%S+)%s*#?%s*(.*)$"
  if value then
    item.open = { name = value, text = about }
    table.insert(item.values, item.open)
    return
  end
  local tag, text = line:match "^%-%-%-@(%w+)%s*(.*)$"
  if tag then
    begin_tag(item, tag, text)
  else
    continue_tag(item, (line:gsub("^%-%-%-? ?", "")))
  end
end

-- Splits the texts of an item's tags into names, types and words.
local function finish(item)
  item.open = nil
  for _, list in ipairs { item.params, item.fields } do
    for i, tag in ipairs(list) do
      local name, rest = tag.text:match "^(%[[^%]]*%]%??)%s*(.*)$"
      if not name then
        name, rest = tag.text:match "^(%S+)%s*(.*)$"
      end
      local is_private = IS_HIDDEN[name]
      if is_private then
        name, rest = rest:match "^(%S+)%s*(.*)$"
      end
      local kind, words = annotations.split_type(rest or "")
      list[i] = {
        name = (name or ""):gsub("%?$", ""), is_optional = (name or ""):find "%?$" ~= nil,
        type = kind, words = words, is_private = is_private,
      }
    end
  end
  for i, tag in ipairs(item.returns) do
    local kind, words = annotations.split_type(tag.text)
    item.returns[i] = { type = kind, words = words }
  end
  for i, tag in ipairs(item.overloads) do
    item.overloads[i] = tag.text
  end
  if item.kind == "class" then
    local name, rest = item.definition.text:match "^([%w_.]+)(.*)$"
    item.name, item.parent, item.about = name, rest:match "^:%s*([%w_.]+)", rest:gsub("^:%s*[%w_.]+", "")
    item.about = item.about:match "^%s*(.-)$"
  elseif item.kind == "alias" then
    item.name, item.about = item.definition.text:match "^(%S+)%s*(.*)$"
  end
  if item.type then
    item.type, item.about = annotations.split_type(item.type.text)
  end
end

local function words_of(text)
  local list = {}
  for word in text:gmatch "[^,%s]+" do
    list[#list + 1] = word
  end
  return list
end

-- What the line under a comment declares.
local function add_subject(item, line)
  local name, arguments = line:match "^function ([%w_.]+:?[%w_]*)%(([^)]*)%)"
  if not name then
    name, arguments = line:match "^([%w_.]+) = function%(([^)]*)%)"
  end
  if item.kind == "class" then
    item.variable = line:match "^local ([%w_]+) ="
  elseif name and name:find "[.:]" then
    item.kind, item.name, item.arguments = "function", name, words_of(arguments)
  elseif not item.kind then
    item.name = line:match "^([%w_]+%.[%w_.]+) = "
    item.kind = item.name and (#item.params + #item.returns > 0 and "function" or "value")
  end
end

--- The items of a file, and the text at its top.
---@param path string
---@return table[] items
---@return string[] header
function annotations.read(path)
  local items, header, item, number, is_top = {}, {}, nil, 0, true
  for line in io.lines(path) do
    number = number + 1
    if is_top and line:find "^%-%-" then
      header[#header + 1] = line:gsub("^%-%-%-? ?", ""):gsub("^@meta.*", "")
    elseif line:find "^%-%-%-" and not line:find "^%-%-%-%-" then
      item = item or new_item(("%s:%d"):format(path, number))
      add(item, line)
    else
      is_top = false
      local subject = item or line:find "^function [%w_.]+[.:]" and new_item(("%s:%d"):format(path, number))
      if subject then
        add_subject(subject, line)
        finish(subject)
        if subject.kind then
          items[#items + 1] = subject
        end
      end
      item = nil
    end
  end
  return items, header
end

return annotations
