--- The words in what a server says of an error, wherever it puts them.

local codes = require "anthropic.http.error_codes"
local core = require "anthropic.base.core"
local error_signs = require "anthropic.http.error_signs"
local headers = require "anthropic.http.headers"
local json = require "anthropic.base.json"
local tables = require "anthropic.base.tables"
local values = require "anthropic.base.values"

local error_text = {}

local table_or_nil, string_or_nil = values.table_or_nil, values.string_or_nil

-- --- decoding ------------------------------------------------------------------------------------

local redact_all

local function redact_value(value, redact)
  if type(value) == "string" then
    return redact(value)
  end
  return type(value) == "table" and redact_all(value, redact) or value
end

-- In place. JSON's own limit of depth bounds the recursion.
function redact_all(value, redact)
  local renamed
  for name, member in next, value do
    value[name] = redact_value(member, redact)
    if type(name) == "string" and redact(name) ~= name then
      renamed = renamed or {}
      renamed[#renamed + 1] = name
    end
  end
  for _, name in ipairs(renamed or {}) do
    local member = value[name]
    value[name] = nil
    value[redact(name)] = member
  end
  return value
end

--- Decodes what a server sent, without secrets.
---@param text string
---@param redact fun(text: string): string
---@return any value nil if the text is not JSON
function error_text.decode(text, redact)
  return redact_value(json.decode_answer((text:gsub("^\239\187\191", ""))), redact)
end

--- The object or the list that a text inside an answer encodes, or nil.
---@param text any
---@param redact fun(text: string): string
---@return table?
function error_text.decode_quoted(text, redact)
  if type(text) == "string" and text:find "^%s*[{%[]" then
    return table_or_nil(error_text.decode(text, redact))
  end
end

local LONGEST_HEAD = 8192 -- of a page, and of a text that may be an event stream

-- Names of fields that an event stream may begin with; "" is a comment.
local FIELDS = { data = true, event = true, id = true, retry = true, [""] = true }
local MOST_EVENTS, MOST_BYTES = 100, 64 * 1024

--- The first event of an event stream that is an error, else its first event; nil if a text is no event stream.
---@param text string
---@return string? data
---@return string? name
function error_text.in_events(text)
  if not FIELDS[text:sub(1, LONGEST_HEAD):gsub("^\239\187\191", ""):match "^%s*(%a*):"] then
    return nil
  end
  local decoder, first, first_name = core.sse(MOST_BYTES), nil, nil
  decoder:feed(text:sub(1, MOST_BYTES))
  decoder:feed "\n\n" -- the last event may be cut off
  for _ = 1, MOST_EVENTS do
    local data, name = decoder:next()
    if not data then
      break
    elseif error_signs.is_error(json.decode_answer(data), name) then
      return data, name
    elseif not first and data:find "%S" then
      first, first_name = data, name
    end
  end
  return first, first_name
end

-- --- words ---------------------------------------------------------------------------------------

local MOST_ITEMS = 8
local LONGEST_LINE = 300

local WORDS = {
  "message", "Message", "msg", "Msg", "error_msg", "error_message", "errorMessage", "errorMsg", "errmsg", "err_msg",
  "status_msg",
}
local FURTHER_WORDS = {
  "error_description", "description", "reason", "text", "Error", "err", "fault", "Fault", "faultstring", "exception",
  "failure",
}
local OTHER_MEMBERS = { "title", "detail", "error", "errors", "choices", "base_resp", "x_groq", "metadata" }

--- Whether a text is a word like `insufficient_quota`.
---@param text any
---@return boolean
function error_text.is_identifier(text)
  return type(text) == "string" and #text <= 100 and text:find "^%w[%w_]*_%w[%w_]*$" ~= nil
end

--- Whether a text in the place of an error's words only names its type.
---@param text any
---@return boolean
function error_text.is_word(text)
  return type(text) == "string" and (codes.status_of(text) ~= nil or error_text.is_identifier(text))
end

local function join(first, second)
  second = second and second:find "%S" and second or nil
  if not first or not second then
    return first or second
  elseif second:sub(1, #first) == first then
    return second
  elseif first:sub(1, #second) == second then
    return first
  end
  return first .. (first:sub(-1):find "[.!?:]" and " " or ": ") .. second
end

local words_in

local function words_of_list(list, depth, redact)
  local found = {}
  for i, item in ipairs(list) do
    if i > MOST_ITEMS then
      found[#found + 1] = "..."
      break
    end
    found[#found + 1] = words_in(item, depth, redact)
  end
  return found[1] and table.concat(found, "; ")
end

-- What is wrong, by the names of the members that are wrong.
local function words_of_map(map, depth, redact)
  local names, found = tables.sorted_keys(map), {}
  for i = 1, math.min(#names, MOST_ITEMS) do
    local said = words_in(map[names[i]], depth, redact)
    found[#found + 1] = said and names[i] .. ": " .. said
  end
  return found[1] and table.concat(found, "; ")
end

local function has_member(object, names)
  for _, name in ipairs(names) do
    if object[name] ~= nil then
      return true
    end
  end
  return false
end

-- `errors`: a list, an object with words of its own, or a map.
local function words_of_errors(value, depth, redact)
  if type(value) ~= "table" or value[1] ~= nil or has_member(value, WORDS) or has_member(value, FURTHER_WORDS)
    or has_member(value, OTHER_MEMBERS) then
    return words_in(value, depth, redact)
  end
  return words_of_map(value, depth, redact)
end

local function first_words(object, names, depth, redact)
  for _, name in ipairs(names) do
    local said = words_in(object[name], depth, redact)
    if said then
      return said
    end
  end
end

-- The place in the request that is wrong: FastAPI's `loc`, or a member's name.
local function place_of(object)
  local steps = {}
  for _, step in ipairs(table_or_nil(object.loc) or {}) do
    steps[#steps + 1] = (type(step) == "string" or type(step) == "number") and tostring(step) or nil
  end
  return steps[1] and table.concat(steps, ".") or string_or_nil(object.field)
end

local function words_of_object(object, depth, redact)
  local label = string_or_nil(object.error)
  local inner = label and error_text.decode_quoted(label, redact) or table_or_nil(object.error)
    or error_signs.inside(object)
  local said = words_in(inner, depth, redact)
  if said then
    return said
  end
  said = first_words(object, WORDS, depth, redact)
    or join(words_in(object.title, depth, redact), words_in(object.detail, depth, redact))
    or first_words(object, FURTHER_WORDS, depth, redact)
  if label and label:find "%S" and not inner and not (said and error_text.is_word(label)) then
    said = join(label, said)
  end
  local place = said and place_of(object)
  said = place and place .. ": " .. said or said
  said = join(said, string_or_nil(object.details))
  said = join(said, words_of_errors(object.errors, depth, redact))
  local metadata = table_or_nil(object.metadata)
  return join(said, metadata and words_in(metadata.raw, depth, redact))
end

function words_in(value, depth, redact)
  if depth == 0 then
    return nil
  elseif type(value) == "string" then
    local quoted = error_text.decode_quoted(value, redact)
    return quoted and words_in(quoted, depth - 1, redact) or value:find "%S" and value or nil
  elseif type(value) ~= "table" then
    return nil
  elseif value[1] ~= nil then
    return words_of_list(value, depth - 1, redact)
  end
  return words_of_object(value, depth - 1, redact)
end

--- The words in a decoded value, wherever they are; nil if it has no words.
---@param value any
---@param depth integer how deep to look
---@param redact fun(text: string): string
---@return string?
error_text.in_value = words_in

local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', ["#39"] = "'", nbsp = " " }

-- The text of the first element of that name in the beginning of a page.
local function text_of_element(page, name)
  local _, start = page:lower():find("<" .. name .. "%f[%s>][^>]*>")
  local text = start and page:match("^[^<]*", start + 1)
  return text and text:gsub("&(#?%w+);", ENTITIES)
end

-- A line of any bytes as UTF-8, cut if it is long; nil if it has no text.
local function clean(line)
  line = line:gsub("%s+", " ")
  if line:find "%c" or not line:find "%S" then
    return nil
  end
  local is_long = #line > LONGEST_LINE
  if is_long then
    line = line:sub(1, LONGEST_LINE):gsub("[\192-\255][\128-\191]*$", "")
  end
  line = json.decode_answer('"' .. line:gsub('[\\"]', "\\%0") .. '"')
  return line and headers.trim(line) .. (is_long and "..." or "")
end

--- The words of a text that is not JSON: its first line, or the title of a page; nil if it has no words.
---@param text string
---@return string?
function error_text.in_text(text)
  local head = text:sub(1, LONGEST_HEAD):gsub("^\239\187\191", ""):match "^%s*(.*)"
  local first = head:sub(1, 1)
  local line
  if first == "<" then
    line = text_of_element(head, "title") or text_of_element(head, "message")
  elseif first == "{" or first == "[" then -- JSON that is cut off
    line = head
  else
    line = head:match "^[^\r\n]*"
  end
  return line and clean(line)
end

return error_text
