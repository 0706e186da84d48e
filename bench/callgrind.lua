--- Counts the instructions that a Lua program runs, by valgrind's callgrind.
--
--     local callgrind = require "bench.callgrind"
--     callgrind.count("lua5.4 bench/split_events.lua 1000")
--
-- A count does not depend on what else the machine does. That it does not depend on the machine's
-- processor either is the C library's to arrange: its string functions come in many variants.

local callgrind = {}

local PLAIN_STRING_FUNCTIONS = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-EVEX,-BMI2,-ERMS,-FSRM"

-- What the command printed, valgrind's lines included; raises with that where it fails.
local function run(command, options, environment)
  local pipe = assert(io.popen(("env %s %s valgrind --tool=callgrind %s %s 2>&1; echo exit $?"):format(
    environment or "", PLAIN_STRING_FUNCTIONS, options, command)))
  local output = pipe:read "*a"
  pipe:close()
  if not output:find "\nexit 0\n" then
    error(command .. "\n" .. output, 0)
  end
  return output
end

--- The instructions of a command; raises with what it printed where it fails.
---@param command string
---@param environment? string arguments of env(1)
---@return number instructions
---@return string output what the command printed
function callgrind.count(command, environment)
  local output = run(command, "--callgrind-out-file=/dev/null", environment)
  local count = output:match "refs:%s+([%d,]+)" or error(command .. "\n" .. output, 0)
  return tonumber((count:gsub(",", ""))), output
end

--- Begins a part of this program, and ends one: see `callgrind.parts`. By itself it does nothing.
function callgrind.mark()
  os.difftime(0, 0) -- nobody else calls this one
end

--- The instructions of each part of a program that it encloses in two marks; raises with what the program printed
--- where that fails.
---@param command string
---@return number[] instructions
function callgrind.parts(command)
  local path = os.tmpname()
  local ran, failure = pcall(run, command, "--dump-before=difftime --callgrind-out-file=" .. path)
  os.remove(path)
  local counts = {}
  for dump = 1, math.huge do
    local file = io.open(path .. "." .. dump) -- of what came before a mark
    if not file then
      return ran and counts or error(failure, 0)
    elseif dump % 2 == 0 then
      counts[dump / 2] = tonumber(file:read "*a":match "\nsummary: (%d+)")
    end
    file:close()
    os.remove(path .. "." .. dump)
  end
end

return callgrind
