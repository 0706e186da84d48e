-- Counts the instructions of the hot paths and holds them against bench/baseline.tsv: more than 5 % above
-- it is a failure. Run by `make bench-count`; `make bench-count WRITE=1` writes the table anew.
local bodies = require "bench.bodies"
local callgrind = require "bench.callgrind"
local testing = require "anthropic.testing"

local TABLE = "bench/baseline.tsv"
local MOST_GROWTH = 1.05
local ROUNDS = 3 -- Lua's hashes have another seed in each process

local lua, writes = arg[1] or "lua5.4", arg[2] ~= nil

-- The instructions of a program that reads what body_of(size) gives from a server.
local function reader(program, body_of)
  return function(size)
    local server = testing.server {
      script = { headers = { ["Content-Type"] = "text/event-stream" }, body = body_of(size) },
    }
    local ok, count = pcall(callgrind.count, lua .. " bench/" .. program:format(server.url))
    server:stop()
    return ok and count or error(count, 0), size
  end
end

-- The instructions of a program that makes something itself and prints how many bytes it is.
local function maker(program)
  return function(argument)
    local count, output = callgrind.count(("%s bench/%s %d"):format(lua, program, argument))
    return count, tonumber(output:match "\n(%d+)\n")
  end
end

local function tool_input(bytes)
  local line = 'all work and no play makes Jack a dull boy \\"\\n'
  return bodies.tool_input(('{"text":"%s"}'):format(line:rep(math.floor(bytes / #line))))
end

-- Name, unit, program, sizes: little and much, so that what a process and a request cost falls out.
local paths = {
  { "events", "event", reader("read_stream.lua %s events", bodies.text), 1000, 11000 },
  { "text", "event", reader("read_stream.lua %s text", bodies.text), 1000, 11000 },
  { "message", "event", reader("read_stream.lua %s message", bodies.text), 1000, 11000 },
  { "sse", "byte", maker "split_events.lua", 1000, 11000 },
  { "encode", "byte", maker "encode_history.lua", 100, 1100 },
  { "tool_input", "byte", reader("read_tool_input.lua %s", tool_input), 50000, 500000 },
}

local function instructions(run, little_size, much_size)
  local sum = 0
  for _ = 1, ROUNDS do
    local little, size = run(little_size)
    local much, larger_size = run(much_size)
    sum = sum + (much - little) / (larger_size - size)
  end
  return sum / ROUNDS
end

local function read_table()
  local known = {}
  for line in io.lines(TABLE) do
    local name, count = line:match "^(%S+)\t%S+\t(%S+)$"
    known[name or ""] = tonumber(count)
  end
  return known
end

local known, failed = writes and {} or read_table(), 0
local lines = { "path\tunit\tinstructions" }
for i, path in ipairs(paths) do
  local name, unit = path[1], path[2]
  local count = instructions(path[3], path[4], path[5])
  local text = (count < 100 and "%.2f" or "%.0f"):format(count)
  lines[i + 1] = name .. "\t" .. unit .. "\t" .. text
  local grown = not writes and count > (known[name] or 0) * MOST_GROWTH
  failed = failed + (grown and 1 or 0)
  print(("%-12s %8s instructions per %-6s %s"):format(name, text, unit,
    grown and ("FAILED: %s in %s"):format(known[name] or "not", TABLE) or ""))
end
if writes then
  local file = assert(io.open(TABLE, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
end
os.exit(failed == 0)
