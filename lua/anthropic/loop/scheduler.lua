--- The driver of `anthropic.run` in a plain program: one thread, coroutines that yield while they
--- wait.
--
-- Coroutines run in turn, each until it waits. A round starts some new ones and resumes every runnable one once, then
-- the core loop is stepped. If no other coroutine can go on, a waiter steps the loop itself.

local coroutines = require "anthropic.loop.coroutines"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"

local scheduler = {
  suspends = true, -- waiting yields
  OUTSIDE = 'the loop "scheduler" waits inside anthropic.run only',
}

-- What a waiting coroutine yields. Any other value that a coroutine yields is the user's own yield
-- and means "let the others go first".
local PARKED = {}

-- A task that waits inside a coroutine of its own cannot be suspended; it runs the others instead,
-- nested at most this deep.
local MAX_DEPTH = 8

-- A round starts no more than this, so that tasks whose time has come need not wait for thousands.
local MOST_STARTS = 32

-- A waiter takes at most so many steps in a row: a hook of the main coroutine, such as the interpreter's
-- for Ctrl-C, runs in the main coroutine alone.
local MOST_STEPS = 16

local is_yieldable = rawget(coroutine, "isyieldable") -- Lua 5.3
local close_thread = rawget(coroutine, "close") -- Lua 5.4

-- An entry in a queue is linked to the next one: a wake-up takes no memory, so that no entry waits for
-- ever if memory is short.
---@class anthropic.SchedulerEntry
---@field thread thread
---@field wake fun() makes it runnable
---@field following table|false the next one in its queue
---@field number integer its place among all that were queued
---@field subject? table what it waits for
---@field forget? fun() forgets the time that it waits for
---@field is_over? boolean that time has come
---@field is_queued? boolean
---@field outer? anthropic.SchedulerEntry that runs it, while it runs

local active = false
local depth = 0
local running -- the entry whose code is being run
local stepping -- the entry that steps the loop while it waits; none is running then
local entries = {} -- set of those that have not ended
local hopeful -- of them, the last one that was seen to wait for more than the end of another
local starting, runnable = { first = false, last = false }, { first = false, last = false } -- queues
local queued = 0 -- so far
local steps = 0 -- since the last round
local is_broken, raised = false, nil -- what a wake-up raised in a step of a waiter: the run ends with it

local function put(queue, entry)
  queued = queued + 1
  entry.is_queued, entry.number, entry.following = true, queued, false
  if queue.first then
    queue.last.following = entry
  else
    queue.first = entry
  end
  queue.last = entry
end

local function take(queue)
  local entry = queue.first
  queue.first = entry.following
  entry.is_queued = false
  return entry
end

local function leave(entry)
  if entry.subject then
    loop.on_news(entry.subject, nil)
    entry.subject = nil
  end
  if entry.forget then
    entry.forget()
    entry.forget = nil
  end
end

local function resume(entry)
  if coroutine.status(entry.thread) ~= "suspended" then
    return
  end
  local running_before, depth_before = running, depth
  running, entry.outer = entry, running
  local ok, yielded = coroutine.resume(entry.thread)
  running, depth = running_before, depth_before
  if ok and yielded == PARKED then
    return
  elseif ok and coroutine.status(entry.thread) ~= "dead" then
    entry.wake()
    return
  end
  entries[entry] = nil
  if hopeful == entry then
    hopeful = nil
  end
  leave(entry) -- if an error interrupted even that
  if not ok then
    error(yielded, 0)
  end
end

-- Whether an entry waits for more than the end of another. Entries that run the others meanwhile cannot go on.
local function is_hopeful(entry)
  local subject, outer = entry.subject, running and running.outer
  while outer and outer ~= entry do
    outer = outer.outer
  end
  return subject ~= nil and not subject.is_join and not outer
end

local function something_will_come()
  if hopeful and is_hopeful(hopeful) then
    return true
  end
  hopeful = nil
  for entry in pairs(entries) do
    if is_hopeful(entry) then
      hopeful = entry
      return true
    end
  end
  return false
end

