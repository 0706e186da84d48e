-- Counts the instructions of the hot paths and holds them against bench/baseline.tsv: more than 5 % above
-- it is a failure. Run by `make bench-paths`; `make bench-paths WRITE=1` writes the table anew. All of it runs on one
-- core: where a server answers meanwhile on another, chance decides how often the client wakes.
local bodies = require "bench.bodies"
local callgrind = require "bench.callgrind"
local testing = require "anthropic.testing"

local TABLE = "bench/baseline.tsv"
local MOST = 1.05 -- times the table
-- What a run counts above the least is chance: a body that came in more pieces, hashes with another seed. So the
-- least of the rounds counts: of three where the table is written, of up to twelve before a row fails.
local WRITING_ROUNDS, MOST_ROUNDS = 3, 12

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

-- The instructions of a process that makes so many short requests over one connection; of 0, nothing.
local function short_requests(environment)
  return function(count)
    if count == 0 then
      return 0, 0
    end
    local server = testing.server { script = testing.message { text = "Hello! How are you today, my friend?" } }
    local command = ("%s bench/library.lua %s create %d 1 20 0"):format(lua, server.url, count)
    local ok, instructions = pcall(callgrind.count, command, environment)
    server:stop()
    return ok and instructions or error(instructions, 0), count
  end
end

-- The library as `make install COMPILED=1` puts it there.
local COMPILED = ("LUA_PATH='./?.lua;PLACE/?.lua;PLACE/?/init.lua;;'"):gsub("PLACE", "build/compiled/share/lua/5.4")

-- The instructions of encoding or decoding so many messages of a history.
local function history(how)
  return function(count)
    return callgrind.count(("%s bench/history.lua %s %d"):format(lua, how, count)), count
  end
end

local EDITOR = "nvim --headless -u NONE -i NONE -n --cmd 'lua jit.off()' --cmd 'let g:count = %d' -c 'luafile bench/%s'"
local EDITOR_ENVIRONMENT = "-u VIMRUNTIME LUA_PATH='./?.lua;./lua/?.lua;./lua/?/init.lua' "
  .. "LUA_CPATH='./build/luajit/?.so;;'"

-- The same in Neovim, without compiled traces: they differ from run to run.
local function maker_in_editor(program)
  return function(argument)
    local count, output = callgrind.count(EDITOR:format(argument, program), EDITOR_ENVIRONMENT)
    return count, tonumber(output:match "\n(%d+)\n")
  end
end

local function tool_input(bytes)
  local line = 'all work and no play makes Jack a dull boy \\"\\n'
  return bodies.tool_input(('{"text":"%s"}'):format(line:rep(math.floor(bytes / #line))))
end

-- Name, unit, program, sizes: little and much, so that what a process and a request cost falls out.
local paths = {
  { "first_request", "process", short_requests(), 0, 1 },
  { "first_compiled", "process", short_requests(COMPILED), 0, 1 },
  { "short_request", "request", short_requests(), 20, 520 },
  { "events", "event", reader("read_stream.lua %s events", bodies.text), 1000, 11000 },
  { "text", "event", reader("read_stream.lua %s text", bodies.text), 1000, 11000 },
  -- so many that it matters little whether Lua collects its garbage once more
  { "message", "event", reader("read_stream.lua %s message", bodies.text), 1000, 101000 },
  { "sse", "byte", maker "split_events.lua", 1000, 11000 },
  { "encode", "byte", maker "encode_history.lua", 100, 1100 },
  { "encode_history", "message", history "encode", 1000, 11000 },
  { "decode_history", "message", history "decode", 1000, 11000 },
  { "tool_input", "byte", reader("read_tool_input.lua %s", tool_input), 50000, 500000 },
  { "wake", "event", maker "wake.lua", 500, 2500 },
}
local has_editor = os.execute "command -v nvim >/dev/null"
if has_editor == true or has_editor == 0 then
  paths[#paths + 1] = { "wake_editor", "event", maker_in_editor "wake.lua", 200, 1200 }
else
  print "wake_editor  not counted: Neovim is not installed"
end

-- The instructions for each unit of a path; more rounds are made while they are above `most`.
local function instructions(run, little_size, much_size, most)
  local little, much = math.huge, math.huge
  local size, larger_size, count
  for round = 1, MOST_ROUNDS do
    local once, again
    once, size = run(little_size)
    again, larger_size = run(much_size)
    little, much = math.min(little, once), math.min(much, again)
    count = (much - little) / (larger_size - size)
    if count <= most and (round == WRITING_ROUNDS or not writes) then
      break
    end
  end
  return count
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
  local most = writes and math.huge or (known[name] or 0) * MOST
  local count = instructions(path[3], path[4], path[5], most)
  local text = (count < 100 and "%.2f" or "%.0f"):format(count)
  lines[i + 1] = name .. "\t" .. unit .. "\t" .. text
  local grown = count > most
  failed = failed + (grown and 1 or 0)
  print(("%-14s %8s instructions per %-6s %s"):format(name, text, unit,
    grown and ("FAILED: %s in %s"):format(known[name] or "not", TABLE) or ""))
end
if writes then
  local file = assert(io.open(TABLE, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
end
os.exit(failed == 0)
