--- `client.messages.run`: requests and tool calls in turn, until the model is done.
--
--     local message, run = client.messages.run {
--       model = "claude-sonnet-5-5", max_tokens = 1024, tools = { weather },
--       messages = { { role = "user", content = "What is the weather in Paris?" } },
--       on_tool_use = function(call) return call.name ~= "delete_file", "not allowed" end,
--     }
--     print(message:text(), run.stopped, #run.turns)
--
-- `run.messages` is the history, ready to be sent with one more user message. It always ends with a
-- whole turn: an answer whose tools were not run is not in it, nor is a refused one, as the API
-- would not take it.
--
-- `on_tool_use` is asked for each call of a turn before any tool of that turn runs: it returns true, a changed
-- input, or false and a reason for the model; nothing is a refusal. `call.name` and `call.tool` are what will run; a
-- call that no tool fits, or two (see tool_lookup.lua), is answered without asking. What a callback raises ends the
-- run and is raised.

local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local tool_lookup = require "anthropic.helpers.tool_lookup"
local tools = require "anthropic.helpers.tools"

local tool_run = {}

local DEFAULT_MAX_TURNS = 20

---@class anthropic.RunParams: anthropic.MessageParams those of messages.create, and what is not sent:
---@field tools? (anthropic.Tool|table)[] made by anthropic.tool, and the API's own server tools
---@field max_turns? integer most requests, default 20; the tools of the last one are run, too
---@field on_turn? fun(turn: anthropic.Turn) after each turn
---@field on_tool_use? fun(call: anthropic.ToolCall): boolean|table|nil, any before a tool runs
---@field on_event? fun(event: table) each event of each turn as it comes; the turns are streamed
---@field tool_timeout? number seconds, for tools that have no `timeout`
---@field max_result_bytes? integer of text in a result, default 256 KiB; what is longer is cut, with a note

---@alias anthropic.RunOrError anthropic.Run|anthropic.Error

---@class anthropic.Run
---@field messages table[] the history
---@field turns anthropic.Turn[]
---@field stopped? string the last stop reason, or "max_turns"; nil after a failure

---@class anthropic.Turn
---@field number integer from 1
---@field message anthropic.Message with its usage
---@field calls anthropic.ToolCall[]
---@field results table[] the tool_result blocks, in the order of the calls

local function is_positive(value)
  return type(value) == "number" and value > 0
end

local function is_function(value)
  return type(value) == "function"
end

-- The parameters that are not sent.
local OWN = {
  max_turns = { "a whole number, 1 or more", function(value)
    return type(value) == "number" and value >= 1 and value % 1 == 0
  end },
  on_turn = { "a function", is_function },
  on_tool_use = { "a function", is_function },
  on_event = { "a function", is_function },
  tool_timeout = { "a positive number of seconds", is_positive },
  max_result_bytes = { "a positive number of bytes", is_positive },
}

-- --- parameters ----------------------------------------------------------------------------------

local function problem_of_tools(list)
  if type(list) ~= "table" then
    return "tools: table expected, got " .. type(list)
  end
  local names = {}
  for i, tool in ipairs(list) do
    local where = ("tools[%d]"):format(i)
    if type(tool) ~= "table" then
      return ("%s: table expected, got %s"):format(where, type(tool))
    elseif not tools.is(tool) and not json.is_raw(tool) and (tool.type == nil or tool.type == "custom") then
      return where .. ": has no `run` function; make it with anthropic.tool"
    elseif tool.name and names[tool.name] then
      return ("%s.name: %q is there twice"):format(where, tool.name)
    end
    names[tool.name or tool] = true
  end
end

local function problem_of(params)
  for name, rule in pairs(OWN) do
    if params[name] ~= nil and not rule[2](params[name]) then
      return ("%s: %s expected, got %s"):format(name, rule[1], type(params[name]))
    end
  end
  if type(params.messages) ~= "table" or json.is_raw(params.messages) then
    return "messages: a list expected, got " .. type(params.messages)
  end
  return problem_of_tools(params.tools or {})
end

local function request_of(params)
  local request = {}
  for name, value in pairs(params) do
    if not OWN[name] then
      request[name] = value
    end
  end
  request.messages = json.copy(params.messages)
  if request.stream == nil and params.on_event then
    request.stream = true
  end
  return request
end

-- --- a turn --------------------------------------------------------------------------------------

local function ask(self)
  local answer, err = self.send(self.request)
  local on_event = self.params.on_event
  if not answer or not self.request.stream then
    return answer, err
  end
  local event
  repeat
    event, err = answer:next()
    if event and on_event then
      on_event(event)
    end
  until not event
  if err then
    return nil, err
  end
  return answer:message()
end

local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local whole = setmetatable({}, getmetatable(value))
  for name, member in pairs(value) do
    whole[name] = copy(member)
  end
  return whole
end

-- The blocks that have to be answered. Those before a fallback are of a model that gave up.
local function blocks_of(message)
  local blocks = {}
  for _, block in ipairs(message.content) do
    if block.type == "tool_use" then
      blocks[#blocks + 1] = block
    elseif block.type == "fallback" then
      blocks = {}
    end
  end
  return blocks
end

local CUTS = { max_tokens = true, model_context_window_exceeded = true }

local LONGEST_NAME = 128

-- A name as it is quoted to the model.
local function quoted(name)
  if type(name) == "table" or name == json.null then
    return name == json.null and "(null)" or "(a table)"
  end
  name = tostring(name)
  return ("%q"):format(#name > LONGEST_NAME and name:sub(1, LONGEST_NAME) .. "..." or name)
end

-- Why a call cannot be run, or nil.
local function obstacle(call)
  local block, message = call.block, call.message
  if CUTS[message.stop_reason] and message.content[#message.content] == block then
    return ("the call was cut off (%s); it was not run"):format(message.stop_reason)
  elseif block.input_error then
    return "the input is not valid JSON: " .. block.input_error .. "; the tool was not run"
  elseif not call.tool then
    return ("no tool named %s can be run"):format(quoted(block.name))
  elseif type(call.input) ~= "table" or json.is_array(call.input) then
    return "the input is no object; the tool was not run"
  end
end

-- Asks the hook. What is neither true nor a changed input is a refusal, so that a hook that forgets
-- a case refuses it.
local function approve(self, call)
  local hook = self.params.on_tool_use
  if not hook then
    return
  end
  local decision, reason = hook(call)
  if type(decision) == "table" then
    call.input = decision
  elseif decision ~= true then
    call.answer = tools.failure(call, reason == nil and "the call was refused" or reason)
  end
end

-- What the model gave, to be changed. It is sent again as it came.
local function input_of(block)
  if block.input_error then
    return nil
  end
  local own = { type = block.type, input = block.input }
  parts.read_input(own)
  return copy(own.input)
end

local function calls_of(self, turn)
  local calls, find = {}, tool_lookup.new(self.request.tools, self.request.messages)
  for i, block in ipairs(blocks_of(turn.message)) do
    local tool, toolset_name = find(block)
    local call = {
      id = block.id,
      name = parts.word(block.name),
      toolset_name = toolset_name,
      input = input_of(block),
      tool = tool,
      block = block,
      turn = turn.number,
      message = turn.message,
      client = self.client,
    }
    local problem = obstacle(call)
    if problem then
      call.answer = tools.failure(call, problem)
    else
      approve(self, call)
    end
    calls[i] = call
  end
  return calls
end

-- The next request goes on in the container of an answer, unless the caller named one.
local function keep_container(self, message)
  local id = type(message.container) == "table" and parts.word(message.container.id)
  local given = self.params.container
  if not id then
    return
  elseif given == nil or given == json.null then
    self.request.container = id
  elseif type(given) == "table" and not json.is_raw(given) and not parts.word(given.id) then
    self.request.container = json.copy(given)
    self.request.container.id = id
  end
end

local function remember(self, turn)
  local history = self.request.messages
  if #turn.message.content > 0 then
    history[#history + 1] = turn.message
  end
  if #turn.results > 0 then
    history[#history + 1] = { role = "user", content = json.array(turn.results) }
  end
end

-- Whether the model has more to say after the turn.
local function goes_on(turn)
  return #turn.calls > 0 or turn.message.stop_reason == "pause_turn"
end

local function take_turn(self, number)
  local message, err = ask(self)
  if not message then
    return nil, err
  end
  local turn = { number = number, message = message, calls = {}, results = {} }
  self.run.turns[number] = turn
  if message.stop_reason ~= "refusal" then
    turn.calls = calls_of(self, turn)
    local results = tools.answer(turn.calls, self.limits)
    if not results then
      return nil, errors.new { kind = "cancelled", message = "the task was cancelled", partial = message }
    end
    turn.results = results
    remember(self, turn)
    keep_container(self, message)
  end
  if self.params.on_turn then
    self.params.on_turn(turn)
  end
  return turn
end

--- Runs turns until one calls no tool, `max_turns` are over, or a request fails.
---@param client anthropic.Client
---@param send fun(params: table): any, anthropic.Error?
---@param params table those of messages.create and of this module
---@param tell? fun(event: "tool", record: table) of what a tool raised, or gave that cannot be sent
---@return anthropic.Message|nil message the last one
---@return anthropic.Run|anthropic.Error run on failure an error whose `run` has what was done so far
function tool_run.run(client, send, params, tell)
  local problem = problem_of(params)
  if problem then
    return nil, errors.invalid_request(problem)
  end
  local request = request_of(params)
  local run = { messages = request.messages, turns = {} }
  local self = {
    client = client,
    send = send,
    params = params,
    request = request,
    run = run,
    limits = {
      seconds = params.tool_timeout,
      bytes = params.max_result_bytes,
      tell = tell and function(call, words, traceback)
        tell("tool", { tool = call.name, tool_use_id = call.id, error = words, traceback = traceback })
      end,
    },
  }
  local turn, err
  for number = 1, params.max_turns or DEFAULT_MAX_TURNS do
    turn, err = take_turn(self, number)
    if not turn then
      err.run = run
      return nil, err
    elseif not goes_on(turn) then
      run.stopped = turn.message.stop_reason
      return turn.message, run
    end
  end
  run.stopped = "max_turns"
  return turn.message, run
end

return tool_run
