-- What watching a tool's input costs while it streams: instructions (valgrind's callgrind) at 256 KiB in
-- 5,000 pieces and at four times that. A cost in proportion to the bytes has a ratio of 4. Run by `make bench-parts`.
local anthropic = require "anthropic"
local callgrind = require "bench.callgrind"
local testing = require "anthropic.testing"

local LUA = arg[1] or "lua5.4"
local BYTES, PIECES = 256 * 1024, 5000

local LINE = "all work and no play makes Jack a dull boy \\\" \195\169\n"

local shapes = {
  { "one long string", function(bytes)
    return { text = LINE:rep(math.floor(bytes / #LINE)) }
  end },
  { "many short values", function(bytes)
    local lines = {}
    for i = 1, math.floor(bytes / #LINE) do
      lines[i] = LINE
    end
    return { lines = lines }
  end },
}

local function instructions(input, pieces)
  local server = testing.server {
    script = testing.stream {
      tool_uses = { { name = "write", input_json = anthropic.encode(input) } },
      pieces = pieces, ping = false, framing = "close",
    },
  }
  local count = callgrind.count(("%s bench/read_tool_input.lua %s"):format(LUA, server.url))
  server:stop()
  return count
end

print(("%-20s %18s %18s %8s"):format("watching an input", "256 KiB, 5,000", "1 MiB, 20,000", "ratio"))
for _, shape in ipairs(shapes) do
  local start = instructions({}, 1) -- what the program costs without an input
  local once = instructions(shape[2](BYTES), PIECES) - start
  local four_times = instructions(shape[2](4 * BYTES), 4 * PIECES) - start
  print(("%-20s %18d %18d %8.2f"):format(shape[1], once, four_times, four_times / once))
end
