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

local function has_been_interrupted(seconds)
  local takes_interrupt = core.now() - interrupted_at > HOST_SECONDS
  local _, was_interrupted = loop.step(takes_interrupt and math.min(seconds, INTERRUPT_SECONDS) or seconds, nil,
    takes_interrupt)
  if was_interrupted then
    interrupted_at = core.now()
  end
  return was_interrupted
end

function blocking.wait(subject, seconds)
  local deadline = core.now() + (seconds or math.huge)
  while not subject:has_news() do
    local left = math.max(0, deadline - core.now())
    if has_been_interrupted(left) then
      return nil, "cancelled"
    elseif left == 0 then
      break
    end
  end
  return true
end

return blocking
