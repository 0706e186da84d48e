-- Runs something with each of its allocations failing in turn.
--
--     local exhaustion = require "spec.support.exhaustion"
--     exhaustion.run("core", attempt, function(ok, result, message) ... end)

local abilities = require "spec.support.abilities"

local jit = rawget(_G, "jit")

local exhaustion = {}

--- Whether allocations of the source can fail here: those of Lua only in the host.
---@param source "core"|"lua"|"curl"
---@return boolean
function exhaustion.is_possible(source)
  return abilities and (source ~= "lua" or package.preload.host ~= nil)
end

--- How many blocks the source has allocated and not freed, all garbage aside.
---@param source "core"|"curl"
---@return integer
function exhaustion.blocks(source)
  local before
  repeat
    before = abilities.blocks(source)
    collectgarbage()
    collectgarbage()
  until abilities.blocks(source) == before
  return before
end

local ALWAYS = 2 ^ 31
local GARBAGE = 50 -- failed runs between two collections

--- Runs `attempt` with the first allocation of `source` ("core", "lua" or "curl") failing, then the
--- second, and so on, with all after it and alone, until a run needs no more. Returns what each run
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
      local used, ok, result, message = abilities.attempt(source, n, n + more, attempt)
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

--- Runs `attempt` with each of the source's allocations failing in turn. It returns what it does with memory, or nil
--- (and why), or raises that there is none; the core holds no more afterwards than before.
---@param attempt fun(): any
---@param source? "core"|"curl" "core"
---@return integer failed how many runs an allocation failed in
function exhaustion.survive(attempt, source)
  local wanted, before = attempt(), exhaustion.blocks "core"
  local failed = exhaustion.run(source or "core", attempt, function(ok, result)
    local is_right = ok and (result == wanted or result == nil)
      or not ok and tostring(result):find("memory", 1, true) ~= nil
    if not is_right then
      error("without memory: " .. tostring(result), 0)
    end
  end)
  local held = exhaustion.blocks "core" - before -- LuaJIT may have kept garbage of an earlier test until now
  if held > 0 or attempt() ~= wanted then
    error(("the core holds %d blocks more"):format(held), 0)
  end
  return failed
end

return exhaustion
