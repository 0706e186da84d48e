-- Shows an answer while it is being written: first what the model thinks, then what it says.
--
--     lua examples/demo.lua
--
-- It asks the model when ANTHROPIC_API_KEY is set (and asks the server of ANTHROPIC_BASE_URL when
-- that is set), and otherwise a local server that comes with this library and needs no key.
-- ANTHROPIC_MODEL names another model.

local anthropic = require "anthropic"

local REQUEST = {
  system = "你是 Claude，一个友好、乐于助人的中文助手。",
  messages = { { role = "user", content = "你好！请介绍一下你自己。" } },
  max_tokens = 8000,
  stream = true,
}

-- What differs: the gateways' page has the model and the thinking that the API itself had before.
local OF_GATEWAYS = { model = "claude-sonnet-4-20250514", thinking = { type = "enabled", budget_tokens = 1200 } }
local OF_THE_API = { model = "claude-sonnet-5-5", thinking = { type = "adaptive", display = "summarized" } }

local function is_set(name)
  return (os.getenv(name) or ""):match "%S" ~= nil
end

local function request()
  local has_key = is_set "ANTHROPIC_API_KEY" or is_set "ANTHROPIC_AUTH_TOKEN"
  local rest = has_key and not is_set "ANTHROPIC_BASE_URL" and OF_THE_API or OF_GATEWAYS
  REQUEST.model = is_set "ANTHROPIC_MODEL" and os.getenv "ANTHROPIC_MODEL" or rest.model
  REQUEST.thinking = rest.thinking
  return REQUEST
end

local server -- the local one, where it is used

local function connect()
  if is_set "ANTHROPIC_API_KEY" or is_set "ANTHROPIC_AUTH_TOKEN" or is_set "ANTHROPIC_BASE_URL" then
    return anthropic.new(), os.getenv "ANTHROPIC_BASE_URL" or "the API"
  end
  server = require("anthropic.testing").server { script = "demo" }
  return anthropic.new { base_url = server.url, api_key = "none needed" }, "the local testing server"
end

-- Thinking is dim on a terminal; in a file or a pipe a line above each part tells what it is.
local function has_colors()
  local status = os.execute "test -t 1"
  local is_terminal = status == true or status == 0 -- Lua 5.1 returns the exit code
  return is_terminal and not is_set "NO_COLOR" and is_set "TERM" and os.getenv "TERM" ~= "dumb"
end

local colors = has_colors()
local DIM = colors and "\27[2m" or ""
local PLAIN = colors and "\27[0m" or ""

local function write(...)
  io.write(...)
  io.flush()
end

-- Which part an event adds to, and the text that it adds.
local function read_event(event)
  local source = event.delta or event.content_block or {}
  if source.thinking then
    return "thinking", source.thinking
  end
  return "answer", source.text or ""
end

local function show_stream(stream, began)
  local current, first_text
  for event in stream do
    local part, text = read_event(event)
    if text ~= "" then
      first_text = first_text or anthropic.now() - began
      if part ~= current then
        write(current and "\n\n" or "", colors and "" or "[" .. part .. "]\n", part == "thinking" and DIM or PLAIN)
        current = part
      end
      write(text)
    end
  end
  return first_text
end

local function show_summary(message, first_text, seconds)
  local usage = message.usage or {}
  write("\n\n", DIM, colors and "" or "[summary]\n")
  write("stop reason: ", tostring(message.stop_reason), "\n")
  write("tokens: ", tostring(usage.input_tokens), " in, ", tostring(usage.output_tokens), " out\n")
  write(("time: first text after %.2f s, all after %.2f s\n"):format(first_text or seconds, seconds))
  write("request ID: ", tostring(message.response.request_id), "\n", PLAIN)
end

local function main()
  local client, where = connect()
  local params = request()
  write(DIM, "Asking ", params.model, " at ", where, "\n\n", PLAIN)
  local began = anthropic.now()
  local stream, err = client.messages.create(params)
  if not stream then
    error(err, 0)
  end
  local first_text = show_stream(stream, began)
  show_summary(stream:message(), first_text, anthropic.now() - began)
end

local ok, err = pcall(main)
if server then
  server:stop()
end
if not ok then
  local is_interrupt = tostring(err):find("interrupted!", 1, true) -- Ctrl-C
  write(PLAIN, "\n")
  io.stderr:write(is_interrupt and "" or tostring(err) .. "\n")
  os.exit(is_interrupt and 130 or 1)
end
