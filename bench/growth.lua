-- Does things whose time has to be linear, each at a size, at 4 and at 16 times that size, after it was done once:
--
--     lua bench/growth.lua calls 100 events_of_one_feed 1000
--
-- bench/count_growth.lua counts the instructions. What it does is all in this process, also where it has a socket.

local anthropic = require "anthropic"
local callgrind = require "bench.callgrind"
local core = require "anthropic.core"
local json = require "anthropic.base.json"
local played_client = require "spec.support.played_client"
local socket = require "socket"
local testing = require "anthropic.testing"

collectgarbage "stop" -- when it runs is not what is measured

local PARAMS = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }

local function stream_of(payloads)
  local lines = {}
  for i, payload in ipairs(payloads) do
    lines[i] = "data: " .. (type(payload) == "table" and json.encode(payload) or payload) .. "\n\n"
  end
  return { body = table.concat(lines), headers = { ["content-type"] = "text/event-stream" } }
end

local START = { type = "message_start", message = { id = "m", type = "message", role = "assistant", content = {} } }
local STOP = { type = "message_stop" }

local function start(index, block)
  return { type = "content_block_start", index = index, content_block = block or { type = "text", text = "" } }
end

local function text(index, piece)
  return { type = "content_block_delta", index = index, delta = { type = "text_delta", text = piece } }
end

-- A text delta that ends, or begins, with half a character.
local function half(index, escape)
  return ('{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":"%s"}}'):format(index, escape)
end

local function read(payloads, options, ...)
  local client = played_client({ stream_of(payloads), ... }, options)
  return assert(assert(client.messages.stream(PARAMS)):message())
end

local function blanks(size)
  return (" "):rep(size)
end

local function with_tasks(size, f, use)
  anthropic.run(function()
    local tasks = {}
    for i = 1, size do
      tasks[i] = anthropic.spawn(f, i)
    end
    use(tasks)
  end)
end

local THINGS = {}

-- A table padded with blanks, left before its end, and the next turn.
function THINGS.blanks_of_a_chat(size)
  local answer = stream_of { START, start(0), text(0, "a" .. blanks(size) .. "b"), text(0, "c"), STOP }
  local chat = played_client({ answer }):chat { model = "m" }
  chat:stream "Hi"()
  chat:say "And?"
end

function THINGS.blanks_of_an_interrupted_answer(size)
  read({ START, start(0), text(0, "a" .. blanks(size) .. "b" .. blanks(size)) }, { on_interrupt = "continue" },
    stream_of { START, start(0), text(0, blanks(size) .. "c"), STOP })
end

