-- Streams that leave out, repeat and mix up what they can, over a real connection: however they are read, they say the
-- same. (spec/unit/message/agreement_spec.lua has many more of them, without a connection.)

local json = require "anthropic.base.json"
local hosted = require "spec.support.hosted"
local odd_streams = require "spec.support.odd_streams"
local service = require "spec.support.service"
local streams = require "spec.support.streams"

local COUNT = 40
local PARAMS = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } }, stream = true }

local function joined(iterate)
  local texts = {}
  for text in iterate do
    texts[#texts + 1] = text
  end
  return table.concat(texts)
end

-- The ways to read a stream, each to its message and the text as it came.
local READINGS = {
  message = function(opened)
    return assert(opened:message()), nil
  end,
  text_deltas = function(opened)
    local text = joined(opened:text_deltas())
    return assert(opened:message()), text
  end,
  events = function(opened)
    local texts = {}
    for event in opened do
      local delta, block = event.delta or {}, event.content_block or {}
      texts[#texts + 1] = delta.type == "text_delta" and delta.text or block.type == "text" and block.text or nil
    end
    return assert(opened:message()), table.concat(texts)
  end,
  mixed = function(opened)
    local texts, next_text = {}, opened:text_deltas()
    for _ = 1, 3 do
      texts[#texts + 1] = next_text()
    end
    return assert(opened:message()), nil
  end,
}

describe("a stream of chance", function()
  local server

  setup(function()
    local routes = {}
    for _, kind in ipairs { "native", "chat" } do
      for seed = 1, COUNT do
        local body = streams.of((odd_streams[kind](seed)))
        routes[#routes + 1] = { match = ("^/%s%d/"):format(kind, seed), answers = { {
          headers = { ["content-type"] = "text/event-stream" }, body = body,
          splits = { #body % 97 + 1, math.floor(#body / 2), #body - 20 },
        } } }
      end
    end
    server = hosted.server { script = { routes = routes } }
  end)

  teardown(function()
    server:stop()
  end)

  after_each(service.clear)

  for _, kind in ipairs { "native", "chat" } do
    for name, read in pairs(READINGS) do
      it(("is read over a connection as without one: %s by %s"):format(kind, name), function()
        for seed = 1, COUNT do
          local payloads = odd_streams[kind](seed)
          local expected, text = READINGS.events(streams.open(streams.of(payloads)))
          local client = service.client(nil, { base_url = ("%s/%s%d"):format(server.url, kind, seed) })
          local message, came = read(assert(client.messages.create(PARAMS)))
          assert.equal(json.encode(expected), json.encode(message))
          assert.equal(came and text, came)
        end
      end)
    end
  end
end)
