-- The turns of client.messages.run: what is sent, what becomes of each call, and when it ends.

local anthropic = require "anthropic"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local protected = require "anthropic.loop.protected"
local tool_runner = require "anthropic.helpers.tool_runner"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local client = {}

local function tool(name, run, fields)
  local whole = { name = name, run = run or function(input) return input end }
  for key, value in pairs(fields or {}) do
    whole[key] = value
  end
  return anthropic.tool(whole)
end

local function use(name, input, fields)
  local block = { type = "tool_use", id = "id_" .. name, name = name, input = input }
  for key, value in pairs(fields or {}) do
    block[key] = value
  end
  return block
end

-- An answer of the blocks given.
local function answer(blocks, stop_reason, fields)
  local whole = { type = "message", role = "assistant", content = blocks, stop_reason = stop_reason or "tool_use" }
  for key, value in pairs(fields or {}) do
    whole[key] = value
  end
  return message.new(whole)
end

local function done(text)
  return answer({ { type = "text", text = text or "Done." } }, "end_turn")
end

local function streamed(events, whole, err)
  local i = 0
  return {
    next = function()
      i = i + 1
      if events[i] == nil then
        return nil, err
      end
      return events[i]
    end,
    message = function()
      return whole
    end,
  }
end

local sent

-- Runs with the answers given, one for each request; what was sent is in `sent`, decoded.
local function run(answers, params)
  params = params or {}
  params.messages = params.messages or { { role = "user", content = "go" } }
  sent = {}
  local function send(request)
    local number = #sent + 1
    sent[number] = json.decode((assert(json.encode(request))))
    local given = answers[number]
    assert(given, "no answer is left")
    if errors.is(given) then
      return nil, given
    end
    return given
  end
  return tool_runner.run(client, send, params)
end

