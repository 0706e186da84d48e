-- The reference client's tool runner and messages.run against the same scripted server, side by side: the same
-- requests, results and turns. What a model reads of a failure differs in its words.
--
-- CASES has the subjects of the runner's own tests (BetaToolRunner.test.ts) that are about what is sent and run:
-- several tools; a tool that is missing, fails, or fails with blocks; turns at most; a refusal; a container; tools that
-- are removed and added; and the same streamed and eager.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local npm = require "spec.support.npm"
local testing = require "anthropic.testing"

local DOES = {
  echo = function(input) return input end,
  slow = function(input)
    anthropic.sleep(0.03)
    return input
  end,
  fail = function() error("it failed", 0) end,
  fail_with_blocks = function() return nil, { { type = "text", text = "it failed" } } end,
  blocks = function()
    return {
      { type = "text", text = "a picture" },
      { type = "image", source = { type = "base64", media_type = "image/png", data = "iVBORw0KGgo=" } },
    }
  end,
}

local TOOLS = {
  { name = "echo", does = "echo" }, { name = "slow", does = "slow" }, { name = "fail", does = "fail" },
  { name = "fail_with_blocks", does = "fail_with_blocks" }, { name = "blocks", does = "blocks" },
}

-- Fields of an answer that calls tools.
local function calls(...)
  local uses = {}
  for i, name in ipairs { ... } do
    uses[i] = { name = name, id = "t" .. i, input = { number = i, text = "é" } }
  end
  return { text = "Calling.", tool_uses = uses }
end

local done = { text = "Done." }

local function with(fields, more)
  local whole = {}
  for _, list in ipairs { fields, more } do
    for name, value in pairs(list) do
      whole[name] = value
    end
  end
  return whole
end

-- Each: the subject, the answers' fields, and more of the case.
local CASES = {
  { "an answer without calls", { done } },
  { "one tool", { calls "echo", done } },
  { "several tools, the first of which is the slowest", { calls("slow", "echo", "blocks"), done } },
  { "the same tool twice, over several turns", { calls("echo", "echo"), calls "echo", done } },
  { "a tool that is missing", { calls("nobody", "echo"), done } },
  { "a tool that fails", { calls("fail", "echo"), done } },
  { "a tool that fails with blocks", { calls "fail_with_blocks", done } },
  { "turns at most", { calls "echo", calls "echo", calls "echo" }, { max_turns = 2 } },
  -- There the last call waits for the stop reason. Here it starts when its block ends, and is cancelled.
  { "a refusal, whose tools do not run", { with(calls "echo", { stop_reason = "refusal" }) }, { may_start = true } },
  { "a paused turn", { { text = "Wait.", stop_reason = "pause_turn" }, calls "echo", done } },
  { "a container that an answer names", { calls "echo", calls "echo", done }, { container = true } },
  { "a container of the caller's", { calls "echo", done }, { container = true, params = { container = "mine" } } },
  { "a tool that is removed, and one that is added", { calls "echo", calls "echo", calls("echo", "blocks"), done }, {
    first = { "echo" }, betas = { "inline-tools-2026-09-15" },
    changes = { {}, { remove = { "slow" }, add = { "blocks" } }, {}, {} },
  } },
  { "a tool that is removed and called", { calls "echo", calls "blocks", calls "echo", done }, {
    first = { "echo", "blocks" }, betas = { "inline-tools-2026-09-15" },
    changes = { {}, { remove = { "echo" } }, {}, {} },
  } },
  { "a tool that is removed by the history, and added again", { calls "echo", done }, { params = { messages = {
    { role = "user", content = "go" },
    { role = "system", content = { { type = "tool_removal", tool = { type = "tool_reference", name = "echo" } } } },
    { role = "user", content = "on" },
    { role = "system", content = { { type = "tool_addition", tool = { type = "tool_reference", name = "echo" } } } },
    { role = "user", content = "and on" },
  } } } },
  { "a thread", { calls "echo", { text = "Wait.", stop_reason = "pause_turn" }, calls("echo", "slow"), done }, {
    thread = true, params = { system = "Be brief." },
  } },
}

local VARIANTS = {
  { "whole", testing.message, false, false },
  { "streamed", testing.stream, true, false },
  { "streamed and eager", testing.stream, true, true },
}

