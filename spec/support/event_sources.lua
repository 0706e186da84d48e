-- Sources of events whose exchange is a scripted one.

local accumulator = require "anthropic.message.accumulator"
local event_source = require "anthropic.stream.source"
local json = require "anthropic.base.json"
local scripted_exchange = require "spec.support.scripted_exchange"

local sources = {}

-- A source, its exchange and its accumulator.
function sources.new(fields, open_ended)
  local exchange = scripted_exchange(fields or {})
  local so_far = accumulator.new()
  return event_source.new(exchange, so_far, open_ended or false), exchange, so_far
end

function sources.pull(source, value, name)
  return source:pull(type(value) == "table" and assert(json.encode(value)) or value, name or "")
end

-- The types of all events that can be taken.
function sources.taken(source, all)
  local types = {}
  local event = source:take(all)
  while event do
    types[#types + 1] = event.type
    event = source:take(all)
  end
  return types
end

function sources.chunk(fields, index)
  fields.index = index or 0
  return { id = "chatcmpl_1", model = "m", choices = { fields } }
end

return sources