-- The results that were sent with a request.
local function results(number)
  return sent[number].messages[#sent[number].messages].content
end

-- The one result of the one call of a run.
local function result_of(block, params)
  assert(run({ answer { block }, done() }, params))
  assert.equal(1, #results(2))
  return results(2)[1]
end

describe("what a run refuses before it sends", function()
  local function refused(fields, problem)
    local result, err = run({}, fields)
    assert.is_nil(result)
    assert.equal("invalid_request", err.kind)
    assert.equal(problem, err.message)
    assert.equal(0, #sent)
    assert.same({}, err.run.turns)
    assert.same(json.is_raw(fields.messages) and {} or fields.messages, err.run.messages)
  end

  for _, case in ipairs {
    { "max_turns", { 0, -1, 1.5, "1", true, 0 / 0 }, { 1, 2 }, "a whole number, 1 or more" },
    { "on_turn", { "x", {}, true, false }, { function() end }, "a function" },
    { "on_tool_use", { "x", {}, true, false }, { function() end }, "a function" },
    { "on_event", { "x", {}, true, false }, { function() end }, "a function" },
    { "tool_timeout", { 0, -1, "1", false }, { 0.001, 600 }, "a positive number of seconds" },
    { "max_result_bytes", { 0, -1, "1", false }, { 0.5, 1 }, "a positive number of bytes" },
  } do
    it("is a wrong " .. case[1], function()
      for _, value in ipairs(case[2]) do
        refused({ [case[1]] = value }, ("%s: %s expected, got %s"):format(case[1], case[4], type(value)))
      end
      for _, value in ipairs(case[3]) do
        local whole = case[1] == "on_event" and streamed({}, done()) or done()
        assert(run({ whole }, { [case[1]] = value }))
        assert.is_nil(sent[1][case[1]])
      end
    end)
  end

  it("is what is no list of messages", function()
    for _, value in ipairs { "x", 1, false } do
      local result, err = tool_runner.run(client, error, { messages = value })
      assert.is_nil(result)
      assert.equal("messages: a list expected, got " .. type(value), err.message)
    end
    local _, err = tool_runner.run(client, error, {})
    assert.equal("messages: a list expected, got nil", err.message)
    assert.same({ messages = {}, turns = {} }, err.run)
    refused({ messages = json.raw "[]" }, "messages: a list expected, got table")
  end)

  it("is not a tool of the API's, raw JSON, or toolsets without names", function()
    local set = anthropic.tool { type = "computer_toolset_1", run = print }
    local other = anthropic.tool { type = "browser_toolset_1", run = print }
    assert(run({ done() }, {
      tools = { { type = "web_search_20250305", name = "web_search" }, json.raw '{"name":"raw"}',
        json.raw '{"name":"raw"}', set, other, tool "a" },
    }))
    assert.equal(6, #sent[1].tools)
    assert(run({ done() }, { tools = {} }))
  end)
end)

describe("a run", function()
  it("is one turn where no tool is called", function()
    local whole = done()
    local final, made = run { whole }
    assert.equal(whole, final)
    assert.equal("end_turn", made.stopped)
    assert.equal(1, #made.turns)
    assert.equal(whole, made.turns[1].message)
    assert.same({}, made.turns[1].calls)
    assert.same({}, made.turns[1].results)
    assert.equal('[{"content":"go","role":"user"},{"content":[{"text":"Done.","type":"text"}],"role":"assistant",'
      .. '"stop_reason":"end_turn","type":"message"}]', json.encode(made.messages))
  end)

  it("sends everything but its own parameters, and leaves the caller's as they were", function()
    local params = {
      model = "m", system = "s", tools = { tool "a" }, unknown = { 1 }, max_turns = 5, on_turn = function() end,
      on_tool_use = function() return true end, tool_timeout = 1, max_result_bytes = 1000,
      messages = { { role = "user", content = "go" } },
    }
    local _, made = assert(run({ answer { use("a", { x = 1 }) }, done() }, params))
    for number = 1, 2 do
      local names = {}
      for name in pairs(sent[number]) do
        names[#names + 1] = name
      end
      table.sort(names)
      assert.same({ "messages", "model", "system", "tools", "unknown" }, names)
      assert.equal("s", sent[number].system)
    end
    assert.equal(1, #params.messages)
    assert.equal(4, #made.messages)
    assert.is_nil(params.stream)
    assert.equal(5, params.max_turns)
  end)

  it("answers every call of a turn in the order of the blocks", function()
    local final, made = run({
      answer { { type = "text", text = "Let me see." }, use("a", { x = 1 }), use("b", { y = 2 }) },
      answer { use("b", {}) },
      done "Both.",
    }, { tools = { tool("b", function() return "of b" end), tool "a" } })
    assert.equal("Both.", final:text())
    assert.same({
      { type = "tool_result", tool_use_id = "id_a", content = '{"x":1}' },
      { type = "tool_result", tool_use_id = "id_b", content = "of b" },
    }, results(2))
    assert.equal("user", sent[2].messages[3].role)
    assert.equal("assistant", sent[2].messages[2].role)
    assert.equal(3, #sent[2].messages)
    assert.equal(5, #sent[3].messages)
    assert.equal(3, #made.turns)
    assert.equal(6, #made.messages)
    assert.equal("end_turn", made.stopped)
  end)

  it("tells who logs of a tool that fails, and of no other", function()
    local told = {}
    local answers = { answer { use("a", {}), use("b", {}) }, done() }
    assert(tool_runner.run(client, function() return table.remove(answers, 1) end, {
      messages = { { role = "user", content = "go" } },
      tools = { tool "a", tool("b", function() error("lost", 0) end) },
    }, function(event, record)
      told[#told + 1] = { event, record.tool, record.tool_use_id, record.error, type(record.traceback) }
    end))
    assert.same({ { "tool", "b", "id_b", "lost", "string" } }, told)
  end)

  it("tells the tool of its call", function()
    local input, call
    local whole = answer({ use("a", { x = { 1 } }), use("b") })
    assert(run({ answer { use("b", {}) }, whole, done() }, { tools = {
      tool("a", function(...)
        input, call = ...
        return "ok"
      end),
      tool("b", function(given)
        assert.same({}, given)
      end),
    } }))
    assert.same({ x = { 1 } }, input)
    assert.equal(input, call.input)
    assert.equal("id_a", call.id)
    assert.equal("a", call.name)
    assert.equal(2, call.turn)
    assert.equal(whole, call.message)
    assert.equal(whole.content[1], call.block)
    assert.equal(client, call.client)
    assert.equal("a", call.tool.name)
  end)

  it("gives a tool a copy of the input, and sends what the model wrote", function()
    local whole = answer { use("a", { list = json.array { 1 }, empty = json.array {}, deep = { x = 1 } }) }
    assert(run({ whole, done() }, { tools = { tool("a", function(input)
      assert.equal("[]", json.encode(input.empty))
      input.list[2], input.deep.x, input.new = 2, 2, true
      return input
    end) } }))
    assert.same({ list = { 1 }, empty = {}, deep = { x = 1 } }, whole.content[1].input)
    assert.same({ list = { 1 }, empty = {}, deep = { x = 1 } }, sent[2].messages[2].content[1].input)
    assert.equal('{"deep":{"x":2},"empty":[],"list":[1,2],"new":true}', results(2)[1].content)
  end)

  it("goes on after a paused turn, with what the model said", function()
    local final, made = run { answer({ { type = "text", text = "wait" } }, "pause_turn"), done() }
    assert.equal("Done.", final:text())
    assert.equal(2, #sent[2].messages)
    assert.equal("wait", sent[2].messages[2].content[1].text)
    assert.equal(3, #made.messages)
    assert.equal("end_turn", made.stopped)
  end)

  it("goes on after a compaction", function()
    local final = run { answer({ { type = "text", text = "so far" } }, "compaction"), done() }
    assert.equal("Done.", final:text())
    assert.equal(2, #sent)
  end)

  it("ends where on_turn says so", function()
    local whole = answer { use("a", {}) }
    local final, made = run({ whole, done() }, {
      tools = { tool "a" },
      on_turn = function() return { stop = true } end,
    })
    assert.equal(whole, final)
    assert.equal("stop", made.stopped)
    assert.equal(1, #sent)
    assert.equal(3, #made.messages)
  end)

  it("sends the history that before_turn returns, and goes on with a copy of it", function()
    local asked, short = {}, { { role = "user", content = "short" } }
    local _, made = run({ answer { use("a", {}) }, done() }, { tools = { tool "a" }, before_turn = function(given)
      asked[#asked + 1] = #given.messages
      return #asked == 2 and short or nil
    end })
    assert.same({ 1, 3 }, asked)
    assert.same({ { role = "user", content = "go" } }, sent[1].messages)
    assert.same({ { role = "user", content = "short" } }, sent[2].messages)
    assert.equal(1, #short)
    assert.equal(2, #made.messages)
    assert.equal("Done.", made.messages[2]:text())
  end)

  it("fails where before_turn returns what is no history", function()
    for _, wrong in ipairs { 7, "x", true, json.raw "[]" } do
      local final, err = run({ done() }, { before_turn = function() return wrong end })
      assert.is_nil(final)
      assert.equal("invalid_request", err.kind)
      assert.equal("before_turn: a list of messages or nil expected, got " .. type(wrong), err.message)
      assert.equal(0, #sent)
      assert.same({}, err.run.turns)
    end
  end)

  it("tells the model of other tools by a message under a beta for that, whoever names it", function()
    local BETA = "mid-conversation-tool-changes-2026-01-01"
    for _, case in ipairs {
      { { BETA } }, { { "a", BETA } }, { nil, "betas" }, { nil, "request_betas" }, { { 7 } }, { "x" }, { nil, "other" },
    } do
      sent = {}
      local answers = { answer { use("a", {}) }, done() }
      assert(tool_runner.run(client, function(request)
        sent[#sent + 1] = json.decode((assert(json.encode(request))))
        return table.remove(answers, 1)
      end, {
        messages = { { role = "user", content = "go" } }, tools = { tool "a", tool "b" }, betas = case[1],
        on_turn = function() return { remove_tools = { "b" } } end,
      }, nil, function(name)
        return name == case[2] and { BETA } or nil
      end))
      local is_told = type(case[1]) == "table" and case[1][#case[1]] == BETA or (case[2] or ""):find "betas$" ~= nil
      assert.equal(is_told and 2 or 1, #sent[2].tools)
      local last = sent[2].messages[#sent[2].messages]
      assert.equal(is_told and "system" or "user", last.role)
      assert.equal(is_told and "tool_removal" or "tool_result", last.content[1].type)
    end
  end)

  it("counts its turns though on_turn lets go of what they hold", function()
    local answers, numbers = {}, {}
    for i = 1, 5 do
      answers[i] = answer { use("a", {}) }
    end
    local final, made = run(answers, { max_turns = 3, on_turn = function(turn, running)
      numbers[#numbers + 1] = turn.number
      running.turns, turn.calls, turn.results, turn.message = {}, nil, nil, nil
    end })
    assert.equal("tool_use", final.stop_reason)
    assert.same({ "max_turns", 3, 7 }, { made.stopped, #sent, #made.messages })
    assert.same({ 1, 2, 3 }, numbers)
  end)

  it("does not keep an answer without content", function()
    local _, made = run({ answer({}, "pause_turn"), answer({}, "end_turn") }, { on_turn = function(turn, running)
      table.insert(running.messages, turn.number == 1 and { role = "user", content = "And?" } or nil)
    end })
    assert.equal(2, #sent[2].messages)
    assert.equal(2, #made.messages)
    assert.equal(2, #made.turns)
  end)

  it("does not send the same again where a paused turn is empty", function()
    for _, reason in ipairs { "pause_turn", "compaction" } do
      sent = {}
      local final, made = run { answer({}, reason) }
      assert.equal(reason, final.stop_reason)
      assert.equal(reason, made.stopped)
      assert.equal(1, #sent)
    end
  end)

  it("does not keep a refusal, nor run its tools", function()
    local turn
    local refusal = answer({ use("a", {}) }, "refusal", { container = { id = "c" } })
    local final, made = run({ answer { use("a", {}) }, refusal }, {
      tools = { tool("a", function(_, call)
        assert.equal(1, call.turn)
      end) },
      on_turn = function(given) turn = given end,
    })
    assert.equal(refusal, final)
    assert.equal("refusal", made.stopped)
    assert.equal(3, #made.messages)
    assert.equal(2, #made.turns)
    assert.equal(made.turns[2], turn)
    assert.same({}, turn.calls)
    assert.same({}, turn.results)
  end)

  it("answers the calls that follow a fallback, not those before it", function()
    local whole = answer { use("a", {}), { type = "fallback" }, { type = "text", text = "x" }, use("b", {}) }
    assert(run({ whole, done() }, { tools = { tool("a", error), tool("b", function() return "of b" end) } }))
    assert.same({ { type = "tool_result", tool_use_id = "id_b", content = "of b" } }, results(2))
    local _, made = run({ answer({ use("a", {}), { type = "fallback" } }, "end_turn") }, {
      tools = { tool("a", error) },
    })
    assert.equal("end_turn", made.stopped)
    assert.equal(2, #made.messages)
  end)

  it("leaves the API's own tool calls alone", function()
    local _, made = run { answer({ { type = "server_tool_use", id = "s", name = "a", input = {} } }, "end_turn") }
    assert.equal(1, #made.turns)
  end)

  it("keeps to its number of turns, and runs the tools of the last", function()
    local count = 0
    local params = { max_turns = 2, tools = { tool("a", function() count = count + 1 end) } }
    local last = answer { use("a", {}) }
    local final, made = run({ answer { use("a", {}) }, last, done() }, params)
    assert.equal(last, final)
    assert.equal("max_turns", made.stopped)
    assert.equal(2, #sent)
    assert.equal(2, count)
    assert.equal(5, #made.messages)
    assert.equal("tool_result", made.messages[5].content[1].type)
    -- the last allowed turn may be the model's own end
    params.messages = nil
    final, made = run({ answer { use("a", {}) }, done() }, params)
    assert.equal("Done.", final:text())
    assert.equal("end_turn", made.stopped)
  end)

  it("takes 20 turns at most where nothing is said", function()
    local answers = {}
    for i = 1, 21 do
      answers[i] = answer { use("a", {}) }
    end
    local _, made = run(answers, { tools = { tool "a" } })
    assert.equal(20, #sent)
    assert.equal(20, #made.turns)
    assert.equal("max_turns", made.stopped)
  end)

  it("tells of each turn when its tools have run", function()
    local turns = {}
    local _, made = run({ answer { use("a", { x = 1 }) }, done() }, {
      tools = { tool "a" },
      on_turn = function(turn)
        turns[#turns + 1] = turn
        assert.equal(turn.number, #sent)
      end,
    })
    assert.same(made.turns, turns)
    assert.equal(1, turns[1].number)
    assert.equal(2, turns[2].number)
    assert.equal("a", turns[1].calls[1].name)
    assert.equal('{"x":1}', turns[1].results[1].content)
    assert.equal("Done.", turns[2].message:text())
  end)

  it("ends with what a callback raises", function()
    for _, name in ipairs { "on_turn", "on_tool_use" } do
      local ok, raised = pcall(run, { answer { use("a", {}) } }, {
        tools = { tool "a" },
        [name] = function() error("mine", 0) end,
      })
      assert.is_false(ok)
      assert.equal("mine", raised)
    end
  end)
end)

describe("a run that fails", function()
  it("gives the error with what was done before", function()
    local problem = errors.new { kind = "connection", message = "gone" }
    local final, err = run({ answer { use("a", {}) }, problem }, { tools = { tool "a" } })
    assert.is_nil(final)
    assert.equal(problem, err)
    assert.equal(1, #err.run.turns)
    assert.equal(3, #err.run.messages)
    assert.is_nil(err.run.stopped)
    final, err = run { problem }
    assert.is_nil(final)
    assert.same({}, err.run.turns)
    assert.equal(1, #err.run.messages)
  end)

  it("is cancelled with its task while a tool waits, and keeps the answer apart", function()
    local whole = answer { use("a", {}), use("b", {}) }
    local ended, err
    anthropic.run(function()
      local task = anthropic.spawn(function()
        local final
        final, err = run({ whole }, { tools = {
          tool("a", function()
            ended = anthropic.sleep(60)
          end),
          tool "b",
        } })
        assert.is_nil(final)
      end)
      anthropic.sleep(0.01)
      task:cancel()
      task:join()
    end)
    assert.is_nil(ended) -- the sleep was cut short
    assert.equal("cancelled", err.kind)
    assert.equal("the task was cancelled", err.message)
    assert.equal(whole, err.partial)
    assert.equal(1, #err.run.messages)
    assert.equal(1, #err.run.turns)
  end)
end)

describe("a streamed run", function()
  it("is asked for by on_event, which gets each event in its order", function()
    local events = {}
    local one, two, three = { type = "a" }, { type = "b" }, { type = "c" }
    local final, made = run({ streamed({ one, two }, answer { use("a", {}) }), streamed({ three }, done()) }, {
      tools = { tool "a" },
      on_event = function(event) events[#events + 1] = event end,
    })
    assert.equal("Done.", final:text())
    assert.equal(2, #made.turns)
    assert.same({ one, two, three }, events)
    assert.is_true(sent[1].stream)
    assert.is_true(sent[2].stream)
    assert.is_nil(sent[1].on_event)
  end)

  it("may be asked for without on_event", function()
    local final = run({ streamed({ { type = "a" } }, done()) }, { stream = true })
    assert.equal("Done.", final:text())
    assert.is_true(sent[1].stream)
  end)

  it("is not asked for with stream = false, unless on_event is set", function()
    local final = run({ done() }, { stream = false, eager = true })
    assert.equal("Done.", final:text())
    assert.is_false(sent[1].stream)
    sent = {}
    local events = {}
    run({ streamed({ { type = "a" } }, done()) }, { stream = false, on_event = function(event)
      events[#events + 1] = event.type
    end })
    assert.is_true(sent[1].stream)
    assert.same({ "a" }, events)
  end)

  it("is not asked for by nobody", function()
    run { done() }
    assert.is_nil(sent[1].stream)
  end)

  it("fails with the stream's error, after the events before it", function()
    local count = 0
    local problem = errors.new { kind = "truncated", message = "ended" }
    local final, err = run({ streamed({ { type = "a" } }, done(), problem) }, {
      on_event = function() count = count + 1 end,
    })
    assert.is_nil(final)
    assert.equal(problem, err)
    assert.equal(1, count)
    assert.same({}, err.run.turns)
  end)

  it("fails with the error of the request", function()
    local problem = errors.new { kind = "connection", message = "gone" }
    assert.equal(problem, select(2, run({ problem }, { stream = true })))
  end)
end)

describe("a call that cannot be run", function()
  local function failure(block, params, stop_reason)
    params.on_tool_use = function() error "asked" end
    assert(run({ answer({ block }, stop_reason), done() }, params))
    local result = results(2)[1]
    assert.is_true(result.is_error)
    return result.content
  end

  it("names no tool that can be run", function()
    assert.equal('no tool named "b" can be run', failure(use("b", {}), { tools = { tool("a", error) } }))
    assert.equal('no tool named "b" can be run', failure(use("b", {}), {}))
    assert.equal('no tool named "web_search" can be run',
      failure(use("web_search", {}), { tools = { { type = "web_search_20250305", name = "web_search" } } }))
    assert.equal('no tool named "b" can be run',
      failure(use("b", {}), { tools = { anthropic.tool { type = "b_toolset_1", run = error } } }))
    local block = { type = "tool_use", id = "x" }
    assert.equal('no tool named "nil" can be run', failure(block, {}))
  end)

  it("has a name that is none", function()
    local list = { tools = { tool("a", error), anthropic.tool { type = "computer_toolset_1", run = error } } }
    for _, case in ipairs {
      { 5, '"5"' }, { true, '"true"' }, { {}, "(a table)" }, { json.null, "(null)" }, { "", '""' },
      { "a\nb", '"a\\\nb"' },
      { ("x"):rep(1e7), '"' .. ("x"):rep(128) .. '..."' },
    } do
      local block = use("a", {}, { name = case[1], toolset_name = "computer" })
      assert.equal(("no tool named %s can be run"):format(case[2]),
        failure(block, { tools = type(case[1]) == "string" and case[1] ~= "" and { list.tools[1] } or list.tools }))
    end
  end)

  it("has an ID of whatever type", function()
    for _, id in ipairs { 5, true, {}, json.null, "", ("x"):rep(1e6) } do
      assert.matches("^no tool named", failure(use("b", {}, { id = id }), { tools = { tool("a", error) } }))
      assert(run({ answer { use("a", {}, { id = id }) }, done() }, { tools = { tool "a" } }))
    end
  end)

  it("has an input that is no object", function()
    for _, input in ipairs { 5, true, "x", '[1]', json.array { 1 }, json.array { {} } } do
      local call
      assert.equal("the input is not an object; the tool was not run", failure(use("a", input), {
        tools = { tool("a", error) },
        on_turn = function(turn) call = call or turn.calls[1] end,
      }))
      assert.equal("a", call.name)
    end
  end)

  it("is not one with an input that says nothing, or an object in a text", function()
    for _, input in ipairs { json.null, "", false, json.array {}, {}, "{}", " {} " } do
      assert.equal("{}", result_of(use("a", input), { tools = { tool "a" } }).content)
    end
    assert.equal('{"x":1}', result_of(use("a", '{"x":1}'), { tools = { tool "a" } }).content)
  end)

  it("has an input that is no JSON", function()
    local block = use("a", nil, { input_error = "unexpected end at byte 3", input_json = "{" })
    local call
    assert.equal("the input is not valid JSON: unexpected end at byte 3; the tool was not run",
      failure(block, { tools = { tool("a", error) }, on_turn = function(turn) call = call or turn.calls[1] end }))
    assert.is_nil(call.input)
    assert.equal("a", call.tool.name)
  end)

  it("is the last block of an answer that was cut off", function()
    for _, reason in ipairs { "max_tokens", "model_context_window_exceeded" } do
      assert.equal(("the call was cut off (%s); it was not run"):format(reason),
        failure(use("a", {}), { tools = { tool("a", error) } }, reason))
      -- whatever else is wrong with it
      assert.equal(("the call was cut off (%s); it was not run"):format(reason),
        failure(use("none", nil, { input_error = "x" }), {}, reason))
    end
  end)

  it("is not one before the block that was cut off", function()
    local final = assert(run({
      answer({ use("a", { x = 1 }), use("b", {}) }, "max_tokens"),
      answer({ use("a", { x = 2 }), { type = "text", text = "and" } }, "max_tokens"),
      done(),
    }, { tools = { tool "a", tool("b", error) } }))
    assert.equal("Done.", final:text())
    assert.equal('{"x":1}', sent[2].messages[3].content[1].content)
    assert.is_true(sent[2].messages[3].content[2].is_error)
    assert.equal('{"x":2}', results(3)[1].content)
  end)

  it("does not keep the others from running", function()
    assert(run({ answer { use("none", {}), use("a", { x = 1 }) }, done() }, { tools = { tool "a" } }))
    assert.is_true(results(2)[1].is_error)
    assert.same({ type = "tool_result", tool_use_id = "id_a", content = '{"x":1}' }, results(2)[2])
  end)
end)

describe("the tool of a call", function()
  local function name_of(block, tools)
    local content = result_of(block, { tools = tools }).content
    return content
  end

  local function named(name, fields)
    fields.run = function() return name end
    return anthropic.tool(fields)
  end

  it("is the one of its name, among all tools", function()
    assert.equal("two", name_of(use("b", {}), {
      { type = "web_search_20250305", name = "web_search" },
      named("one", { name = "a" }),
      named("two", { name = "b" }),
      named("three", { type = "x_1", name = "c" }),
    }))
  end)

  it("is the toolset of the call by the name that its type has", function()
    local block = use("screenshot", {}, { toolset_name = "computer" })
    assert.equal("by type", name_of(block, {
      named("other", { type = "browser_toolset_1" }),
      named("by type", { type = "computer_toolset_1" }),
    }))
    for _, list in ipairs {
      { named("short", { type = "comput" }), named("without", { name = "a" }) },
      { named("by name", { name = "computer" }) },
      { named("of the API's", { type = "x_1", name = "computer" }) },
      { named("longer", { type = "computers_toolset_1" }) },
      { named("one", { type = "computer_toolset_1" }), named("two", { type = "computer_toolset_2" }) },
      { named("one", { type = "computer_toolset_1" }), named("two", { name = "screenshot" }) },
    } do
      assert.equal('no tool named "screenshot" can be run', name_of(block, list))
    end
    assert.equal("computer", result_of(block, { tools = { named("x", { type = "computer_toolset_1" }) } }).toolset_name)
  end)

  it("is what the hook is asked about, and what runs", function()
    local ran, asked = {}, {}
    local function noted(fields)
      fields.run = function(_, call)
        ran[#ran + 1] = { call.name, call.toolset_name, call.tool }
      end
      return anthropic.tool(fields)
    end
    local list = { noted { name = "read" }, noted { name = "delete" }, noted { type = "computer_toolset_1" } }
    assert(run({ answer {
      use("x", {}, { toolset_name = "delete" }), use("read", {}, { toolset_name = "delete" }),
      use("x", {}, { toolset_name = "" }), use("x", {}, { toolset_name = 5 }), use("x", {}, { toolset_name = {} }),
      use("click", {}, { toolset_name = "computer" }), use("read", {}, { toolset_name = "computer" }),
    }, done() }, {
      tools = list,
      on_tool_use = function(call)
        asked[#asked + 1] = { call.name, call.toolset_name, call.tool }
        return true
      end,
    }))
    local expected = { { "read", [3] = list[1] }, { "click", "computer", list[3] } }
    assert.same(expected, asked)
    assert.same(expected, ran)
    for i, block in ipairs(results(2)) do
      assert.equal((i ~= 2 and i ~= 6) or nil, block.is_error)
      assert.equal(({ "delete", "delete", "", nil, nil, "computer", "computer" })[i], block.toolset_name)
    end
  end)

  it("is none that a system message of the history withdrew, until one adds it again", function()
    local count = 0
    local a = tool("a", function() count = count + 1 end)
    local function change(kind)
      return { role = "system", content = { { type = kind, tool = { type = "tool_reference", name = "a" } } } }
    end
    local messages = { { role = "user", content = "go" }, change "tool_removal" }
    local function is_error()
      return result_of(use("a", {}), { tools = { a }, messages = messages, on_tool_use = function(call)
        assert.equal("a", call.name)
        return true
      end }).is_error
    end
    assert.is_true(is_error())
    assert.equal(0, count)
    messages[3] = change "tool_addition"
    assert.is_nil(is_error())
    assert.equal(1, count)
  end)
end)

describe("the hook before a tool", function()
  local function decide(...)
    local count, values = select("#", ...), { ... }
    return result_of(use("a", { x = 1 }), {
      tools = { tool "a" },
      on_tool_use = function()
        return unpack(values, 1, count)
      end,
    })
  end

  it("lets it run by true alone", function()
    assert.same({ type = "tool_result", tool_use_id = "id_a", content = '{"x":1}' }, decide(true))
    assert.same({ type = "tool_result", tool_use_id = "id_a", content = '{"x":1}' }, decide(true, "ignored"))
  end)

  it("refuses it by anything else, with its reason", function()
    for _, decision in ipairs { { n = 1, false }, { n = 0 }, { n = 1, nil }, { n = 1, "yes" }, { n = 1, 1 } } do
      assert.same({ type = "tool_result", tool_use_id = "id_a", content = "the call was refused", is_error = true },
        decide(unpack(decision, 1, decision.n)))
    end
    assert.same({ type = "tool_result", tool_use_id = "id_a", content = "not allowed", is_error = true },
      decide(false, "not allowed"))
    assert.equal("not allowed", decide(nil, "not allowed").content)
    assert.equal('{"why":"not"}', decide(false, { why = "not" }).content)
    assert.equal("false", decide(false, false).content)
    assert.same({ { type = "text", text = "no" } }, decide(false, { { type = "text", text = "no" } }).content)
  end)

  it("changes the input by a table", function()
    assert.equal('{"y":2}', decide({ y = 2 }).content)
    assert.equal('{"x":1}', json.encode(sent[2].messages[2].content[1].input))
  end)

  it("may change the input in its place", function()
    assert.equal('{"x":2}', result_of(use("a", { x = 1 }), {
      tools = { tool "a" },
      on_tool_use = function(call)
        call.input.x = 2
        return true
      end,
    }).content)
  end)

  it("sees the call as the tool would", function()
    local seen
    assert(run({ answer { use("a", { x = 1 }), use("b", {}) }, done() }, {
      tools = { tool "a", tool "b" },
      on_tool_use = function(call)
        seen = seen or call
        return call.name == "b"
      end,
    }))
    assert.equal("id_a", seen.id)
    assert.equal("a", seen.tool.name)
    assert.equal(1, seen.turn)
    assert.equal(client, seen.client)
    assert.is_true(results(2)[1].is_error)
    assert.is_nil(results(2)[2].is_error)
  end)
end)

describe("the limits of a run", function()
  it("hold for tools that have none of their own", function()
    local long = function() return ("x"):rep(20) end
    assert(run({ answer { use("a", {}), use("b", {}) }, done() }, {
      tools = { tool("a", long), tool("b", long, { max_result_bytes = 15 }) },
      max_result_bytes = 10,
    }))
    assert.equal("xxxxxxxxxx\n[cut: the first 10 of 20 bytes]", results(2)[1].content)
    assert.equal("xxxxxxxxxxxxxxx\n[cut: the first 15 of 20 bytes]", results(2)[2].content)
  end)

  it("are of time, too", function()
    local function slow()
      anthropic.sleep(0.01)
      return "slow"
    end
    assert(run({ answer { use("a", {}), use("b", {}) }, done() }, {
      tools = { tool("a", slow), tool("b", slow, { timeout = 60 }) },
      tool_timeout = 0.001,
    }))
    assert.equal("the tool did not end within 0.001 seconds", results(2)[1].content)
    assert.equal("slow", results(2)[2].content)
  end)
end)

describe("the container of an answer", function()
  local function second(container, params)
    params = params or {}
    params.tools = { tool "a" }
    local before = json.encode(params.container or json.null)
    assert(run({ answer({ use("a", {}) }, nil, { container = container }), done() }, params))
    assert.equal(before, json.encode(params.container or json.null))
    return sent[2].container
  end

  it("is that of the next request", function()
    assert.equal("c1", second { id = "c1" })
    assert.equal("c1", second({ id = "c1" }, { container = json.null }))
    assert.same({ id = "c2", skills = { "s" } }, second({ id = "c2" }, { container = { skills = { "s" } } }))
    assert.same({ id = "c2", skills = { "s" } },
      second({ id = "c2" }, { container = { id = json.null, skills = { "s" } } }))
  end)

  it("follows from turn to turn where the caller named none", function()
    for _, container in ipairs { false, { skills = { "s" } } } do
      local whole = answer({ use("a", {}) }, nil, { container = { id = "c1" } })
      local other = answer({ use("a", {}) }, nil, { container = { id = "c2" } })
      assert(run({ whole, other, answer { use("a", {}) }, done() }, {
        tools = { tool "a" }, container = container or nil,
      }))
      for number, id in pairs { [2] = "c1", [3] = "c2", [4] = "c2" } do
        local carried = sent[number].container
        assert.equal(id, container and carried.id or carried)
        assert.same(container and container.skills, container and carried.skills)
      end
    end
  end)

  it("does not replace the one that the caller named", function()
    assert.equal("c1", second({ id = "c2" }, { container = "c1" }))
    assert.same({ id = "c1", skills = { "s" } },
      second({ id = "c2" }, { container = { id = "c1", skills = { "s" } } }))
    assert.same({ id = "c1" }, second({ id = "c2" }, { container = json.raw '{"id":"c1"}' }))
  end)

  it("leaves the given one where there is none", function()
    assert.is_nil(second(nil))
    assert.equal("c1", second(nil, { container = "c1" }))
    for _, odd in ipairs { {}, "c2", 5, true, json.null, { id = "" }, { id = 5 }, { id = {} }, { id = json.null } } do
      assert.equal("c1", second(odd, { container = "c1" }))
      assert.same({ skills = { "s" } }, second(odd, { container = { skills = { "s" } } }))
      assert.is_nil(second(odd))
    end
  end)
end)

describe("a run that is read piece by piece", function()
  local function delta(text)
    return { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = text } }
  end

  local function open(answers, params)
    params = params or {}
    params.messages = params.messages or { { role = "user", content = "go" } }
    local number = 0
    return tool_runner.open(client, function(request)
      assert.is_true(request.stream)
      number = number + 1
      local given = answers[number]
      if errors.is(given) then
        return nil, given
      end
      return assert(given, "no answer is left")
    end, params)
  end

  it("gives the text of all turns, and has run its tools at the end", function()
    local seen, inputs = {}, {}
    local reader = assert(open({
      streamed({ delta "Wait", { type = "ping" }, delta "." }, answer { use("a", { x = 1 }) }),
      streamed({ delta "Done." }, done()),
    }, {
      tools = { tool("a", function(input) inputs[#inputs + 1] = input.x end) },
      on_event = function(event) seen[#seen + 1] = event.type end,
    }))
    local pieces = {}
    for piece in reader do
      pieces[#pieces + 1] = piece
      assert.equal(#pieces == 3 and 1 or 0, #inputs)
    end
    assert.same({ "Wait", ".", "Done." }, pieces)
    assert.equal("end_turn", reader.run.stopped)
    assert.equal(4, #reader.run.messages)
    assert.equal(4, #seen)
    assert.is_nil(reader())
    assert.same({ 1 }, inputs)
  end)

  it("does not begin where its parameters are wrong or its first request fails", function()
    local reader, err = open({}, { max_turns = 0 })
    assert.is_nil(reader)
    assert.equal("invalid_request", err.kind)
    assert.same({ messages = { { role = "user", content = "go" } }, turns = {} }, err.run)
    local problem = errors.new { kind = "connection", message = "gone" }
    reader, err = open { problem }
    assert.is_nil(reader)
    assert.equal(problem, err)
    assert.same({ messages = { { role = "user", content = "go" } }, turns = {} }, err.run)
  end)

  it("raises the same error at every call after a failure, and runs no tool again", function()
    local count = 0
    local problem = errors.new { kind = "connection", message = "gone" }
    local reader = assert(open({ streamed({ delta "a" }, answer { use("a", {}) }), problem }, {
      tools = { tool("a", function() count = count + 1 end) },
    }))
    assert.equal("a", reader())
    for _ = 1, 3 do
      local ok, err = pcall(reader)
      assert.is_false(ok)
      assert.equal(problem, err)
      assert.equal(1, #err.run.turns)
    end
    assert.equal(1, count)
    reader:close()
  end)

  it("closes the stream where on_event raises", function()
    local ways = {
      run = function(stream, params) return run({ stream }, params) end,
      reader = function(stream, params)
        local reader = assert(open({ stream }, params))
        return reader()
      end,
    }
    for name, read in pairs(ways) do
      for _, wait in ipairs { function() end, function() anthropic.sleep(0) end } do
        anthropic.run(function()
          local stream, closed = streamed({ delta "a", delta "b" }, done()), 0
          function stream.close() closed = closed + 1 end
          local ok, raised = protected.call(function()
            return read(stream, { on_event = function()
              wait()
              error("mine", 0)
            end })
          end)
          assert.same({ false, "mine", 1 }, { ok, raised, closed }, name)
        end)
      end
    end
  end)

  it("raises the error of a stream", function()
    local problem = errors.new { kind = "truncated", message = "ended" }
    local reader = assert(open { streamed({ delta "a" }, done(), problem) })
    assert.equal("a", reader())
    local ok, err = pcall(reader)
    assert.is_false(ok)
    assert.equal(problem, err)
    assert.same({}, err.run.turns)
  end)
end)

describe("a run on a message thread", function()
  local function lost()
    return errors.new { kind = "api", status = 404, message = "m", details = { error_code = "thread_not_found" } }
  end

  local function params()
    return { thread = { type = "create" }, tools = { tool "a" } }
  end

  local function threads()
    local types = {}
    for i, request in ipairs(sent) do
      types[i] = request.thread and request.thread.type or "none"
    end
    return table.concat(types, " ")
  end

  it("sends what the server lacks", function()
    assert(run({ answer({ use("a", {}) }, nil, { id = "msg_1" }), done() }, params()))
    assert.equal("create continue", threads())
    assert.equal("msg_1", sent[2].thread.previous_message_id)
    assert.equal(1, #sent[2].messages)
    assert.is_nil(sent[2].tools)
  end)

  it("makes it anew once where it is lost, goes on without one then, and fails where that does not help", function()
    local first = answer({ use("a", {}) }, nil, { id = "msg_1" })
    assert(run({ first, lost(), done() }, params()))
    assert.equal("create continue create", threads())
    assert.equal(3, #sent[3].messages)
    local unsupported = errors.new { kind = "api", status = 400, message = "m", details = {
      error_code = "thread_unsupported_request",
    } }
    assert(run({ first, lost(), unsupported, done() }, params()))
    assert.equal("create continue create none", threads())
    assert(run({ unsupported, done() }, params()))
    assert.equal("create none", threads())
    local result, err = run({ first, lost(), lost() }, params())
    assert.is_nil(result)
    assert.equal(404, err.status)
  end)
end)

describe("a run whose calls start early", function()
  local STOP, PING = { type = "content_block_stop", index = 0 }, { type = "ping" }
  local TEXT = { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "Hm." } }
  local calls, slept -- how often the tool was run, and how its long sleep ended

  before_each(function()
    calls, slept = 0, nil
  end)

  -- A stream that lets others run before each event. It notes how many calls there were by then.
  local function live(list, whole, err)
    local stream = { counts = {}, closed = 0, place = 0 }
    function stream.next()
      for _ = 1, 3 do
        anthropic.sleep(0)
      end
      stream.counts[#stream.counts + 1] = calls
      stream.place = stream.place + 1
      local event = list[stream.place]
      return event, not event and err or nil
    end
    stream.next_boundary = stream.next
    function stream.block_of(_, event)
      return whole.content[event.index + 1]
    end
    function stream.message()
      return whole
    end
    function stream.snapshot()
      return whole
    end
    function stream.close(self)
      self.closed = self.closed + 1
    end
    return stream
  end

  local function quick(fields)
    return tool("a", function()
      calls = calls + 1
      return "ran"
    end, fields)
  end

  local function slow()
    return tool("a", function()
      calls = calls + 1
      slept = { anthropic.sleep(60) }
    end)
  end

  local function params_of(fields)
    local params = { eager = true, messages = { { role = "user", content = "go" } }, tools = { quick() } }
    for name, value in pairs(fields or {}) do
      params[name] = value
    end
    return params
  end

  local function sender(streams)
    local number = 0
    return function(request)
      assert.is_true(request.stream)
      number = number + 1
      return assert(streams[number], "no answer is left")
    end
  end

  -- The first stream, and what the run returned; `read` is one of the ways to read it.
  local function run_early(read, list, fields, err)
    local first = live(list, answer { use("a", { x = 1 }) }, err)
    for name, value in pairs(fields and fields.stream or {}) do
      first[name] = value
    end
    local params = params_of(fields and fields.params)
    local result, problem, second
    anthropic.run(function()
      second = live({ PING }, done())
      result, problem = read(sender { first, second }, params)
    end)
    return first, result, problem, second
  end

  local WAYS = {
    run = function(send, params)
      return tool_runner.run(client, send, params)
    end,
    ["run with on_event"] = function(send, params)
      params.on_event = params.on_event or function() end
      return tool_runner.run(client, send, params)
    end,
    reader = function(send, params)
      local reader = assert(tool_runner.open(client, send, params))
      local ok, problem = protected.call(function()
        while reader() do end -- luacheck: ignore 542
      end)
      if not ok then
        return nil, problem
      end
      return reader
    end,
  }

  for name, read in pairs(WAYS) do
    it("runs each once, while its answer goes on: " .. name, function()
      local first, result, _, second = run_early(read, { STOP, PING })
      assert.is_truthy(result)
      assert.same({ 0, 1, 1 }, first.counts)
      assert.same({ 1, 1 }, second.counts)
      assert.equal("end_turn", (result.run or {}).stopped or "end_turn")
      assert.equal(0, first.closed)
      assert.is_function(first.on_restart)
      assert.is_function(second.on_restart)
    end)

    it("runs none before its answer is there where it came whole, or the tool or the run says so: " .. name, function()
      for _, fields in ipairs {
        { stream = { whole = true } }, { params = { tools = { quick { eager = false } } } },
        { params = { eager = false, stream = true } },
      } do
        calls = 0
        local first, result, _, second = run_early(read, { STOP, PING }, fields)
        assert.is_truthy(result)
        assert.same({ 0, 0, 0 }, first.counts)
        assert.same({ 1, 1 }, second.counts)
      end
    end)

    it("cancels what runs where its stream fails: " .. name, function()
      local broken = errors.new { kind = "truncated", message = "ended" }
      local _, result, problem = run_early(read, { STOP, PING }, { params = { tools = { slow() } } }, broken)
      assert.is_nil(result)
      assert.equal(broken, problem)
      assert.equal(1, calls)
      assert.is_nil((slept or {})[1])
    end)

    it("cancels what runs, and closes its stream, where a callback raises: " .. name, function()
      local first
      local ok, raised = pcall(function()
        anthropic.run(function()
          first = live({ STOP, PING, PING }, answer { use("a", { x = 1 }) })
          local _, problem = read(sender { first }, params_of {
            tools = { slow() },
            on_event = function()
              if first.place == 3 then
                error("broken", 0)
              end
            end,
          })
          error(problem, 0)
        end)
      end)
      assert.is_false(ok)
      assert.equal("broken", raised)
      assert.equal(1, calls)
      assert.is_nil((slept or {})[1])
      assert.equal(1, first.closed)
    end)
  end

  it("starts them in a turn after the first, too", function()
    for _, read in pairs(WAYS) do
      calls = 0
      local first, second
      anthropic.run(function()
        first = live({ PING }, answer({ { type = "text", text = "wait" } }, "pause_turn"))
        second = live({ STOP, PING }, answer { use("a", { x = 1 }) })
        assert(read(sender { first, second, live({}, done()) }, params_of()))
      end)
      assert.same({ 0, 1, 1 }, second.counts)
    end
  end)

  it("is read piece by piece, and cancels what runs when it is closed", function()
    local first
    anthropic.run(function()
      first = live({ TEXT, STOP, PING, TEXT, TEXT }, answer { use("a", { x = 1 }) })
      local reader = assert(tool_runner.open(client, sender { first }, params_of { tools = { slow() } }))
      assert.equal("Hm.", reader())
      assert.equal("Hm.", reader())
      assert.equal(0, first.closed)
      assert.equal(1, calls)
      assert.is_nil(slept)
      reader:close()
      reader:close()
    end)
    assert.equal(1, calls)
    assert.is_nil((slept or {})[1])
    assert.is_true(first.closed > 0)
  end)
end)
