-- A choice of a chat completion, and the events of its message as texts.

local assert = require "luassert"
local completion_choice = require "anthropic.message.completion_choice"
local json = require "anthropic.base.json"

local choice_events = {}

--- A choice to which each part is added as in a chunk of its own, the events so far (each as text), and what all
--- choices share.
function choice_events.added(parts, number)
  local shared = { events = {}, id = "c1", model = "m", chunk = 0, has_begun = false }
  local choice = completion_choice.new(number or 0, shared)
  for _, part in ipairs(parts) do
    shared.chunk = shared.chunk + 1
    choice:add(part)
  end
  return choice, shared
end

--- An event as a text.
function choice_events.shown(event)
  local index, name = event.index or "", event.type:match "_([a-z]+)$"
  local content = event.content_block or event.delta
  if event.type == "message_delta" then
    return "end " .. assert(json.encode(event.delta)):gsub('"', "")
  elseif event.type == "unknown_delta" then
    return "unknown " .. (event.index and event.index .. " " or "") .. assert(json.encode(event.delta)):gsub('"', "")
  elseif not content then
    return (name .. " " .. index):gsub(" $", "")
  end
  local text = assert(json.encode(content)):gsub('"', ""):gsub(",?type:[a-z_]+", ""):gsub("^{,", "{")
  return ("%s %s %s %s"):format(name, index, content.type, text)
end

--- The events of the parts, without the message's start, and, with `to_the_end`, its end.
function choice_events.events_of(parts, to_the_end)
  local choice, shared = choice_events.added(parts)
  if to_the_end then
    choice:finish()
  end
  assert.equal("message_start", table.remove(shared.events, 1).type)
  local list = {}
  for i, event in ipairs(shared.events) do
    list[i] = choice_events.shown(event)
  end
  return list
end

function choice_events.delta(fields)
  return { delta = fields }
end

function choice_events.TEXT(index, piece)
  return ("delta %d text_delta {text:%s}"):format(index, piece)
end

function choice_events.THINKING(index, piece)
  return ("delta %d thinking_delta {thinking:%s}"):format(index, piece)
end

function choice_events.SIGNATURE(index, piece)
  return ("delta %d signature_delta {signature:%s}"):format(index, piece)
end

function choice_events.INPUT(index, piece)
  return ("delta %d input_json_delta {partial_json:%s}"):format(index, piece)
end

function choice_events.START(index, kind)
  return ("start %d %s {%s:}"):format(index, kind, kind)
end

function choice_events.CALL(index, id, name)
  return ("start %d tool_use {id:%s,input:{},name:%s}"):format(index, id, name)
end

function choice_events.STOP(index)
  return "stop " .. index
end

function choice_events.call(id, name, arguments)
  return { id = id, ["function"] = { name = name, arguments = arguments } }
end

return choice_events
