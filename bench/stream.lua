-- What an event costs: instructions (valgrind's callgrind) and CPU time, for each way of reading a stream,
-- beside the usual way (LuaSocket, lines, lua-cjson). Run by `make bench-parts`.
local bodies = require "bench.bodies"
local callgrind = require "bench.callgrind"
local testing = require "anthropic.testing"

local LUA = arg[1] or "lua5.4"
local FEW, MANY, TIMED = 1000, 11000, 100000

local ways = {
  { "for event in stream", "bench/read_stream.lua %s events" },
  { "stream:text_deltas()", "bench/read_stream.lua %s text" },
  { "stream:message()", "bench/read_stream.lua %s message" },
  { "LuaSocket + lua-cjson, by lines", "bench/read_stream_with_cjson.lua %s" },
}

-- In one piece, so that whoever reads gets as much at once as it can take.
local function serve(events)
  return testing.server {
    script = { headers = { ["Content-Type"] = "text/event-stream" }, body = bodies.text(events) },
  }
end

local function output_of(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

local function cpu_seconds(program)
  local least = math.huge
  for _ = 1, 5 do
    local output = output_of("bash -c 'TIMEFORMAT=\"cpu %U %S\"; time " .. LUA .. " " .. program .. "'")
    local user, system = output:match "cpu ([%d.]+) ([%d.]+)"
    least = math.min(least, tonumber((assert(user, output))) + tonumber(system))
  end
  return least
end

print(("%-34s %22s %14s"):format("", "instructions/event", "CPU us/event"))
for _, way in ipairs(ways) do
  local counts, seconds = {}, {}
  for i, events in ipairs { FEW, MANY, TIMED } do
    local server = serve(events)
    local program = way[2]:format(server.url)
    counts[i] = events < TIMED and callgrind.count(LUA .. " " .. program)
    seconds[i] = cpu_seconds(program)
    server:stop()
  end
  print(("%-34s %22d %14.2f"):format(way[1], math.floor((counts[2] - counts[1]) / (MANY - FEW)),
    (seconds[3] - seconds[1]) / (TIMED - FEW) * 1e6))
end
