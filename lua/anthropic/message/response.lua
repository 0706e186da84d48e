--- What a successful response holds: a message in one of the two shapes, a stream of one, or
--- something that was not asked for.

local error_signs = require "anthropic.http.error_signs"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local lazy = require "anthropic.base.lazy"
local memory = require "anthropic.base.memory"
local message = require "anthropic.message.message"
local param = require "anthropic.message.param"

local chat_completion = lazy.module "anthropic.message.chat_completion"

local responses = {}

local function media_type(response)
  return (response.headers["content-type"] or ""):lower():match("^%s*([^;%s]*)") or ""
end

--- Whether the response says that it is an event stream.
function responses.is_event_stream(response)
  return media_type(response) == "text/event-stream"
end

--- Whether the response says that it is an event stream in AWS's framing: its bytes are no text.
function responses.is_aws_event_stream(response)
  return media_type(response) == "application/vnd.amazon.eventstream"
end

--- Whether the answer to a request for a message is an event stream: by its body, which says more than its content
--- type. If the body shows nothing, the content type decides.
---@param response anthropic.Response
---@param form? "events"|"json"|"text" what `transfer:form` returned
---@return boolean
function responses.is_stream(response, form)
  return form == "events" or form == nil and responses.is_event_stream(response)
    or form ~= "json" and responses.is_aws_event_stream(response)
end

--- Whether the response says that it is a document: such an answer is looked at before it is handed on.
function responses.is_document(response)
  local kind = media_type(response)
  return kind == "application/json" or kind == "text/html" or kind:match("%+json$") ~= nil
end

local function describe(value, body)
  if body:match("^%s*$") then
    return "the answer is empty"
  elseif value == nil then
    return "the answer is not JSON"
  elseif type(value) ~= "table" then
    return "the answer is neither an object nor a list"
  end
  return "the answer is not a message"
end

local BOM = "\239\187\191"

-- A body without a leading byte order mark and leading comments: heartbeats, as an event stream has them.
local function document_of(body)
  local first = body:sub(1, #BOM) == BOM and #BOM + 1 or 1
  local at = body:find("%S", first)
  while at and body:sub(at, at) == ":" do
    local line_end = body:find("[\r\n]", at)
    first = line_end or #body + 1
    at = body:find("%S", first)
  end
  return first > 1 and body:sub(first) or body
end

--- Reads the body of an exchange as JSON.
---@param exchange anthropic.Exchange
---@param is_open? boolean it may have any form: only what calls itself an error is one
---@param may_be_empty? boolean an empty body stands for an empty table
---@return table|userdata|nil value decoded; json.null if the body is null
---@return anthropic.Error? err
---@return string? body
function responses.read_json(exchange, is_open, may_be_empty)
  local body, err = exchange:read_body(true)
  if err then
    return nil, err
  elseif may_be_empty and not body:find "%S" then
    return {}, nil, body
  end
  local document = document_of(body)
  local value, problem = json.decode_answer(document)
  if error_signs.is_error(value, nil, is_open) then
    local api_error = exchange:api_error(document)
    api_error.status = api_error.status or exchange.response.status
    return nil, api_error
  end
  if memory.is_lack(problem) then
    return nil, responses.protocol_error(exchange, problem .. " for the answer")
  elseif type(value) ~= "table" and value ~= json.null then
    return nil, responses.protocol_error(exchange, describe(value, body), body)
  end
  return value, nil, body
end

--- An error of kind "protocol".
---@param exchange anthropic.Exchange
---@param words string what is wrong
---@param body? string
---@return anthropic.Error
function responses.protocol_error(exchange, words, body)
  return exchange:describe(errors.new {
    kind = "protocol",
    message = words,
    status = exchange.response.status,
    body = body and exchange.redact(body),
  })
end

--- A decoded value in either shape as a message, or nil.
---@param value any
---@return anthropic.Message?
function responses.to_message(value)
  local native = message.of_answer(value)
  if not native and chat_completion.is(value) then
    return (chat_completion.to_message(value))
  end
  return native
end

--- Notes on a message the response that it came in, and its sender.
---@param exchange anthropic.Exchange
---@param whole anthropic.Message
---@param response anthropic.Response
function responses.attach(exchange, whole, response)
  whole.response = response
  param.note_sender(whole, exchange.option "base_url")
end

--- The same for a message and all its choices.
---@param exchange anthropic.Exchange
---@param whole anthropic.Message
---@param response anthropic.Response
function responses.attach_all(exchange, whole, response)
  responses.attach(exchange, whole, response)
  for _, choice in ipairs(whole.choices or {}) do
    responses.attach(exchange, choice, response)
  end
end

--- Reads a body that is not the event stream which was asked for.
---@param exchange anthropic.Exchange
---@return anthropic.Error err that of the body, if it is an error object
function responses.no_stream_error(exchange)
  local _, err, body = responses.read_json(exchange, true)
  if err and not (err.kind == "protocol" and err.body) then
    return err
  end
  return responses.protocol_error(exchange, "the answer is not an event stream", body or err.body)
end

--- Reads the body of an exchange as a message in either shape.
---@param exchange anthropic.Exchange
---@return anthropic.Message|nil
---@return anthropic.Error?
function responses.decode_message(exchange)
  local value, err, body = responses.read_json(exchange)
  if err then
    return nil, err
  end
  local whole = responses.to_message(value)
  if not whole then
    return nil, responses.protocol_error(exchange, describe(value, body), body)
  end
  return whole
end

--- The same for an exchange that ends with the message.
---@param exchange anthropic.Exchange
---@return anthropic.Message|nil
---@return anthropic.Error?
function responses.read_message(exchange)
  local whole, err = responses.decode_message(exchange)
  if not whole then
    return nil, err
  end
  exchange:count(whole)
  local ok
  ok, err = exchange:finish()
  if not ok then
    return nil, err
  end
  responses.attach_all(exchange, whole, exchange.response)
  return whole
end

return responses
