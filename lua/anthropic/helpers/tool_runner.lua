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
--
-- With `eager = true` the answers are streamed, and a tool starts when its block ends; then `on_tool_use` is called.

local errors = require "anthropic.base.error"
local events = require "anthropic.message.events"
local json = require "anthropic.base.json"
local message_thread = require "anthropic.helpers.message_thread"
local protected = require "anthropic.loop.protected"
local run_params = require "anthropic.helpers.run_params"
local tool_changes = require "anthropic.helpers.tool_changes"
local tool_turn = require "anthropic.helpers.tool_turn"

local tool_runner = {}

local DEFAULT_MAX_TURNS = 20

---@class anthropic.Run
---@field messages table[] the history: the messages given, answers and tool results
---@field turns anthropic.Turn[] one for each answer
---@field stopped? string the `stop_reason` of the last answer, "max_turns", or "stop" if `on_turn` said so; nil
---  after a failure

-- --- running -------------------------------------------------------------------------------------

-- The betas of all requests. `option`: of the client and of this call.
local function betas_of(request, option)
  local betas = {}
  local function add(list)
    for _, name in ipairs(type(list) == "table" and list or {}) do
      betas[#betas + 1] = type(name) == "string" and name or nil
    end
  end
  add(request.betas)
  if option then
    add(option "betas")
    add(option "request_betas")
  end
  return betas
end

-- Prepares a run; nothing is sent yet.
local function prepare(client, send, params, tell, option)
  local problem = run_params.problem_of(params)
  if problem then
    local err = errors.invalid_request(problem)
    local given = params.messages
    err.run = { messages = type(given) == "table" and not json.is_raw(given) and json.copy(given) or {}, turns = {} }
    return nil, err
  end
  local request = run_params.request_of(params)
  local self = {
    client = client,
    send = send,
    params = params,
    request = request,
    thread = message_thread.of(request),
    tools = request.tools or {}, -- that can be called now
    changes = {}, -- of which the model is to be told
    told = {}, -- of which it was told: each change, and the message
    change_beta = tool_changes.beta_among(betas_of(request, option)),
    run = { messages = request.messages, turns = {} },
    limits = {
      seconds = params.tool_timeout,
      bytes = params.max_result_bytes,
      tell = tell and function(call, words, traceback)
        tell("tool", { tool = call.name, tool_use_id = call.id, error = words, traceback = traceback })
      end,
    },
  }
  tool_changes.take_up(self, params[tool_changes.CARRIER])
  return self
end

-- The history that the next request has.
local function history_of(self)
  local run, given = self.run, nil
  if self.params.before_turn then
    given = self.params.before_turn(run)
  end
  if given ~= nil and (type(given) ~= "table" or json.is_raw(given)) then
    return nil, errors.invalid_request("before_turn: a list of messages or nil expected, got " .. type(given))
  elseif given then
    run.messages = json.copy(given)
  end
  tool_changes.tell(self, run.messages)
  return run.messages
end

local function send_on_thread(self)
  local request, problem = message_thread.request(self.thread, self.request)
  if not request then
    return nil, errors.invalid_request(problem)
  end
  local answer, err = self.send(request)
  if not answer and message_thread.recovers(self.thread, err) then -- twice in a row at most
    return send_on_thread(self)
  end
  return answer, err
end

-- Sends the request of the next turn.
local function begin_turn(self)
  local messages, err = history_of(self)
  if not messages then
    return nil, err
  end
  self.request.messages = messages
  if self.thread then
    return send_on_thread(self)
  end
  return self.send(self.request)
end

-- Prepares for the calls that start while an answer streams.
local function watch(self, stream)
  self.early = nil
  if self.params.eager and not stream.whole then
    self.early = tool_turn.early(self)
    self.early:watch(stream)
  end
end

local function forget_early(self)
  if self.early then
    self.early:cancel()
    self.early = nil
  end
end

-- The next event of a stream, after `on_event` has seen it.
local function next_event(self, stream)
  local event, err = stream:next()
  if event and self.params.on_event then
    self.params.on_event(event)
  end
  if event and self.early then
    self.early:see(stream, event)
  end
  return event, err
end

-- Reads to the end of the answer. Without `on_event` only the events that start a call are read.
local function read(self, stream)
  local event, err
  if self.early and not self.params.on_event then
    event, err = stream:next_boundary()
    while event do
      self.early:see(stream, event)
      event, err = stream:next_boundary()
    end
  else
    repeat
      event, err = next_event(self, stream)
    until not event
  end
  if err then
    return nil, err
  end
  return stream:message()
end

local function ask(self)
  local answer, err = begin_turn(self)
  if not answer or not self.request.stream then
    return answer, err
  end
  watch(self, answer)
  self.reading = answer
  local message
  message, err = read(self, answer)
  self.reading = nil
  return message, err
end

-- Cleans up what an error or the end of its coroutine leaves behind.
local function abandon(self)
  forget_early(self)
  if self.reading then
    self.reading:close()
  end
end

-- Reasons to stop after which the server goes on with an answer as it is.
local UNFINISHED = { pause_turn = true, compaction = true }

-- Whether the model has more to say after an answer, and may; nil and an error if its turn fails.
local function go_on(self, message)
  local as_it_came = self.thread and message_thread.print_of(message)
  local turn, err, decision = tool_turn.take(self, message)
  self.early = nil
  if not turn then
    return nil, err
  end
  local stops, problem = tool_changes.apply(self, decision)
  if stops == nil then
    return nil, errors.invalid_request(problem)
  end
  if self.thread then
    message_thread.note(self.thread, self.run.messages, message, as_it_came)
  end
  local is_unfinished = UNFINISHED[message.stop_reason] and #message.content > 0 -- else the same would be sent again
  local goes_on = self.has_calls or is_unfinished or #self.run.messages > self.length
  if not goes_on then
    self.run.stopped = message.stop_reason
  elseif stops then
    self.run.stopped = "stop"
  elseif self.number >= (self.params.max_turns or DEFAULT_MAX_TURNS) then
    self.run.stopped = "max_turns"
  else
    return true
  end
  return false
end

-- One turn: whether another one follows; nil and an error. Its message is in `self.message`.
local function take_turn(self)
  local message, err = ask(self)
  if not message then
    return nil, err
  end
  self.message = message
  return go_on(self, message)
end

--- Runs turns until one calls no tool, `max_turns` are over, or a request fails.
---@param client anthropic.Client
---@param send fun(params: table): any, anthropic.Error?
---@param params table those of messages.create and of this module
---@param tell? fun(event: "tool", record: table) of what a tool raised, or returned that cannot be sent
---@param option? fun(name: string): any the options of the requests
---@return anthropic.Message|nil message the last one
---@return anthropic.Run|anthropic.Error run on failure an error whose `run` has what was done so far
function tool_runner.run(client, send, params, tell, option)
  local self, problem = prepare(client, send, params, tell, option)
  if not self then
    return nil, problem
  end
  local is_open, err
  repeat
    if self.request.stream then
      is_open, err = protected.finally_around(take_turn, abandon, self)
    else
      is_open, err = take_turn(self)
    end
    if err then
      err.run = self.run
      return nil, err
    end
  until not is_open
  return self.message, self.run
end

tool_runner.is_asked_for = run_params.ask_for_run

-- --- reading -------------------------------------------------------------------------------------

---@class anthropic.RunReader
---@field run anthropic.Run
---@operator call: string?
local Reader = {}
Reader.__index = Reader

-- Reads on: the next event; nil if another turn was begun, or all is over.
local function read_on(self)
  local stream = self.stream
  local event, err = next_event(self, stream)
  if event or err then
    return event, err
  end
  self.stream = nil -- it is not read meanwhile
  local message, is_open
  message, self.err = stream:message()
  if message then
    is_open, self.err = go_on(self, message)
  end
  if is_open then
    self.stream, self.err = begin_turn(self)
  end
  if self.stream then
    watch(self, self.stream)
  end
end

local function read_on_guarded(self)
  self.reading = self.stream
  local event, err = read_on(self)
  if err then
    forget_early(self)
  end
  self.reading = nil
  return event, err
end

-- Cleans up if the reading was interrupted.
local function abandon_unread(self)
  if self.reading then
    abandon(self)
  end
end

-- The next event of any turn. The tools of a turn run when the last event of its answer was read.
local function advance(self)
  while self.stream do
    local event, err
    if self.params.eager or self.params.on_event then -- which may raise
      event, err = protected.finally_around(read_on_guarded, abandon_unread, self)
    else
      event, err = read_on(self)
    end
    if event or err then
      return event, err
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

--- Cancels the run.
function Reader:close()
  forget_early(self)
  if self.stream then
    self.stream:close()
  end
end

--- Begins a run whose text is read piece by piece.
---@param client anthropic.Client
---@param send fun(params: table): anthropic.Stream?, anthropic.Error?
---@param params table those of messages.create and of this module
---@param tell? fun(event: "tool", record: table)
---@param option? fun(name: string): any the options of the requests
---@return anthropic.RunReader|nil reader
---@return anthropic.Error?
function tool_runner.open(client, send, params, tell, option)
  local self, err = prepare(client, send, params, tell, option)
  if not self then
    return nil, err
  end
  self.request.stream = true
  self.stream, err = begin_turn(self)
  if not self.stream then
    err.run = self.run
    return nil, err
  end
  watch(self, self.stream)
  return setmetatable(self, Reader)
end

return tool_runner
