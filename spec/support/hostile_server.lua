-- Answers as no server should, as fast as it is read: lua hostile_server.lua log. The first word of a request's path
-- says how, the second, where there is one, how much: /text/5/v1/messages is a stream of 5 MB of text that ends well.
-- It ends when nobody has asked for LIFETIME seconds.

local socket = require "socket"

local LIFETIME = 60 -- seconds
local MEGABYTE = 1000 * 1000

local function event(name, data)
  return ("event: %s\ndata: %s\n\n"):format(name, data)
end

local function head(fields)
  return "HTTP/1.1 200 OK\r\nConnection: close\r\n" .. (fields or "Content-Type: text/event-stream\r\n") .. "\r\n"
end

local START = event("message_start", '{"type":"message_start","message":{"id":"msg","model":"m","role":"assistant",'
  .. '"type":"message","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}')
local END = event("message_delta",
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}')
  .. event("message_stop", '{"type":"message_stop"}')

local function block(index, content)
  return event("content_block_start",
    ('{"type":"content_block_start","index":%d,"content_block":%s}'):format(index, content))
end

local function delta(index, content)
  return event("content_block_delta", ('{"type":"content_block_delta","index":%d,"delta":%s}'):format(index, content))
end

local TEXT_BLOCK = block(0, '{"type":"text","text":""}')
local TOOL_BLOCK = block(0, '{"type":"tool_use","id":"toolu_1","name":"f","input":{}}')

local function text_delta(index, text)
  return delta(index, '{"type":"text_delta","text":"' .. text .. '"}')
end

local function input_delta(json)
  return delta(0, '{"type":"input_json_delta","partial_json":"' .. json .. '"}')
end

-- Sends `piece`, or what it returns, until it was taken `count` times (nil: for ever).
local function repeated(send, piece, count)
  local sent = 0
  while sent ~= count do
    if not send(type(piece) == "function" and piece(sent) or piece) then
      return false
    end
    sent = sent + 1
  end
  return true
end

local function lines(count, make)
  local list = {}
  for i = 1, count do
    list[i] = make(i)
  end
  return table.concat(list)
end

-- A stream that begins, goes on, and never ends.
local function stream(beginning, piece)
  return function(send)
    return send(head() .. START .. beginning) and repeated(send, piece)
  end
end

-- Each piece holds 100 events made of their number.
local function numbered(make)
  return function(sent)
    return lines(100, function(i)
      return make(sent * 100 + i)
    end)
  end
end

