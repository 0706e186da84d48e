--- Tells errors from answers and events, in all the forms that servers give them.
--
--     error_signs.is_error({ error = "Overloaded" })                     --> true
--     error_signs.is_error({ message = "Overloaded" }, "error")          --> true: the event's name
--     error_signs.is_error({ id = "x", error = json.null, choices = {} })  --> false

local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local lazy = require "anthropic.base.lazy"
local values = require "anthropic.base.values"

local codes = lazy.module_for_failure "anthropic.http.error_codes"

local error_signs = {}

local table_or_nil, string_or_nil = values.table_or_nil, values.string_or_nil

-- Whether a value says something: it is not null, not false, 0, empty or blank.
local function is_filled(value)
  local kind = type(value)
  if kind == "table" then
    return next(value) ~= nil
  elseif kind == "string" then
    return value:find "%S" ~= nil
  end
  return kind == "number" and value ~= 0 or value == true
end

local function has_any(value, names)
  for _, name in ipairs(names) do
    if is_filled(value[name]) then
      return true
    end
  end
  return false
end

-- Whether the value of `error`, beside an answer, says anything: some servers write all members of an error that did
-- not happen.
local function tells(inner)
  if type(inner) ~= "table" then
    return is_filled(inner) and not codes.is_success(inner)
  elseif codes.is_success(inner.code) then
    return false
  end
  for _, member in next, inner do
    if tells(member) then
      return true
    end
  end
  return false
end

--- The error in a choice of a chat completion, or nil.
---@param choices any
---@return any
function error_signs.in_choices(choices)
  if type(choices) ~= "table" then
    return nil
  end
  for _, choice in ipairs(choices) do
    if type(choice) == "table" then
      local part = table_or_nil(choice.delta) or table_or_nil(choice.message)
      if tells(choice.error) then
        return choice.error
      elseif part and tells(part.error) then
        return part.error
      end
    end
  end
end

--- MiniMax's `base_resp`, if it reports an error.
---@param value table
---@return table?
function error_signs.in_base_resp(value)
  local base = table_or_nil(value.base_resp)
  return base and is_filled(base.status_code) and not codes.is_success(base.status_code) and base or nil
end

-- Groq's `x_groq`, if it says why a stream was stopped early.
local function in_groq(value)
  local groq = table_or_nil(value.x_groq)
  return groq and is_filled(groq.error) and groq or nil
end

--- The error in a member of an answer, beside the answer itself; or nil.
---@param value table
---@return any
function error_signs.inside(value)
  return error_signs.in_choices(value.choices) or error_signs.in_base_resp(value) or in_groq(value)
end

-- The API's events, but for `error`: the fast way out.
local EVENTS = {
  message_start = true, content_block_start = true, content_block_delta = true, content_block_stop = true,
  message_delta = true, message_stop = true, ping = true,
}

-- Names of events that say nothing about their data.
local PLAIN_NAMES = { [""] = true, message = true, data = true, completion = true, chunk = true }

-- Members with words that only errors have, and with codes that only they have.
local ERROR_MESSAGES = { "error_message", "error_msg", "errorMessage", "errorMsg", "errmsg", "err_msg" }
local ERROR_CODES = { "error_code", "errorCode", "err_code", "errcode" }

-- Members that have an error's words if nothing of an answer is beside them.
local BARE_WORDS = {
  "message", "Message", "msg", "Msg", "detail", "title", "errors", "error_description", "__type",
  "Error", "err", "fault", "Fault", "exception", "failure",
}

-- All members that an error can be known by, but for its type and its choices.
local SIGNS = {
  error = true, event = true, base_resp = true, x_groq = true, code = true, status = true, statusCode = true,
  success = true, ok = true,
}
for _, names in ipairs { ERROR_MESSAGES, ERROR_CODES, BARE_WORDS } do
  for _, name in ipairs(names) do
    SIGNS[name] = true
  end
end

local function has_sign(value)
  for name in next, value do
    if SIGNS[name] then
      return true
    end
  end
  return false
end

-- Members of answers.
local ANSWERS = {
  "choices", "content", "delta", "content_block", "data", "candidates", "output", "completion", "response", "result",
  "text", "generated_text", "role", "stop_reason", "finish_reason", "tool_calls", "input_tokens",
}

local FAILURES = { error = true, fail = true, failed = true, failure = true }

local function has_answer(value)
  local inner = table_or_nil(value.message)
  return has_any(value, ANSWERS) or inner ~= nil and (inner.role ~= nil or inner.content ~= nil)
end

-- Whether a value has a member of an answer, even an empty one: the last piece of a stream has no more.
local function is_of_answer(value)
  return has_answer(value) or table_or_nil(value.choices) ~= nil or table_or_nil(value.usage) ~= nil
end

-- Whether a member with one of the names has words of an error.
local function has_words_at(value, names)
  for _, name in ipairs(names) do
    if is_filled(value[name]) and not codes.is_success(value[name]) then
      return true
    end
  end
  return false
end

local function has_words(value)
  return has_words_at(value, BARE_WORDS) or has_words_at(value, ERROR_MESSAGES)