local function seconds_to_wait()
  if starting.first or runnable.first then
    return 0
  elseif not something_will_come() then
    error("every task waits for another one", 0)
  end
  return -1
end

-- Resumes the entries that are in a queue by now, at most `most`. One that runs the others takes from the same queue.
local function resume_all(queue, newest, most)
  while most > 0 and queue.first and queue.first.number <= newest do
    resume(take(queue))
    most = most - 1
  end
end

-- One round.
local function turn()
  steps = 0
  if is_broken then
    is_broken = false
    error(raised, 0)
  end
  loop.step(seconds_to_wait())
  local newest = queued
  resume_all(starting, newest, MOST_STARTS)
  resume_all(runnable, newest, math.huge)
end

-- Lets the others go on.
local function suspend(entry)
  if coroutine.running() == entry.thread or protected.running() == entry.thread then
    coroutine.yield(PARKED)
  elseif depth < MAX_DEPTH then
    depth = depth + 1
    turn()
    depth = depth - 1
  elseif not entry.subject.is_join then
    loop.step(0.01)
  else
    error("too many tasks wait inside coroutines of their own", 0)
  end
end

-- The entry whose code is being run. An error may have interrupted the step that it took.
local function find_running()
  if not running and stepping and not loop.is_stepping() and protected.running() == stepping.thread then
    running = stepping
    stepping = nil
  end
  return running
end

--- The coroutine that the scheduler has resumed, or nil.
---@return thread?
function scheduler.thread()
  return find_running() and running.thread
end

function scheduler.check()
  if is_yieldable and running and is_yieldable() then
    return true
  elseif not find_running() then
    error(scheduler.OUTSIDE, 0)
  elseif protected.running() == running.thread then
    return coroutines.check()
  end
  return true -- not suspended: it runs the others meanwhile
end

local function await(entry, subject, seconds)
  entry.subject, entry.is_over = subject, false
  if not subject.is_join then
    hopeful = entry
  end
  entry.forget = seconds and loop.after(seconds, function()
    entry.is_over = true
    entry.wake()
  end)
  while not entry.is_over and not subject:has_news() do
    loop.on_news(subject, entry.wake)
    suspend(entry)
  end
end

--- Waits as loop/init.lua describes. If seconds are given the others go first, even if there is
--- no time to wait.
function scheduler.wait(subject, seconds)
  local entry, is_alone = running, not (seconds or subject.is_join)
  while is_alone and steps < MOST_STEPS and not (starting.first or runnable.first) do
    if subject:has_news() then
      return true
    end
    steps, stepping = steps + 1, entry
    running = nil
    local ok, result = loop.try_step(-1)
    running = entry -- first: an error between the two must not lose it
    stepping = nil
    is_broken, raised = not ok, result
    is_alone = ok and result -- else a signal may have come
  end
  protected.finally(await, leave, entry, subject, seconds)
  return true
end

--- Starts a coroutine, in one of the next rounds.
---@param f function
function scheduler.spawn(f)
  local entry = { thread = coroutine.create(f), is_queued = false, number = 0, following = false }
  function entry.wake()
    if not entry.is_queued and entries[entry] then
      put(runnable, entry)
    end
  end
  entries[entry] = true
  put(starting, entry)
end

--- Whether there is a run.
---@return boolean
function scheduler.is_open()
  return active
end

--- Begins a run; there is one at a time.
function scheduler.open()
  if active then
    error("anthropic.run is running already; use anthropic.spawn", 0)
  end
  active = true
end

--- Ends a run. What is left after an error interrupted it is dropped. Memory may be short, so
--- nothing is allocated here.
function scheduler.close()
  active, running, stepping, hopeful, is_broken, raised, depth = false, nil, nil, nil, false, nil, 0
  starting.first, starting.last, runnable.first, runnable.last = false, false, false, false
  for entry in pairs(entries) do
    entries[entry] = nil
    if close_thread and coroutine.status(entry.thread) == "suspended" then
      close_thread(entry.thread)
    end
    leave(entry)
    protected.mend(entry.thread)
  end
end

--- Takes turns until the subject has news.
function scheduler.turn_until(subject)
  while not subject:has_news() do
    turn()
  end
end

return scheduler
