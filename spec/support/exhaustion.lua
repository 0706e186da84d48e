-- Runs something with each of its allocations failing in turn. Needs the host (make asan).
--
--     local exhaustion = require "spec.support.exhaustion"
--     exhaustion.run("core", attempt, function(ok, result, message) ... end)

local host = package.preload.host and require "host"
local jit = rawget(_G, "jit")

local exhaustion = { is_possible = host and true or false }

local ALWAYS = 2 ^ 31
local GARBAGE = 50 -- failed runs between two collections

--- Runs `attempt` with the first allocation of `source` ("core", "lua" or "curl") failing, then the
--- second, and so on, with all after it and alone, until a run needs no more. Gives what each run
--- returned, after whether it did not raise, to `check`, and whether all later ones failed too.
---@param source string
---@param attempt fun(): any, any
---@param check fun(ok: boolean, result: any, message: any, lasting: boolean)
---@param density? number try all allocations up to this one, then ever fewer: so many of each doubling
---@return integer failed how many runs an allocation failed in
---@return integer allocations how many the last run needed
function exhaustion.run(source, attempt, check, density)
  local failed, allocations = 0, 0
  if jit then
    jit.off() -- its compiler does not survive it
    jit.flush()
  end
  for _, lasting in ipairs { true, false } do
    -- Lua asks a second time after collecting garbage
    local more = lasting and ALWAYS or source == "lua" and 1 or 0
    local n = 1
    while true do
      local used, ok, result, message = host.attempt(source, n, n + more, attempt)
      check(ok, result, message, lasting)
      if used < n then
        allocations = used
        break
      end
      failed = failed + 1
      if failed % GARBAGE == 0 then
        collectgarbage()
      end
      n = n + math.max(1, math.floor(n / (density or math.huge)))
    end
  end
  if jit then
    jit.on()
  end
  collectgarbage()
  collectgarbage()
  return failed, allocations
end

return exhaustion