end

local function is_address(kind)
  return kind:find("://", 1, true) ~= nil or kind == "about:blank" or kind:sub(1, 4) == "urn:"
end

local function ends_as_error(word)
  return (word:find "_error$" or word:find "Error$" or word:find "Exception$") ~= nil
end

--- Whether a word, such as an event's name, is one for errors.
---@param word string
---@return boolean
function error_signs.is_word(word)
  return ends_as_error(word) or codes.status_of(word) ~= nil
end

-- Whether a type or an event's name is that of an error. A type that is not the API's needs words beside it.
local function is_type_of_error(kind, value, is_open)
  if errors.status_of_type(kind) then
    return true
  elseif is_open then
    return false
  elseif ends_as_error(kind) then
    return has_words(value) or is_filled(value.error)
  end
  return codes.status_of(kind) ~= nil and value.id == nil
    and (is_filled(value.message) or is_filled(value.msg) or is_filled(value.error))
end

-- Whether `value.error` is an error. Without an answer beside it, it may be one that says nothing.
local function has_error(value)
  local inner = value.error
  if tells(inner) then
    return true
  elseif not is_filled(inner) or codes.is_success(inner) or is_of_answer(value) then
    return false
  end
  return not (type(inner) == "table" and codes.is_success(inner.code) and not has_words(inner))
end

local function has_failed_code(value)
  local is_success = false
  for _, name in ipairs(ERROR_CODES) do
    local code = value[name]
    if code ~= nil and codes.is_success(code) then
      is_success = true
    elseif is_filled(code) and not has_answer(value) then
      return true
    end
  end
  return false, is_success
end

-- Whether a member says that a value is an error, whatever is beside it.
local function says_so(value)
  if has_error(value) or error_signs.inside(value) then
    return true
  end
  local has_failed, is_success = has_failed_code(value)
  return has_failed or not is_success and has_words_at(value, ERROR_MESSAGES)
end

-- Whether a code, or what serves as a code, says that all went well, or how far the work has come.
local function is_well(value)
  local status = value.status
  return value.success == true or value.error == false or codes.is_success(value.code) or codes.is_success(status)
    or codes.is_success(value.statusCode)
    or type(status) == "string" and not FAILURES[status:lower()] and not codes.status_of(status)
      and not codes.status_of_code(status)
end

-- Whether a value that came in place of an answer can only be an error.
local function is_bare_error(value)
  if has_answer(value) then
    return false
  elseif value.success == false or value.ok == false or value.status == false then
    return true
  elseif is_well(value) then
    return false
  end
  local status = string_or_nil(value.status)
  return has_words_at(value, BARE_WORDS) or status ~= nil and FAILURES[status:lower()]
    or type(value.error) == "table" and next(value.error) == nil and not is_of_answer(value)
    or (codes.status_of_code(value.code) or codes.status_of_code(value.status)
      or codes.status_of_code(value.statusCode)) ~= nil
end

-- Types whose member `error` says how the whole answer ended.
local function is_of_completion(kind)
  return kind:find "^chat%.completion" ~= nil or kind == "text_completion"
end

local function is_error_object(value, name, is_open)
  local kind, object = values.word(value.type), values.word(value.object)
  if EVENTS[kind] then
    local start = kind == "message_start" and table_or_nil(value.message)
    -- The members of message_delta are kept in the message.
    return start and start.type == "error" or kind ~= "message_delta" and has_error(value)
  elseif kind == "error" or object == "error" or value.event == "error" then
    return true
  elseif not has_sign(value) then
    return error_signs.in_choices(value.choices) ~= nil or errors.status_of_type(kind or name) ~= nil
  elseif kind == "message" then
    return not is_filled(value.content) and says_so(value)
  end
  local called = kind or not PLAIN_NAMES[name] and name or nil
  if called and is_type_of_error(called, value, is_open) then
    return true
  elseif is_open and (not kind and called or object and not is_of_completion(object)) then
    return false -- an event, or an object with a failure among its members
  elseif kind and not is_address(kind) and not is_of_completion(kind) then
    return false
  end
  local is_plain = not called or kind ~= nil
  return says_so(value) or is_plain and not is_open and not value.event and is_bare_error(value)
end

-- A list is an error if it holds nothing else.
local function is_list_of_errors(list, is_open)
  for _, item in ipairs(list) do
    if type(item) ~= "table" or item[1] ~= nil or has_answer(item) or not is_error_object(item, "", is_open) then
      return false
    end
  end
  return true
end

--- Whether a decoded answer, or an event of a stream, is an error.
---@param value any
---@param name? string the event's
---@param is_open? boolean answers of any form are expected: only what calls itself an error is one
---@return boolean
function error_signs.is_error(value, name, is_open)
  if name == "error" then
    return true
  elseif type(value) == "string" and value:find "^%s*[{%[]" then -- JSON, encoded twice
    value = json.decode_answer(value)
  end
  if type(value) ~= "table" then
    return false
  elseif value[1] ~= nil then
    return is_list_of_errors(value, is_open)
  end
  return is_error_object(value, name or "", is_open)
end

return error_signs