function THINGS.blanks_that_come_again_one_by_one(size)
  local rest = { START, start(0) }
  for i = 1, size do
    rest[i + 2] = text(0, " ")
  end
  rest[#rest + 1] = STOP
  read({ START, start(0), text(0, "a" .. blanks(size)) }, { on_interrupt = "continue" }, stream_of(rest))
end

function THINGS.empty_blocks_of_an_interrupted_answer(size)
  local payloads = { START }
  for i = 1, size do
    payloads[i + 1] = start(i, { type = "text", text = i % 2 == 0 and "a" or "" })
  end
  read(payloads, { on_interrupt = "continue" }, stream_of { START, start(0), text(0, "c"), STOP })
end

function THINGS.blocks_in_descending_order(size)
  local payloads = { START }
  for i = size, 1, -1 do
    payloads[#payloads + 1] = start(i)
    payloads[#payloads + 1] = text(i, "a")
  end
  payloads[#payloads + 1] = STOP
  read(payloads)
end

function THINGS.chunks_of_blocks_in_descending_order(size)
  local encoder = anthropic.chat_completion.encoder()
  for i = size, 1, -1 do
    encoder:feed(start(i))
  end
  for i = size, 1, -1 do
    encoder:feed { type = "content_block_stop", index = i }
  end
  encoder:finish()
end

function THINGS.counts_under_new_names(size)
  local payloads = { START }
  for i = 1, size do
    payloads[#payloads + 1] = { type = "message_delta", delta = {}, usage = { ["count_" .. i] = 1 } }
  end
  payloads[#payloads + 1] = STOP
  read(payloads)
end

function THINGS.counts_of_a_completion_under_new_names(size)
  local payloads = {}
  for i = 1, size do
    payloads[i] = { choices = { { delta = { content = "a" } } }, usage = { ["count_" .. i] = 1 } }
  end
  payloads[#payloads + 1] = "[DONE]"
  read(payloads)
end

function THINGS.blocks_that_end_in_half_a_character(size)
  local payloads = { START }
  for i = 1, size do
    payloads[#payloads + 1] = start(i)
    payloads[#payloads + 1] = half(i, "\\ud83d")
  end
  for i = 1, size do
    payloads[#payloads + 1] = half(i, "\\ude00")
  end
  payloads[#payloads + 1] = STOP
  read(payloads)
end

-- Calls of a chat completion, in one chunk that holds half a character.
function THINGS.calls_beside_half_a_character(size)
  local calls = {}
  for i = 1, size do
    calls[i] = ('{"index":%d,"id":"c%d","type":"function","function":{"name":"f","arguments":"{}"}}'):format(i - 1, i)
  end
  read {
    ('{"choices":[{"index":0,"delta":{"content":"\\ud83d","tool_calls":[%s]}}]}'):format(table.concat(calls, ",")),
    '{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}', "[DONE]",
  }
end

function THINGS.calls(size)
  local payloads = { START }
  for i = 1, size do
    payloads[#payloads + 1] = start(i, { type = "tool_use", id = "same", name = "f", input = {} })
    payloads[#payloads + 1] = { type = "content_block_stop", index = i }
  end
  payloads[#payloads + 1] = STOP
  assert(read(payloads):to_param())
end

-- A schema in which each part refers to the next one twice.
function THINGS.references_of_a_schema(size)
  local definitions = { ["d" .. size] = { type = "string" } }
  for i = 1, size - 1 do
    local reference = { ["$ref"] = "#/$defs/d" .. i + 1 }
    definitions["d" .. i] = { type = "object", properties = { a = reference, b = reference } }
  end
  local params = { schema = { ["$ref"] = "#/$defs/d1", ["$defs"] = definitions } }
  for name, value in pairs(PARAMS) do
    params[name] = value
  end
  local client = played_client { stream_of { START, start(0), text(0, '{"a":1}'), STOP } }
  assert(client.messages.parse(params))
end

function THINGS.tasks_that_sleep(size)
  with_tasks(size, function(i)
    anthropic.sleep(i % 7 * 1e-4)
  end, function(tasks)
    for _, task in ipairs(tasks) do
      task:join()
    end
  end)
end

function THINGS.tasks_that_are_cancelled(size)
  with_tasks(size, function()
    anthropic.sleep(60)
  end, function(tasks)
    anthropic.sleep(0)
    for _, task in ipairs(tasks) do
      task:cancel()
    end
  end)
end

function THINGS.failed_tasks_joined_in_reverse(size)
  with_tasks(size, function()
    error({}, 0)
  end, function(tasks)
    anthropic.sleep(0)
    for i = #tasks, 1, -1 do
      tasks[i]:join()
    end
  end)
end

function THINGS.joins_of_one_task_that_are_cancelled(size)
  anthropic.run(function()
    local long = anthropic.spawn(anthropic.sleep, 60)
    local joins = {}
    for i = 1, size do
      joins[i] = anthropic.spawn(long.join, long)
    end
    anthropic.sleep(0)
    for i = #joins, 1, -1 do
      joins[i]:cancel()
    end
    long:cancel()
  end)
end

function THINGS.blanks_of_a_recorded_header(size)
  local path = os.tmpname()
  local client = played_client { {
    body = '{"input_tokens":1}', headers = { ["content-type"] = "application/json", x = "a" .. blanks(size) .. "b" },
  } }
  local recorder = assert(testing.record(client, path))
  assert(client.messages.count_tokens(PARAMS))
  recorder:stop()
  os.remove(path)
end

-- One event of a run, whose form is known, with a piece for each call of its reader.
function THINGS.pieces_of_a_long_delta(size)
  local fed, run = core.fed(200, 2 ^ 30, 2 ^ 30), core.delta_run()
  local first, last = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"', '"}}\n\n'
  fed:follow(run)
  run:follow("text_delta", 0, "")
  fed:feed(("data: " .. first .. "a" .. last):rep(2) .. "data: " .. first)
  for _ = 1, size do
    fed:feed(("b"):rep(64))
    fed:skip_deltas()
  end
  fed:feed(last)
  fed:skip_deltas()
  assert(#run:take() == 2 + 64 * size)
end

function THINGS.events_of_one_feed(size)
  local decoder, count = core.sse(2 ^ 30), 0
  decoder:feed(("data: x\n\n"):rep(size))
  while decoder:next() do
    count = count + 1
  end
  assert(count == size)
end

function THINGS.pieces_of_one_event(size)
  local decoder = core.sse(2 ^ 30)
  decoder:feed "data: "
  for _ = 1, size do
    decoder:feed(("x"):rep(512))
    decoder:next()
  end
  decoder:feed "\n\n"
  assert(#decoder:next() == 512 * size)
end

function THINGS.pieces_of_a_long_line(size)
  local listener, loop = assert(socket.bind("127.0.0.1", 0)), core.loop()
  local url = "http://127.0.0.1:" .. select(2, listener:getsockname())
  local transfer = assert(loop:start { method = "GET", url = url, max_event_bytes = 2 ^ 30, total_timeout = 60 })
  local connection = assert(listener:accept())
  loop:wait(1) -- it is connected, and sends its request
  repeat until connection:receive() == ""
  connection:send "HTTP/1.1 200 OK\r\n\r\n"
  for _ = 1, size do
    connection:send(("x"):rep(256))
    loop:wait(1)
    assert(select(2, transfer:line()) == "again")
  end
  connection:send "\n"
  connection:close()
  local line, state
  repeat
    loop:wait(1)
    line, state = transfer:line()
  until line or state ~= "again"
  assert(line and #line == 256 * size)
end

for i = 1, #arg, 2 do
  local thing, size = THINGS[arg[i]], tonumber(arg[i + 1])
  thing(size)
  for _, times in ipairs { 1, 4, 16 } do
    collectgarbage()
    callgrind.mark()
    thing(size * times)
    callgrind.mark()
  end
end
