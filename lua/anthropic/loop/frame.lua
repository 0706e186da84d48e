--- The driver of programs that call once in a while and must never be kept waiting: games.
--
--     function love.update()
--       require("anthropic.loop.frame").update()
--     end
--
-- Requests are made in coroutines (`anthropic.spawn`) or by callbacks (`on_text`, `on_done`).

local coroutines = require "anthropic.loop.coroutines"
local loop = require "anthropic.loop"

local frame = { suspends = true, has_frames = true, spawn = coroutines.spawn }

-- Seconds of a frame.
local BUDGET = 0.001

--- Does the work at hand: moves every request along and resumes whoever has news. Never waits. To be
--- called once per frame. Raises what a task raised that nobody waits for.
---@param budget? number seconds after which the rest is left to the next frame; default 0.001
function frame.update(budget)
  loop.step(0, budget or BUDGET)
end

function frame.check()
  if not coroutines.running() then
    error("the frame loop cannot wait here: use anthropic.spawn, or on_done of messages.stream", 0)
  end
  return coroutines.check()
end

function frame.wait(subject, seconds)
  return coroutines.park(subject, seconds)
end

return frame
