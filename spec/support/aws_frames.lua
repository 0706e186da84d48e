-- Frames of AWS's event stream, made in the plainest way.
--
--     local body = aws_frames.stream { { type = "message_start", ... }, ... }
--     local body = aws_frames.chunk(event) .. aws_frames.exception("throttlingException", "Slow down")

local core = require "anthropic.core"
local json = require "anthropic.base.json"

local aws_frames = {}

--- What a server calls them.
aws_frames.CONTENT_TYPE = "application/vnd.amazon.eventstream"

local function plain_xor(a, b)
  local result, bit = 0, 1
  while a > 0 or b > 0 do
    if a % 2 ~= b % 2 then
      result = result + bit
    end
    a, b, bit = math.floor(a / 2), math.floor(b / 2), bit * 2
  end
  return result
end

local has_bit, bit = pcall(require, "bit")
local operator = loadstring == nil and load "local a, b = ... return a ~ b" -- from Lua 5.3 on

local xor = operator or has_bit and function(a, b) return bit.bxor(a, b) % 4294967296 end or plain_xor

--- Whether a large frame takes its time: stock Lua 5.1 has no xor.
aws_frames.is_slow = xor == plain_xor

local TABLE = {}
for byte = 0, 255 do
  local value = byte
  for _ = 1, 8 do
    local half = math.floor(value / 2)
    value = value % 2 == 1 and xor(half, 0xedb88320) or half
  end
  TABLE[byte] = value
end

local function checksum(bytes)
  local crc = 0xffffffff
  for i = 1, #bytes do
    crc = xor(math.floor(crc / 256), TABLE[xor(crc % 256, bytes:byte(i))])
  end
  return xor(crc, 0xffffffff)
end

--- A number in so many bytes, the highest first.
function aws_frames.number(value, size)
  local bytes = {}
  for i = size, 1, -1 do
    bytes[i] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(bytes)
end

local number = aws_frames.number

--- A header: its type, and its value's bytes as they are.
function aws_frames.header(name, kind, value)
  return string.char(#name) .. name .. string.char(kind) .. value
end

--- A header that is a string.
function aws_frames.text_header(name, value)
  return aws_frames.header(name, 7, number(#value, 2) .. value)
end

--- The beginning of a frame: its lengths with their checksum.
function aws_frames.prelude(lengths)
  return lengths .. number(checksum(lengths), 4)
end

--- A frame of these bytes of headers and a payload.
function aws_frames.frame(headers, payload)
  local lengths = number(#headers + #payload + 16, 4) .. number(#headers, 4)
  local bytes = aws_frames.prelude(lengths) .. headers .. payload
  return bytes .. number(checksum(bytes), 4)
end

local function message(kind, name_field, name, payload)
  local text = aws_frames.text_header
  local content_type = text(":content-type", "application/json")
  return aws_frames.frame(text(name_field, name) .. content_type .. text(":message-type", kind), payload)
end

--- An event of any name.
function aws_frames.event(name, payload)
  return message("event", ":event-type", name, payload)
end

--- An event of the API, a table or its text.
function aws_frames.chunk(event)
  local text = type(event) == "string" and event or assert(json.encode(event))
  return aws_frames.event("chunk", ('{"bytes":"%s","p":"abcdef"}'):format(core.base64(text)))
end

--- An exception of the service's model.
function aws_frames.exception(name, words)
  return message("exception", ":exception-type", name, assert(json.encode { message = words }))
end

--- An error that the model does not have.
function aws_frames.error(code, words)
  local text = aws_frames.text_header
  local headers = text(":message-type", "error") .. text(":error-code", code) .. text(":error-message", words)
  return aws_frames.frame(headers, "")
end

--- The frames of many events.
function aws_frames.stream(events)
  local frames = {}
  for i, event in ipairs(events) do
    frames[i] = aws_frames.chunk(event)
  end
  return table.concat(frames)
end

--- A vector of spec/fixtures/aws.
function aws_frames.fixture(name)
  local file = assert(io.open("spec/fixtures/aws/" .. name, "rb"))
  local bytes = file:read "*a"
  file:close()
  return bytes
end

return aws_frames
