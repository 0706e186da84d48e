-- What parameters of a run may be, and which ask for one. What a run does with them is tool_runner_spec.lua's.

local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local run_params = require "anthropic.helpers.run_params"
local tool_changes = require "anthropic.helpers.tool_changes"

local function tool(name)
  return anthropic.tool { name = name, description = "A tool.", input_schema = { type = "object" }, run = print }
end

local a, b = tool "a", tool "b"

describe("the check of a run's parameters", function()
  local function refused(fields, problem)
    fields.messages = fields.messages or {}
    assert.equal(problem, (run_params.problem_of(fields)))
  end

  it("finds nothing wrong with good ones", function()
    refused({ tools = { a, b, { type = "web_search_20250305" } }, max_turns = 1, on_event = print, model = 5 }, nil)
  end)

  it("names a value that its parameter cannot have", function()
    refused({ max_turns = 0 }, "max_turns: a whole number, 1 or more expected, got number")
    refused({ eager = "yes" }, "eager: true or false expected, got string")
    refused({ messages = "x" }, "messages: a list expected, got string")
  end)

  it("refuses what is no list of tools", function()
    refused({ tools = "x" }, "tools: table expected, got string")
    refused({ tools = { a, "b" } }, "tools[2]: table expected, got string")
    refused({ tools = { { name = "a", input_schema = {} } } },
      "tools[1]: has no `run` function; make it with anthropic.tool")
    refused({ tools = { a, { type = "custom", name = "b" } } },
      "tools[2]: has no `run` function; make it with anthropic.tool")
  end)

  it("refuses two tools of one name", function()
    refused({ tools = { a, b, a } }, 'tools[3].name: "a" appears twice')
    refused({ tools = { { type = "web_search_20250305", name = "a" }, a } },
      'tools[2].name: "a" appears twice')
  end)
end)

describe("the requests of a run", function()
  it("have no parameter that only a run has, and a history of their own", function()
    local params = { model = "m", messages = { {} }, max_turns = 1, tool_timeout = 2, tools = { a },
      [tool_changes.CARRIER] = {} }
    local request = run_params.request_of(params)
    assert.same({ model = "m", messages = { {} }, tools = { a } }, request)
    assert.is_true(request.messages ~= params.messages)
  end)

  it("are streamed where somebody sees their events and, unless the caller says no, where tools start early", function()
    local function streamed(fields)
      fields.messages = {}
      return run_params.request_of(fields).stream
    end
    assert.is_true(streamed { on_event = print })
    assert.is_true(streamed { eager = true })
    assert.is_false(streamed { eager = true, stream = false })
    assert.is_true(streamed { on_event = print, stream = false })
    assert.is_true(streamed { on_event = print, stream = json.null })
    assert.is_nil(streamed { on_turn = print })
  end)
end)

describe("parameters that ask for a run", function()
  it("have a tool that can be run, or what only a run has", function()
    for _, params in ipairs {
      { tools = { a } }, { tools = { { type = "web_search_20250305" }, a } }, { max_turns = 1 },
      { on_tool_use = print }, { on_turn = print }, { on_event = print }, { tool_timeout = 1 },
      { max_result_bytes = 1 },
    } do
      assert.is_true(run_params.ask_for_run(params))
    end
    for _, params in ipairs {
      {}, { tools = {} }, { tools = { { name = "a" }, { type = "web_search_20250305" } } }, { tools = "x" },
      { tools = json.raw "[]" }, { tools = { 5, "x", print } }, { model = "m", stream = true },
    } do
      assert.is_false(run_params.ask_for_run(params))
    end
  end)
end)
