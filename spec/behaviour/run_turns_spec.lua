-- What happens between the turns of client.messages.run: another history, other tools, threads, an end.

local anthropic = require "anthropic"
local played_cases = require "spec.support.played_cases"
local testing = require "anthropic.testing"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local INLINE, NAMED = "inline-tools-2026-09-15", "mid-conversation-tool-changes-2026-07-01"

local function tool(name, run)
  return anthropic.tool { name = name, run = run or function() return name end }
end

local function calls(...)
  local uses = {}
  for i, name in ipairs { ... } do
    uses[i] = { name = name, id = "t" .. i }
  end
  return testing.message { tool_uses = uses }
end

local done = testing.message { text = "Done." }

local function user(text)
  return { role = "user", content = text }
end

describe("between the turns of a run", function()
  local played = played_cases.new(it, teardown, { max_retries = 0 })
  -- Cases with a subject.
  local function of(subject)
    return function(name, answers, f)
      played.case(subject .. " " .. name, answers, f)
    end
  end

  local function sent()
    local list = {}
    for i, request in ipairs(played.requests()) do
      list[i] = request.json
    end
    return list
  end

  local function run(fields, options)
    local params = { model = "m", max_tokens = 100, messages = { user "go" } }
    for name, value in pairs(fields) do
      params[name] = value
    end
    return played.client.messages.run(params, options)
  end

  local function names_of(request)
    local names = {}
    for i, each in ipairs(request.tools or {}) do
      names[i] = each.name
    end
    return names
  end

  -- The last of a request's messages, and what the model read of its calls.
  local function last(request)
    return request.messages[#request.messages]
  end

  do
    local case = of "before_turn"

    case("is called before each request, and may return another history", { calls "a", calls "a", done }, function()
      local counts = {}
      local message, result = run {
        tools = { tool "a" },
        before_turn = function(running)
          counts[#counts + 1] = { #running.turns, #running.messages }
          if #running.turns == 1 then
            return { user "A summary." }
          end
        end,
      }
      assert.equal("Done.", assert(message, result):text())
      assert.same({ { 0, 1 }, { 1, 3 }, { 2, 3 } }, counts)
      assert.same({ 1, 1, 3 }, { #sent()[1].messages, #sent()[2].messages, #sent()[3].messages })
      assert.equal("A summary.", sent()[2].messages[1].content)
      assert.equal("A summary.", sent()[3].messages[1].content)
      assert.equal(4, #result.messages)
    end)

    case("may wait, and what it raises ends the run", { calls "a" }, function()
      local ok, err
      anthropic.run(function()
        local task = anthropic.spawn(run, { tools = { tool "a" }, before_turn = function(running)
          anthropic.sleep(0.001)
          return #running.turns > 0 and error("mine", 0) or nil
        end })
        ok, err = task:join()
      end)
      assert.same({ nil, "mine" }, { ok, err })
      assert.equal(1, #sent())
    end)

    case("is wrong where it returns what is no list", { done }, function()
      for _, value in ipairs { "x", 5, true, anthropic.raw "[]" } do
        local message, err = run { before_turn = function() return value end }
        assert.is_nil(message)
        assert.equal("invalid_request", err.kind)
        assert.matches("^before_turn: ", err.message)
        assert.same({}, err.run.turns)
      end
      local message, err = run { before_turn = function() return { 5 } end }
      assert.is_nil(message)
      assert.equal("invalid_request", err.kind)
    end)
  end

  do
    local case = of "on_turn"

    case("may push messages, behind the results", { calls "a", done }, function()
      local message, result = run { tools = { tool "a" }, on_turn = function(turn, running)
        if turn.number == 1 then
          table.insert(running.messages, user "And hurry.")
        end
      end }
      assert.equal("Done.", assert(message, result):text())
      assert.equal("tool_result", sent()[2].messages[3].content[1].type)
      assert.equal("And hurry.", last(sent()[2]).content)
    end)

    case("keeps a run going by what it pushes", { done, testing.message { text = "More." } }, function()
      local message, result = run { on_turn = function(turn, running)
        if turn.number == 1 then
          table.insert(running.messages, user "More?")
        end
      end }
      assert.equal("More.", assert(message, result):text())
      assert.equal(2, #result.turns)
      assert.equal(4, #result.messages)
    end)

    case("may stop", { calls "a" }, function()
      local ran = 0
      local message, result = run {
        tools = { tool("a", function() ran = ran + 1 end) },
        on_turn = function() return { stop = true } end,
      }
      assert.equal("tool_use", assert(message, result).stop_reason)
      assert.same({ "stop", 1, 1, 3 }, { result.stopped, ran, #result.turns, #result.messages })
    end)

    case("is not what stopped a run that was over", { done }, function()
      local _, result = run { on_turn = function() return { stop = true } end }
      assert.equal("end_turn", result.stopped)
    end)

    case("may return what means nothing", { calls "a", done }, function()
      local values = { true, "x" }
      assert(run { tools = { tool "a" }, on_turn = function(turn) return values[turn.number] end })
    end)

    local WRONG = {
      { { add_tool = {} }, 'unknown field "add_tool"; did you mean "add_tools"?' },
      { { stop = 1 }, "stop: boolean expected, got number" },
      { { add_tools = "a" }, "add_tools: table expected, got string" },
      { { add_tools = { 5 } }, "add_tools[1]: table expected, got number" },
      { { add_tools = { { name = "a" } } }, "add_tools[1]: has no `run` function; make it with anthropic.tool" },
      { { add_tools = { tool "b", tool "b" } }, 'add_tools[2].name: "b" appears twice' },
      { { remove_tools = { 5 } }, "remove_tools[1]: the name of a tool, or a tool, expected, got number" },
    }
    local answers = {}
    for i = 1, #WRONG do
      answers[i] = calls "a"
    end
    case("is wrong where a field is", answers, function()
      for i, row in ipairs(WRONG) do
        local message, err = run { tools = { tool "a" }, on_turn = function() return row[1] end }
        assert.is_nil(message)
        assert.equal("invalid_request", err.kind)
        assert.equal("on_turn returned a table with a wrong field: " .. row[2], err.message)
        assert.equal(1, #err.run.turns)
        assert.equal(i, #sent())
      end
    end)
  end

  do
    local case = of "tools"

    -- Changes after the first and second turn of three.
    local function change(fields, options)
      local a, b = tool "a", tool("b", function() return "b ran" end)
      return run({ tools = { a }, betas = fields.betas, on_turn = function(turn)
        if turn.number == 1 then
          return { add_tools = { b }, remove_tools = { "a" } }
        elseif turn.number == 2 then
          return { add_tools = { tool("b", function() return "another b" end) }, remove_tools = { b } }
        end
      end }, options)
    end

    local function answers()
      return { calls "a", calls("a", "b"), calls "b", done }
    end

    local function check_results(messages)
      local read = {}
      for _, message in ipairs(messages) do
        for _, block in ipairs(type(message.content) == "table" and message.content or {}) do
          read[#read + 1] = block.type == "tool_result" and block.content or nil
        end
      end
      assert.same({ "a", 'no tool named "a" can be run', "b ran", "another b" }, read)
    end

    case("are those of the next request where the API knows no changes", answers(), function()
      assert(change {})
      assert.same({ { "a" }, { "b" }, { "b" }, { "b" } },
        { names_of(sent()[1]), names_of(sent()[2]), names_of(sent()[3]), names_of(sent()[4]) })
      assert.equal("user", last(sent()[2]).role)
      check_results(sent()[4].messages)
    end)

    local function check_changes()
      assert.same({ { "a" }, { "a" }, { "a" } }, { names_of(sent()[1]), names_of(sent()[2]), names_of(sent()[3]) })
      assert.same({ role = "system", content = {
        { type = "tool_removal", tool = { type = "tool_reference", name = "a" } },
        { type = "tool_addition", tool = { type = "tool_definition", definition = {
          name = "b", input_schema = { type = "object", properties = {} },
        } } },
      } }, last(sent()[2]))
      assert.equal("system", last(sent()[3]).role)
      check_results(sent()[4].messages)
    end

    for _, where in ipairs { "params", "options", "client" } do
      case("are changed by messages where a beta of the " .. where .. " has it", answers(), function()
        if where == "client" then
          played.client = played.new_client { betas = { INLINE } }
        end
        assert(change({ betas = where == "params" and { INLINE } or nil },
          where == "options" and { betas = { INLINE } } or nil))
        check_changes()
      end)
    end

    case("are named alone where definitions are not known", { calls("a", "b"), calls "b", calls "a", done }, function()
      local a, b = tool "a", tool "b"
      local decisions = { { remove_tools = { a } }, { add_tools = { a, tool "c" } } }
      assert(run { tools = { a, b }, betas = { NAMED }, on_turn = function(turn) return decisions[turn.number] end })
      local reference = { type = "tool_reference", name = "a" }
      assert.same({ { type = "tool_removal", tool = reference } }, last(sent()[2]).content)
      assert.same({ { type = "tool_addition", tool = reference } }, last(sent()[3]).content)
      assert.same({ { "a", "b" }, { "a", "b", "c" } }, { names_of(sent()[2]), names_of(sent()[3]) })
      assert.equal("a", last(sent()[4]).content[1].content)
    end)

    case("of the API's are added, too, and the model is told behind a paused turn", {
      testing.message { text = "Wait.", stop_reason = "pause_turn" }, calls "a", done,
    }, function()
      assert(run { tools = { tool "a" }, betas = { INLINE }, on_turn = function(turn)
        return turn.number == 1 and { add_tools = { { type = "web_search_20250305", name = "web_search" } } } or nil
      end })
      assert.equal("assistant", last(sent()[2]).role)
      assert.equal("web_search", last(sent()[3]).content[1].tool.definition.name)
    end)

    case("run in a new version where the old one was withdrawn", { calls "a", calls "a", calls "a", done }, function()
      local function version(word)
        return tool("a", function() return word end)
      end
      local decisions = {
        { remove_tools = { "a" }, add_tools = { version "two" } }, { remove_tools = { "a" } },
        { add_tools = { version "four" } },
      }
      local _, result = run { tools = { version "one" }, betas = { NAMED }, on_turn = function(turn)
        return decisions[turn.number]
      end }
      local read = {}
      for i, turn in ipairs(result.turns) do
        read[i] = turn.results[1] and turn.results[1].content
      end
      assert.same({ "one", "two", 'no tool named "a" can be run' }, read)
      assert.equal("tool_addition", last(sent()[4]).content[1].type)
    end)

    case("are told again to a history that took the place of the one that told of them", {
      calls "a", calls "b", calls "b", calls "b", done,
    }, function()
      local message, result = run {
        tools = { tool "a" }, betas = { INLINE },
        on_turn = function(turn)
          return turn.number == 1 and { add_tools = { tool "b" }, remove_tools = { "a" } } or nil
        end,
        before_turn = function(running)
          local messages = running.messages
          if #running.turns == 2 then
            return { user "A summary." }
          elseif #running.turns == 3 then -- a history that was stored
            return assert(anthropic.decode(anthropic.encode(messages)))
          elseif #running.turns == 4 then
            return { unpack(messages, 2) }
          end
        end,
      }
      assert.equal("Done.", assert(message, result):text())
      local told = last(sent()[2])
      assert.equal("tool_addition", told.content[2].type)
      assert.same({ { role = "user", content = "A summary." }, told }, sent()[3].messages)
      assert.same({ 4, 5 }, { #sent()[4].messages, #sent()[5].messages })
      assert.equal("b", last(sent()[5]).content[1].content)
    end)

    case("are told again as they are now", { calls "a", calls "a", calls "b", done }, function()
      local a, b = tool "a", tool "b"
      local decisions = { { remove_tools = { a } }, { add_tools = { a }, remove_tools = { b } } }
      assert(run {
        tools = { a, b }, betas = { NAMED }, on_turn = function(turn) return decisions[turn.number] end,
        before_turn = function(running)
          return #running.turns == 3 and { user "A summary.", running.messages[#running.messages] } or nil
        end,
      })
      local changes = last(sent()[4]).content
      assert.same({ "tool_removal", "tool_removal", "tool_addition" },
        { changes[1].type, changes[2].type, changes[3].type })
      assert.same({ "a", "b", "a" }, { changes[1].tool.name, changes[2].tool.name, changes[3].tool.name })
    end)

    case("stay changed when another history is told", { calls "a", calls "a", done }, function()
      assert(run {
        tools = { tool "a" }, betas = { INLINE },
        on_turn = function(turn) return turn.number == 1 and { remove_tools = { "a" } } or nil end,
        before_turn = function(running) return #running.turns == 1 and { user "A summary." } or nil end,
      })
      assert.equal(2, #sent()[2].messages)
      assert.is_true(last(sent()[3]).content[1].is_error)
    end)
  end

  do
    local case = of "a thread"

    local function with_id(id, answer)
      answer.body.id = id
      return answer
    end

    local function shapes()
      local list = {}
      for i, request in ipairs(sent()) do
        list[i] = { request.thread and (request.thread.previous_message_id or request.thread.type) or "none",
          #request.messages, request.tools and "tools" or nil, request.system }
      end
      return list
    end

    local function start(fields)
      local params = { tools = { tool "a" }, system = "Be brief.", thread = { type = "create" } }
      for name, value in pairs(fields or {}) do
        params[name] = value
      end
      return run(params)
    end

    case("is gone on with by the ID of each answer, and the messages that the server lacks", {
      with_id("m1", calls "a"), with_id("m2", testing.message { text = "Wait.", stop_reason = "pause_turn" }),
      with_id("m3", calls "a"), with_id("m4", testing.message { text = "Done." }),
    }, function()
      local message, result = start()
      assert.equal("m4", assert(message, result).id)
      assert.same({ { "create", 1, "tools", "Be brief." }, { "m1", 1 }, { "m2", 0 }, { "m3", 1 } }, shapes())
      assert.equal(7, #result.messages)
      assert.equal("message-threads-2026-08-12", played.requests()[4].headers["anthropic-beta"])
    end)

    case("is made anew of the whole history where that or the tools were changed", {
      with_id("m1", calls "a"), with_id("m2", calls "a"), with_id("m3", calls "b"),
      with_id("m4", testing.message { text = "Done." }),
    }, function()
      assert(start {
        before_turn = function(running) return #running.turns == 1 and { user "A summary." } or nil end,
        on_turn = function(turn) return turn.number == 2 and { add_tools = { tool "b" } } or nil end,
      })
      assert.same({ { "create", 1, "tools", "Be brief." }, { "create", 1, "tools", "Be brief." },
        { "create", 3, "tools", "Be brief." }, { "m3", 1 } }, shapes())
    end)

    local function lost(code)
      local answer = testing.error { status = 400 }
      answer.body.error.details = { error_code = code, unsupported = testing.array { "thinking" } }
      return answer
    end

    case("is made anew where the server has lost it, and left where it is lost again", {
      with_id("m1", calls "a"), lost "thread_not_found", with_id("m2", calls "a"), lost "thread_already_continued",
      with_id("m3", calls "a"), with_id("m4", testing.message { text = "Done." }),
    }, function()
      assert(start())
      assert.same({ { "create", 1, "tools", "Be brief." }, { "m1", 1 }, { "create", 3, "tools", "Be brief." },
        { "m2", 1 }, { "none", 5, "tools", "Be brief." }, { "none", 7, "tools", "Be brief." } }, shapes())
    end)

    case("is left where the server cannot keep the conversation", {
      lost "thread_unsupported_request", with_id("m1", calls "a"), with_id("m2", testing.message { text = "Done." }),
    }, function()
      assert(start())
      assert.same({ { "create", 1, "tools", "Be brief." }, { "none", 1, "tools", "Be brief." },
        { "none", 3, "tools", "Be brief." } }, shapes())
    end)

    case("that was begun elsewhere is gone on with, and its loss is an error", {
      with_id("m1", calls "a"), lost "thread_not_found",
    }, function()
      local message, err = start { thread = { type = "continue", previous_message_id = "m0" } }
      assert.is_nil(message)
      assert.equal("thread_not_found", err.details.error_code)
      assert.same({ { "m0", 1 }, { "m1", 1 } }, shapes())
    end)
  end

  played.case("the container of an answer and the caller's context_management go on", {
    (function()
      local answer = calls "a"
      answer.body.container = { id = "c1" }
      return answer
    end)(), testing.message { text = "…", stop_reason = "compaction" }, done,
  }, function()
    local management = { edits = { { type = "compact_20260112", pause_after_compaction = true } } }
    assert(run { tools = { tool "a" }, context_management = management })
    assert.equal(3, #sent())
    for i, container in ipairs { false, "c1", "c1" } do
      assert.equal(container or nil, sent()[i].container)
      assert.same(management, sent()[i].context_management)
    end
  end)
end)
