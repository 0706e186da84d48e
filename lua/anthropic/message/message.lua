--- A message: the response's fields in a plain table, with a few methods by metatable.
--
--     print(message:text(), message.stop_reason, message.usage.output_tokens)
--
-- `anthropic.encode` writes all of the answer, to be stored; in a request's `messages` it is sent as its
-- role and content alone.

local json = require "anthropic.base.json"

---@class anthropic.Response what HTTP said
---@field status integer
---@field headers table<string, string> names in lower case, looked up regardless of case
---@field request_id? string
---@field attempts integer every try, the first included
---@field timings table<string, number> seconds since the start: name_lookup, connect, tls, first_byte, total; of a
--- stream, once it has ended, first_text too, and tokens_per_second from the first content on
---@field rate_limit? table<string, table> from the `anthropic-ratelimit-*` headers
---@field continuations? anthropic.Interruption[] where the answer had broken off and was gone on with

---@class anthropic.Interruption
---@field error anthropic.Error
---@field usage? table of the request that broke off, as far as it was told
---@field request_id? string

---@class anthropic.Message
---@field id? string
---@field type "message"
---@field role "assistant"
---@field model string
---@field content anthropic.api.ContentBlock[]
---@field stop_reason? string
---@field stop_sequence? string
---@field usage anthropic.api.Usage
---@field response anthropic.Response never encoded
---@field raw? table the foreign object, where the server spoke chat completion; never encoded
---@field choices? anthropic.Message[] where the server sent several; never encoded
---@field parsed? any of messages.parse: the decoded text, nulls as anthropic.null; never encoded
---@field parse_error? string of messages.parse: why there is no `parsed`; never encoded
---@field extra? table fields of the answer with a name of the above or of a method; encoded at their place
local Message = {}

local message = {}

-- The names that are this library's own: an answer's field of such a name stands in `extra`. The
-- methods are added below.
local OWN = { response = true, raw = true, choices = true, parsed = true, parse_error = true, extra = true }

local function is_message(value)
  local metatable = getmetatable(value)
  return type(metatable) == "table" and rawget(metatable, "__index") == Message
end

local function metatable_with(nulls)
  return { __name = "anthropic.Message", __index = Message, __unencoded = OWN, __merged = "extra", __nulls = nulls }
end

local plain_metatable = metatable_with(nil)

--- Makes a message of a table of an answer's fields.
---@param fields table a message is returned as it is
---@return anthropic.Message
function message.new(fields)
  if is_message(fields) then
    return fields
  end
  local extra
  for name in pairs(OWN) do
    if fields[name] ~= nil then
      extra = extra or {}
      extra[name], fields[name] = fields[name], nil
    end
  end
  fields.extra = extra
  if type(fields.content) ~= "table" then
    fields.content = json.array {}
  end
  local nulls = (getmetatable(fields) or {}).__nulls
  return setmetatable(fields, nulls and metatable_with(nulls) or plain_metatable)
end

local function sent_blocks(content)
  local sent, all = {}, true
  for _, block in ipairs(type(content) == "table" and content or {}) do
    if json.is_unsent(block) then
      all = false
    else
      sent[#sent + 1] = block
    end
  end
  return all and content or json.array(sent)
end

-- A message as a request takes it: of an answer, also one that was stored, its role and content.
local function param_of(given)
  if type(given) ~= "table" then
    return given
  elseif is_message(given) or given.type == "message" and given.role ~= nil then
    return { role = given.role, content = sent_blocks(given.content) }
  end
  local sent = json.copy(given)
  sent.content = sent_blocks(given.content)
  return sent
end

-- A copy of a list in which each element is what `change` makes of it.
local function each(list, change)
  local changed = json.copy(list)
  for key, value in pairs(list) do
    changed[key] = change(value)
  end
  return changed
end

--- A request's body with its messages, also those of a batch, as the API takes them.
---@param body any
---@return any
function message.sendable(body)
  if type(body) ~= "table" or json.is_raw(body) then
    return body
  end
  local sent = body
  for name, change in pairs { messages = param_of, requests = message.sendable } do
    if type(body[name]) == "table" and not json.is_raw(body[name]) then
      sent = sent == body and json.copy(body) or sent
      sent[name] = each(body[name], change)
    end
  end
  if type(body.params) == "table" then
    sent = sent == body and json.copy(body) or sent
    sent.params = message.sendable(body.params)
  end
  return sent
end

--- Whether a decoded answer is a message with blocks for its content.
function message.is_native(answer)
  if type(answer) ~= "table" or type(answer.content) ~= "table" then
    return false
  end
  for _, block in ipairs(answer.content) do
    if type(block) ~= "table" then
      return false
    end
  end
  return answer.type == "message" or answer.role == "assistant"
end

local function join(content, kind)
  local pieces = {}
  for _, block in ipairs(content) do
    if block.type == kind and type(block[kind]) == "string" then
      pieces[#pieces + 1] = block[kind]
    end
  end
  return #pieces == 1 and pieces[1] or table.concat(pieces)
end

--- The text blocks, joined without separator; "" where there are none.
---@return string
function Message:text()
  return join(self.content, "text")
end

--- The thinking blocks, joined likewise.
---@return string
function Message:thinking()
  return join(self.content, "thinking")
end

--- The `tool_use` blocks: those that the caller has to answer.
---@return anthropic.api.ToolUseBlock[]
function Message:tool_uses()
  local uses = {}
  for _, block in ipairs(self.content) do
    if block.type == "tool_use" then
      uses[#uses + 1] = block
    end
  end
  return uses
end

for name in pairs(Message) do
  OWN[name] = true
end

return message
