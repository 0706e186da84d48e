--- The driver of Copas, old and new: it needs only `copas.addthread` and `copas.receive`.
--
-- A thread of the driver's own steps the core loop for all waiters, and ends with the last of them,
-- so that nothing keeps `copas.loop()` from returning.

local copas = require "copas"
local coroutines = require "anthropic.loop.coroutines"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"

local driver = { suspends = true }

-- An object that Copas takes for a socket: readable once it is raised, the pump's also while the core
-- loop has work.
local Signal = {}
Signal.__index = Signal

function Signal:getfd()
  return (self.is_raised or self.is_pump) and loop.descriptor() or -1
end

function Signal:dirty()
  return self.is_raised
end

-- Copas asks, waits until it is readable, and asks again.
function Signal:receive()
  self.was_asked = not self.was_asked
  if self.was_asked then
    return nil, "timeout"
  end
  return true
end

function Signal.close() end

local function new_signal(fields)
  return setmetatable(fields or {}, Signal)
end

local function await(signal)
  copas.receive(signal)
  signal.is_raised = false
end

local waiting = 0
local pump -- its signal, while it runs

local function start_pump()
  if pump then
    return
  end
  pump = new_signal { is_pump = true, close = function() -- also by copas.cancelall, which forgets the waiters
    pump, waiting = nil, 0
  end }
  copas.addthread(function()
    while waiting > 0 do
      await(pump)
      coroutines.step(driver)
    end
    pump = nil
  end)
end

function driver.check()
  if not protected.running() then
    error("Copas cannot wait here: wait in a thread of copas.addthread", 0)
  end
  return coroutines.check()
end

function driver.wait(subject, seconds)
  local signal = new_signal()
  waiting = waiting + 1
  start_pump()
  return coroutines.wait(subject, seconds, function() await(signal) end, function() signal.is_raised = true end,
    function()
      waiting = math.max(waiting - 1, 0) -- a waiter that Copas has forgotten is not counted any more
      if waiting == 0 and pump then
        pump.is_raised = true
      end
    end)
end

local now = { has_news = function() return false end }

function driver.spawn(f)
  copas.addthread(function()
    driver.wait(now, 0) -- older versions begin at once
    f()
  end)
end

return driver
