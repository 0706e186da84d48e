--- The driver of nginx with its Lua module (OpenResty): the request waits, the worker does not.
--
--     content_by_lua_block {
--       for text in assert(client.messages.stream(params)):text_deltas() do
--         ngx.print(text)
--         ngx.flush(true)
--       end
--     }
--
-- nginx cannot watch the core loop's descriptor. While transfers are waited for, a timer of the
-- worker, the poller, steps the loop every few milliseconds. Each waiter has a semaphore;
-- steps only post semaphores, so no request's code runs in another request. nginx may drop a timer that
-- it promised to run: while the poller shows no life, the waiters step the loop.

local command = require "anthropic.loop.command"
local core = require "anthropic.base.core"
local coroutines = require "anthropic.loop.coroutines"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"

local ngx = rawget(_G, "ngx")

local driver = { suspends = true }

-- The poller looks again after this part of the time for which nothing has come.
local QUIET_PART = 1 / 20
local SHORTEST_SLEEP, LONGEST_SLEEP = 0.002, 0.01
-- The poller leaves the worker to the others after this long, even if there is more work.
local LONGEST_WORK = 0.001
-- The poller is taken for dead after this long without a step,
local LONGEST_SILENCE = 0.1
-- stays so long without work,
local LINGER = 0.1
-- and looks this often for waiters whose requests nginx has ended.
local SWEEP_INTERVAL = 0.1
-- The waiters check the poller this often, and ask for another one at most this often.
local PATIENCE = 1
local LONGEST_WAIT = 3600
-- How often the poller collects garbage if a transfer may have lost its reader, and how many kilobytes.
local COLLECTION_INTERVAL, COLLECTION_STEP = 0.1, 512

local CAN_WAIT = {
  server_rewrite = true, rewrite = true, access = true, content = true, timer = true,
  ssl_client_hello = true, ssl_cert = true, ssl_session_fetch = true, preread = true,
}

local waiting = {} -- waiters inside their semaphore's wait -> subject
local spare = {} -- waiters of earlier waits
local poller -- the one that began last
local last_work = 0 -- when something came, or a wait began
local last_request = -math.huge -- for a poller
local has_polled = false

local function work()
  local began = core.now()
  while loop.step(0) do
    last_work = core.now()
    if last_work - began >= LONGEST_WORK then
      return
    end
  end
end

-- --- those whose requests are gone ---------------------------------------------------------------

-- Whether nginx has ended the light thread that waited, and with it the wait.
local function is_lost(waiter)
  return waiter.semaphore:count() == (waiter.is_posted and 1 or 0)
end

-- Closes what abandoned requests waited for: their connections are freed.
local function sweep()
  local lost = {}
  for waiter, subject in pairs(waiting) do
    if is_lost(waiter) then
      lost[waiter] = subject
    end
  end
  for waiter, subject in pairs(lost) do
    waiting[waiter] = nil
    loop.on_news(subject, nil)
    local ok, err = pcall(loop.give_up, subject)
    if not ok then
      ngx.log(ngx.ERR, "anthropic: ", tostring(err))
    end
  end
end

-- --- the poller ----------------------------------------------------------------------------------

local function is_polled()
  return poller ~= nil and not poller.is_collecting and core.now() - poller.last_step < LONGEST_SILENCE
end

-- Seconds until the next look; nil when there is nothing to look after. A transfer without a waiter may
-- be garbage: nginx may have ended its reader outside of a wait. It is collected bit by bit.
local function pause(self)
  local now = core.now()
  local has_transfers = loop.core():active() > 0
  if has_transfers and not loop.is_idle() then
    self.last_needed = now
  elseif now - self.last_needed >= LINGER or ngx.worker.exiting() then
    if not has_transfers or ngx.worker.exiting() then
      return nil
    end
    self.is_collecting = true
    collectgarbage("step", COLLECTION_STEP)
    return COLLECTION_INTERVAL
  end
  self.is_collecting = false
  return math.max(SHORTEST_SLEEP, math.min((now - last_work) * QUIET_PART, LONGEST_SLEEP))
end

local function poll(self)
  local last_sweep = 0
  local seconds = 0
  while seconds do
    local ok, err = pcall(work)
    if not ok then
      ngx.log(ngx.ERR, "anthropic: ", tostring(err))
    end
    self.last_step = core.now()
    if self.last_step - last_sweep >= SWEEP_INTERVAL then
      last_sweep = self.last_step
      sweep()
    end
    seconds = pause(self)
    if seconds then
      ngx.sleep(seconds)
    end
    if poller ~= self then
      return
    end
  end
end

local function begin_polling()
  if is_polled() then
    return
  end
  local now = core.now()
  local self = { last_step = now, last_needed = now, is_collecting = false }
  poller, has_polled, last_request = self, true, -math.huge
  local ok, err = pcall(poll, self)
  if poller == self then
    poller = nil
  end
  if not ok then
    error(err, 0)
  end
end

