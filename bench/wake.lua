-- Reads a stream whose events come one by one, so that each is waited for: in a task, or in Neovim with a callback for
-- each of its two lines. The server stands in the same process, and sends an event when the one before it was read.
--
--     lua bench/wake.lua COUNT
--     nvim --headless --cmd "let g:count = COUNT" --cmd "luafile bench/wake.lua"
local vim = rawget(_G, "vim")
local anthropic = require "anthropic"
local http = require "anthropic.http"
local socket = require "socket.core"

local COUNT = tonumber(vim and vim.g.count or arg[1])
local START = 'data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[]}}\n\n'
  .. 'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
local DELTA = 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" some words"}}\n\n'
local STOP = 'data: {"type":"message_stop"}\n\n'

-- --- the server ----------------------------------------------------------------------------------

local listener = assert(socket.tcp())
assert(listener:bind("127.0.0.1", 0))
assert(listener:listen(1))
listener:settimeout(0)
local _, port = listener:getsockname()
local url = ("http://127.0.0.1:%d/v1/messages"):format(port)

local connection
local sent = 1

local function send(bytes)
  assert(connection:send(bytes))
end

-- Begins the answer, once a request has come.
local function answer()
  connection = connection or listener:accept()
  if not connection then
    return false
  end
  connection:settimeout(0)
  local _, _, request = connection:receive(65536)
  if request == "" then
    return false
  end
  send "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
  send(START .. DELTA) -- up to the first content nothing is handed out
  return true
end

local function send_next()
  sent = sent + 1
  send(sent <= COUNT and DELTA or STOP)
  if sent > COUNT then
    connection:close()
  end
end

-- --- the readers ---------------------------------------------------------------------------------

local function read_in_task()
  local client = anthropic.new { base_url = url:match "^(.*)/v1", api_key = "bench-key" }
  local stream = assert(client.messages.stream {
    model = "bench", max_tokens = 1, messages = { { role = "user", content = "go" } },
  })
  local texts, event = 0, stream:next()
  while event do
    if event.type == "content_block_delta" then
      texts = texts + 1
      send_next()
    end
    event = stream:next()
  end
  return texts
end

local function read_with_callbacks()
  local texts, is_over = 0, false
  http.request({ url = url, body = "{}" }, {
    on_line = function(line)
      if line:find("content_block_delta", 1, true) then
        texts = texts + 1
        send_next()
      end
    end,
    on_done = function()
      is_over = true
    end,
  })
  vim.wait(10000, answer, 1)
  vim.wait(600000, function() return is_over end, 1000)
  return texts
end

local texts
if vim then
  texts = read_with_callbacks()
else
  texts = anthropic.run(function()
    local task = anthropic.spawn(read_in_task)
    while not answer() do
      anthropic.sleep(0.01)
    end
    return assert(task:join())
  end)
end
io.stdout:write("\n", texts, "\n")
if vim then
  vim.cmd "qa!"
end
