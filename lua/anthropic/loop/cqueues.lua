--- The driver of cqueues.
--
-- A coroutine of the driver's own steps the core loop for all waiters in a controller, and ends with
-- the last of them, so that nothing keeps `controller:loop()` from returning.

local condition = require "cqueues.condition"
local coroutines = require "anthropic.loop.coroutines"
local cqueues = require "cqueues"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"

local driver = { suspends = true }

local pumps = setmetatable({}, { __mode = "k" }) -- by controller: how many wait, and what the last one signals

local function pump_of(controller)
  local pump = pumps[controller]
  if not pump then
    pump = { waiting = 0, idle = condition.new() }
    pumps[controller] = pump
    controller:wrap(function()
      while pump.waiting > 0 do
        cqueues.poll({ pollfd = loop.descriptor(), events = "r" }, pump.idle)
        coroutines.step(driver)
      end
      pumps[controller] = nil
    end)
  end
  return pump
end

local function running()
  local controller, is_its_own = cqueues.running()
  if not controller then
    error("cqueues cannot wait here: wait in a coroutine of cq:wrap", 0)
  elseif not is_its_own and not protected.is_protected() then
    error("cqueues cannot wait in a coroutine inside one of its own: use cq:wrap or anthropic.spawn", 0)
  end
  return controller
end

function driver.check()
  running()
  return coroutines.check()
end

function driver.wait(subject, seconds)
  local pump = pump_of(running())
  local news = condition.new()
  pump.waiting = pump.waiting + 1
  return coroutines.wait(subject, seconds, function() cqueues.poll(news) end, function() news:signal() end, function()
    pump.waiting = pump.waiting - 1
    if pump.waiting == 0 then
      pump.idle:signal()
    end
  end)
end

function driver.spawn(f)
  local controller = cqueues.running()
  if not controller then
    error("cqueues runs no controller here: call it in a coroutine of cq:wrap", 0)
  end
  controller:wrap(f)
end

return driver
