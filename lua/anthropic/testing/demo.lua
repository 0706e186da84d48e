--- The script of the demo: every `POST /v1/messages` gets a friendly answer in
--- the native shape, streamed where the request asks for a stream, with thinking
--- first where it asks for thinking.
---
---     local server = testing.server { script = "demo" }

local answers = require "anthropic.testing.answers"

-- Lines that fit a terminal of 80 columns.
local thinking = "The user talks to a local server, so there is no model behind this answer.\n"
  .. "A greeting in two languages shows that text, 中文 and emoji all arrive whole.\n"
  .. "I will say what is being shown, and end with something friendly."

local text = "你好!很高兴见到你。👋 Hello! This answer comes from the local testing server,\n"
  .. "piece by piece, exactly as the API streams it: first the thinking, then the\n"
  .. "text. 每一个字都会完整地到达，表情符号也一样 🚀.\n"
  .. "Set ANTHROPIC_API_KEY to talk to the real model. 祝你玩得开心！✨\n"

local seconds_between = 0.03

local asks_stream = '"stream"%s*:%s*true'
local asks_thinking = '"thinking"%s*:%s*{[^}]*"type"%s*:%s*"[ea]' -- enabled, adaptive

local function fields(with_thinking)
  return {
    model = "claude-sonnet-4-20250514",
    thinking = with_thinking and thinking or nil,
    text = text,
    delay_between = seconds_between,
    usage = { input_tokens = 42, output_tokens = with_thinking and 150 or 90 },
  }
end

local function route(build, with_thinking, patterns)
  return { method = "POST", path = "/v1/messages", body_match = patterns, answers = { build(fields(with_thinking)) } }
end

--- Makes the script.
---@return table
return function()
  return {
    routes = {
      route(answers.stream, true, { asks_stream, asks_thinking }),
      route(answers.stream, false, { asks_stream }),
      route(answers.message, true, { asks_thinking }),
      route(answers.message, false),
    },
  }
end
