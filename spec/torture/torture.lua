-- Runs the scenarios (scenarios.lua) with allocations failing, and judges what comes of it: the right
-- result, or a clear error, and nothing left behind.

local anthropic = require "anthropic"
local core_peer = require "spec.support.core_peer"
local errors = require "anthropic.base.error"
local exhaustion = require "spec.support.exhaustion"
local loop = require "anthropic.loop"
local scenarios = require "spec.torture.scenarios"

local torture = {}

local MOST_WRONG = 5 -- that are told of one scenario and allocator
local SETTLING = 10 -- seconds that what ended may take to be over
-- Kinds that a lack of memory may show as.
local KINDS = { connection = true, invalid_request = true }

-- libcurl before 8.6 takes headers for too large where it went without memory; if more is to be had
-- afterwards, that cannot be told from headers that are.
local function is_ambiguous(err, source, lasting)
  return source == "curl" and not lasting and err.message == "the answer's headers are too large"
end

local function names_it(words)
  return words:find("not enough memory", 1, true) ~= nil
end

local function is_clear(err, source, lasting)
  if errors.is(err) then
    return KINDS[err.kind] and #err.message > 0 or names_it(err.message) or is_ambiguous(err, source, lasting)
  end
  return type(err) == "string" and names_it(err)
end

local function judge(tally, wanted, source, lasting, ok, result, err)
  if ok and result == wanted then
    tally.right = tally.right + 1
  elseif ok and result == nil and is_clear(err, source, lasting)
    or not ok and is_clear(result, source, lasting) then
    tally.errors = tally.errors + 1
  elseif #tally.wrong < MOST_WRONG then
    table.insert(tally.wrong, ok and result ~= nil and "got " .. tostring(result):sub(1, 500)
      or tostring(ok and err or result))
  end
end

-- A stream's connection is read to its end after the message is whole.
local function settle()
  collectgarbage()
  collectgarbage()
  local deadline = anthropic.now() + SETTLING
  repeat
    loop.step(0.01)
  until loop.core():active() == 0 or anthropic.now() > deadline
end

-- The open descriptors; sockets without those that the loop keeps for another request.
local function descriptors()
  settle()
  local sockets, others = -loop.core():connections(), {}
  for name in core_peer.descriptors():gmatch "[^\n]+" do
    if name:find "socket" then
      sockets = sockets + 1
    else
      others[#others + 1] = name
    end
  end
  return table.concat(others, " ") .. " and sockets: " .. sockets
end

-- What is still under way, or open, after it all.
local function note_remains(tally, before)
  local now = descriptors()
  if loop.core():active() > 0 then
    table.insert(tally.wrong, "transfers are still under way")
  end
  if now ~= before then
    table.insert(tally.wrong, "descriptors: " .. before .. " became " .. now)
  end
end

local function run(scenario, source, density)
  local tally = { right = 0, errors = 0, wrong = {} }
  local text, problem = scenario.run()
  if text ~= scenario.wanted then
    error(("%s: with memory it gives %s"):format(scenario.name, tostring(text or problem)), 0)
  end
  local before = descriptors()
  tally.failed, tally.allocations = exhaustion.run(source, scenario.run, function(ok, result, err, lasting)
    judge(tally, scenario.wanted, source, lasting, ok, result, err)
  end, density)
  judge(tally, scenario.wanted, source, true, pcall(scenario.run))
  if scenario.check then
    local ok, complaint = pcall(scenario.check)
    if not ok then
      table.insert(tally.wrong, tostring(complaint))
    end
  end
  note_remains(tally, before)
  return tally
end

--- Runs those scenarios whose names are wanted, with each of their allocators.
---@param density? number see exhaustion.run
---@param is_wanted fun(name: string): boolean
---@param tell fun(scenario: table, source: string, tally: table) told of each when it is over
function torture.each(density, is_wanted, tell)
  local opened = scenarios.open()
  local ok, problem = xpcall(function()
    for _, scenario in ipairs(opened.list) do
      for _, source in ipairs(is_wanted(scenario.name) and scenario.sources or {}) do
        tell(scenario, source, run(scenario, source, density))
      end
    end
  end, debug.traceback)
  opened:close()
  if not ok then
    error(problem, 0)
  end
end

return torture
