--- Calls that start while their answer still streams (`eager = true` of a run).
--
--     local early = early_calls.new(call_of, limits)
--     early:watch(stream)
--     early:see(stream, event)          -- each event but deltas
--     local call = early:call(block)    -- when the message is there
--     early:cancel()                    -- if it never will be
--
-- A call starts when its block ends. One whose block holds no input waits for the whole message: it may have been cut
-- off, and some servers send the input later. Calls of a model that gave up (a `fallback` follows) are cancelled.
--
-- If the stream is asked for again, running calls are cancelled. A call that has ended by then is not run a second
-- time: if the same call comes again, it has its result.

local events = require "anthropic.message.events"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local tools = require "anthropic.helpers.tools"

local early_calls = {}

---@class anthropic.EarlyCalls
---@field running table<anthropic.ToolCall, anthropic.Task>
local EarlyCalls = {}
EarlyCalls.__index = EarlyCalls

---@param call_of fun(block: table, stream: anthropic.Stream): anthropic.ToolCall? looks a call up and asks for its
---  approval; nil if it must wait for the end of the answer
---@param limits anthropic.RunLimits
---@return anthropic.EarlyCalls
function early_calls.new(call_of, limits)
  return setmetatable({
    call_of = call_of, limits = limits,
    calls = {}, -- by their blocks
    words = {}, -- by calls: those with which they were approved
    running = {},
    ended = {}, -- of an interrupted stream, by ID
  }, EarlyCalls)
end

-- The words of a call, by which it is recognized.
local function words_of(block)
  return tostring(block.name) .. " " .. tostring(json.encode(block.input))
end

-- Forgets the calls that have started. Those that have ended are kept apart.
local function begin_anew(self)
  for call, task in pairs(self.running) do
    if tools.has_ended(task) then
      self.ended[call.id or false] = { call = call, task = task, words = words_of(call.block) }
    else
      tools.cancel_one(task)
    end
  end
  self.calls, self.words, self.running = {}, {}, {}
end

--- Makes the stream report when it is asked for again.
---@param stream anthropic.Stream
function EarlyCalls:watch(stream)
  stream.on_restart = function()
    begin_anew(self)
  end
end

-- The same call, if it has ended before.
local function take_ended(self, block)
  local ended = self.ended[block.id or false]
  if ended and ended.words == words_of(block) then
    self.ended[block.id or false] = nil
    ended.call.block = block
    return ended.call, ended.task
  end
end

local function start(self, block, stream)
  local call, task = take_ended(self, block)
  call = call or self.call_of(block, stream)
  self.calls[block] = call
  if call then
    self.words[call] = words_of(block)
  end
  if call and not call.answer then
    self.running[call] = task or tools.start(call, self.limits)
  end
end

-- By the type of an event.
local SEE = {}

function SEE.content_block_stop(self, stream, event)
  local block, text = stream:block_of(event)
  local is_call = block and block.type == "tool_use" and not self.calls[block]
  if is_call and not (parts.is_empty(text) and parts.is_empty(block.input)) then
    start(self, block, stream)
  end
end

function SEE.content_block_start(self, _, event)
  if event.content_block.type == "fallback" then
    self:cancel()
  end
end

--- Takes in an event that the stream has accumulated. What the approval raises is raised.
---@param stream anthropic.Stream
---@param event table
function EarlyCalls:see(stream, event)
  local see = SEE[event.type]
  if see and events.choice_of(event) == 0 then
    see(self, stream, event)
  end
end

--- The call of a block, if it has started or was refused.
---@param block table
---@return anthropic.ToolCall?
---@return boolean? is_final whether name and input are still those that it began with
function EarlyCalls:call(block)
  local call = self.calls[block]
  return call, call and self.words[call] == words_of(block)
end

--- Cancels all running calls except some.
---@param kept? anthropic.ToolCall[]
function EarlyCalls:cancel(kept)
  local running = {}
  for _, call in ipairs(kept or {}) do
    running[call], self.running[call] = self.running[call], nil
  end
  tools.cancel(self.running)
  self.calls, self.words, self.running = {}, {}, running
end

return early_calls