-- A JSON answer of about so many megabytes: what stands around, and what is repeated in it.
local function json(before, item, after)
  return function(send, megabytes)
    local piece = item:rep(math.floor(MEGABYTE / #item))
    local length = #before + #piece * megabytes + #after
    return send(head("Content-Type: application/json\r\nContent-Length: " .. length .. "\r\n") .. before)
      and repeated(send, piece, megabytes) and send(after)
  end
end

-- Chunked, without an end.
local function chunked(fields, piece)
  return function(send)
    return send(head(fields .. "Transfer-Encoding: chunked\r\n"))
      and repeated(send, ("%x\r\n%s\r\n"):format(#piece, piece))
  end
end

-- What a command makes of what `write` writes to it.
local function output_of(command, write)
  local path = os.tmpname()
  local pipe = assert(io.popen(command .. " >" .. path, "w"))
  write(pipe)
  pipe:close()
  local file = assert(io.open(path, "rb"))
  local output = file:read "*a"
  file:close()
  os.remove(path)
  return output
end

local BROTLI = [[node -e 'const z=require("zlib");process.stdin.pipe(z.createBrotliCompress({params:]]
  .. [[{[z.constants.BROTLI_PARAM_QUALITY]:1}})).pipe(process.stdout)']]
local PACKERS = { gzip = "gzip -1nc", zstd = "zstd -1qc", br = BROTLI }

-- An answer in an encoding, of so many megabytes once it is unpacked.
local function packed(encoding, fields, beginning, piece, ending)
  return function(send, megabytes)
    local bytes = output_of(PACKERS[encoding], function(input)
      input:write(beginning)
      local million = piece:rep(math.floor(MEGABYTE / #piece))
      for _ = 1, megabytes do
        input:write(million)
      end
      input:write(ending or "")
    end)
    return send(head(fields .. "Content-Encoding: " .. encoding .. "\r\n") .. bytes)
  end
end

-- 128 MiB of blanks in br, and a frame of zstd whose blocks are 128 KiB of blanks each.
local BR_BLANKS = ("cfffff7f002440e2b14072effff9ffff0f8004401c1680eefd3fffffff01900088c302d0bdffe7ffff3f001200"
  .. "715800baf7fffcffff074002200e0b40f7fe9fffffff004800c46101e8defff3ffff1f000980382c00ddfbfffc"
  .. "ffff072001108705a07bff0f"
):gsub("%x%x", function(digits)
  return string.char(tonumber(digits, 16))
end)
local ZSTD_BLANKS = "\40\181\47\253\0\88" .. ("\2\0\16 "):rep(1024)

local function blanks(encoding, fields, bytes)
  return function(send)
    return send(head(fields .. "Content-Encoding: " .. encoding .. "\r\n") .. bytes)
  end
end

local STREAM, JSON = "Content-Type: text/event-stream\r\n", "Content-Type: application/json\r\n"
local BYTES = "Content-Type: application/octet-stream\r\n"
local CHAT = 'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":%s,"delta":{"content":"xx"}}]}\n\n'
local MESSAGE = '{"id":"msg","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"'
local MESSAGE_END = '"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}'
local PING = event("ping", '{"type":"ping","text":"' .. ("x"):rep(10000) .. '"}')

local attacks = {
  trailers = function(send)
    return send(head(JSON .. "Transfer-Encoding: chunked\r\n") .. "2\r\n{}\r\n0\r\n")
      and repeated(send, ("X-Trailer: " .. ("y"):rep(100) .. "\r\n"):rep(500))
  end,
  stream_trailers = function(send)
    local body = START .. TEXT_BLOCK .. text_delta(0, "Hello")
    return send(head(STREAM .. "Transfer-Encoding: chunked\r\n") .. ("%x\r\n%s\r\n0\r\n"):format(#body, body))
      and repeated(send, ("X-Trailer: " .. ("y"):rep(100) .. "\r\n"):rep(500))
  end,
  interim = function(send)
    return repeated(send, ("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"):rep(500))
  end,
  body = chunked(JSON, (" "):rep(50000)),
  comments = stream("", (": a comment\n"):rep(1000)),
  silence = function(send)
    return send(head()) and repeated(send, (": a comment\n"):rep(1000))
  end,
  line = function(send)
    return send(head() .. "data: ") and repeated(send, ("x"):rep(50000))
  end,
  text = function(send, megabytes)
    local piece = text_delta(0, ("x"):rep(100)):rep(100)
    return send(head() .. START .. TEXT_BLOCK) and repeated(send, piece, megabytes and megabytes * 100)
      and send(event("content_block_stop", '{"type":"content_block_stop","index":0}') .. END)
  end,
  pings = function(send, megabytes)
    return send(head() .. START) and repeated(send, PING:rep(10), megabytes and megabytes * 10)
      and send(TEXT_BLOCK .. text_delta(0, "Hello") .. END)
  end,
  large_pings = function(send, megabytes)
    local before, after = 'event: ping\ndata: {"type":"ping","text":"', '"}\n\n'
    local text = ("x"):rep(MEGABYTE)
    send(head())
    for _ = 1, 20 do
      if not (send(before) and repeated(send, text, megabytes) and send(after)) then
        return
      end
    end
    send(START .. TEXT_BLOCK .. text_delta(0, "Hello") .. END)
  end,
  interleaved = stream(TEXT_BLOCK .. block(1, '{"type":"text","text":""}'),
    (text_delta(0, "x") .. text_delta(1, "x")):rep(100)),
  input = stream(TOOL_BLOCK, input_delta(("[],"):rep(30)):rep(100)),
  tables = function(send, megabytes)
    return send(head() .. START .. TOOL_BLOCK .. input_delta '{\\"a\\":[')
      and repeated(send, input_delta(("[],"):rep(100)):rep(100), megabytes and math.ceil(megabytes * MEGABYTE / 30000))
      and send(input_delta "1]}" .. END)
  end,
  blocks = stream("", numbered(function(i) return block(i, '{"type":"text","text":"x"}') end)),
  unnamed_blocks = stream("", numbered(function(i) return text_delta(i, "x") end)),
  unknown = stream(TEXT_BLOCK, numbered(function(i) return delta(0, ('{"type":"new_%d","x":%d}'):format(i, i)) end)),
  citations = stream(TEXT_BLOCK, numbered(function(i)
    return delta(0, ('{"type":"citations_delta","citation":{"type":"x","n":%d}}'):format(i))
  end)),
  fields = stream(TEXT_BLOCK, numbered(function(i)
    return event("message_delta", ('{"type":"message_delta","delta":{"field_%d":1}}'):format(i))
  end)),
  chat = function(send)
    return send(head()) and repeated(send, CHAT:format(0):rep(100))
  end,
  choices = function(send)
    return send(head()) and repeated(send, numbered(function(i) return CHAT:format(i - 1) end))
  end,
  words = json("x", "x", "x"),
  json_words = json('{"x":"', "x", '"}'),
  refusal = function(send, megabytes)
    return send("HTTP/1.1 400 No\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
      and repeated(send, ("x"):rep(MEGABYTE), megabytes)
  end,
  json_text = json(MESSAGE, "x", MESSAGE_END),
  json_escaped = json(MESSAGE, "\\ud83d", MESSAGE_END), -- each is rewritten
  json_blocks = json('{"id":"msg","type":"message","role":"assistant","model":"m","content":[',
    '{"type":"text","text":"x"},', '{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{}}'),
  json_arrays = json("[", "[],", "[]]"),
  json_objects = json("[", "{},", "{}]"),
  json_nulls = json("[", '{"":null},', "1]"),
  json_numbers = json("[", "0.25,", "1]"),
  json_digits = json("[", "[1e999],", "1]"),
  json_inputs = json("[", '{"type":"tool_use","input":{}},', "1]"),
  json_strings = json("[", '"abcdefgh",', "1]"),
  json_members = json("[", '{"a":1,"b":2},', "1]"),
  json_records = json('{"data":[', '{"id":"msgbatch_0123456789","type":"message_batch","processing_status":"ended",'
    .. '"request_counts":{"processing":0,"succeeded":100,"errored":0},"created_at":"2026-01-01T00:00:00Z"},',
    '{}],"has_more":false}'),
  gzip_text = packed("gzip", STREAM, START .. TEXT_BLOCK, text_delta(0, ("x"):rep(1000))),
  gzip_pings = packed("gzip", STREAM, START, PING, TEXT_BLOCK .. text_delta(0, "Hello") .. END),
  gzip_bytes = packed("gzip", BYTES, "", ("x"):rep(1000)),
  gzip_blanks = packed("gzip", JSON, "", (" "):rep(1000)),
  zstd_blanks = blanks("zstd", JSON, ZSTD_BLANKS),
  zstd_stream = blanks("zstd", STREAM, ZSTD_BLANKS),
  zstd_text = packed("zstd", STREAM, START .. TEXT_BLOCK, text_delta(0, ("x"):rep(1000))),
  br_blanks = blanks("br", JSON, BR_BLANKS),
  br_stream = blanks("br", STREAM, BR_BLANKS),
  br_text = packed("br", STREAM, START .. TEXT_BLOCK, text_delta(0, ("x"):rep(1000))),
  bytes = chunked(BYTES, ("x"):rep(50000)),
}

local function handle(client)
  local first, length = client:receive "*l", 0
  local line = client:receive "*l"
  while line and line ~= "" do
    length = tonumber(line:lower():match "^content%-length: (%d+)") or length
    line = client:receive "*l"
  end
  if length > 0 then
    client:receive(length)
  end
  local name, amount = (first or ""):match "^%u+ /([%w_]+)/?(%d*)"
  local attack = attacks[name]
  if attack then
    attack(function(bytes)
      return client:send(bytes)
    end, tonumber(amount))
  end
end

local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()
listener:settimeout(LIFETIME)
local client = listener:accept()
while client do
  client:settimeout(LIFETIME)
  handle(client)
  client:close()
  client = listener:accept()
end