-- The answers as the server plays them: each has an ID of its own.
local function script_of(case, variant)
  local script = {}
  for i, fields in ipairs(case[2]) do
    script[i] = variant[2](with(fields, { id = "msg_" .. i }))
    local container = case[3] and case[3].container and { id = "container_1" }
    if container and variant[3] then
      script[i].events[#script[i].events - 1].data.delta.container = container
    elseif container then
      script[i].body.container = container
    end
  end
  return script
end

local function of_case(number, case, variant)
  local more = case[3] or {}
  local params = with({
    model = "m", max_tokens = 100, messages = { { role = "user", content = "go" } },
    betas = more.betas and anthropic.array(more.betas),
  }, more.params or {})
  return {
    path = "/" .. number, params = params, stream = variant[3], eager = variant[4], thread = more.thread or false,
    max_turns = more.max_turns, changes = more.changes, tools = TOOLS,
    first = more.first or { "echo", "slow", "fail", "fail_with_blocks", "blocks" },
  }
end

local function run_all_there(entry, server, wholes)
  local file = os.tmpname()
  background.write_file(file, assert(anthropic.encode(wholes)))
  local output = background.output_of(("timeout 100 node spec/support/sdk_runner.mjs %s %s %s 2>&1"):format(
    entry, server.url, file))
  os.remove(file)
  local results = {}
  for line in output:gmatch "[^\n]+" do
    local result, err = anthropic.decode(line)
    results[#results + 1] = result or error(tostring(err) .. ": " .. output)
  end
  return results
end

local function run_here(server, whole)
  local client = anthropic.new { base_url = server.url .. whole.path, api_key = "test", max_retries = 0 }
  local ran, by_name = {}, {}
  for _, each in ipairs(TOOLS) do
    by_name[each.name] = anthropic.tool { name = each.name, run = function(...)
      ran[each.name] = (ran[each.name] or 0) + 1
      return DOES[each.does](...)
    end }
  end
  local function tools_of(names)
    local list = {}
    for i, name in ipairs(names or {}) do
      list[i] = by_name[name]
    end
    return list
  end
  local message, run
  anthropic.run(function()
    message, run = client.messages.run(with(whole.params, {
      tools = tools_of(whole.first), stream = whole.stream, eager = whole.eager, max_turns = whole.max_turns,
      thread = whole.thread and { type = "create" } or nil,
      on_turn = whole.changes and function(turn)
        local change = whole.changes[turn.number] or {}
        return { add_tools = tools_of(change.add), remove_tools = change.remove or {} }
      end,
    }))
  end)
  client:close()
  assert(message, run)
  return { message = { id = message.id, content = message.content }, turns = #run.turns, ran = ran }
end

-- What of a request is compared: its JSON, without the words of failures.
local function shape_of(request)
  local body = assert(anthropic.decode(request.body))
  body.stream = body.stream == true or nil
  for _, message in ipairs(body.messages) do
    for _, block in ipairs(type(message.content) == "table" and message.content or {}) do
      if block.is_error then
        block.content = "failed"
      end
    end
  end
  return assert(anthropic.encode(body))
end

describe("the reference client's tool runner and this one", function()
  local entry, reason = npm.find "@anthropic-ai/sdk/index.mjs"
  if not entry then
    it("send the same", function()
      pending(reason)
    end)
    return
  end

  -- What a server got by the path of each case.
  local function by_path(server)
    local sent = {}
    for _, request in ipairs(server:requests()) do
      local path = request.path:match "^(/%d+)/v1/messages$"
      sent[path] = sent[path] or {}
      table.insert(sent[path], request)
    end
    return sent
  end

  -- The results of all cases, and what was sent.
  local function play(variant, run_all)
    local routes, wholes = {}, {}
    for i, case in ipairs(CASES) do
      wholes[i] = of_case(i, case, variant)
      routes[i] = { path = wholes[i].path .. "/v1/messages", answers = script_of(case, variant), on_end = "error" }
    end
    local server = testing.server { script = { routes = routes } }
    local ok, results = pcall(run_all, server, wholes)
    local sent = by_path(server)
    server:stop()
    return ok and results or error(results, 0), sent
  end

  for _, variant in ipairs(VARIANTS) do
    it("send and run the same, " .. variant[1], function()
      local there, sent_there = play(variant, function(server, wholes)
        return run_all_there(entry, server, wholes)
      end)
      local here, sent_here = play(variant, function(server, wholes)
        local results = {}
        for i, whole in ipairs(wholes) do
          results[i] = run_here(server, whole)
        end
        return results
      end)
      for i, case in ipairs(CASES) do
        local path, name = "/" .. i, case[1]
        assert.equal(#sent_there[path], #sent_here[path], name)
        for n, request in ipairs(sent_there[path]) do
          assert.equal(shape_of(request), shape_of(sent_here[path][n]), name)
          assert.equal(request.headers["anthropic-beta"], sent_here[path][n].headers["anthropic-beta"], name)
        end
        assert.equal(there[i].message.id, here[i].message.id, name)
        assert.equal(there[i].turns, here[i].turns, name)
        if not (variant[4] and case[3] and case[3].may_start) then
          assert.same(there[i].ran, here[i].ran, name)
        end
      end
    end)
  end
end)
