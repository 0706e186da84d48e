--- Transfers that have been read, whose last bytes are still to come: their connections are worth keeping.

local loop = require "anthropic.loop"

local draining = {}

-- A finished stream's last bytes come within this time, or its connection is given up.
local DRAIN_SECONDS = 1
-- The next request waits so long for that connection: less than a new one takes.
local SETTLE_SECONDS = 0.02

local subjects = {} -- transfer -> a subject that has news when it has ended

local function await_end(transfer)
  if transfer:done() then
    local drained = subjects[transfer]
    subjects[transfer] = nil
    transfer:close()
    loop.wake(drained)
  else
    loop.on_news(transfer, function() await_end(transfer) end)
  end
end

-- A step whose caller must not get the error of a wake-up: the next step raises that, in the host's way.
local function step_for_all()
  loop.raise_later(loop.try_step(0))
end

--- Lets a transfer that has been read come to its end in the background, so that its connection
--- can be used again.
function draining.drain(transfer)
  if not transfer:done() then
    step_for_all()
  end
  if transfer:done() then
    transfer:close()
  else
    transfer:limit(DRAIN_SECONDS)
    subjects[transfer] = { has_news = function() return subjects[transfer] == nil end }
    await_end(transfer)
  end
end

--- A transfer near its end, whose connection is worth a wait.
---@return anthropic.Subject|nil subject that has news when the transfer has ended
---@return number? seconds to wait at most
function draining.unsettled()
  if next(subjects) then
    step_for_all()
  end
  local _, drained = next(subjects)
  return drained, SETTLE_SECONDS
end

return draining