-- Asks for a poller. A worker that is about to leave must not make its first timer.
local function request_poller()
  local now = core.now()
  if now - last_request >= PATIENCE and (has_polled or not ngx.worker.exiting()) then
    last_request = now
    ngx.timer.at(0, begin_polling)
  end
end

-- --- waiting -------------------------------------------------------------------------------------

local function new_waiter()
  local waiter = { semaphore = assert(require("ngx.semaphore").new(0)), is_posted = false }
  function waiter.call()
    if not waiter.is_posted then
      waiter.is_posted = true
      waiter.semaphore:post(1)
    end
  end
  return waiter
end

-- Suspends the light thread until it is called, or for a while.
local function suspend(waiter, seconds)
  local steps_itself = false
  if loop.core():active() > 0 then
    steps_itself = not is_polled()
    if steps_itself then
      request_poller()
    end
    seconds = math.min(seconds, steps_itself and LONGEST_SLEEP or PATIENCE)
  end
  waiting[waiter] = waiter.subject
  local ok, reason = waiter.semaphore:wait(math.max(0.001, math.min(seconds, LONGEST_WAIT)))
  waiting[waiter] = nil
  if not ok and reason ~= "timeout" then
    error(reason, 0)
  elseif not ok and waiter.is_posted then
    waiter.semaphore:wait(0)
  end
  waiter.is_posted = false
  if steps_itself and not is_polled() then
    work()
    sweep()
  end
end

local function check_phase()
  local phase = ngx.get_phase()
  if not CAN_WAIT[phase] then
    error(("nginx cannot wait in its phase %q: make the request in a timer, ngx.timer.at(0, ...)%s")
      :format(phase, phase == "init" and " of init_worker_by_lua" or ""), 0)
  end
end

--- Raises in the phases of nginx that cannot wait.
function driver.check()
  check_phase()
  return coroutines.check()
end

-- Where seconds are given the others go first, even if there is no time to wait.
local function await(waiter, deadline)
  local left, has_waited = deadline - last_work, false
  while (left > 0 or not has_waited) and not waiter.subject:has_news() do
    loop.on_news(waiter.subject, waiter.call)
    suspend(waiter, left)
    left, has_waited = deadline - core.now(), true
  end
  spare[#spare + 1] = waiter
end

local function leave(waiter)
  waiting[waiter] = nil
  loop.on_news(waiter.subject, nil)
  waiter.subject = nil
end

function driver.wait(subject, seconds)
  local deadline = seconds and core.now() + seconds or math.huge
  local waiter = table.remove(spare) or new_waiter()
  waiter.subject = subject
  last_work = core.now()
  protected.finally(await, leave, waiter, deadline)
  return true
end

-- --- commands ------------------------------------------------------------------------------------

-- The standard error of a command would fill a pipe without a reader, or go into the log. nginx collects its children
-- itself.

local PipeCommand = {}
PipeCommand.__index = PipeCommand

-- The light thread waits for the end, the worker does not.
function PipeCommand:output()
  local text, _, partial = self.process:stdout_read_all()
  local ok, reason, status = self.process:wait()
  return text or partial or "", ok and 0 or reason == "signal" and -status or status or 1
end

function PipeCommand:close()
  self.process:kill(9)
end

local function run_by_pipe(pipes, arguments)
  local process, message = pipes.spawn(command.quietly(arguments))
  if not process then
    return nil, message
  end
  process:set_timeouts(nil, 0, nil, 0)
  return setmetatable({ process = process }, PipeCommand)
end

local CoreCommand = {}
CoreCommand.__index = CoreCommand

-- nginx does not watch the core loop's descriptor.
function CoreCommand:output()
  local text, status = self.process:output()
  if not text then
    return nil, status or "soon"
  end
  local output, number = command.split_status(text)
  return output or text, number or 1
end

function CoreCommand:close()
  self.process:close()
end

--- Starts a command by ngx.pipe or, if nginx was built without it, by the core loop.
function driver.run(arguments)
  local has_pipes, pipes = pcall(require, "ngx.pipe")
  if has_pipes then
    return run_by_pipe(pipes, arguments)
  end
  local process, message = loop.core():run(command.quietly(command.with_status(arguments)))
  return process and setmetatable({ process = process }, CoreCommand), message
end

-- nginx keeps a light thread that has ended until its parent ends, or waits for it.
local function bury(children)
  for i = #children, 1, -1 do
    pcall(ngx.thread.wait, children[i]) -- raises for one of an earlier request
    children[i] = nil
  end
end

local ended = setmetatable({}, { __mode = "k" }) -- parent -> its children that have ended

function driver.spawn(f)
  check_phase()
  local parent = coroutine.running()
  local children = ended[parent] or {}
  ended[parent] = children
  bury(children)
  ngx.thread.spawn(function()
    local ok, err = pcall(f)
    children[#children + 1] = coroutine.running()
    if not ok then
      error(err, 0)
    end
  end)
end

return driver
