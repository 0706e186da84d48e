--- The driver of libuv's hosts: Neovim (`vim.uv`, `vim.loop`) and programs on luv.
--
-- The event loop watches the core loop's one descriptor, and only during a wait, so that
-- nothing keeps the host alive. If the system has none (Windows), a timer takes the steps. In Neovim steps are taken in
-- its main loop, where its whole API may be called: one step for all events that came.
--
-- A coroutine is suspended, in the way of the library that it belongs to. Outside of coroutines the event loop is run
-- until there is news, so that timers and redraws go on.

local coroutines = require "anthropic.loop.coroutines"
local host_coroutines = require "anthropic.loop.host_coroutines"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"

local driver = { suspends = true }

local vim = rawget(_G, "vim")

-- How long Neovim waits before it looks for Ctrl-C: older versions do so when a wait ends.
local INTERRUPT_MILLISECONDS = 200

-- How often a timer takes a step.
local TIMER_MILLISECONDS = 10

local handle, watched -- the poll handle and its descriptor, or the timer
local is_watching = false -- asking the handle costs more

local function get_uv()
  return vim and (vim.uv or vim.loop) or require "luv"
end

local step

-- A program may have closed all handles (`uv.walk`); libuv ends the process that uses such a one.
local function forget_closed()
  if handle and handle:is_closing() then
    handle, is_watching = nil, false
  end
end

local function stop()
  forget_closed()
  if is_watching then
    handle:stop()
    is_watching = false
  end
end

local function on_readable(failure)
  if failure then -- libuv has stopped the handle
    is_watching = false
  end
  step()
end

-- Watches the descriptor as long as there is a waiter. After a step, which came of watching, the handle is not asked.
local function watch(is_after_step)
  if loop.is_idle() then
    return stop()
  elseif not (is_after_step and is_watching) then
    forget_closed()
  end
  local descriptor = loop.core():fd()
  if handle and descriptor ~= watched then
    handle:close()
    handle, is_watching = nil, false
  end
  handle = handle or descriptor and get_uv().new_poll(descriptor) or get_uv().new_timer()
  watched = descriptor
  if not is_watching then
    if descriptor then
      handle:start("r", on_readable)
    else
      handle:start(TIMER_MILLISECONDS, TIMER_MILLISECONDS, on_readable)
    end
    is_watching = true
  end
end

-- Does the work at hand, and goes on watching. What a wake-up raises is raised; the others have their turn at once.
local function take_step()
  local ok, err = pcall(loop.step, 0)
  if not ok then
    loop.after(0, function() end)
  end
  watch(true)
  if not ok then
    error(tostring(err), 0) -- libuv's hosts can show only strings
  end
end

step = take_step

if vim then
  local is_scheduled = false
  local function step_in_main_loop()
    is_scheduled = false
    if not is_watching then -- a wake-up may run the event loop itself (a prompt, `vim.wait`)
      watch()
    end
    take_step()
  end
  -- The editor mostly takes the step before it polls again. If it does not, this would be called again and again.
  function step()
    if is_scheduled then
      stop()
    else
      is_scheduled = true
      vim.schedule(step_in_main_loop)
    end
  end
end

-- Runs the event loop until the subject has news or the time is over.
local function run_until(subject, is_over)
  local uv = get_uv()
  local function has_ended()
    return is_over() or subject:has_news()
  end
  while not has_ended() do
    loop.on_news(subject, function() end) -- so that the descriptor is watched
    watch()
    if not vim then
      uv.run "once"
    elseif select(2, vim.wait(INTERRUPT_MILLISECONDS, has_ended, 10)) == -2 then
      return nil, "cancelled" -- by Ctrl-C
    end
  end
  return true
end

local function wait_outside(subject, seconds)
  local time_is_over = false
  local forget = seconds and loop.after(seconds, function() time_is_over = true end)
  local is_whole, ok, reason = pcall(run_until, subject, function() return time_is_over end)
  loop.on_news(subject, nil)
  if forget then
    forget()
  end
  if not is_whole then
    error(ok, 0)
  end
  return ok, reason
end

-- A step goes on watching at its end.
local function suspend(host)
  if not loop.is_stepping() then
    watch()
  end
  if coroutines.is_own(host.thread) then
    coroutine.yield()
  else
    host_coroutines.suspend(host)
  end
end

function driver.check()
  if protected.running() then
    return coroutines.check()
  end
  local uv = get_uv()
  if vim and vim.in_fast_event() or not vim and uv.loop_mode and uv.loop_mode() then
    error("a callback of the event loop cannot wait: use anthropic.spawn, or on_done of messages.stream", 0)
  end
  return true
end

function driver.wait(subject, seconds)
  local wait = protected.running() and coroutines.park or wait_outside
  local ok, reason = wait(subject, seconds, suspend)
  if not loop.is_stepping() then
    watch()
  end
  return ok, reason
end

function driver.spawn(f)
  coroutines.spawn(f)
  watch()
end

-- Whether the editor's API may not be called here.
driver.is_fast = vim and vim.in_fast_event

-- --- commands ------------------------------------------------------------------------------------

local MOST_OUTPUT = 256 * 1024

local Command = {}
Command.__index = Command

function Command:output()
  if self.is_too_large then
    return nil, "too_large"
  elseif self.is_at_end and self.status then
    return table.concat(self.pieces), self.status
  end
  return nil
end

function Command:close()
  if not self.pipe:is_closing() then
    self.pipe:close()
  end
  if not self.status then
    self.process:kill "sigkill" -- on_exit closes it
  end
end

local function take(self, bytes)
  if not bytes then
    self.is_at_end = true
    return
  end
  self.length = self.length + #bytes
  self.is_too_large = self.length > MOST_OUTPUT
  self.pieces[#self.pieces + 1] = not self.is_too_large and bytes or nil
end

--- Starts a command by libuv, whose callbacks come whatever the editor does.
function driver.run(arguments, on_news)
  local uv = get_uv()
  local self = setmetatable({ pieces = {}, length = 0, pipe = uv.new_pipe(false) }, Command)
  local rest = {}
  for i = 2, #arguments do
    rest[i - 1] = arguments[i]
  end
  local message
  self.process, message = uv.spawn(arguments[1], { args = rest, stdio = { nil, self.pipe }, hide = true },
    function(status, signal)
      self.status = signal ~= 0 and -signal or status
      self.process:close()
      on_news()
    end)
  if not self.process then
    self.pipe:close()
    return nil, message
  end
  self.pipe:read_start(function(_, bytes)
    take(self, bytes)
    on_news()
  end)
  return self
end

return driver
