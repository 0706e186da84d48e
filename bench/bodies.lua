--- Event streams to read, as one string each: `bodies.text(1000)` is one of 1,000 deltas of text.

local bodies = {}

local PIECE_BYTES = 50

local START = [[
event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"bench",]]
  .. [["content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":%s}

]]
local DELTA = [[
event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":%s}

]]
local STOP = [[
event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":20}}

event: message_stop
data: {"type":"message_stop"}

]]

local function body(block, deltas)
  return START:format(block) .. deltas .. STOP
end

--- A message of one text, in equal deltas.
---@param count integer deltas
---@param words? string what each brings; default 22 bytes, an event of 137
function bodies.text(count, words)
  local delta = ('{"type":"text_delta","text":"%s"}'):format(words or "some words some words ")
  return body('{"type":"text","text":""}', DELTA:format(delta):rep(count))
end

--- A message of one tool call, its input in small pieces.
---@param input string JSON, in ASCII
function bodies.tool_input(input)
  local deltas = {}
  for first = 1, #input, PIECE_BYTES do
    local piece = input:sub(first, first + PIECE_BYTES - 1):gsub('[\\"]', "\\%0")
    deltas[#deltas + 1] = DELTA:format(('{"type":"input_json_delta","partial_json":"%s"}'):format(piece))
  end
  return body('{"type":"tool_use","id":"toolu_1","name":"write","input":{}}', table.concat(deltas))
end

return bodies
