--- NaN and the infinities, which many servers write though JSON has none of them. They are read as null; if that
--- would mean something else, they are marked in the text before it is read.
--
--     json_nan.mark '{"x":NaN}'                     --> '{"x":"\u0000NaN\u0000"}'
--     json_nan.unmark '{"x":"\u0000NaN\u0000"}'     --> '{"x":NaN}', 1

local json_nan = {}

local MARK, MARKED = '"\\u0000%s\\u0000"', '"\\u0000(%-?%a+)\\u0000"'
local BACKSLASH = ("\\"):byte()

local function after_string(text, quote)
  local at = text:find('["\\]', quote + 1)
  while at and text:byte(at) == BACKSLASH do
    at = text:find('["\\]', at + 2)
  end
  return (at or #text) + 1
end

--- A text with a string in the place of each NaN and infinity.
---@param text string JSON except for these
---@return string? marked nil if the text has neither
function json_nan.mark(text)
  if not (text:find("NaN", 1, true) or text:find("Infinity", 1, true)) then
    return nil
  end
  local pieces, copied = {}, 1
  local at = text:find '["NI]'
  while at do
    local following
    if text:sub(at, at) == '"' then
      following = after_string(text, at)
    else
      local first = text:sub(at - 1, at - 1) == "-" and at - 1 or at
      local word = text:match("^%-?%a+", first)
      pieces[#pieces + 1] = text:sub(copied, first - 1)
      pieces[#pieces + 1] = MARK:format(word)
      copied = first + #word
      following = copied
    end
    at = text:find('["NI]', following)
  end
  pieces[#pieces + 1] = text:sub(copied)
  return copied > 1 and table.concat(pieces) or nil
end

--- A text that was marked, read and encoded, with the numbers themselves in place of their marks.
---@param text string
---@return string text
---@return integer count of the marks
function json_nan.unmark(text)
  return text:gsub(MARKED, "%1")
end

--- Notes the text of each input in a value that held a marked number.
---@param value table as it was decoded without marks
---@param marked table the same with them
---@param json table which loads this module: its names of inputs, and its writer
---@param texts table<table, string> of the inputs in `value`
function json_nan.note(value, marked, json, texts)
  for name, member in next, value do
    local other = marked[name]
    if type(member) == "table" and type(other) == "table" then
      local text, count = nil, 0
      if json.INPUT_NAMES[name] then
        text, count = json_nan.unmark(json.encode(other) or "")
      end
      if count > 0 then
        texts[member] = text
      else
        json_nan.note(member, other, json, texts)
      end
    end
  end
end

return json_nan
