local anthropic = require "anthropic"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local function tool(name, run, fields)
  local whole = { name = name, run = run }
  for key, value in pairs(fields or {}) do
    whole[key] = value
  end
  return anthropic.tool(whole)
end

local function echo(input)
  return input
end

local function calls(...)
  return testing.message { tool_uses = { ... } }
end

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local done = testing.message { text = "Done." }

describe("client.messages.run", function()
  local server, client

  local function serve(...)
    server = hosted.server { script = { ... }, on_end = "error" }
    client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 0 }
  end

  local function run(fields)
    local params = { model = "m", max_tokens = 100, messages = { { role = "user", content = "go" } } }
    for name, value in pairs(fields) do
      params[name] = value
    end
    return client.messages.run(params)
  end

  after_each(function()
    if server then
      client:close()
      server:stop()
      server = nil
    end
  end)

  local function tool_results(number)
    local messages = server:requests()[number].json.messages
    return messages[#messages].content
  end

  it("answers without tools like create", function()
    serve(done)
    local message, result = run {}
    assert.equal("Done.", message:text())
    assert.equal("end_turn", result.stopped)
    assert.equal(1, #result.turns)
    assert.equal(2, #result.messages)
    local sent = server:requests()[1].json
    assert.is_nil(sent.max_turns)
    assert.is_nil(sent.tools)
  end)

  it("runs the tools and sends their results in the order of the blocks", function()
    serve(calls({ name = "a", id = "t1", input = { n = 1 } }, { name = "b", id = "t2", input = { n = 2 } }), done)
    local message, result = run { tools = { tool("b", echo), tool("a", function() return "one" end) } }
    assert.equal("Done.", message:text())
    assert.equal(4, #result.messages)
    assert.same({
      { type = "tool_result", tool_use_id = "t1", content = "one" },
      { type = "tool_result", tool_use_id = "t2", content = '{"n":2}' },
    }, tool_results(2))
    local sent = server:requests()[1].json
    assert.same({ type = "object", properties = {} }, sent.tools[1].input_schema)
    assert.is_nil(sent.tools[1].run)
  end)

  -- The next request begins with the bytes of the last one, up to the end of its messages.
  local function assert_is_prefix(earlier, later)
    local prefix = earlier.body:match '^(.*)%],"model":"m"'
    assert.is_string(prefix)
    assert.equal(prefix .. ",", later.body:sub(1, #prefix + 1))
  end

  local function hold_conversation()
    serve(
      testing.message { text = "Let me see.", tool_uses = {
        { name = "weather", id = "t1", input_json = '{"city" : "Paris",  "days":[ ], "exact":1.50}' },
        { name = "stock", id = "t2", input_json = '{"symbol":"X\\u0041"}' },
        { name = "delete", id = "t3", input_json = '{"path":"/"}' },
      } },
      testing.message { tool_uses = { { name = "weather", id = "t4", input_json = '{"city":"Rome"}' } } },
      done,
      testing.message { text = "Bye." })
    local refused = {}
    local message, result = run {
      tools = {
        tool("weather", function(input) return { celsius = 21, city = input.city } end),
        tool("stock", function() error("the market is closed", 0) end),
        tool("delete", function() error("must not run") end),
      },
      on_tool_use = function(call)
        if call.name == "delete" then
          refused[#refused + 1] = call.input.path
          return false, "deleting is not allowed"
        end
        return true
      end,
    }
    assert.equal("Done.", message:text())
    assert.equal("end_turn", result.stopped)
    assert.same({ "/" }, refused)
    assert.same({
      { type = "tool_result", tool_use_id = "t1", content = '{"celsius":21,"city":"Paris"}' },
      { type = "tool_result", tool_use_id = "t2", content = "the market is closed", is_error = true },
      { type = "tool_result", tool_use_id = "t3", content = "deleting is not allowed", is_error = true },
    }, tool_results(2))
    local history = result.messages
    assert.equal(6, #history)
    history[#history + 1] = { role = "user", content = "Thanks." }
    assert(client.messages.create {
      model = "m", max_tokens = 100, messages = history,
    })
    local requests = server:requests()
    for i = 2, 4 do
      assert_is_prefix(requests[i - 1], requests[i])
    end
    assert.is_truthy(requests[4].body:find('{"city" : "Paris",  "days":[ ], "exact":1.50}', 1, true))
    assert.is_truthy(requests[4].body:find('{"symbol":"X\\u0041"}', 1, true))
  end

  it("leaves a history that the next request takes up byte for byte", function()
    hold_conversation()
  end)

  it("leaves the same history under the scheduler", function()
    anthropic.run(hold_conversation)
  end)

  it("runs tools one after the other without a scheduler", function()
    serve(calls({ name = "f", id = "1" }, { name = "f", id = "2" }), done)
    local log = {}
    assert(run { tools = { tool("f", function(_, call)
      log[#log + 1] = "begin " .. call.id
      anthropic.sleep(0.01)
      log[#log + 1] = "end " .. call.id
    end) } })
    assert.same({ "begin 1", "end 1", "begin 2", "end 2" }, log)
  end)

  it("runs tools at once under the scheduler, with the results in the order of the blocks", function()
    serve(calls({ name = "f", id = "1" }, { name = "f", id = "2" }), done)
    local log = {}
    anthropic.run(function()
      assert(run { tools = { tool("f", function(_, call)
        log[#log + 1] = "begin " .. call.id
        local deadline = anthropic.now() + 5
        repeat
          anthropic.sleep(0.002)
        until call.id == "2" or log[#log] == "end 2" or anthropic.now() > deadline
        log[#log + 1] = "end " .. call.id
        return call.id
      end) } })
    end)
    assert.same({ "begin 1", "begin 2", "end 2", "end 1" }, log)
    assert.equal("1", tool_results(2)[1].content)
    assert.equal("2", tool_results(2)[2].content)
  end)

  it("catches a tool's error after it waited", function()
    serve(calls({ name = "f", id = "1" }, { name = "g", id = "2" }), done)
    anthropic.run(function()
      assert(run { tools = {
        tool("f", function()
          anthropic.sleep(0.01)
          error("raised", 0)
        end),
        tool("g", function()
          anthropic.sleep(0.01)
          return nil, "returned"
        end),
      } })
    end)
    assert.equal("raised", tool_results(2)[1].content)
    assert.is_true(tool_results(2)[1].is_error)
    assert.equal("returned", tool_results(2)[2].content)
    assert.is_true(tool_results(2)[2].is_error)
  end)

  describe("a tool that raises, or gives what cannot be sent", function()
    local function nothing_of_this_machine(text)
      assert.is_nil(text:find("tool_run_spec", 1, true), text)
      assert.is_nil(text:find("%.lua"), text)
      assert.is_nil(text:find("traceback", 1, true), text)
    end

    -- LuaJIT may have no stack left for the handler of a stack overflow.
    local NO_STACK_LEFT = rawget(_G, "jit") and "error in error handling"

    -- Pairs of what a tool does, and what the model reads.
    local RAISING = {
      { function() error "no such city" end, "no such city" },
      { function() error("no such city", 2) end, "no such city" },
      { function() assert(nil, "no such city") end, "no such city" },
      { function() local x = nil; return x.y end, "^attempt to index .*a nil value" },
      { function() local x = {}; return x.y.z end, "^attempt to index .*a nil value" },
      { function() return nil + 1 end, "^attempt to perform arithmetic on a nil value" },
      { function() local _, err = pcall(error, "inner", 2) error(err) end, "inner" },
      { function() error(debug.traceback "no such city") end, "no such city" },
      { function() error { code = 7, trace = debug.traceback "x" } end, '{"code":7,"trace":"x"}' },
      { function() error(setmetatable({}, { __tostring = function() return "an object" end })) end, "an object" },
      { function() error(setmetatable({}, { __tostring = function() error "mine" end })) end,
        "the result cannot be sent: mine" },
      { function() error() end, tostring((select(2, pcall(error)))) }, -- Lua 5.5 has words for it
      { function() error "" end, "the tool failed" },
      { function() return setmetatable({}, { __index = function() error "mine" end }) end,
        "the result cannot be sent: mine" },
      { function() return print end, "the result cannot be sent: value: a function has no JSON form" },
      { function() require "anthropic.no_such_module" end, "^module 'anthropic.no_such_module' not found" },
      { function() -- with many arguments the stack is full after fewer levels
        local function deeper(...) return 1 + deeper(...) end
        return deeper(("x"):rep(200):byte(1, -1))
      end, "stack overflow" },
    }

    local function raise_all()
      local uses, list, records = {}, {}, {}
      for i, case in ipairs(RAISING) do
        uses[i] = { name = "f" .. i, id = "t" .. i }
        list[i] = tool("f" .. i, case[1])
      end
      serve(calls(unpack(uses)), done)
      client = anthropic.new { base_url = server.url, api_key = "test-key", on_log = function(record)
        if record.event == "tool" then
          records[#records + 1] = record
        end
      end }
      local message, err = run { tools = list }
      assert.equal("Done.", assert(message, err):text())
      for i, block in ipairs(tool_results(2)) do
        local expected = RAISING[i][2]
        assert.is_true(block.is_error)
        nothing_of_this_machine(block.content)
        assert.truthy(block.content == expected or block.content:find(expected) or block.content == NO_STACK_LEFT,
          block.content)
      end
      -- Each is told of; where the words cannot be read, that is, too.
      assert.equal(#RAISING + 1, #records)
      for _, record in ipairs(records) do
        assert.equal("warn", record.level)
        assert.equal("f" .. record.tool_use_id:sub(2), record.tool)
        assert.is_string(record.error)
        if record.tool ~= "f15" and record.error ~= NO_STACK_LEFT then -- which raised nothing
          assert.matches("stack traceback:", record.traceback)
        end
      end
      assert.matches("tool_run_spec.lua:%d+: no such city", records[1].error)
      assert.matches("tool_run_spec.lua:%d+: in ", records[1].traceback)
    end

    it("is answered with the words alone, and on_log gets the rest", function()
      raise_all()
    end)

    it("is so under the scheduler", function()
      anthropic.run(raise_all)
    end)

    it("may do so by yielding where nobody resumes it", function()
      serve(calls({ name = "f", id = "1" }), done)
      assert(run { tools = { tool("f", function() coroutine.yield() end) } })
      assert.is_true(tool_results(2)[1].is_error)
      assert.matches("attempt to yield", tool_results(2)[1].content)
    end)

    it("says what it returns as its reason, without the positions that an error has that it caught", function()
      serve(calls({ name = "f", id = "1" }, { name = "g", id = "2" }), done)
      assert(run { tools = {
        tool("f", function()
          local ok, err = pcall(error, "no such city", 1)
          return ok or nil, select(2, pcall(function() error "no such city" end)) or err
        end),
        tool("g", function() return nil, "main.lua:3: unexpected symbol" end),
      } })
      assert.equal("no such city", tool_results(2)[1].content)
      assert.equal("main.lua:3: unexpected symbol", tool_results(2)[2].content)
    end)
  end)

  it("ends with what a hook raises, before any tool has run", function()
    serve(calls({ name = "f", id = "1" }, { name = "f", id = "2" }), done)
    local function hold()
      local ran = 0
      local ok, err = pcall(run, {
        tools = { tool("f", function() ran = ran + 1 end) },
        on_tool_use = function(call)
          return call.id == "1" or error("mine", 0)
        end,
      })
      assert.same({ false, "mine", 0 }, { ok, err, ran })
      assert.equal(1, #server:requests())
    end
    hold()
  end)

  it("lets a tool make requests of its own", function()
    server = hosted.server { script = { routes = {
      { body_contains = '"content":"inner"', answers = { testing.message { text = "from inside" } } },
      { answers = { calls({ name = "f", id = "1" }, { name = "f", id = "2" }), done } },
    } } }
    client = anthropic.new { base_url = server.url, api_key = "test-key" }
    anthropic.run(function()
      assert(run { tools = { tool("f", function(_, call)
        local message, err = call.client.messages.create {
          model = "m", max_tokens = 10, messages = { { role = "user", content = "inner" } },
        }
        return message and message:text(), err
      end) } })
    end)
    assert.equal("from inside", tool_results(4)[1].content)
    assert.equal("from inside", tool_results(4)[2].content)
  end)

  it("ends a tool at its time limit under the scheduler, and does not wait for it", function()
    serve(calls({ name = "slow", id = "1" }, { name = "quick", id = "2" }, { name = "deaf", id = "3" }), done)
    local told
    anthropic.run(function()
      local stop = false
      assert(run { tool_timeout = 0.05, tools = {
        tool("slow", function()
          local ok, err = anthropic.sleep(60)
          told = not ok and err.kind
        end),
        tool("quick", function() return "in time" end),
        tool("deaf", function()
          while not stop do
            coroutine.yield()
          end
        end),
      } })
      stop = true
    end)
    assert.equal("the tool did not end within 0.05 seconds", tool_results(2)[1].content)
    assert.is_true(tool_results(2)[1].is_error)
    assert.equal("in time", tool_results(2)[2].content)
    assert.is_true(tool_results(2)[3].is_error)
    assert.equal("cancelled", told)
  end)

  it("prefers a tool's own time limit", function()
    serve(calls { name = "f", id = "1" }, done)
    anthropic.run(function()
      assert(run { tool_timeout = 0.01, tools = { tool("f", function()
        anthropic.sleep(0.05)
        return "in time"
      end, { timeout = 30 }) } })
    end)
    assert.equal("in time", tool_results(2)[1].content)
  end)

  it("cuts a long result", function()
    serve(calls({ name = "f", id = "1" }, { name = "g", id = "2" }), done)
    local function long() return ("x"):rep(1000) end
    assert(run { max_result_bytes = 10, tools = { tool("f", long), tool("g", long, { max_result_bytes = 20 }) } })
    assert.equal(("x"):rep(10) .. "\n[cut: the first 10 of 1000 bytes]", tool_results(2)[1].content)
    assert.equal(("x"):rep(20) .. "\n[cut: the first 20 of 1000 bytes]", tool_results(2)[2].content)
  end)

  it("goes on whatever a tool gives: it is mended, left out or a failure that says why", function()
    local R, cycle = "\239\191\189", {}
    cycle[1] = cycle
    local GIVEN = {
      { "caf\233", content = "caf" .. R },
      { { ["\255"] = "\237\160\189" }, content = '{"' .. R .. '":"' .. R:rep(3) .. '"}' },
      { { type = "text", text = "" } },
      { { { type = "text", text = " \n" }, { type = "text", text = "a\255" } },
        content = { { type = "text", text = "a" .. R } } },
      { "" },
      { nil, "caf\233", content = "caf" .. R, is_error = true },
      { nil, "", content = "the tool failed", is_error = true },
      { 0 / 0, content = "the result cannot be sent: value: NaN has no JSON form", is_error = true },
      { cycle, content = "the result cannot be sent: [1]: the table contains itself", is_error = true },
    }
    local uses, expected = {}, {}
    for i, given in ipairs(GIVEN) do
      uses[i] = { name = "give", id = "t" .. i, input = { at = i } }
      expected[i] = { type = "tool_result", tool_use_id = "t" .. i, content = given.content, is_error = given.is_error }
    end
    serve(calls(unpack(uses)), done)
    local message, result = run { tools = { tool("give", function(input)
      return GIVEN[input.at][1], GIVEN[input.at][2]
    end) } }
    assert.equal("end_turn", assert(message, tostring(result)).stop_reason)
    assert.same(expected, tool_results(2))
  end)

  it("tells the model of an unknown tool and of broken JSON, and goes on", function()
    serve(testing.stream { tool_uses = {
      { name = "teleport", id = "1", input = {} },
      { name = "f", id = "2", input_json = '{"a":tru}' },
      { name = "f", id = "3", input_json = '{"a":1}' },
    } }, testing.stream { text = "Done." })
    local ran = {}
    local message = assert(run { stream = true, tools = { tool("f", function(input) ran[#ran + 1] = input end) } })
    assert.equal("Done.", message:text())
    assert.same({ { a = 1 } }, ran)
    local results = tool_results(2)
    assert.equal('no tool named "teleport" can be run', results[1].content)
    assert.is_true(results[1].is_error)
    assert.matches("^the input is not valid JSON: .*byte 9", results[2].content)
    assert.is_true(results[2].is_error)
    assert.is_nil(results[3].is_error)
    local messages = server:requests()[2].json.messages
    assert.same({}, messages[2].content[2].input)
  end)

  it("does not run a call that was cut off", function()
    serve(testing.message { stop_reason = "max_tokens", tool_uses = {
      { name = "f", id = "1", input = { a = 1 } }, { name = "f", id = "2", input = {} },
    } }, done)
    local ran = 0
    assert(run { tools = { tool("f", function() ran = ran + 1 end) } })
    assert.equal(1, ran)
    assert.equal("the call was cut off (max_tokens); it was not run", tool_results(2)[2].content)
  end)

  it("lets the hook change an input, and keeps what the model said", function()
    serve(calls({ name = "f", id = "1", input_json = '{"path":"/etc"}' },
      { name = "f", id = "2", input_json = '{"path":"/var"}' }), done)
    local seen = {}
    assert(run {
      tools = { tool("f", function(input)
        seen[#seen + 1] = input.path
        input.path = "changed by the tool"
      end) },
      on_tool_use = function(call)
        if call.id == "1" then
          return { path = "/tmp" }
        end
        call.input.path = call.input.path .. "/lib"
        return true
      end,
    })
    assert.same({ "/tmp", "/var/lib" }, seen)
    local body = server:requests()[2].body
    assert.is_truthy(body:find('{"path":"/etc"}', 1, true))
    assert.is_truthy(body:find('{"path":"/var"}', 1, true))
  end)

  it("takes a hook that says nothing for a refusal", function()
    serve(calls({ name = "f", id = "1" }, { name = "f", id = "2" }), done)
    assert(run {
      tools = { tool("f", function() error("must not run") end) },
      on_tool_use = function(call) return call.id == "2" and "yes" or nil end,
    })
    assert.equal("the call was refused", tool_results(2)[1].content)
    assert.equal("the call was refused", tool_results(2)[2].content)
  end)

  it("shows every turn", function()
    serve(testing.message {
      usage = { output_tokens = 7 }, tool_uses = { { name = "f", id = "1", input = { a = 1 } } },
    }, done)
    local turns = {}
    local _, result = run { tools = { tool("f", echo) }, on_turn = function(turn) turns[#turns + 1] = turn end }
    assert.equal(2, #turns)
    assert.same(result.turns, turns)
    assert.equal(1, turns[1].number)
    assert.equal(7, turns[1].message.usage.output_tokens)
    assert.equal("f", turns[1].calls[1].name)
    assert.same({ a = 1 }, turns[1].calls[1].input)
    assert.equal('{"a":1}', turns[1].results[1].content)
    assert.same({}, turns[2].calls)
    assert.same({}, turns[2].results)
  end)

  it("stops at max_turns with a history that can be continued", function()
    local again = calls { name = "f", id = "1" }
    serve(again, again, again)
    local message, result = run { max_turns = 2, tools = { tool("f", echo) } }
    assert.equal("tool_use", message.stop_reason)
    assert.equal("max_turns", result.stopped)
    assert.equal(2, #server:requests())
    assert.equal(5, #result.messages)
    assert.equal("tool_result", result.messages[5].content[1].type)
  end)

  it("stops after 20 turns where nothing else is said", function()
    server = hosted.server { script = { calls { name = "f", id = "1" } } }
    client = anthropic.new { base_url = server.url, api_key = "test-key" }
    local _, result = run { tools = { tool("f", echo) } }
    assert.equal("max_turns", result.stopped)
    assert.equal(20, #server:requests())
  end)

  it("stops at a refusal and leaves it out of the history", function()
    serve(calls { name = "f", id = "1" },
      testing.message { stop_reason = "refusal", text = "I", tool_uses = { { name = "f", id = "2" } } })
    local ran = 0
    local message, result = run { tools = { tool("f", function() ran = ran + 1 end) } }
    assert.equal("refusal", message.stop_reason)
    assert.equal("refusal", result.stopped)
    assert.equal(1, ran)
    assert.equal(2, #result.turns)
    assert.equal(3, #result.messages)
    assert.equal("user", result.messages[3].role)
  end)

  it("continues a paused turn with what was said", function()
    serve(testing.message { stop_reason = "pause_turn", content = {
      { type = "server_tool_use", id = "srv_1", name = "web_search", input = { query = "x" } },
    } }, done)
    local message, result = run { tools = { { type = "web_search_20250305", name = "web_search" } } }
    assert.equal("Done.", message:text())
    assert.equal("end_turn", result.stopped)
    local messages = server:requests()[2].json.messages
    assert.equal(2, #messages)
    assert.equal("assistant", messages[2].role)
    assert.equal("srv_1", messages[2].content[1].id)
  end)

  it("leaves server tools alone", function()
    serve(testing.message { stop_reason = "tool_use", content = {
      { type = "server_tool_use", id = "srv_1", name = "f", input = { query = "x" } },
      { type = "web_search_tool_result", tool_use_id = "srv_1", content = testing.array {} },
      { type = "tool_use", id = "1", name = "f", input = {} },
    } }, done)
    assert(run { tools = { tool("f", echo), { type = "web_search_20250305", name = "web_search" } } })
    assert.equal(1, #tool_results(2))
    assert.equal("1", tool_results(2)[1].tool_use_id)
    assert.same({ type = "web_search_20250305", name = "web_search" }, server:requests()[1].json.tools[2])
  end)

  it("answers only what comes after a fallback", function()
    serve(testing.message { stop_reason = "tool_use", content = {
      { type = "tool_use", id = "1", name = "f", input = {} },
      { type = "fallback" },
      { type = "tool_use", id = "2", name = "f", input = {} },
    } }, done)
    assert(run { tools = { tool("f", echo) } })
    assert.equal(1, #tool_results(2))
    assert.equal("2", tool_results(2)[1].tool_use_id)
  end)

  it("finds the tool of a toolset", function()
    serve(testing.message { content = {
      { type = "tool_use", id = "1", name = "screenshot", input = {}, toolset_name = "computer" },
    } }, done)
    assert(run { tools = {
      anthropic.tool { type = "computer_toolset_20260801", run = function(_, call) return call.name end },
    } })
    assert.equal("screenshot", tool_results(2)[1].content)
    assert.equal("computer", tool_results(2)[1].toolset_name)
  end)

  describe("a call", function()
    local ran

    -- What is sent for calls that come as the blocks given, in a whole answer or a stream.
    local function results_of(blocks, fields, kind)
      ran = {}
      for i, block in ipairs(blocks) do
        block.type, block.id = "tool_use", block.id or tostring(i)
        block.input = block.input or {}
      end
      serve(testing[kind or "message"] { content = blocks }, testing[kind or "message"] { text = "Done." })
      local function noted(name, type_name)
        return anthropic.tool { name = name, type = type_name, run = function(_, call)
          ran[#ran + 1] = (call.toolset_name or "") .. ":" .. call.name
        end }
      end
      fields = fields or {}
      fields.stream = kind == "stream" or nil
      fields.tools = { noted "delete_file", noted "read_file", noted(nil, "computer_toolset_20260801") }
      fields.on_tool_use = fields.on_tool_use or function(call)
        return call.name ~= "delete_file"
      end
      assert.equal("Done.", assert(run(fields)):text())
      local list = tool_results(2)
      server:stop()
      return list
    end

    for _, kind in ipairs { "message", "stream" } do
      it("runs the tool that the hook approved, and no other: " .. kind, function()
        local list = results_of({
          { name = "x", toolset_name = "delete_file" },
          { name = "x", toolset_name = "" },
          { name = "x", toolset_name = "computer_toolset" },
          { name = "x", toolset_name = 5 },
          { name = "x", toolset_name = {} },
          { name = "read_file", toolset_name = "computer" },
          { name = "delete_file" },
          { name = "click", toolset_name = "computer" },
          { name = "read_file" },
        }, nil, kind)
        assert.same({ "computer:click", ":read_file" }, ran)
        for i = 1, 9 do
          assert.equal(i <= 7 or nil, list[i].is_error)
          assert.equal(tostring(i), list[i].tool_use_id)
        end
        assert.equal('no tool named "x" can be run', list[1].content)
        assert.equal("the call was refused", list[7].content)
      end)
    end

    it("of an odd name, ID or input is answered, whatever that is", function()
      local ids = {}
      local list = results_of {
        { name = 5 }, { name = {} }, { name = true }, {},
        { name = ("x"):rep(1000000) },
        { name = "read_file", id = 5 }, { name = "read_file", id = {} }, { name = "read_file", id = "" },
        { name = "read_file", id = ("i"):rep(100000) },
        { name = "read_file", input = 5 }, { name = "read_file", input = "x" },
        { name = "read_file", input = testing.array { 1 } },
      }
      assert.equal(12, #list)
      for i, result in ipairs(list) do
        assert.equal(i < 6 or i > 9 or nil, result.is_error)
        assert.is_true(#(result.content or "") < 200)
        assert.is_nil(ids[result.tool_use_id])
        ids[result.tool_use_id] = true
      end
      for i, block in ipairs(server:requests()[2].json.messages[2].content) do
        assert.equal(list[i].tool_use_id, block.id)
      end
    end)

    it("of a tool that was withdrawn is answered, until it is added again", function()
      local function change(kind)
        return { role = "system", content = {
          { type = kind, tool = { type = "tool_reference", name = "read_file" } },
        } }
      end
      local messages = { { role = "user", content = "go" }, change "tool_removal" }
      local list = results_of({ { name = "read_file" } }, { messages = messages })
      assert.same({ "no tool named \"read_file\" can be run", true }, { list[1].content, list[1].is_error })
      assert.same({}, ran)
      messages[3] = change "tool_addition"
      results_of({ { name = "read_file" } }, { messages = messages })
      assert.same({ ":read_file" }, ran)
    end)
  end)

  it("carries the container forward", function()
    local answer = calls { name = "f", id = "1" }
    answer.body.container = { id = "container_1", expires_at = "2026-01-01T00:00:00Z" }
    serve(answer, answer, done)
    assert(run { tools = { tool("f", echo) }, container = { skills = { { type = "anthropic", skill_id = "xlsx" } } } })
    assert.is_nil(server:requests()[1].json.container.id)
    assert.equal("container_1", server:requests()[2].json.container.id)
    assert.equal("xlsx", server:requests()[3].json.container.skills[1].skill_id)
    server:stop()
    serve(answer, done)
    assert(run { tools = { tool("f", echo) } })
    assert.equal("container_1", server:requests()[2].json.container)
  end)

  it("keeps the container that the caller named", function()
    local answer = calls { name = "f", id = "1" }
    answer.body.container = { id = "another", expires_at = "2026-01-01T00:00:00Z" }
    for _, container in ipairs { "mine", { id = "mine", skills = { { type = "custom", skill_id = "s" } } } } do
      serve(answer, answer, done)
      assert(run { tools = { tool("f", echo) }, container = container })
      assert.same(container, server:requests()[2].json.container)
      assert.same(container, server:requests()[3].json.container)
      server:stop()
    end
  end)

  it("streams every turn and hands the events out", function()
    serve(testing.stream { text = "Wait.", tool_uses = { { name = "f", id = "1", input = { a = 1 } } } },
      testing.stream { text = "Done." })
    local text, stops = {}, 0
    local message, result = run { tools = { tool("f", echo) }, on_event = function(event)
      if event.type == "content_block_delta" and event.delta.type == "text_delta" then
        text[#text + 1] = event.delta.text
      elseif event.type == "message_stop" then
        stops = stops + 1
      end
    end }
    assert.equal("Done.", message:text())
    assert.equal("Wait.Done.", table.concat(text))
    assert.equal(2, stops)
    assert.equal(2, #result.turns)
    assert.is_true(server:requests()[1].json.stream)
    assert.equal('{"a":1}', tool_results(2)[1].content)
  end)

  it("streams underneath for long answers", function()
    serve(testing.stream { tool_uses = { { name = "f", id = "1", input = { a = 1 } } } },
      testing.stream { text = "Done." })
    local message = assert(run { max_tokens = 64000, tools = { tool("f", echo) } })
    assert.equal("Done.", message:text())
  end)

  it("gives the history so far when a request fails", function()
    serve(calls { name = "f", id = "1", input = { a = 1 } }, testing.error { status = 400, message = "no" })
    local message, err = run { tools = { tool("f", echo) } }
    assert.is_nil(message)
    assert.equal(400, err.status)
    assert.equal(1, #err.run.turns)
    assert.equal(3, #err.run.messages)
    assert.is_nil(err.run.stopped)
  end)

  it("gives what had arrived when a stream breaks", function()
    serve(testing.stream { tool_uses = { { name = "f", id = "1", input = {} } } },
      testing.stream { text = "Half a sentence", error = { type = "api_error", message = "broken" } })
    local events = 0
    local _, err = run { tools = { tool("f", echo) }, on_event = function() events = events + 1 end }
    assert.equal("api_error", err.type)
    assert.equal("Half a sentence", err.partial:text())
    assert.equal(3, #err.run.messages)
    assert.is_true(events > 5)
  end)

  it("ends at once when its task is cancelled while a tool runs", function()
    serve(testing.message { text = "Wait.", tool_uses = { { name = "f", id = "1" }, { name = "f", id = "2" } } }, done)
    local told, message, err = 0, nil, nil
    anthropic.run(function()
      local task
      task = anthropic.spawn(function()
        message, err = run { tools = { tool("f", function(_, call)
          if call.id == "2" then
            task:cancel()
          end
          if not anthropic.sleep(60) then
            told = told + 1
          end
        end) } }
      end)
      task:join()
    end)
    assert.is_nil(message)
    assert.equal("cancelled", err.kind)
    assert.equal("Wait.", err.partial:text())
    assert.equal(1, #err.run.messages)
    assert.equal(2, told)
    assert.equal(1, #server:requests())
  end)

  it("runs no tool after its task was cancelled while `on_tool_use` waited", function()
    serve(testing.message { text = "Wait.", tool_uses = { { name = "f", id = "1" } } }, done)
    local ran, message, err = 0, nil, nil
    anthropic.run(function()
      local task = anthropic.spawn(function()
        message, err = run {
          tools = { tool("f", function() ran = ran + 1 end) },
          on_tool_use = function()
            anthropic.sleep(60)
            return true
          end,
        }
      end)
      while #server:requests() < 1 do
        anthropic.sleep(0.01)
      end
      anthropic.sleep(0.05)
      task:cancel()
      task:join()
    end)
    assert.is_nil(message)
    assert.same({ "cancelled", "Wait.", 1, 0 }, { err.kind, err.partial:text(), #err.run.messages, ran })
  end)

  it("ends at once when its task is cancelled while a request is under way", function()
    serve(calls { name = "f", id = "1" }, { hang = true })
    local err
    anthropic.run(function()
      local task = anthropic.spawn(function()
        local _
        _, err = run { tools = { tool("f", echo) } }
      end)
      while #server:requests() < 2 do
        anthropic.sleep(0.01)
      end
      task:cancel()
      task:join()
    end)
    assert.equal("cancelled", err.kind)
    assert.equal(3, #err.run.messages)
  end)

  it("leaves its parameters as they were", function()
    serve(calls { name = "f", id = "1" }, done)
    local messages = { { role = "user", content = "go" } }
    assert(run { messages = messages, tools = { tool("f", echo) } })
    assert.equal(1, #messages)
  end)

  it("refuses wrong parameters before anything is sent", function()
    serve(done)
    local f = tool("f", echo)
    for problem, fields in pairs {
      ["max_turns: a whole number, 1 or more expected, got number"] = { max_turns = 0 },
      ["on_turn: a function expected, got table"] = { on_turn = {} },
      ["on_tool_use: a function expected, got boolean"] = { on_tool_use = true },
      ["on_event: a function expected, got string"] = { on_event = "x" },
      ["tool_timeout: a positive number of seconds expected, got number"] = { tool_timeout = 0 },
      ["max_result_bytes: a positive number of bytes expected, got string"] = { max_result_bytes = "1" },
      ["messages: a list expected, got string"] = { messages = "go" },
      ["tools: table expected, got string"] = { tools = "f" },
      ["tools[1]: table expected, got string"] = { tools = { "f" } },
      ["tools[2]: has no `run` function; make it with anthropic.tool"] = { tools = { f, { name = "g" } } },
      ['tools[2].name: "f" appears twice'] = { tools = { f, tool("f", echo) } },
    } do
      local message, err = run(fields)
      assert.is_nil(message)
      assert.equal("invalid_request", err.kind)
      assert.equal(problem, err.message)
    end
    assert.equal(0, #server:requests())
  end)

  it("works in beta.messages and with a colon", function()
    serve(calls { name = "f", id = "1" }, done)
    assert(client.beta.messages:run {
      model = "m", max_tokens = 100, messages = { { role = "user", content = "go" } }, tools = { tool("f", echo) },
      betas = { "context-management-2025-06-27" },
    })
    assert.equal("context-management-2025-06-27", server:requests()[2].headers["anthropic-beta"])
  end)
end)
