-- Lets the model call a Lua function, and answers with what the function gave.
--
--     ANTHROPIC_API_KEY=... lua examples/tools.lua

local anthropic = require "anthropic"

local client = anthropic.new()

local functions = {
  get_weather = function(input)
    return ("18 degrees and a light wind in %s"):format(input.city)
  end,
}

local params = {
  model = "claude-sonnet-4-5",
  max_tokens = 1024,
  tools = {
    {
      name = "get_weather",
      description = "Tells the present weather in a city.",
      input_schema = {
        type = "object",
        properties = { city = { type = "string", description = "Name of the city" } },
        required = { "city" },
      },
    },
  },
  messages = { { role = "user", content = "What is the weather in Lisbon?" } },
}

-- One result for each tool use: the API wants them all in one message.
local function results_of(message)
  local results = {}
  for _, use in ipairs(message:tool_uses()) do
    print(("%s %s"):format(use.name, anthropic.encode(use.input)))
    results[#results + 1] = {
      type = "tool_result",
      tool_use_id = use.id,
      content = functions[use.name](use.input),
    }
  end
  return results
end

local message = assert(client.messages.create(params))
while message.stop_reason == "tool_use" do
  table.insert(params.messages, message) -- as it is: thinking and signatures belong to it
  table.insert(params.messages, { role = "user", content = results_of(message) })
  message = assert(client.messages.create(params))
end

print(message:text())
