--- Chat: asking a question and holding a conversation.
--
--     print(client:ask("Why is the sky blue?"))
--
--     local chat = client:chat { model = "claude-sonnet-5-5", system = "Be brief." }
--     print(chat:say("My name is Ada."))
--     for text in chat:stream("What is my name?") do io.write(text) end
--
-- A conversation keeps the whole answers, thinking and signatures included; one that was refused is left out, as the
-- API would not take it. A turn that fails leaves the history as it was.
--
-- Tools made by `anthropic.tool` are run, as `messages.run` runs them; its parameters (`max_turns`, `on_tool_use`, ...)
-- hold here as well:
--
--     local chat = client:chat { model = "claude-sonnet-5-5", tools = { weather }, max_turns = 5 }
--     local text, message, run = chat:say("What is the weather in Paris?")
--
-- Tools that `on_turn` adds or removes remain added or removed in the turns that follow.
--
-- `on_event` is called with every event, even without tools: this is how a program shows the thinking.

local errors = require "anthropic.base.error"
local events = require "anthropic.message.events"
local json = require "anthropic.base.json"
local log = require "anthropic.http.log"
local loop = require "anthropic.loop"
local parts = require "anthropic.message.parts"
local paths = require "anthropic.base.path"
local protected = require "anthropic.loop.protected"
local reader_base = require "anthropic.http.reader_base"
local request_options = require "anthropic.http.options"
local tables = require "anthropic.base.tables"
local tool_changes = require "anthropic.helpers.tool_changes"
local tool_runner = require "anthropic.helpers.tool_runner"

local chat = {}

local DEFAULT_MAX_TOKENS = 4096

-- The parameters of every turn, and the history among them.
local function complete(params)
  if params ~= nil and type(params) ~= "table" then
    error("params: table expected, got " .. type(params), 3)
  elseif json.is_raw(params) then
    error("params: table expected, got anthropic.raw", 3)
  end
  local whole = json.merge({ max_tokens = DEFAULT_MAX_TOKENS }, params)
  whole.stream = nil -- say and stream differ in that
  local history = whole.messages or {}
  if type(history) ~= "table" then
    error("params.messages: table expected, got " .. type(history), 3)
  end
  whole.messages = nil
  return whole, history
end

