--- The parameters of `client.messages.run`: those of a message, and what only a run has.

local check = require "anthropic.base.check"
local json = require "anthropic.base.json"
local tool_changes = require "anthropic.helpers.tool_changes"
local tools = require "anthropic.helpers.tools"

local run_params = {}

---@class anthropic.RunParams: anthropic.MessageParams the parameters of messages.create, and these, which are not sent
---@field tools? (anthropic.Tool|table)[] made by anthropic.tool; tools that the API runs itself, as plain tables
---@field max_turns? integer requests of one run at most. The tools that the last answer calls still run. Default: 20
---@field eager? boolean true: a tool starts when its block ends, while the answer still streams. All results are
---  awaited before the next turn. Without a stream (`stream = false`) none does. Default: false
---@field before_turn? fun(run: anthropic.Run): table[]? called before each request. It may return another history, with
---  which the run goes on. May wait
---@field on_turn? fun(turn: anthropic.Turn, run: anthropic.Run): anthropic.TurnDecision? called after each turn, when
---  its tools have run. What it adds to `run.messages` is sent next, and keeps the run going. May wait
---@field on_tool_use? fun(call: anthropic.ToolCall): boolean|table|nil, any called before each call: true allows it, a
---  table allows it with that input, false and a reason refuse it. Returning nothing refuses it, too. May wait
---@field on_event? fun(event: anthropic.api.RawMessageStreamEvent) called with each event of each answer as it
---  comes; the answers are streamed then, also with `stream = false`
---@field tool_timeout? number seconds that a tool without a `timeout` may take. Default: no limit
---@field max_result_bytes? integer bytes of text in one result; longer text is cut, and a note says so. A tool's own
---  `max_result_bytes` comes first. Default: 262144 (256 KiB)

local a_function = { expected = "a function", check = check.of_type("function").check }

-- The parameters that are not sent.
local OWN = {
  max_turns = check.whole(1),
  eager = { expected = "true or false", check = check.of_type("boolean").check },
  before_turn = a_function,
  on_turn = a_function,
  on_tool_use = a_function,
  on_event = a_function,
  tool_timeout = check.positive "a positive number of seconds",
  max_result_bytes = check.positive "a positive number of bytes",
}

--- What is wrong with the parameters; nil if nothing is.
---@param params table
---@return string?
function run_params.problem_of(params)
  for name, row in pairs(OWN) do
    if params[name] ~= nil and not row.check(params[name]) then
      return ("%s: %s expected, got %s"):format(name, row.expected, type(params[name]))
    end
  end
  if type(params.messages) ~= "table" or json.is_raw(params.messages) then
    return "messages: a list expected, got " .. type(params.messages)
  end
  return tool_changes.problem_of_tools("tools", params.tools or {})
end

--- The parameters of the requests.
---@param params table
---@return table request with a history of its own
function run_params.request_of(params)
  local request = {}
  for name in pairs(params) do
    if not OWN[name] and name ~= tool_changes.CARRIER then
      json.set(params, request, name)
    end
  end
  request.messages = json.copy(params.messages)
  if params.on_event or request.stream == nil and params.eager then
    request.stream = true
  end
  return request
end

--- Whether parameters ask for a run: by a tool that can be run, or by a parameter that only a run has.
---@param params table
---@return boolean
function run_params.ask_for_run(params)
  for name in pairs(OWN) do
    if params[name] ~= nil then
      return true
    end
  end
  for _, tool in ipairs(type(params.tools) == "table" and params.tools or {}) do
    if tools.is(tool) then
      return true
    end
  end
  return false
end

return run_params
