--- Chat completions for clients that speak them: reads their requests as parameters of a message, and writes messages
-- and events as chat completions. So an OpenAI client can talk to the Messages API through a server of yours.
--
--     local chat_completion = require "anthropic.chat_completion"
--     local params, err = chat_completion.to_params(anthropic.decode(body))
--     local answer = chat_completion.from_message(client.messages.create(params))
--
--     local encoder = chat_completion.encoder { include_usage = true }
--     for event in stream do
--       for _, chunk in ipairs(encoder:feed(event)) do send(anthropic.encode(chunk)) end
--     end
--     for _, chunk in ipairs(encoder:finish()) do send(anthropic.encode(chunk)) end
--     send "[DONE]"

local check = require "anthropic.base.check"
local completion_request = require "anthropic.message.completion_request"
local completion_writer = require "anthropic.message.completion_writer"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local options = require "anthropic.http.options"

---@class anthropic.chat_completion
local chat_completion = {}

local function check_table(name, value, level)
  if type(value) ~= "table" then
    error(("chat_completion.%s: table expected, got %s"):format(name, type(value)), level + 1)
  end
end

--- Reads a chat completion's request. A field without a counterpart in the Messages API is refused, with its path; one
--- that changes nothing (`n = 1`, an empty list) is taken, and other members of an answer (`images`) are ignored.
--- Without `max_tokens` an answer may have 4,096; beside a `budget_tokens` of as many or more, that many more.
---@param body table|string as `anthropic.decode` returns it, or JSON
---@return table|nil params for `client.messages.create`; with `stream = true` it returns a Stream
---@return anthropic.Error? err of kind "invalid_request"
function chat_completion.to_params(body)
  local problem, params
  if type(body) == "string" then
    body, problem = json.decode(body)
  end
  if type(body) ~= "table" then
    return nil, errors.invalid_request("the request is not a JSON object" .. (problem and ": " .. problem or ""))
  end
  params, problem = completion_request.to_params(body)
  if not params then
    return nil, errors.invalid_request(problem)
  end
  return params
end

--- Returns a message as a chat completion.
---@param message anthropic.Message|table
---@return table completion
function chat_completion.from_message(message)
  check_table("from_message", message, 2)
  return completion_writer.from_message(message)
end

local ROWS = {
  id = check.of_type "string",
  model = check.of_type "string",
  created = check.whole(0),
  include_usage = check.of_type "boolean",
  index = check.whole(0),
}

--- Makes an encoder of a stream's events.
---@param given? anthropic.CompletionEncoderOptions
---@return anthropic.CompletionEncoder encoder
function chat_completion.encoder(given)
  check_table("encoder", given or {}, 2)
  options.check_rows("option", given or {}, ROWS, 2)
  return completion_writer.encoder(given)
end

return chat_completion
