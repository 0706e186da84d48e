-- What becomes of the tools of a run that `on_turn` changes.

local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local tables = require "anthropic.base.tables"
local tool_changes = require "anthropic.helpers.tool_changes"

local function tool(name)
  return anthropic.tool { name = name, run = function() end }
end

describe("changes of tools", function()
  local a, b = tool "a", tool "b"

  local function new(beta)
    return {
      tools = { a }, changes = {}, told = {}, change_beta = beta,
      request = { tools = { a } }, run = { messages = {} },
    }
  end

  local function names(list)
    local found = {}
    for i, each in ipairs(list) do
      found[i] = each.mcp_server_name or each.name or each.type
    end
    return table.concat(found, " ")
  end

  it("mean nothing where they are no table", function()
    for _, decision in ipairs { 7, "stop", true, false } do
      assert.is_false(tool_changes.apply(new(), decision))
    end
    assert.is_false(tool_changes.apply(new(), nil))
    assert.is_false(tool_changes.apply(new(), {}))
    assert.is_true(tool_changes.apply(new(), { stop = true }))
    assert.is_false(tool_changes.apply(new(), { stop = false }))
  end)

  it("say what is wrong with them, and change nothing then", function()
    for _, case in ipairs {
      { { add_tool = {} }, 'unknown field "add_tool"; did you mean "add_tools"?' },
      { { stop = 1 }, "stop: boolean expected, got number" },
      { { add_tools = "b" }, "add_tools: table expected, got string" },
      { { add_tools = { 7 } }, "add_tools[1]: table expected, got number" },
      { { add_tools = { b, { name = "c" } } }, "add_tools[2]: has no `run` function; make it with anthropic.tool" },
      { { add_tools = { { type = "custom" } } }, "add_tools[1]: has no `run` function; make it with anthropic.tool" },
      { { add_tools = { b, tool "b" } }, 'add_tools[2].name: "b" appears twice' },
      { { add_tools = { nil, b } }, "add_tools[1]: missing" },
      { { remove_tools = { nil, "a" } }, "remove_tools[1]: missing" },
      { { remove_tools = { a = true } }, "remove_tools: a list expected, got a table with the key a" },
      { { remove_tools = { "a", 7 } }, "remove_tools[2]: the name of a tool, or a tool, expected, got number" },
      { { remove_tools = { {} } }, "remove_tools[1]: the name of a tool, or a tool, expected, got table" },
    } do
      local self = new()
      local stops, problem = tool_changes.apply(self, case[1])
      assert.is_nil(stops)
      assert.equal("on_turn returned a table with a wrong field: " .. case[2], problem)
      assert.equal("a", names(self.tools))
    end
    local fine = { a, b, { type = "web_search_1" }, json.raw "{}", { type = "x" } }
    assert.is_nil(tool_changes.problem_of_tools("tools", fine))
  end)

  it("are of the next request's tools where the API takes no others", function()
    local self = new()
    local before = self.request.tools
    tool_changes.apply(self, { add_tools = { b } })
    assert.same({ "a b", "a b", "a" }, { names(self.tools), names(self.request.tools), names(before) })
    tool_changes.apply(self, { remove_tools = { a, "none" } })
    assert.same({ "b", "b" }, { names(self.tools), names(self.request.tools) })
    assert.is_true(json.is_array(self.request.tools))
    local other = tool "b"
    tool_changes.apply(self, { add_tools = { other } })
    assert.equal(other, self.tools[1])
    assert.equal(1, #self.tools)
    tool_changes.apply(self, { add_tools = { { type = "web_search_1" } } })
    tool_changes.apply(self, { remove_tools = { { type = "web_search_1" }, b } })
    assert.equal(0, #self.request.tools)
    self.request.tools = nil
    tool_changes.apply(self, { add_tools = { b } })
    assert.equal("b", names(self.request.tools))
    assert.same({}, self.changes)
  end)

  it("are told by definitions under a beta that takes them", function()
    local self = new(assert(tool_changes.beta_among { "x", "inline-tools-2026-01-01" }))
    tool_changes.apply(self, { add_tools = { b }, remove_tools = { "a" } })
    assert.equal("b", names(self.tools))
    assert.equal("a", names(self.request.tools))
    assert.same({ type = "tool_removal", tool = { type = "tool_reference", name = "a" } }, self.changes[1])
    assert.same({ "tool_addition", "tool_definition", "b" },
      { self.changes[2].type, self.changes[2].tool.type, self.changes[2].tool.definition.name })
    assert.are_not.equal(b, self.changes[2].tool.definition)
    local raw = json.raw '{"name":"r"}'
    tool_changes.apply(self, { add_tools = { raw } })
    assert.equal(raw, self.changes[3].tool.definition)
  end)

  it("name the request's tools under a beta that takes names alone", function()
    local self = new(assert(tool_changes.beta_among { "mid-conversation-tool-changes-2026-01-01" }))
    tool_changes.apply(self, { remove_tools = { "a" } })
    tool_changes.apply(self, { add_tools = { a } })
    assert.same({
      { type = "tool_removal", tool = { type = "tool_reference", name = "a" } },
      { type = "tool_addition", tool = { type = "tool_reference", name = "a" } },
    }, self.changes)
    tool_changes.apply(self, { add_tools = { b } }) -- which the request does not define
    assert.equal(2, #self.changes)
    assert.equal("a b", names(self.request.tools))
    local other = tool "a"
    tool_changes.apply(self, { add_tools = { other } })
    assert.equal(2, #self.changes)
    assert.equal("b a", names(self.request.tools))
  end)

  it("add a withdrawn tool in a new version by both, its definition and its name", function()
    local addition = { type = "tool_addition", tool = { type = "tool_reference", name = "a" } }
    local removal = { type = "tool_removal", tool = addition.tool }
    local other = tool "a"
    for _, told in ipairs { "in the same turn", "in one before", "in a message that is gone", "by the caller" } do
      local self = new(assert(tool_changes.beta_among { "mid-conversation-tool-changes-2026-01-01" }))
      local changes = { addition }
      if told == "in the same turn" then
        tool_changes.apply(self, { remove_tools = { "a" }, add_tools = { other } })
        changes = { removal, addition }
      elseif told == "by the caller" then
        self.run.messages = { { role = "system", content = { removal } } }
        tool_changes.apply(self, { add_tools = { other } })
      else
        tool_changes.apply(self, { remove_tools = { "a" } })
        tool_changes.tell(self, self.run.messages)
        self.run.messages = told == "in one before" and self.run.messages or {}
        tool_changes.apply(self, { add_tools = { other } })
      end
      assert.same(changes, self.changes)
      assert.equal(other, self.request.tools[1])
      assert.equal("a", names(self.request.tools))
      tool_changes.apply(self, { add_tools = { tool "a" } }) -- which is not withdrawn any more
      assert.same(changes, self.changes)
    end
    local computer = anthropic.tool { type = "computer_toolset_20260801", run = function() end }
    local self = new(assert(tool_changes.beta_among { "mid-conversation-tool-changes-2026-01-01" }))
    self.tools, self.request.tools = { computer }, { computer }
    tool_changes.apply(self, { remove_tools = { computer }, add_tools = { tables.copy(computer) } })
    assert.same({ "tool_removal", "tool_addition" }, { self.changes[1].type, self.changes[2].type })
  end)

  local function set(server)
    return { type = "mcp_toolset", mcp_server_name = server }
  end

  it("tell the toolsets of MCP servers apart by their servers", function()
    local self = new()
    self.tools = { a, set "s", set "t" }
    self.request.tools = self.tools
    tool_changes.apply(self, { add_tools = { set "u" } })
    assert.same({ "a s t u", "a s t u" }, { names(self.tools), names(self.request.tools) })
    tool_changes.apply(self, { remove_tools = { set "s" } })
    assert.same({ "a t u", "a t u" }, { names(self.tools), names(self.request.tools) })
    local other = set "t"
    tool_changes.apply(self, { add_tools = { other } })
    assert.equal("a u t", names(self.request.tools))
    assert.equal(other, self.request.tools[3])
    tool_changes.apply(self, { remove_tools = { "mcp_toolset" } })
    assert.equal("a", names(self.request.tools))
  end)

  it("name the toolset of an MCP server by its server under a beta", function()
    for _, beta in ipairs { "inline-tools-1", "mid-conversation-tool-changes-1" } do
      local self = new(assert(tool_changes.beta_among { beta }))
      local s, t = set "s", set "t"
      self.tools = { a, s, t }
      self.request.tools = self.tools
      local function reference(server)
        return { type = "mcp_toolset_reference", server_name = server }
      end
      tool_changes.apply(self, { remove_tools = { set "s" } })
      assert.same({ { type = "tool_removal", tool = reference "s" } }, self.changes)
      tool_changes.apply(self, { add_tools = { s } })
      local is_inline = beta == "inline-tools-1"
      assert.same({ type = "tool_addition", tool = is_inline and { type = "tool_definition", definition = s }
        or reference "s" }, self.changes[2])
      assert.equal("a s t", names(self.request.tools))
      tool_changes.apply(self, { remove_tools = { "mcp_toolset" } })
      assert.same({ { type = "tool_removal", tool = reference "t" }, { type = "tool_removal", tool = reference "s" } },
        { self.changes[3], self.changes[4] })
      assert.equal("a", names(self.tools))
    end
  end)

  it("have a beta, or none", function()
    assert.is_nil(tool_changes.beta_among { "inline-tool-x", "tools", "x-inline-tools-1" })
    assert.is_nil(tool_changes.beta_among {})
    assert.is_true(tool_changes.beta_among({ "mid-conversation-tool-changes-1", "inline-tools-1" }).with_definitions)
  end)

  it("are told behind the history, unless the server goes on with its last answer", function()
    local self = { changes = {}, told = {} }
    local messages = { { role = "user" } }
    tool_changes.tell(self, messages)
    assert.equal(1, #messages)
    local change = { type = "tool_removal", tool = { type = "tool_reference", name = "a" } }
    self.changes = { change }
    messages[2] = { role = "assistant" }
    tool_changes.tell(self, messages)
    assert.equal(2, #messages)
    messages[3] = "any"
    tool_changes.tell(self, messages)
    assert.same({ role = "system", content = { change } }, messages[4])
    assert.same({}, self.changes)
    tool_changes.tell(self, messages)
    assert.equal(4, #messages)
  end)

  describe("that were told are told again", function()
    local function change(kind, name)
      return { type = "tool_" .. kind, tool = { type = "tool_reference", name = name } }
    end

    local self, history

    -- Tells changes, each by a message of its own.
    local function tell(...)
      self, history = { changes = {}, told = {} }, { { role = "user" } }
      for _, each in ipairs { ... } do
        self.changes = { each }
        tool_changes.tell(self, history)
      end
    end

    -- What is told to another history.
    local function told_to(messages)
      local count = #messages
      tool_changes.tell(self, messages)
      return messages[count + 1] and messages[count + 1].content
    end

    local off, on, other = change("removal", "a"), change("addition", "a"), change("removal", "b")

    it("where a history lacks them, once", function()
      tell(off, other)
      assert.is_nil(told_to(history))
      local again = { { role = "user" } }
      assert.same({ off, other }, told_to(again))
      assert.is_nil(told_to(again))
      assert.same({ off }, told_to { again[1], history[3] })
    end)

    it("in their order, before new ones", function()
      tell(off, other, on)
      self.changes = { change("addition", "c") }
      assert.same({ off, other, on, change("addition", "c") }, told_to { { role = "user" } })
      assert.equal(4, #self.told)
    end)

    it("no more where a later one of the same tool is there", function()
      tell(off, on)
      assert.is_nil(told_to { history[3] })
      assert.same({ on }, told_to { history[1], history[2] })
    end)

    it("not where a copy of them is there, which says the same", function()
      tell(off, on)
      assert.is_nil(told_to(json.decode(json.encode(history))))
      assert.same({ on }, told_to { { role = "system", content = { json.raw(json.encode(off)) } } })
    end)

    it("not beneath what the caller says of the tool", function()
      tell(off)
      assert.is_nil(told_to { history[2], { role = "system", content = { on } } })
    end)
  end)

  describe("of one run are those of the next", function()
    it("where there were any", function()
      local carrier = {}
      local first = new(assert(tool_changes.beta_among { "inline-tools-1" }))
      tool_changes.take_up(first, carrier)
      assert.is_nil(tool_changes.state_after(carrier))
      tool_changes.apply(first, { add_tools = { b } })
      tool_changes.tell(first, first.run.messages)
      tool_changes.apply(first, { remove_tools = { "a" } })
      local state = assert(tool_changes.state_after(carrier))
      local second = new(first.change_beta)
      tool_changes.take_up(second, { state = state })
      assert.same({ "b", "a" }, { names(second.tools), names(second.request.tools) })
      tool_changes.tell(second, second.run.messages) -- which lack what the first told
      assert.same({ "tool_addition", "tool_removal" },
        { second.run.messages[1].content[1].type, second.run.messages[1].content[2].type })
      assert.same({ 1, 1 }, { #state.told, #state.changes })
      assert.equal(first.run.messages[1], state.told[1].message)
    end)

    it("and are told once where the next one changes nothing", function()
      local carrier = {}
      local first = new(assert(tool_changes.beta_among { "inline-tools-1" }))
      tool_changes.take_up(first, carrier)
      tool_changes.apply(first, { remove_tools = { "a" } })
      local state = assert(tool_changes.state_after(carrier))
      local second = new(first.change_beta)
      carrier = { state = state }
      tool_changes.take_up(second, carrier)
      assert.equal(state, tool_changes.state_after(carrier, state)) -- as it failed
      tool_changes.tell(second, second.run.messages)
      local other = {}
      assert.equal(other, tool_changes.state_after(carrier, other)) -- what another run did meanwhile
      local third = new(first.change_beta)
      tool_changes.take_up(third, { state = tool_changes.state_after(carrier, state) })
      third.run.messages = tables.copy(second.run.messages)
      tool_changes.tell(third, third.run.messages)
      assert.equal(1, #third.run.messages)
      assert.same({}, third.tools)
    end)

    it("and a run without a chat has none to take up", function()
      local self = new()
      tool_changes.take_up(self, nil)
      assert.equal("a", names(self.tools))
    end)
  end)
end)
