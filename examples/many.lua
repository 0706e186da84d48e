-- Asks twenty questions at once, in one thread.
--
--     ANTHROPIC_API_KEY=... lua examples/many.lua

local anthropic = require "anthropic"

local client = anthropic.new()

local function square(number)
  local message, err = client.messages.create {
    model = "claude-sonnet-5-5",
    max_tokens = 1024,
    messages = { { role = "user", content = ("What is %d squared? Only the number."):format(number) } },
  }
  return message and message:text(), err
end

anthropic.run(function()
  local began = anthropic.now()
  local tasks = {}
  for number = 1, 20 do
    tasks[number] = anthropic.spawn(square, number)
  end
  for number, task in ipairs(tasks) do
    local text, err = task:join()
    print(number, text or err)
  end
  print(("20 answers in %.1f s"):format(anthropic.now() - began))
end)