-- A history with one more message, as another list; nil and an error.
local function messages_with(history, message)
  local problem = paths.problem_of_list("messages", history)
  if problem then
    return nil, errors.invalid_request(problem)
  end
  local messages = {}
  for i, one in ipairs(history) do
    messages[i] = one
  end
  messages[#messages + 1] = message
  return messages
end

-- An argument of a wrong type is an error of the line that calls the method.
local function check_turn(prompt, given)
  if type(prompt) ~= "string" and type(prompt) ~= "table" then
    error("a string or a list of content blocks expected, got " .. type(prompt), 3)
  end
  request_options.check(given, 3)
end

-- The answer to parameters and, if tools are to run, the run; nil and an error.
local function answer(client, params, options)
  if tool_runner.is_asked_for(params) then
    return client.messages.run(params, options)
  end
  return client.messages.create(params, options)
end

--- See Client:ask.
function chat.ask(client, prompt, params)
  check_turn(prompt)
  local whole, history = complete(params)
  local problem
  whole.messages, problem = messages_with(history, { role = "user", content = prompt })
  if problem then
    return nil, problem
  end
  local message, run = answer(client, whole)
  if not message then
    return nil, run
  end
  return message:text(), message, run
end

---@class anthropic.ChatParams: anthropic.RunParams the parameters of client:ask and client:chat
---@field model? string Default: the option `model`
---@field max_tokens? integer Default: 4096
---@field messages? table[] the history to go on from

---@class anthropic.Chat
---@field messages table[] the history, free to be read and changed between turns
local Chat = {}
Chat.__index = Chat

--- See Client:chat.
function chat.new(client, params)
  local whole, history = complete(params)
  return setmetatable({ client = client, params = whole, messages = history, open = {} }, Chat)
end

-- Makes a turn: the parameters with one more message, the user's; nil and an error.
local function new_turn(self, prompt)
  local said = { role = "user", content = prompt }
  local messages, err = messages_with(self.messages, said)
  if not messages then
    return nil, err
  end
  local turn = { before = tables.copy(self.messages), said = said }
  turn.params = json.merge({}, self.params)
  turn.params.messages = messages
  self.known = turn.before
  if tool_runner.is_asked_for(turn.params) then
    turn.carrier = { state = self.tool_state }
    turn.params[tool_changes.CARRIER] = turn.carrier
  end
  return turn
end

local function is_same(one, other)
  for i = 1, math.max(#one, #other) do
    if one[i] ~= other[i] then
      return false
    end
  end
  return true
end

-- The position at which a turn begins in a history, which `before_turn` may have changed: that of the user's message
-- or, if that was left out, of an answer.
local function beginning_of(turn, history, run)
  local answers, first = {}, nil
  for _, one in ipairs(run and run.turns or {}) do
    answers[one.message] = true
  end
  for i, message in ipairs(history) do
    if message == turn.said then
      return i
    end
    first = first or answers[message] and i
  end
  return first or #history + 1
end

-- Keeps what a turn has changed about the tools.
local function keep_tools(self, turn)
  if turn.carrier then
    self.tool_state = tool_changes.state_after(turn.carrier, self.tool_state)
  end
end

-- Sets the history after a turn. If the program or another turn has changed the chat's history since the turn began,
-- the turn is added to the changed one.
local function keep(self, turn, history, run)
  local present = self.messages
  keep_tools(self, turn)
  if type(present) ~= "table" or is_same(present, turn.before) then
    self.messages = history
  else
    local whole, first = tables.copy(present), beginning_of(turn, history, run)
    whole[#whole + 1] = history[first] ~= turn.said and turn.said or nil
    for i = first, #history do
      whole[#whole + 1] = history[i]
    end
    self.messages = whole
  end
  self.known = tables.copy(self.messages)
end

-- The API refuses messages without content, and answers that were refused.
local function remember(self, turn, history, message, run)
  if #message.content > 0 and message.stop_reason ~= "refusal" then
    history[#history + 1] = message
  end
  keep(self, turn, history, run)
end

-- Keeps an answer that was left before its end: its text counts as said, and so does what tools have done, unless
-- the program has changed the history since.
local function settle_one(self, open)
  local text = open.stream:snapshot():text()
  open.stream:close()
  local run = open.stream.run
  local history = run and run.messages or open.turn.params.messages
  if type(self.messages) ~= "table" or not is_same(self.messages, self.known) then
    keep_tools(self, open.turn)
  elseif text:match "%S" then
    local message = { role = "assistant", content = parts.without_space_behind(text) }
    remember(self, open.turn, history, message, run)
  elseif run and #run.turns > 0 then
    keep(self, open.turn, history, run)
  end
end

-- Whether the reading of an answer has ended: another coroutine may still read it.
local function is_left(open)
  local thread = open.thread
  return not thread or thread == protected.running() or coroutine.status(thread) == "dead"
end

local function settle(self)
  local answers = self.open
  self.open = {}
  for _, open in ipairs(answers) do
    if is_left(open) then
      settle_one(self, open)
    else
      table.insert(self.open, open)
    end
  end
end

--- Sends a turn and returns the whole answer. After a failure the history is as before.
---@param prompt string|table text, or a list of content blocks
---@param options? anthropic.Options options for each request
---@return string|nil text of the answer; if tools were run, of the last answer
---@return anthropic.Message|anthropic.Error message on failure an error
---@return anthropic.Run? run if tools were run
function Chat:say(prompt, options)
  check_turn(prompt, options)
  settle(self)
  local turn, err = new_turn(self, prompt)
  if not turn then
    return nil, err
  end
  local message, run = answer(self.client, turn.params, options)
  if not message then
    return nil, run
  elseif run then
    keep(self, turn, run.messages, run)
  else
    remember(self, turn, turn.params.messages, message)
  end
  return message:text(), message, run
end

-- An answer that is coming, as the iterator over its text: a table, not a closure, like those of stream/init.lua.
local Answer = {}

local function add_open(owner, open)
  open.thread = protected.running()
  table.insert(owner.open, open)
end

-- Removes an answer from the open ones; false if it was settled.
local function take_open(owner, open)
  for i, other in ipairs(owner.open) do
    if other == open then
      table.remove(owner.open, i)
      return true
    end
  end
  return false
end

function Answer:__call()
  local owner = self.chat
  local is_open = take_open(owner, self) -- it stays removed if the next line raises
  local text = self.next_text()
  local run = self.stream.run
  if is_open and text then
    add_open(owner, self)
  elseif is_open and run then
    keep(owner, self.turn, run.messages, run)
  elseif is_open then
    remember(owner, self.turn, self.turn.params.messages, self.stream:message())
  end
  return text
end

-- workaround: stock Lua 5.1 cannot wait inside a generic `for`, where a stream's iterator raises, and there is no
-- stream here whose `next` could be called: the iterator itself can be.
local function next_text_of(stream)
  if not loop.ITERATORS_CANNOT_WAIT then
    return stream:text_deltas()
  end
  return function()
    local event, err, text
    repeat
      event, err = stream:next()
      text = event and events.text_of(event)
    until text or not event
    return reader_base.raised(text, err)
  end
end

-- The stream of an answer, and the iterator over its text.
local function open_plain(client, params, options)
  local stream, err = client.messages.stream(params, options)
  return stream, stream and next_text_of(stream) or err
end

-- The same if tools are to run: over the text of all turns.
local function open_run(client, params, options)
  local function send(turn)
    return client.messages.create(turn, options)
  end
  local option = client:options_for(options)
  local reader, err = tool_runner.open(client, send, params, log.teller(option), option)
  return reader, reader or err
end

--- Sends a turn and iterates over the text of the answer as it comes: `for text in chat:stream(prompt) do`. If tools
--- are run, over the text of all answers. Raises the error on failure. An answer that is left early is kept as far as
--- it came, unless the history was changed since.
---@param prompt string|table text, or a list of content blocks
---@param options? anthropic.Options options for each request
---@return fun(): string? iterator
function Chat:stream(prompt, options)
  check_turn(prompt, options)
  settle(self)
  local turn, err = new_turn(self, prompt)
  if not turn then
    error(err, 0)
  end
  local open = tool_runner.is_asked_for(turn.params) and open_run or open_plain
  local stream, next_text = open(self.client, turn.params, options)
  if not stream then
    error(next_text, 0)
  end
  local new = setmetatable({ chat = self, stream = stream, turn = turn, next_text = next_text }, Answer)
  add_open(self, new)
  return new
end

return chat
