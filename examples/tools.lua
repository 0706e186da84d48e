-- Lets the model call Lua functions, and asks before one of them is run.
--
--     ANTHROPIC_API_KEY=... lua examples/tools.lua

local anthropic = require "anthropic"

local client = anthropic.new()

local get_weather = anthropic.tool {
  name = "get_weather",
  description = "Tells the present weather in a city.",
  input_schema = {
    type = "object",
    properties = { city = { type = "string", description = "Name of the city" } },
    required = { "city" },
  },
  run = function(input)
    return ("18 degrees and a light wind in %s"):format(input.city)
  end,
}

local function approve(call)
  print(("%s %s"):format(call.name, anthropic.encode(call.input)))
  return true -- or false and a reason, or a changed input
end

local message = assert(client.messages.run {
  model = "claude-sonnet-5-5",
  max_tokens = 1024,
  tools = { get_weather },
  on_tool_use = approve,
  messages = { { role = "user", content = "What is the weather in Lisbon?" } },
})

print(message:text())
