--- What an error's body says. error_signs.lua decides what an error is.
--
--     local said = error_body.read(body, redact)
--     said.type, said.status, said.message    --> "overloaded_error", 529, "Overloaded"

local codes = require "anthropic.http.error_codes"
local error_signs = require "anthropic.http.error_signs"
local error_text = require "anthropic.http.error_text"
local errors = require "anthropic.base.error"
local retry = require "anthropic.http.retry"
local values = require "anthropic.base.values"

local error_body = {}

local table_or_nil, string_or_nil = values.table_or_nil, values.string_or_nil

local DEEPEST = 8 -- objects in objects, lists in lists, JSON in texts

-- Where servers put each thing.
local TYPES = { "type", "__type", "error_type", "errorType" }
local CODES = {
  "code", "Code", "status", "status_code", "statusCode", "http_status", "http_code", "httpStatus", "error_code",
  "errorCode", "error",
}
local CODE_WORDS = {
  "type", "code", "Code", "status", "__type", "error_type", "errorType", "error_code", "errorCode", "name", "error",
}
local REQUEST_IDS = { "request_id", "requestId", "RequestId", "requestID" }
local SECONDS = { "retry_after", "retryAfter", "retry_after_seconds", "retryAfterSeconds" }
local MILLISECONDS = { "retry_after_ms", "retryAfterMs" }

local NO_TYPES = { error = true, message = true, None = true, null = true, [""] = true }

-- Adds an object and those inside it that describe the error, the innermost first, then those in JSON that
-- they quote.
local function add_layers(layers, value, depth, redact)
  local place, quoted = #layers + 1, nil
  while type(value) == "table" and depth > 0 do
    if value[1] ~= nil then
      value = value[1]
    elseif value.loc ~= nil then -- FastAPI's: its type is that of what is wrong with the place
      break
    else
      table.insert(layers, place, value)
      local metadata = table_or_nil(value.metadata)
      quoted = error_text.decode_quoted(value.error, redact) or error_text.decode_quoted(value.message, redact)
        or metadata and error_text.decode_quoted(metadata.raw, redact) or quoted
      value = table_or_nil(value.error) or error_signs.inside(value)
        or table_or_nil(value.detail) or table_or_nil(value.errors) or table_or_nil(value.message)
        or table_or_nil(value.Error) or table_or_nil(value.err) or table_or_nil(value.fault)
    end
    depth = depth - 1
  end
  if quoted then
    add_layers(layers, quoted, depth, redact)
  end
end

-- The first result of `choose` that is not nil, of the named members of each object, the innermost object first.
local function first_of(layers, names, choose)
  for _, layer in ipairs(layers) do
    for _, name in ipairs(names) do
      local chosen = choose(layer[name])
      if chosen ~= nil then
        return chosen
      end
    end
  end
end

local function text_or_nil(value)
  return type(value) == "string" and value:find "%S" and value or nil
end

local function type_or_nil(value)
  if type(value) ~= "string" or #value > 100 or NO_TYPES[value] then
    return nil
  end
  value = value:match "#(.*)" or value
  return not value:find "[:/.%c]" and text_or_nil(value) or nil
end

local function api_type_or_nil(value)
  return errors.status_of_type(value) and value
end

local function identifier_or_nil(value)
  return error_text.is_identifier(value) and value or nil
end

-- The API's own types come before others; the word in `{"error":"insufficient_quota"}` is a type, too.
local function type_of(layers)
  return first_of(layers, TYPES, api_type_or_nil) or first_of(layers, TYPES, type_or_nil)
    or first_of(layers, { "error" }, identifier_or_nil)
end

local function status_of(layers, said)
  return first_of(layers, CODES, codes.status_of_code)
    or first_of(layers, { "status_code" }, codes.status_of_base_resp)
    or first_of(layers, TYPES, errors.status_of_type)
    or first_of(layers, CODE_WORDS, codes.status_of) or codes.status_of(said)
end

local function true_or_nil(is_true)
  return is_true or nil
end

-- Whether the server, or its word, says that asking again will not help.
local function is_lasting(layers)
  local function lasting(value)
    return true_or_nil(codes.is_lasting(value))
  end
  return first_of(layers, CODE_WORDS, lasting) or first_of(layers, { "details" }, function(details)
    return lasting(table_or_nil(details) and details.error_code)
  end) or first_of(layers, { "retryable" }, function(retryable)
    return true_or_nil(retryable == false)
  end) or false
end

-- Google's, among its details: `"retryDelay": "17s"`
local function retry_delay(details)
  for _, detail in ipairs(table_or_nil(details) or {}) do
    local delay = type(detail) == "table" and string_or_nil(detail.retryDelay)
    local seconds = delay and retry.wait(delay:match "^([%d.]+)s$")
    if seconds then
      return seconds
    end
  end
end

local function wait_of(layers)
  local milliseconds = first_of(layers, MILLISECONDS, retry.wait)
  return milliseconds and milliseconds / 1000 or first_of(layers, SECONDS, retry.wait)
    or first_of(layers, { "details" }, retry_delay)
end

-- What JSON says of an error. `word`: the event's name, if it is one for errors.
local function read_value(value, redact, word)
  local layers = {}
  add_layers(layers, error_text.decode_quoted(value, redact) or value, DEEPEST, redact)
  layers[#layers + 1] = word and { type = word }
  local said = error_text.in_value(value, DEEPEST, redact)
  local result = {
    type = type_of(layers),
    status = status_of(layers, said),
    message = said or first_of(layers, { "code", "error_code" }, identifier_or_nil),
    request_id = first_of(layers, REQUEST_IDS, text_or_nil),
    retry_after = wait_of(layers),
    details = first_of(layers, { "details" }, function(details)
      return details
    end),
  }
  if is_lasting(layers) then
    result.retryable = false
  end
  return result
end

--- What a body, or the data of an event, says of an error, without secrets. A body may be an event stream.
---@param body string as it came
---@param redact fun(text: string): string
---@param name? string the event's
---@return { type: string?, status: integer?, message: string?, request_id: string?, retry_after: number?,
--- retryable: false?, details: any } said `status` is that of its code or of its word
function error_body.read(body, redact, name)
  local value, data, event = error_text.decode(body, redact), nil, nil
  if value == nil then
    data, event = error_text.in_events(body)
  end
  if data then
    body, value, name = data, error_text.decode(data, redact), values.word(event) or name
  end
  local word = name and error_signs.is_word(name) and name or nil
  if value == nil then
    local said = error_text.in_text(redact(body))
    return { type = word, message = said, status = codes.status_of(word) or codes.status_of(said) }
  end
  return read_value(value, redact, word)
end

return error_body
