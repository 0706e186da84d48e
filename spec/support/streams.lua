-- Recorded streams (spec/fixtures/*.sse) and what comes of them.

local fake_exchange = require "spec.support.fake_exchange"
local json = require "anthropic.base.json"
local stream = require "anthropic.stream"

local streams = {}

--- The bytes of a recorded stream.
function streams.read(name)
  local file = assert(io.open("spec/fixtures/" .. name .. ".sse", "rb"))
  local bytes = file:read "*a"
  file:close()
  return bytes
end

--- A stream over bytes that come in the pieces given.
function streams.open(...)
  return stream.new(fake_exchange { ... })
end

--- An event stream of the payloads given, each a table or a text.
function streams.of(payloads)
  local lines = {}
  for i, payload in ipairs(payloads) do
    lines[i] = "data: " .. (type(payload) == "table" and assert(json.encode(payload)) or payload) .. "\n\n"
  end
  return table.concat(lines)
end

--- The text cut into single bytes.
function streams.bytes_of(text)
  local list = {}
  for i = 1, #text do
    list[i] = text:sub(i, i)
  end
  return list
end

--- All fields of a message as JSON; what is sent of it is less.
function streams.whole(message)
  local fields = {}
  for name, value in pairs(message) do
    fields[name] = name ~= "response" and value or nil
  end
  return assert(json.encode(fields))
end

--- Whether a value is a stream.
function streams.is(value)
  return (getmetatable(value) or {}).__name == "anthropic.Stream"
end

--- Reads a stream to its end: everything that came of it, as one text.
function streams.digest(opened)
  local lines = {}
  local event, err = opened:next()
  while event do
    lines[#lines + 1] = assert(json.encode(event))
    event, err = opened:next()
  end
  lines[#lines + 1] = err and tostring(err) or streams.whole(opened:message())
  return table.concat(lines, "\n")
end

return streams
