-- What a short request over a kept connection costs in instructions: of this library, and of bare libcurl
-- that throws the answer away. Run by `make bench-parts`.
local callgrind = require "bench.callgrind"
local testing = require "anthropic.testing"

local LUA = arg[1] or "lua5.4"
local WARM = { ["lua5.4"] = 20, luajit = 500 } -- requests until traces are there
local REQUESTS = 2000

local clients = {
  { "anthropic, " .. LUA, LUA .. " bench/library.lua", WARM[LUA] or 20 },
  { "bare libcurl", "build/bench/libcurl", 20 },
}

local server = testing.server { script = testing.message { text = "Hello! How are you today, my friend?" } }
local ok, err = pcall(function()
  for _, client in ipairs(clients) do
    local name, command, warm = client[1], client[2], client[3]
    local function count(requests)
      return callgrind.count(("%s %s create %d 1 20 0"):format(command, server.url, requests))
    end
    local instructions = (count(warm + REQUESTS) - count(warm)) / REQUESTS
    print(("%-24s %8.0f instructions for each short request"):format(name, instructions))
  end
end)
server:stop()
if not ok then
  error(err, 0)
end
