--- Tool inputs: `stream:tool_inputs` shows them while they stream, in time linear in their bytes.
--
--     for id, name, input, is_complete, progress in stream:tool_inputs() do
--       print(name, input.title)                   -- a title is there once it is complete
--       io.write(progress:added())                 -- what came of a string that is not complete
--     end
--
-- Two rules. `input` is one table that grows and holds complete values only: a container shows as
-- soon as it opens; a string, a number or a word once it has ended. The string that is being
-- written is seen through `progress`.

local core = require "anthropic.base.core"
local events = require "anthropic.message.events"

local tool_inputs = {}

---@class anthropic.ToolInputProgress the string that is being written, and what is wrong
local Progress = {}
Progress.__index = Progress
Progress.__name = "anthropic.ToolInputProgress"

--- Returns the place in the input of the string that is being written: names, and positions from 1.
---@return (string|integer)[]|nil path nil while no string is being written
function Progress:path()
  return self.reader:path()
end

--- Returns that string as far as it is known. Each call copies it: to show it as it grows, use `added`.
---@return string|nil text
function Progress:text()
  return self.reader:text()
end

--- Returns what the last step added to that string; "" while no string is being written.
---@return string text
function Progress:added()
  return self.reader:added()
end

--- Returns why the JSON is broken or, once the block has ended, incomplete.
---@return string|nil problem
function Progress:problem()
  return self.message
end

--- Makes a view of what a reader of JSON has read.
---@param fields table with `reader`
---@return anthropic.ToolInputProgress
function tool_inputs.progress(fields)
  return setmetatable(fields, Progress)
end

local function is_tool_use(block)
  return type(block.type) == "string" and block.type:find "tool_use$" ~= nil
end

local NO_TABLE = "the input is neither an object nor a list"

-- Takes in what an event brought; false if that is nothing to show.
local function advance(progress, event, json)
  local block, ended = progress.block, event.type == "content_block_stop"
  local was_broken = progress.message ~= nil
  if json ~= "" then
    progress.message = select(2, progress.reader:feed(json))
  end
  if ended then
    progress.is_broken = progress.message ~= nil
    progress.is_complete = type(block.input) == "table"
    progress.message = not progress.is_complete and (progress.message or block.input_error or NO_TABLE) or nil
  end
  return ended or event.type == "content_block_start" or json ~= "" and not was_broken
end

-- The input as it is read from the pieces; or the block's own, if its start brought it whole and the pieces are empty,
-- or if all pieces together were read in another way.
local function input_of(progress)
  local whole, read = progress.block.input, progress.reader:value()
  if type(whole) ~= "table" or next(whole) == nil then
    return read
  end
  local is_other = type(read) ~= "table" or next(read) == nil or progress.is_broken and progress.is_complete
  return is_other and whole or read
end

-- Bytes of memory that a reader takes while it reads.
local READER_BYTES = 10000

-- The watchers are tables, not closures, like stream/init.lua's iterators.
local Watcher = {}
Watcher.__index = Watcher

-- What is yielded for an event; nothing if there is nothing to show.
local function told(self, entry, event, json)
  local progress, block = self.watched[entry], entry.block
  if event.type == "content_block_stop" then
    self.watched[entry] = nil
    self.stream.accumulators[0].budget:take(-READER_BYTES)
  end
  if advance(progress, event, json) then
    return block.id or entry.index, block.name, input_of(progress), progress.is_complete, progress
  end
end

function Watcher:__call(event)
  local accumulator = self.stream.accumulators[0]
  local entry = events.choice_of(event) == 0 and accumulator.by_index[event.index]
  local progress, json = self.watched[entry], ""
  if not progress then
    if not entry or not is_tool_use(entry.block) then
      return nil
    end
    progress = tool_inputs.progress { reader = core.json_partial(), block = entry.block, is_complete = false }
    self.watched[entry] = progress
    accumulator.budget:take(READER_BYTES)
    json = accumulator:input_json(entry)
  elseif event.type == "content_block_delta" and event.delta.type == "input_json_delta" then
    json = event.delta.partial_json
  end
  return told(self, entry, event, json)
end

local function is_before(one, other)
  return one.index < other.index
end

--- At the stream's end: the inputs that went on after the end of their blocks, one per call; nothing if none is left.
---@return string|integer|nil id this and what follows as for an event
function Watcher:late()
  if not self.left then
    self.left = {}
    for entry in pairs(self.watched) do
      table.insert(self.left, entry)
    end
    table.sort(self.left, is_before)
  end
  local entry = table.remove(self.left, 1)
  if entry then
    entry:close()
    return told(self, entry, { type = "content_block_stop" }, "")
  end
end

--- Makes the function that is called with each event of the stream after it was accumulated, and
--- returns what Stream:tool_inputs yields for it. A block whose start was read elsewhere is taken
--- up from there.
---@param stream anthropic.Stream
---@return fun(event: table): any, string?, any, boolean?, anthropic.ToolInputProgress?
function tool_inputs.watcher(stream)
  return setmetatable({ stream = stream, watched = {} }, Watcher)
end

return tool_inputs
