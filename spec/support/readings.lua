-- The ways of reading an answer, each as
--
--     local message, err, text = reading.read(client, params, options)
--
-- `text` is what was handed over on the way, nil where a way hands over nothing before the message.
-- A way is `streamed` where the answer is asked for as a stream. `readings.all`: all of them are
-- here; stock Lua 5.1 cannot wait in an iterator under the scheduler.

local waiting = require "anthropic.loop.waiting"

local suspends_iterators = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil

local function open(client, params, options, read)
  local stream, err = client.messages.stream(params, options)
  if not stream then
    return nil, err, ""
  end
  local pieces = {}
  local ok, problem = read(stream, pieces)
  local message, same = stream:message()
  if not message then
    assert(problem == nil or rawequal(problem, same), "the error changed")
  end
  assert((message ~= nil) == ok, "the end changed")
  return message, same, table.concat(pieces)
end

local function text_of(event)
  return event.delta and event.delta.text or event.content_block and event.content_block.text
end

local function read_events(stream, pieces)
  if suspends_iterators then
    return pcall(function()
      for event in stream do
        pieces[#pieces + 1] = text_of(event)
      end
    end)
  end
  local event, err = stream:next()
  while event do
    pieces[#pieces + 1] = text_of(event)
    event, err = stream:next()
  end
  return err == nil, err
end

local function read_text(stream, pieces)
  return pcall(function()
    for text in stream:text_deltas() do
      pieces[#pieces + 1] = text
    end
  end)
end

local function read_by_callbacks(client, params, options)
  local pieces, message, err = {}, nil, nil
  local whole = {
    loop = not waiting.current() and "blocking" or nil,
    on_text = function(text) pieces[#pieces + 1] = text end,
    on_done = function(...) message, err = ... end,
  }
  for name, value in pairs(options or {}) do
    whole[name] = value
  end
  client.messages.stream(params, whole):join()
  return message, err, table.concat(pieces)
end

local readings = {
  {
    name = "whole",
    read = function(client, params, options)
      return client.messages.create(params, options)
    end,
  },
  {
    name = "message", streamed = true,
    read = function(client, params, options)
      local stream, err = client.messages.stream(params, options)
      if not stream then
        return nil, err
      end
      return stream:message()
    end,
  },
  {
    name = "events", streamed = true,
    read = function(client, params, options)
      return open(client, params, options, read_events)
    end,
  },
  { name = "callbacks", streamed = true, read = read_by_callbacks },
}

readings.all = suspends_iterators
if suspends_iterators then
  readings[#readings + 1] = {
    name = "text", streamed = true,
    read = function(client, params, options)
      return open(client, params, options, read_text)
    end,
  }
end

return readings
