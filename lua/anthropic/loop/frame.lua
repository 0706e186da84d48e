--- Games: the driver "frame" is for programs that must never wait, and that call it once per frame.
--
--     function love.update()
--       require("anthropic.loop.frame").update()
--     end
--
-- Requests are made in coroutines (`anthropic.spawn`) or by callbacks (`on_text`, `on_done`).

local coroutines = require "anthropic.loop.coroutines"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"

-- A `require` of this module, or a step, chooses it for all code that names no other driver.
local frame = { suspends = true, has_frames = true, is_chosen = true, spawn = coroutines.spawn }

-- Seconds of a frame that a step may take.
local BUDGET = 0.001

--- Does the work at hand: moves every request along and resumes the coroutines that have news. Never waits. To be
--- called once per frame. Raises the error of a task without a joiner.
---@param budget? number seconds after which the rest is left to the next frame; one coroutine goes on in any case.
--- Default: 0.001
function frame.update(budget)
  frame.is_chosen = true
  loop.step(0, budget or BUDGET)
end

---@private
function frame.check()
  if not protected.running() then
    error("the frame loop cannot wait here: use anthropic.spawn, or on_done of messages.stream", 0)
  end
  return coroutines.check()
end

---@private
function frame.wait(subject, seconds)
  return coroutines.park(subject, seconds)
end

return frame
