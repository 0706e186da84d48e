--- Reads the messages of AWS's event stream as if an event stream of the API's own had brought them.
--
--     local data, name = aws_events.read('{"bytes":"eyJ0eXBlIjoicGluZyJ9"}', "event", "chunk", "")
--     -- '{"type":"ping"}', ""
--     local _, _, failure = aws_events.read('{"message":"Slow down"}', "exception", "throttlingException", "")
--     -- { data = '{"message":"Slow down"}', name = "throttlingException" }

local core = require "anthropic.base.core"
local json = require "anthropic.base.json"

local aws_events = {}

-- An error as the data of an event, and the error's name as the event's.
local function failure(payload, name, text)
  local data = payload:find "%S" and payload or json.encode { message = text ~= "" and text or name }
  return nil, nil, { data = data or "{}", name = name }
end

local function chunk(payload)
  local value, problem = json.decode_answer(payload)
  if type(value) ~= "table" or type(value.bytes) ~= "string" then
    return nil, "a chunk without bytes" .. (problem and ": " .. problem or "")
  end
  local data = core.base64_decode(value.bytes)
  if not data then
    return nil, "a chunk whose bytes are no base64"
  end
  return data, ""
end

-- By the kind of a message. An event with another name may be a later version's, and is kept.
local READERS = {
  event = function(payload, name)
    if name == "chunk" then
      return chunk(payload)
    end
    return payload, name
  end,
  exception = failure,
  error = failure,
}

--- Reads a message, as `core.aws_events` and `transfer:aws_event` cut it.
---@param payload string
---@param kind string
---@param name string
---@param text string
---@return string|nil data of an event
---@return string? name of the event; without data what is wrong, or nil
---@return { data: string, name: string }? failure the error that it brings
function aws_events.read(payload, kind, name, text)
  local read = READERS[kind]
  if not read then
    return nil, "a message that is neither an event nor an error"
  end
  return read(payload, name, text)
end

return aws_events
