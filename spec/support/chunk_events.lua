-- Events of a message's blocks, and the chunks of a chat completion that they become.

local completion_writer = require "anthropic.message.completion_writer"
local json = require "anthropic.base.json"

local chunk_events = {}

-- An encoder, and a function that gives the JSON of an event's chunks.
function chunk_events.encoder_of(options)
  local encoder = completion_writer.encoder(options)
  return encoder, function(event)
    return json.encode(encoder:feed(event))
  end
end

function chunk_events.start(block, index)
  return { type = "content_block_start", index = index or 0, content_block = block }
end

function chunk_events.delta(fields, index)
  return { type = "content_block_delta", index = index or 0, delta = fields }
end

function chunk_events.stop(index)
  return { type = "content_block_stop", index = index or 0 }
end

function chunk_events.chunk(members, reason)
  return ('{"choices":[{"delta":%s,"finish_reason":%s,"index":0,"logprobs":null}],"created":1,"id":"c",'
    .. '"model":"m","object":"chat.completion.chunk"}'):format(members, reason or "null")
end

return chunk_events
