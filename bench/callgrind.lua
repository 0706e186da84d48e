--- Counts the instructions that a Lua program runs, by valgrind's callgrind.
--
--     local callgrind = require "bench.callgrind"
--     callgrind.count("lua5.4 bench/split_events.lua 1000")
--
-- A count does not depend on what else the machine does. That it does not depend on the machine's
-- processor either is the C library's to arrange: its string functions come in many variants.

local callgrind = {}

local PLAIN_STRING_FUNCTIONS = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-EVEX,-BMI2,-ERMS,-FSRM"

--- The instructions of a command; raises with what it printed where it fails.
---@param command string
---@param environment? string arguments of env(1)
---@return number instructions
---@return string output what the command printed
function callgrind.count(command, environment)
  local pipe = assert(io.popen((
    "env %s %s valgrind --tool=callgrind --callgrind-out-file=/dev/null %s 2>&1; echo exit $?"
  ):format(environment or "", PLAIN_STRING_FUNCTIONS, command)))
  local output = pipe:read "*a"
  pipe:close()
  local count = output:match "refs:%s+([%d,]+)"
  if not count or not output:find "\nexit 0\n" then
    error(command .. "\n" .. output, 0)
  end
  return tonumber((count:gsub(",", ""))), output
end

return callgrind
