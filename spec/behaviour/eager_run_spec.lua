-- `eager = true` of client.messages.run: tools that start while their answer still streams.

local anthropic = require "anthropic"
local json = require "anthropic.testing.json"
local played_cases = require "spec.support.played_cases"
local protected = require "anthropic.loop.protected"
local testing = require "anthropic.testing"

local function tool(name, run, fields)
  local whole = { name = name, run = run }
  for key, value in pairs(fields or {}) do
    whole[key] = value
  end
  return anthropic.tool(whole)
end

local function data(value)
  return { event = value.type, data = value }
end

local function start()
  return data { type = "message_start", message = {
    id = "msg_1", type = "message", role = "assistant", model = "m", content = testing.array {},
    stop_reason = testing.null, usage = { input_tokens = 1, output_tokens = 1 },
  } }
end

-- The events of a block that calls a tool; `input` is its input's text, or false for none.
local function call(index, id, name, input)
  local events = { data { type = "content_block_start", index = index, content_block = {
    type = "tool_use", id = id, name = name, input = testing.null,
  } } }
  if input ~= false then
    events[2] = data { type = "content_block_delta", index = index, delta = {
      type = "input_json_delta", partial_json = input or "{}",
    } }
  end
  events[#events + 1] = data { type = "content_block_stop", index = index }
  return events
end

local function block(index, content)
  return { data { type = "content_block_start", index = index, content_block = content },
    data { type = "content_block_stop", index = index } }
end

local function ending(stop_reason)
  return { data { type = "message_delta", delta = { stop_reason = stop_reason or "tool_use" },
    usage = { output_tokens = 2 } }, data { type = "message_stop" } }
end

local function stream(...)
  local events = { start() }
  for _, list in ipairs { ... } do
    for _, event in ipairs(list) do
      events[#events + 1] = event
    end
  end
  return { events = events }
end

local function bytes_of(...)
  local count = 0
  for _, event in ipairs(stream(...).events) do
    count = count + #("event: %s\ndata: %s\n\n"):format(event.event, json.encode(event.data))
  end
  return count
end

-- A stream that ends, resets or hangs behind some of its blocks.
local function broken(how, ...)
  local answer = stream(...)
  answer[how] = bytes_of(...)
  for _, event in ipairs(ending()) do
    answer.events[#answer.events + 1] = event
  end
  return answer
end

local done = testing.stream { text = "Done." }

describe("an eager run", function()
  local played = played_cases.new(it, teardown, { max_retries = 1 })
  local case, both, requests = played.case, played.both, played.requests

  local function run(fields, options)
    local params = { model = "m", max_tokens = 100, messages = { { role = "user", content = "go" } }, eager = true }
    for name, value in pairs(fields) do
      params[name] = value
    end
    return played.client.messages.run(params, options)
  end

  local function results(number)
    local messages = requests()[number].json.messages
    return messages[#messages].content
  end

  both("asks for a stream, and sends nothing of its own", { stream(call(0, "t1", "a"), ending()), done }, function()
    local message, result = run { tools = { tool("a", function() return "x" end, { eager = true }) } }
    assert.equal("Done.", assert(message, result):text())
    local sent = requests()[1].json
    assert.is_true(sent.stream)
    assert.is_nil(sent.eager)
    assert.is_nil(sent.tools[1].eager)
  end)

  both("sends the results in the order of the blocks, however the tools end", {
    stream(call(0, "t1", "slow"), call(1, "t2", "none"), call(2, "t3", "quick", '{"n":1}'), ending()), done,
  }, function()
    local message, result = run { tools = {
      tool("slow", function()
        anthropic.sleep(0.01)
        return "slow"
      end),
      tool("quick", function(input) return input end),
    } }
    assert.equal("Done.", assert(message, result):text())
    assert.same({ "slow", 'no tool named "none" can be run', '{"n":1}' },
      { results(2)[1].content, results(2)[2].content, results(2)[3].content })
    assert.same({ "t1", "t2", "t3" },
      { results(2)[1].tool_use_id, results(2)[2].tool_use_id, results(2)[3].tool_use_id })
  end)

  case("starts a tool while the answer still comes, which is cancelled with the run", {
    broken("hang_after", call(0, "t1", "a")),
  }, function()
    local ran, told, err = 0, nil, nil
    anthropic.run(function()
      local task
      task = anthropic.spawn(function()
        err = select(2, run { tools = { tool("a", function()
          ran = ran + 1
          task:cancel()
          told = select(2, anthropic.sleep(60)).kind
        end) } })
      end)
      task:join()
    end)
    assert.equal(1, ran)
    assert.equal("cancelled", told)
    assert.equal("cancelled", err.kind)
    assert.equal("t1", err.partial.content[1].id)
  end)

  both("asks the hook when a block ends, and before its tool runs", {
    stream(call(0, "t1", "a", '{"n":1}'), call(1, "t2", "a", '{"n":2}'), call(2, "t3", "a", '{"n":3}'),
      block(3, { type = "text", text = "Bye." }), ending()), done }, function()
    local log, running = {}, {}
    local message, result = run {
      tools = { tool("a", function(input) running[#running + 1] = input.n end) },
      on_event = function(event)
        log[#log + 1] = event.type == "content_block_stop" and event.index or nil
      end,
      on_tool_use = function(use)
        log[#log + 1] = use.id
        assert.equal(use.input.n, #use.message.content)
        assert.is_nil(use.message.stop_reason)
        return use.id == "t1" or use.id == "t3" and { n = 7 } or nil, "not that one"
      end,
    }
    assert.equal("Done.", assert(message, result):text())
    assert.same({ 0, "t1", 1, "t2", 2, "t3", 3, 0 }, log)
    assert.same({ 1, 7 }, running)
    assert.equal("not that one", results(2)[2].content)
    assert.is_true(results(2)[2].is_error)
    local use = result.turns[1].calls[1]
    assert.equal(result.turns[1].message, use.message)
    assert.is_nil(getmetatable(use))
  end)

  both("lets a tool with eager = false wait for the end of the answer", {
    stream(call(0, "t1", "late"), call(1, "t2", "early"), ending()), done,
  }, function()
    local log, ended = {}, false
    assert(run {
      tools = {
        tool("late", function() log[#log + 1] = ended and "late" or "too early" end, { eager = false }),
        tool("early", function() log[#log + 1] = "early" end),
      },
      on_event = function(event) ended = ended or event.type == "message_stop" end,
      on_tool_use = function(use)
        log[#log + 1] = "asked " .. use.name
        return true
      end,
    })
    assert.equal("asked early", log[1])
    assert.equal("late", log[#log])
    assert.equal(4, #log)
    assert.same({ "t1", "t2" }, { results(2)[1].tool_use_id, results(2)[2].tool_use_id })
  end)

  -- Where a run fails, or its calls are not to be answered: how, the blocks, and what the run gives.
  local FAILURES = {
    { "is cut", broken("cut_after", call(0, "t1", "a")), "truncated" },
    { "is reset", broken("reset_after", call(0, "t1", "a")), "connection" },
    { "ends with an error", stream(call(0, "t1", "a"), { data { type = "error", error = {
      type = "overloaded_error", message = "x" } } }), "api" },
  }

  for _, failure in ipairs(FAILURES) do
    case("cancels its tools and drops their results where the stream " .. failure[1], { failure[2] }, function()
      local ran, told, err, final = 0, nil, nil, nil
      anthropic.run(function()
        final, err = run { tools = { tool("a", function()
          ran = ran + 1
          told = select(2, anthropic.sleep(60)).kind
        end) } }
      end)
      assert.is_nil(final)
      assert.equal(failure[3], err.kind)
      assert.same({}, err.run.turns)
      assert.equal(1, #err.run.messages)
      assert.is_true(ran == 0 or ran == 1 and told == "cancelled") -- it may not have begun
      assert.equal(1, #requests())
    end)
  end

  both("runs no tool twice where the stream is asked for again", {
    broken("cut_after", call(0, "t1", "a", '{"n":1}'), call(1, "t2", "a", '{"n":2}')),
      stream(call(0, "t1", "a", '{"n":1}'), call(1, "t2", "a", '{"n":3}'), call(2, "t4", "a", '{"n":4}'), ending()),
      done }, function()
    local runs = {}
    local message, result = run({ tools = { tool("a", function(input)
      runs[#runs + 1] = input.n
      return input.n
    end) } }, { on_interrupt = "retry" })
    assert.equal("Done.", assert(message, result):text())
    table.sort(runs)
    assert.is_true(runs[1] == 1 and runs[2] ~= 1) -- once, whether it ended before the break or was cancelled
    assert.same({ 3, 4 }, { runs[#runs - 1], runs[#runs] })
    assert.same({ "1", "3", "4" }, { results(3)[1].content, results(3)[2].content, results(3)[3].content })
  end)

  case("cancels what still runs where the stream is asked for again", {
    broken("cut_after", call(0, "t1", "a")), stream(call(0, "t2", "b"), ending()), done,
  }, function()
    local told, message
    anthropic.run(function()
      message = run({ tools = {
        tool("a", function() told = select(2, anthropic.sleep(60)).kind end),
        tool("b", function() return "b" end),
      } }, { on_interrupt = "retry" })
    end)
    assert.equal("Done.", message:text())
    assert.is_true(told == nil or told == "cancelled")
    assert.same({ "t2" }, { results(3)[1].tool_use_id })
    assert.equal(1, #results(3))
  end)

  both("does not run what a model began that gave up, nor the calls of a refusal", {
    stream(call(0, "t1", "a", false), block(1, { type = "fallback" }), call(2, "t2", "b"), ending()),
    stream(call(0, "t3", "b", false), ending "refusal"),
  }, function()
    local ran = {}
    local message, result = run { tools = {
      tool("a", function() ran[#ran + 1] = "a" end), tool("b", function() ran[#ran + 1] = "b" end),
    } }
    assert.equal("refusal", assert(message, result).stop_reason)
    assert.same({ "b" }, ran)
    assert.equal(1, #results(2))
    assert.equal(3, #result.messages)
  end)

  -- Where a call's input comes behind the end of its block: events behind a call without input.
  local delta = { type = "content_block_delta", index = 0, delta = { type = "input_json_delta",
    partial_json = '{"a":1}' } }
  local content = { { type = "tool_use", id = "t1", name = "a", input = { a = 1 } } }
  local LATE = {
    ["a delta after it"] = { { data(delta) }, ending() },
    ["the next block's start"] = { { data { type = "content_block_start", index = 1, content_block = {
      type = "text", text = "" } }, data(delta), data { type = "content_block_stop", index = 1 } }, ending() },
    ["the content of message_delta"] = { { data { type = "message_delta", delta = { stop_reason = "tool_use",
      content = content }, usage = { output_tokens = 2 } }, data { type = "message_stop" } } },
    ["the content of message_stop"] = { { data { type = "message_delta", delta = { stop_reason = "tool_use" },
      usage = { output_tokens = 2 } }, data { type = "message_stop", content = content } } },
  }

  for name, events in pairs(LATE) do
    both("runs a call with the input that comes behind its block: " .. name,
      { stream(call(0, "t1", "a", false), events[1], events[2] or {}), done }, function()
      local inputs = {}
      local message, result = run { tools = { tool("a", function(input)
        inputs[#inputs + 1] = input
        return "x"
      end) } }
      assert.equal("Done.", assert(message, result):text())
      assert.same({ { a = 1 } }, inputs)
      assert.same({ "x" }, { results(2)[1].content })
    end)
  end

  both("answers with a failure where the input changed after the tool had started", {
    stream(call(0, "t1", "a", '{"a":1}'), { data { type = "content_block_delta", index = 0, delta = {
      type = "input_json_delta", partial_json = " " } } }, call(1, "t2", "a", '{"a":2}'), { data {
      type = "content_block_delta", index = 1, delta = { type = "input_json_delta", partial_json = "3" } } },
      ending()), done,
  }, function()
    local message, result = run { tools = { tool("a", function(input) return tostring(input.a) end) } }
    assert.equal("Done.", assert(message, result):text())
    assert.equal("1", results(2)[1].content)
    assert.equal("t2", results(2)[2].tool_use_id)
    assert.is_true(results(2)[2].is_error)
    assert.matches("changed after the tool had started", results(2)[2].content)
    assert.equal("t2", result.turns[1].calls[2].id)
    assert.equal(result.turns[1].message, result.turns[1].calls[2].message)
  end)

  for _, input in ipairs { false, "", '{"path":"/ho' } do
    both("does not run a call that was cut off, with the input " .. tostring(input),
      { stream(call(0, "t1", "a", input), ending "max_tokens"), done }, function()
      local message, result = run { tools = { tool("a", error) } }
      assert.equal("Done.", assert(message, result):text())
      assert.matches("cut off", results(2)[1].content)
    end)
  end

  both("ends with what the hook raises, and runs nothing more", {
    stream(call(0, "t1", "a"), call(1, "t2", "a"), ending()), done,
  }, function()
    local ran = 0
    local ok, err = protected.call(function() return run {
      tools = { tool("a", function()
        ran = ran + 1
        anthropic.sleep(0.01)
        ran = ran + 10
      end) },
      on_tool_use = function(use) return use.id == "t1" or error("mine", 0) end,
    } end)
    assert.same({ false, "mine" }, { ok, err })
    assert.equal(1, #requests())
    assert.is_true(ran ~= 10 and ran <= 11)
  end)

  case("cancels the stream, too, where the hook raises", { broken("hang_after", call(0, "t1", "a")) }, function()
    local ok, err = pcall(run, { tools = { tool("a", error) }, on_tool_use = function() error("mine", 0) end })
    assert.same({ false, "mine" }, { ok, err })
    local chat = played.client:chat { model = "m", eager = true, tools = { tool("a", error) },
      on_tool_use = function() error("mine", 0) end }
    ok = pcall(chat.stream, chat, "go")
    assert.is_false(ok) -- there is no other answer
  end)

  case("cancels the stream of a chat where the hook raises", { broken("hang_after", call(0, "t1", "a")) }, function()
    local ran = 0
    local chat = played.client:chat {
      model = "m", eager = true, tools = { tool("a", function() ran = ran + 1 end) },
      on_tool_use = function() error("mine", 0) end,
    }
    local next_text = chat:stream "go"
    local ok, err = pcall(next_text)
    assert.same({ false, "mine" }, { ok, err })
    ok, err = pcall(next_text)
    assert.is_false(ok)
    assert.equal("cancelled", err.kind)
    assert.equal(0, ran)
  end)

  both("takes an answer that comes whole", {
    testing.message { tool_uses = { { name = "a" } } }, testing.message { text = "Done." },
  }, function()
    local message, result = run { tools = { tool("a", function() return "x" end) } }
    assert.equal("Done.", assert(message, result):text())
    assert.equal("x", results(2)[1].content)
  end)

  both("is one where nothing is streamed", {
    testing.message { tool_uses = { { name = "a" } } }, testing.message { text = "Done." },
  }, function()
    local message, result = run { stream = false, tools = { tool("a", function() return "x" end) } }
    assert.equal("Done.", assert(message, result):text())
    assert.is_false(requests()[1].json.stream)
  end)

  both("is one in a chat, with the text of all turns", {
    stream(block(0, { type = "text", text = "See: " }), call(1, "t1", "a"), ending()), done,
  }, function()
    local chat = played.client:chat { model = "m", eager = true, tools = { tool("a", function() return "x" end) } }
    local pieces = {}
    local next_text = chat:stream "go"
    local text = next_text()
    while text do
      pieces[#pieces + 1] = text
      text = next_text()
    end
    assert.equal("See: Done.", table.concat(pieces))
    assert.equal("x", results(2)[1].content)
    assert.equal(4, #chat.messages)
  end)
end)
