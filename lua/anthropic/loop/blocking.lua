--- The driver of a plain script: waiting blocks the process, and moves every transfer along.
--
-- Ctrl-C ends a wait, and what waited is cancelled. A second Ctrl-C within a second goes to the host, as does any
-- outside of a wait: the stock interpreter raises "interrupted!".

local core = require "anthropic.base.core"
local loop = require "anthropic.loop"

local blocking = {}

-- How long a wait takes to notice Ctrl-C.
local INTERRUPT_SECONDS = 0.1

local HOST_SECONDS = 1

local interrupted_at = -math.huge

-- Drivers of a plain program, where each step is the program's own.
local PLAIN = { blocking = true, scheduler = true }

local unheard = {} -- what wake-ups of others raised during a wait

-- Where a host takes steps of its own, it is told of that by one of these, and who waits here goes on.
local function tell_host()
  while unheard[1] ~= nil do
    loop.raise_later(false, table.remove(unheard, 1))
  end
end

local function has_been_interrupted(seconds)
  local takes_interrupt = core.now() - interrupted_at > HOST_SECONDS
  local ok, raised, was_interrupted = pcall(loop.step,
    takes_interrupt and math.min(seconds, INTERRUPT_SECONDS) or seconds, nil, takes_interrupt)
  if not ok and PLAIN[loop.name()] then
    error(raised, 0)
  elseif not ok then
    unheard[#unheard + 1] = raised
  elseif was_interrupted then
    interrupted_at = core.now()
  end
  return ok and was_interrupted
end

function blocking.wait(subject, seconds)
  local deadline = core.now() + (seconds or math.huge)
  local reason
  while not reason and not subject:has_news() do
    local left = math.max(0, deadline - core.now())
    if has_been_interrupted(left) then
      reason = "cancelled"
    elseif left == 0 then
      break
    end
  end
  tell_host()
  return not reason or nil, reason
end

return blocking
