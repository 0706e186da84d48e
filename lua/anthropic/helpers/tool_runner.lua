--- Runs: `client.messages.run` sends requests and runs the tools that the answers call, until an answer calls none.
--
--     local message, run = client.messages.run {
--       model = "claude-sonnet-5-5", max_tokens = 1024, tools = { weather },
--       messages = { { role = "user", content = "What is the weather in Paris?" } },
--       on_tool_use = function(call) return call.name ~= "delete_file", "not allowed" end,
--     }
--     print(message:text(), run.stopped, #run.turns)
--
-- `run.messages` is the history, ready to be sent with one more user message. It always ends with a whole turn: an
-- answer whose tools were not run is not in it, nor is a refused one, as the API would not take it.
--
-- `on_tool_use` is called for each call of a turn, before any tool of that turn runs. It returns true to allow the
-- call, a table to allow it with that input, or false and a reason that the model reads. A function that returns
-- nothing refuses the call. A call of a tool that does not exist is answered without asking. An error that a callback
-- raises ends the run and is raised.

local check = require "anthropic.base.check"
local errors = require "anthropic.base.error"
local events = require "anthropic.message.events"
local json = require "anthropic.base.json"
local tool_turn = require "anthropic.helpers.tool_turn"
local tools = require "anthropic.helpers.tools"

local tool_runner = {}

local DEFAULT_MAX_TURNS = 20

---@class anthropic.RunParams: anthropic.MessageParams the parameters of messages.create, and these, which are not sent
---@field tools? (anthropic.Tool|table)[] made by anthropic.tool; tools that the API runs itself, as plain tables
---@field max_turns? integer requests of one run at most. The tools that the last answer calls still run. Default: 20
---@field on_turn? fun(turn: anthropic.Turn) called after each turn, when its tools have run
---@field on_tool_use? fun(call: anthropic.ToolCall): boolean|table|nil, any called before each call: true allows it, a
---  table allows it with that input, false and a reason refuse it. Returning nothing refuses it, too. May wait
---@field on_event? fun(event: anthropic.api.RawMessageStreamEvent) called with each event of each answer as it
---  comes; the answers are streamed then
---@field tool_timeout? number seconds that a tool without a `timeout` may take. Default: no limit
---@field max_result_bytes? integer bytes of text in one result; longer text is cut, and a note says so. A tool's own
---  `max_result_bytes` comes first. Default: 262144 (256 KiB)

---@class anthropic.Run
---@field messages table[] the history: the messages given, answers and tool results
---@field turns anthropic.Turn[] one for each answer
---@field stopped? string the `stop_reason` of the last answer, or "max_turns"; nil after a failure

local a_function = { expected = "a function", check = check.of_type("function").check }

-- The parameters that are not sent.
local OWN = {
  max_turns = check.whole(1),
  on_turn = a_function,
  on_tool_use = a_function,
  on_event = a_function,
  tool_timeout = check.positive "a positive number of seconds",
  max_result_bytes = check.positive "a positive number of bytes",
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
      return ("%s.name: %q appears twice"):format(where, tool.name)
    end
    names[tool.name or tool] = true
  end
end

local function problem_of(params)
  for name, row in pairs(OWN) do
    if params[name] ~= nil and not row.check(params[name]) then
      return ("%s: %s expected, got %s"):format(name, row.expected, type(params[name]))
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

-- --- running -------------------------------------------------------------------------------------

-- What a run is made of; nothing is sent yet.
local function prepare(client, send, params, tell)
  local problem = problem_of(params)
  if problem then
    return nil, errors.invalid_request(problem)
  end
  local request = request_of(params)
  return {
    client = client,
    send = send,
    params = params,
    request = request,
    run = { messages = request.messages, turns = {} },
    limits = {
      seconds = params.tool_timeout,
      bytes = params.max_result_bytes,
      tell = tell and function(call, words, traceback)
        tell("tool", { tool = call.name, tool_use_id = call.id, error = words, traceback = traceback })
      end,
    },
  }
end

-- The next event of a stream, shown to whoever wants to see it.
local function next_event(self, stream)
  local event, err = stream:next()
  if event and self.params.on_event then
    self.params.on_event(event)
  end
  return event, err
end

local function ask(self)
  local answer, err = self.send(self.request)
  if not answer or not self.request.stream then
    return answer, err
  end
  local event
  repeat
    event, err = next_event(self, answer)
  until not event
  if err then
    return nil, err
  end
  return answer:message()
end

-- Whether the model has more to say after an answer, and may; nil and an error where its turn fails.
local function go_on(self, message)
  local turn, err = tool_turn.take(self, message)
  if not turn then
    return nil, err
  elseif #turn.calls == 0 and message.stop_reason ~= "pause_turn" then
    self.run.stopped = message.stop_reason
    return false
  elseif turn.number >= (self.params.max_turns or DEFAULT_MAX_TURNS) then
    self.run.stopped = "max_turns"
    return false
  end
  return true
end

--- Runs turns until one calls no tool, `max_turns` are over, or a request fails.
---@param client anthropic.Client
---@param send fun(params: table): any, anthropic.Error?
---@param params table those of messages.create and of this module
---@param tell? fun(event: "tool", record: table) of what a tool raised, or gave that cannot be sent
---@return anthropic.Message|nil message the last one
---@return anthropic.Run|anthropic.Error run on failure an error whose `run` has what was done so far
function tool_runner.run(client, send, params, tell)
  local self, problem = prepare(client, send, params, tell)
  if not self then
    return nil, problem
  end
  local message, err, is_open
  repeat
    message, err = ask(self)
    if message then
      is_open, err = go_on(self, message)
    end
    if err then
      err.run = self.run
      return nil, err
    end
  until not is_open
  return message, self.run
end

--- Whether parameters ask for a run: by a tool that can be run, or by what only a run has.
---@param params table
---@return boolean
function tool_runner.is_asked_for(params)
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

-- --- reading -------------------------------------------------------------------------------------

---@class anthropic.RunReader
---@field run anthropic.Run
---@operator call: string?
local Reader = {}
Reader.__index = Reader

-- The next event of any turn. The tools of a turn run when the last one of its answer was read.
local function advance(self)
  while self.stream do
    local stream = self.stream
    local event, err = next_event(self, stream)
    if event or err then
      return event, err
    end
    self.stream = nil -- nobody reads on meanwhile
    local message, is_open
    message, self.err = stream:message()
    if message then
      is_open, self.err = go_on(self, message)
    end
    if is_open then
      self.stream, self.err = self.send(self.request)
    end
  end
  return nil, self.err
end

--- The next piece of text of the run; nil at its end. Raises the error on failure.
function Reader:__call()
  local event, err, text
  repeat
    event, err = advance(self)
    text = event and events.text_of(event)
  until text or not event
  if err then
    err.run = self.run
    error(err, 0)
  end
  return text
end

--- The answer that is being read, as far as it came.
---@return anthropic.Message
function Reader:snapshot()
  return self.stream:snapshot()
end

--- Cancels it.
function Reader:close()
  if self.stream then
    self.stream:close()
  end
end

--- Begins a run whose text is read piece by piece.
---@param client anthropic.Client
---@param send fun(params: table): anthropic.Stream?, anthropic.Error?
---@param params table those of messages.create and of this module
---@param tell? fun(event: "tool", record: table)
---@return anthropic.RunReader|nil reader
---@return anthropic.Error?
function tool_runner.open(client, send, params, tell)
  local self, err = prepare(client, send, params, tell)
  if self then
    self.request.stream = true
    self.stream, err = send(self.request)
  end
  return self and self.stream and setmetatable(self, Reader), err
end

return tool_runner
