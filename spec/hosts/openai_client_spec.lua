-- What is written as a chat completion, read by the OpenAI client.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local json = require "anthropic.base.json"
local hosted = require "spec.support.hosted"
local npm = require "spec.support.npm"
local streams = require "spec.support.streams"

local NAMES = {
  "text", "thinking", "tool_use", "redacted_thinking", "max_tokens", "refusal", "web_search", "chat_tools",
}

local WORDS = { max_tokens = "length", tool_use = "tool_calls", refusal = "content_filter" }

-- The body that the encoder makes of a recorded stream, and its message.
local function streamed(name)
  local opened = streams.open(streams.read(name))
  local encoder, pieces = anthropic.chat_completion.encoder { include_usage = true }, {}
  local function write(chunks)
    for _, chunk in ipairs(chunks) do
      pieces[#pieces + 1] = "data: " .. assert(anthropic.encode(chunk)) .. "\n\n"
    end
  end
  local event = opened:next()
  while event do
    write(encoder:feed(event))
    event = opened:next()
  end
  write(encoder:finish())
  pieces[#pieces + 1] = "data: [DONE]\n\n"
  return table.concat(pieces), opened:message()
end

describe("the OpenAI client", function()
  local entry, reason = npm.find "openai/index.mjs"

  for _, how in ipairs { "stream", "whole" } do
    it("reads what is written: " .. how, function()
      if not entry then
        return pending(reason)
      end
      local script, messages = {}, {}
      for i, name in ipairs(NAMES) do
        local body, message = streamed(name)
        messages[i] = message
        script[i] = how == "stream" and { headers = { ["content-type"] = "text/event-stream" }, body = body } or {
          headers = { ["content-type"] = "application/json" },
          body = assert(anthropic.encode(anthropic.chat_completion.from_message(message))),
        }
      end
      local server = hosted.server { script = script }
      local output = background.output_of(("node spec/support/openai_client.mjs %s %s %d %s 2>&1")
        :format(entry, server.url .. "/v1", #script, how))
      server:stop()
      local i = 0
      for line in output:gmatch "[^\n]+" do
        i = i + 1
        local completion, message = assert(json.decode(line), line), messages[i]
        local choice = completion.choices[1]
        local text = choice.message.content
        assert.equal(message:text(), text ~= json.null and text or "")
        assert.equal(WORDS[message.stop_reason] or "stop", choice.finish_reason)
        local calls = message:tool_uses()
        for number, call in ipairs(calls) do
          local theirs = choice.message.tool_calls[number]
          assert.same({ call.id, call.name }, { theirs.id, theirs["function"].name })
          assert.equal(call.input_json or json.input_text(call.input), theirs["function"].arguments)
        end
        assert.equal(#calls, #(choice.message.tool_calls or {}))
        assert.equal(message.usage.output_tokens, completion.usage and completion.usage.completion_tokens)
      end
      assert.equal(#NAMES, i, output)
    end)
  end
end)
