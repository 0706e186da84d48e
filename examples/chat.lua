-- A conversation in the terminal: type a line, read the answer, and so on until Ctrl-D.
--
--     ANTHROPIC_API_KEY=... lua examples/chat.lua

local anthropic = require "anthropic"

local chat = anthropic.new():chat {
  model = "claude-sonnet-5-5",
  max_tokens = 2048,
  system = "You talk with someone in a terminal. Be brief.",
}

local function say(line)
  for text in chat:stream(line) do
    io.write(text)
    io.flush()
  end
end

while true do
  io.write "> "
  io.flush()
  local line = io.read()
  if not line then
    break
  end
  if line:match "%S" then
    local ok, err = pcall(say, line) -- a turn that fails leaves the conversation as it was
    print(ok and "" or "\n" .. tostring(err))
  end
end
print()
