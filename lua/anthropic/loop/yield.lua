--- The driver for coroutines of another scheduler; asked for as `loop = "yield"`.
--
-- A waiting coroutine yields the descriptor to watch for reading. The scheduler resumes every waiting
-- coroutine when the descriptor is readable, or simply again and again. The first one that it resumes
-- steps the loop for all; what a task without a joiner raised is raised there.

local coroutines = require "anthropic.loop.coroutines"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"

local driver = { suspends = true, spawn = coroutines.spawn }

function driver.check()
  if not protected.running() then
    error('the loop "yield" waits inside a coroutine only', 0)
  end
  return coroutines.check()
end

function driver.wait(subject, seconds)
  return coroutines.park(subject, seconds, function()
    coroutine.yield(loop.core():fd())
    if not loop.is_stepping() then -- the host resumed it
      local ok, err = pcall(loop.step, 0)
      return not ok and err or nil
    end
  end)
end

return driver
