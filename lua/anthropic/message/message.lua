--- A message: the response's fields in a plain table, with a few methods by metatable.
--
--     print(message:text(), message.stop_reason, message.usage.output_tokens)
--
-- `anthropic.encode` writes all of the answer, to be stored; in a request's `messages` only its role
-- and content are sent.

local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local param = require "anthropic.message.param"
local parts = require "anthropic.message.parts"
local stop_reasons = require "anthropic.message.stop_reasons"
local tables = require "anthropic.base.tables"
local token_counts = require "anthropic.message.token_counts"

---@class anthropic.Response what HTTP said
---@field status integer such as 200
---@field headers table<string, string> names in lower case, looked up regardless of case
---@field request_id? string the API's ID of the request
---@field attempts integer how often the request was sent, the first time included
---@field member? integer the pool's member that answered, counted in their order
---@field timings anthropic.Timings
---@field rate_limit? table<string, anthropic.RateLimit> from the `anthropic-ratelimit-*` headers, by what is limited:
---  `requests`, `tokens`, `input_tokens`, `output_tokens`
---@field continuations? anthropic.Interruption[] the interruptions after which `on_interrupt = "continue"` went on

---@class anthropic.Timings seconds since the start of the last attempt
---@field name_lookup number until the host's address was known
---@field connect number until the connection stood
---@field tls number until TLS stood
---@field request number until the request was about to be sent
---@field first_byte number until the response's headers began
---@field total number until the response had ended
---@field reused boolean whether the connection existed already
---@field first_text? number of a stream that has ended: until the first content
---@field tokens_per_second? number of a stream that has ended: output tokens per second from the first content on

---@class anthropic.RateLimit
---@field limit? number in the current period
---@field remaining? number until the end of the period
---@field reset? string when the period ends (RFC 3339)

---@class anthropic.Interruption
---@field error anthropic.Error what interrupted the answer
---@field usage? table of the interrupted request, as far as it is known
---@field request_id? string of the interrupted request

---@class anthropic.Message
---@field id? string such as "msg_..."
---@field type "message"
---@field role "assistant"
---@field model string as the server named it
---@field content anthropic.api.ContentBlock[] the blocks. In a `tool_use` block `input` is the decoded table; if
---  its JSON is broken, `input` is nil, `input_json` is the text, and `input_error` says why
---@field stop_reason? string such as "end_turn", "max_tokens", "tool_use", "refusal"
---@field stop_sequence? string the one of `stop_sequences` that ended the answer
---@field usage anthropic.api.Usage the tokens that it took
---@field response anthropic.Response never encoded
---@field raw? table the foreign object, if the server spoke chat completion; never encoded
---@field choices? anthropic.Message[] if the server sent several answers: all of them; never encoded
---@field parsed? any of messages.parse: the decoded text, nulls as anthropic.null; never encoded
---@field parse_error? string of messages.parse: why there is no `parsed`; never encoded
---@field extra? table fields of the answer with a name of the above or of a method; encoded at their place
local Message = {}

local message = {}

-- The names that are this library's own: an answer's field of such a name goes into `extra`. The
-- methods are added below.
local OWN = { response = true, raw = true, choices = true, parsed = true, parse_error = true, extra = true }
local OWN_NAMES = {}

--- Whether a value is a message.
---@param value any
---@return boolean
function message.is(value)
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
  if message.is(fields) then
    return fields
  end
  local extra
  for i = 1, #OWN_NAMES do
    local name = OWN_NAMES[i]
    if fields[name] ~= nil then
      extra = extra or {}
      json.set(fields, extra, name)
      fields[name] = nil
    end
  end
  fields.extra = extra
  if type(fields.content) ~= "table" then
    fields.content = json.array {}
  end
  local nulls = (getmetatable(fields) or {}).__nulls
  return setmetatable(fields, nulls and metatable_with(nulls) or plain_metatable)
end

--- The fields of the answer, those in `extra` at their place, without this library's own.
---@param whole anthropic.Message
---@return table fields a new table
function message.fields_of(whole)
  local fields = {}
  for name, value in pairs(whole) do
    if not OWN[name] then
      fields[name] = value
    end
  end
  return tables.merge(fields, whole.extra)
end

--- The message of several choices: the first of them, with all in `choices`.
---@param choices anthropic.Message[] not empty
---@return anthropic.Message
function message.of_choices(choices)
  local first = choices[1]
  if #choices > 1 then
    choices[1] = message.new(json.copy(first))
    first.choices = choices
  end
  return first
end

local function has_tool_use(content)
  for i = 1, #content do
    if content[i].type == "tool_use" then
      return true
    end
  end
  return false
end

--- A decoded answer as a message, or nil if it is not one. Its content may be a text or one block, or absent if the
--- message says why it stopped.
---@param answer any
---@return anthropic.Message?
function message.of_answer(answer)
  if type(answer) ~= "table" then
    return nil
  elseif answer.type ~= "message" and answer.role ~= "assistant" then
    return nil
  elseif answer.content == nil and (answer.type ~= "message" or answer.stop_reason == nil) then
    return nil
  end
  local content = parts.blocks(answer.content)
  if not content then
    return nil
  end
  answer.type, answer.role = "message", parts.word(answer.role) or "assistant"
  answer.content, answer.usage = content, token_counts.merge(nil, answer.usage)
  parts.complete_calls(content, answer.id)
  local made = message.new(answer)
  made.stop_reason = stop_reasons.native(made.stop_reason, has_tool_use(content))
  return made
end

local function join(content, kind)
  local pieces = {}
  for _, block in ipairs(tables.items(content)) do
    if type(block) == "table" and block.type == kind and type(block[kind]) == "string" then
      pieces[#pieces + 1] = block[kind]
    end
  end
  return #pieces == 1 and pieces[1] or table.concat(pieces)
end

--- Returns the text blocks, joined without separator; "" without any.
---@return string text
function Message:text()
  return join(self.content, "text")
end

--- Returns the thinking blocks, joined without separator; "" without any.
---@return string text
function Message:thinking()
  return join(self.content, "thinking")
end

--- Returns the `tool_use` blocks: the calls that the program has to answer. Those before a `fallback` block are of a
--- model that gave up.
---@return anthropic.api.ToolUseBlock[] calls
function Message:tool_uses()
  local uses = {}
  for _, block in ipairs(tables.items(self.content)) do
    local kind = type(block) == "table" and block.type
    if kind == "tool_use" then
      uses[#uses + 1] = block
    elseif kind == "fallback" then
      uses = {}
    end
  end
  return uses
end

--- Returns the message as a request takes it: `{ role =, content = }`, a plain table whose blocks are copies and whose
--- inputs are the same tables. What the API refuses is left out or mended: blank text; an input that is not an object;
--- a call without an ID of its own; thinking without a signature, if the vendor sent the message.
---@return table? turn nil if nothing is left of it
---@return anthropic.Error? err of a message whose content has a hole, which a request refuses, too
function Message:to_param()
  local turn, problem = param.of_message(self)
  return turn, problem and errors.invalid_request(problem) or nil
end

for name in pairs(Message) do
  OWN[name] = true
end
for name in pairs(OWN) do
  OWN_NAMES[#OWN_NAMES + 1] = name
end

return message
