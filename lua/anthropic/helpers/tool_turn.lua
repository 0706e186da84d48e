--- A turn of `client.messages.run`: what becomes of an answer and of the calls in it.
--
-- Every call is looked up and approved before the first tool runs. The results go into the history together with the
-- answer, or neither does.

local early_calls = require "anthropic.helpers.early_calls"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local tool_lookup = require "anthropic.helpers.tool_lookup"
local tools = require "anthropic.helpers.tools"

local tool_turn = {}

---@class anthropic.Turn one answer, and what became of its calls
---@field number integer from 1
---@field message anthropic.Message the answer
---@field calls anthropic.ToolCall[] in the answer's order
---@field results table[] the tool_result blocks, in the order of the calls

-- --- calls ---------------------------------------------------------------------------------------

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
  local block = call.block
  if block.input_error then
    return "the input is not valid JSON: " .. block.input_error .. "; the tool was not run"
  elseif not call.tool then
    return ("no tool named %s can be run"):format(quoted(block.name))
  elseif type(call.input) ~= "table" or json.is_array(call.input) then
    return "the input is not an object; the tool was not run"
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

-- A copy of the input that the model wrote, free to be changed. The input itself is sent again as it came.
local function input_of(block)
  if block.input_error then
    return nil
  end
  local own = { type = block.type, input = block.input }
  parts.read_input(own)
  return copy(own.input)
end

local function new_call(self, find, number, block)
  local tool, toolset_name = find(block)
  return {
    id = block.id,
    name = parts.word(block.name),
    toolset_name = toolset_name,
    input = input_of(block),
    tool = tool,
    block = block,
    turn = number,
    client = self.client,
  }
end

local function finder(self)
  return tool_lookup.new(self.tools, self.run.messages)
end

-- While a message streams, it is copied only if it is asked for.
local function message_of(stream)
  return { __index = function(_, name)
    return name == "message" and stream:snapshot() or nil
  end }
end

--- Calls that start before their answer is whole, for the turn that comes.
---@param self table see `take`
---@return anthropic.EarlyCalls
function tool_turn.early(self)
  local find, number = finder(self), (self.number or 0) + 1
  return early_calls.new(function(block, stream)
    local call = new_call(self, find, number, block)
    if obstacle(call) or call.tool.eager == false then
      return nil
    end
    setmetatable(call, message_of(stream))
    approve(self, call)
    return call
  end, self.limits)
end

-- Why a block is not run, if its message was cut off in it.
local function cut(message, block)
  return CUTS[message.stop_reason] and message.content[#message.content] == block
    and ("the call was cut off (%s); it was not run"):format(message.stop_reason)
end

-- The call of a block of a whole message, with its answer if it cannot be run or is refused.
local function call_of(self, find, turn, block)
  local call = new_call(self, find, turn.number, block)
  call.message = turn.message
  local problem = cut(turn.message, block) or obstacle(call)
  if problem then
    call.answer = tools.failure(call, problem)
  else
    approve(self, call)
  end
  return call
end

local CHANGED = "the input was changed after the tool had started; it was cancelled, but may have done something"

-- The call of a block, if it has started already. If it started with another input, that counts as another call, which
-- the caller cancels.
local function early_call_of(self, find, turn, block)
  local call, is_final
  if self.early then
    call, is_final = self.early:call(block)
  end
  if call and not is_final and not call.answer then
    call = new_call(self, find, turn.number, block)
    call.answer = tools.failure(call, CHANGED)
  end
  if call then
    setmetatable(call, nil).message = turn.message
  end
  return call
end

local function calls_of(self, turn)
  local calls, find = {}, finder(self)
  for i, block in ipairs(turn.message:tool_uses()) do
    calls[i] = early_call_of(self, find, turn, block) or call_of(self, find, turn, block)
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
  local history = self.run.messages
  if #turn.message.content > 0 then
    history[#history + 1] = turn.message
  end
  if #turn.results > 0 then
    history[#history + 1] = { role = "user", content = json.array(turn.results) }
  end
end

-- Runs what an answer calls. nil and an error if the running task is cancelled.
local function answer(self, turn)
  local early = self.early
  turn.calls = calls_of(self, turn)
  if early then
    early:cancel(turn.calls)
  end
  local results, err = tools.answer(turn.calls, self.limits, early and early.running)
  if not results then
    err.partial = turn.message
    return nil, err
  end
  turn.results = results
  remember(self, turn)
  keep_container(self, turn.message)
  return true
end

--- Takes an answer: runs what it calls, and adds both to the history.
---@param self table of the run: `request` (what is sent; changed), `tools`, `params`, `client`, `limits`, `run`, and
---  `early` if calls were started already; sets `number` of the turn, `has_calls` and `length` of the history
---@param message anthropic.Message
---@return anthropic.Turn|nil
---@return anthropic.Error? err the running task was cancelled meanwhile
---@return any decision what `on_turn` returned
function tool_turn.take(self, message)
  self.number = (self.number or 0) + 1
  local turn = { number = self.number, message = message, calls = {}, results = {} }
  table.insert(self.run.turns, turn)
  if message.stop_reason ~= "refusal" then
    local ok, err = answer(self, turn)
    if not ok then
      return nil, err
    end
  elseif self.early then
    self.early:cancel()
  end
  self.length = #self.run.messages -- what `on_turn` adds to it is sent, too
  self.has_calls = #turn.calls > 0 -- which `on_turn` may let go
  if self.params.on_turn then
    return turn, nil, self.params.on_turn(turn, self.run)
  end
  return turn
end

return tool_turn
