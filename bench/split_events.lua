-- Splits an event stream of so many deltas, in pieces as they come from a network, and prints its bytes:
-- lua bench/split_events.lua COUNT
local bodies = require "bench.bodies"
local sse = require "anthropic.sse"

local PIECE_BYTES = 16384

local body = bodies.text(tonumber(arg[1]))
local decoder = sse.decoder()
for first = 1, #body, PIECE_BYTES do
  assert(decoder:feed(body:sub(first, first + PIECE_BYTES - 1)))
  while decoder:next() do end -- luacheck: ignore
end
print(#body)
