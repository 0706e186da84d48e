--- A component of Prosody's that answers whoever writes to it.
-- luacheck: globals module
--
--     plugin_paths = { "/path/to/anthropic/examples/prosody" }
--     Component "claude.example.org" "claude"
--         claude_api_key = "..."
--
-- Prosody waits for nothing: it watches the loop's descriptor, and a step resumes whoever has news.

local anthropic = require "anthropic"
local coroutines = require "anthropic.loop.coroutines"
local loop = require "anthropic.loop"
local server = require "net.server"
local st = require "util.stanza"

loop.use { suspends = true, spawn = coroutines.spawn, wait = coroutines.park, check = coroutines.check }
local watch = server.watchfd(loop.descriptor(), function() loop.step(0) end)

local client = anthropic.new {
  api_key = module:get_option_string "claude_api_key", -- default: that of the environment
  base_url = module:get_option_string "claude_base_url",
}

local function answer(stanza, words)
  local message, err = client.messages.create {
    model = module:get_option_string("claude_model", "claude-sonnet-5-5"),
    max_tokens = 1024,
    messages = { { role = "user", content = words } },
  }
  if err then
    module:log("error", "%s", err)
    module:send(st.error_reply(stanza, "wait", "service-unavailable", "no answer: " .. err.kind))
    return
  end
  module:send(st.reply(stanza):text_tag("body", message:text()))
end

local function on_message(event)
  local words = event.stanza:get_child_text "body"
  if words and event.stanza.attr.type ~= "error" then
    anthropic.spawn(answer, st.clone(event.stanza), words)
  end
  return true
end

for _, address in ipairs { "host", "bare", "full" } do
  module:hook("message/" .. address, on_message)
end

function module.unload()
  watch:close()
  client:close()
end
