--- A turn of `client.messages.run`: what becomes of an answer and of the calls in it.
--
-- Every call is looked up and approved before the first tool runs. The results go into the history together with the
-- answer, or neither does.

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

--- Takes an answer: runs what it calls, and adds both to the history.
---@param self table of the run: `request` (what is sent; changed), `params`, `client`, `limits`, `run`
---@param message anthropic.Message
---@return anthropic.Turn|nil
---@return anthropic.Error? err the running task was cancelled meanwhile
function tool_turn.take(self, message)
  local turn = { number = #self.run.turns + 1, message = message, calls = {}, results = {} }
  self.run.turns[turn.number] = turn
  if message.stop_reason ~= "refusal" then
    turn.calls = calls_of(self, turn)
    local results, err = tools.answer(turn.calls, self.limits)
    if not results then
      err.partial = message
      return nil, err
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

return tool_turn
