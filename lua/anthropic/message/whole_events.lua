--- The events that the API would have streamed for a message that came whole, so that a loop over them prints what a
--- stream's would.

local chat_completion = require "anthropic.message.chat_completion"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local parts = require "anthropic.message.parts"
local tables = require "anthropic.base.tables"

local whole_events = {}

-- Each growing member of a block: its value in the block's start, and the delta that brings it.
local GROWING = {
  text = { { "text", "", "text_delta", "text" } },
  thinking = { { "thinking", "", "thinking_delta", "thinking" }, { "signature", "", "signature_delta", "signature" } },
}

local function add_delta(events, index, delta)
  events[#events + 1] = { type = "content_block_delta", index = index, delta = delta }
end

local function add_growing(events, index, block, start)
  local deltas = {}
  for _, row in ipairs(GROWING[block.type] or {}) do
    local value = parts.word(block[row[1]])
    if value then
      start[row[1]] = row[2]
      deltas[#deltas + 1] = { type = row[3], [row[4]] = value }
    end
  end
  if block.type == "text" and type(block.citations) == "table" then
    start.citations = json.array {}
    for _, citation in ipairs(block.citations) do
      deltas[#deltas + 1] = { type = "citations_delta", citation = citation }
    end
  end
  for _, delta in ipairs(deltas) do
    add_delta(events, index, delta)
  end
end

local function add_input(events, index, block, start)
  local text = block.input_json or not parts.is_empty(block.input) and json.input_text(block.input) or nil
  start.input, start.input_json, start.input_error = json.object {}, nil, nil
  if text then
    add_delta(events, index, { type = "input_json_delta", partial_json = text })
  end
end

local function add_block(events, index, block)
  local start = json.copy(block)
  events[#events + 1] = { type = "content_block_start", index = index, content_block = start }
  if parts.is_tool_use(block.type) then
    add_input(events, index, block, start)
  else
    add_growing(events, index, block, start)
  end
  events[#events + 1] = { type = "content_block_stop", index = index }
end

local OF_END = { "stop_reason", "stop_sequence" }

-- Marks as null what the answer had so: all in the start, and what the end tells there, too.
local function mark_nulls(whole, start, ending)
  local nulls = json.nulls_of(whole) or {}
  local of_start, of_end = tables.copy(nulls), {}
  for _, name in ipairs(OF_END) do
    of_start[name] = nulls[name] or whole[name] ~= nil or nil
    of_end[name] = nulls[name]
  end
  json.set_nulls(start, of_start)
  json.set_nulls(ending, of_end)
end

--- The events of a message.
---@param whole anthropic.Message
---@return table[]
function whole_events.of(whole)
  local foreign = whole.raw and chat_completion.events(whole.raw)
  if foreign then
    return foreign
  end
  local start = message.fields_of(whole)
  local ending = { stop_reason = whole.stop_reason, stop_sequence = whole.stop_sequence }
  start.content, start.stop_reason, start.stop_sequence = json.array {}, nil, nil
  start.usage = start.usage or {} -- clients of the API put the counts of the end in there
  mark_nulls(whole, start, ending)
  local events = { { type = "message_start", message = start } }
  for i, block in ipairs(whole.content) do
    add_block(events, i - 1, block)
  end
  events[#events + 1] = {
    type = "message_delta",
    delta = ending,
    usage = whole.usage or {},
  }
  events[#events + 1] = { type = "message_stop" }
  return events
end

return whole_events
