-- The event loops that spec/hosts/loops_spec.lua runs the library in, each seen from its program:
--
--     start(f)             runs f in a coroutine of the host's own
--     every(seconds, f)    the host's timer: calls f until it returns false
--     run()                until nothing keeps the host alive; returns what it tells of errors
--
-- A program uses one, once.

local socket = require "socket"

local event_loops = {}

local function now()
  return require("anthropic").now()
end

function event_loops.plain()
  local main
  return {
    start = function(f) main = f end,
    run = function()
      local ok, err = pcall(require("anthropic").run, main)
      return not ok and err or nil
    end,
  }
end

function event_loops.luv()
  local uv = require "luv"
  return {
    start = function(f)
      local timer = uv.new_timer()
      timer:start(0, 0, function()
        timer:close()
        coroutine.wrap(f)()
      end)
    end,
    every = function(seconds, f)
      local timer = uv.new_timer()
      local milliseconds = math.floor(seconds * 1000)
      timer:start(milliseconds, milliseconds, function()
        if f() == false then
          timer:close()
        end
      end)
    end,
    run = function() uv.run() end,
  }
end

function event_loops.cqueues()
  local cqueues = require "cqueues"
  local controller = cqueues.new()
  return {
    start = function(f) controller:wrap(f) end,
    every = function(seconds, f)
      controller:wrap(function()
        repeat
          cqueues.sleep(seconds)
        until f() == false
      end)
    end,
    run = function()
      local ok, err = controller:loop()
      return not ok and err or nil
    end,
  }
end

-- Debian's knows neither timers nor an end: its steps are taken here, for as long as it selects
-- sockets.
function event_loops.copas()
  local copas = require "copas"
  local select = socket.select
  local sockets
  socket.select = function(readers, ...) -- luacheck: ignore 122
    sockets = #readers
    return select(readers, ...)
  end
  local reported
  local function report(err) reported = reported or err end
  local ticks = {}
  return {
    start = function(f) copas.addthread(f) end,
    every = function(seconds, f) ticks[#ticks + 1] = { seconds = seconds, call = f } end,
    run = function()
      local print = print
      rawset(_G, "print", report) -- Copas prints what a thread raised
      repeat
        copas.step(ticks[1] and ticks[1].seconds or 1)
        for i = #ticks, 1, -1 do
          if ticks[i].call() == false then
            table.remove(ticks, i)
          end
        end
      until sockets == 0 and not ticks[1]
      rawset(_G, "print", print)
      return reported
    end,
  }
end

-- A scheduler of coroutines, such as anybody might have written. `rest` waits between the rounds, for
-- the descriptors that the coroutines have yielded.
local function scheduler(rest)
  require("anthropic.loop").use "yield"
  local threads = {}
  local ticks = {}
  return {
    start = function(f) threads[#threads + 1] = { coroutine = coroutine.create(f) } end,
    every = function(seconds, f) ticks[#ticks + 1] = { seconds = seconds, time = now() + seconds, call = f } end,
    run = function()
      local failure
      while threads[1] or ticks[1] do
        for i = #threads, 1, -1 do
          local thread = threads[i]
          if coroutine.status(thread.coroutine) == "suspended" then
            local ok, descriptor = coroutine.resume(thread.coroutine)
            thread.descriptor = descriptor
            failure = failure or not ok and descriptor or nil
          end
          if coroutine.status(thread.coroutine) == "dead" then
            table.remove(threads, i)
          end
        end
        local soonest
        for i = #ticks, 1, -1 do
          local tick = ticks[i]
          if tick.time <= now() then
            tick.time = now() + tick.seconds
            if tick.call() == false then
              table.remove(ticks, i)
            end
          end
          soonest = math.min(soonest or tick.time, tick.time)
        end
        rest(threads, soonest and math.max(0, soonest - now()))
      end
      return failure
    end,
  }
end

local Descriptor = {}
Descriptor.__index = Descriptor
function Descriptor:getfd() return self.descriptor end
function Descriptor.dirty() return false end

--- Waits until a descriptor is readable.
function event_loops.polling()
  return scheduler(function(threads, seconds)
    if threads[1] then
      socket.select({ setmetatable({ descriptor = threads[1].descriptor }, Descriptor) }, nil, seconds)
    end
  end)
end

--- Resumes all, again and again.
function event_loops.resuming()
  return scheduler(function() socket.sleep(0.002) end)
end

--- A game: 60 frames a second.
function event_loops.frames()
  local frame = require "anthropic.loop.frame"
  local loop = require "anthropic.loop"
  loop.use "frame"
  local ticks = {}
  return {
    start = function(f) coroutine.wrap(f)() end,
    every = function(seconds, f) ticks[#ticks + 1] = { seconds = seconds, call = f } end,
    run = function()
      local failure
      while not loop.is_idle() or ticks[1] do
        local ok, err = pcall(frame.update)
        failure = failure or not ok and err or nil
        for i = #ticks, 1, -1 do
          if ticks[i].call() == false then
            table.remove(ticks, i)
          end
        end
        socket.sleep(1 / 60)
      end
      return failure
    end,
  }
end

return event_loops
