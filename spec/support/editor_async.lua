-- The protocols of the libraries that plugins of Neovim wait with, as small as they can be: what
-- they call, in which order, with what. A task's `state` is "running", "done" or "failed".

local editor_async = { nio = {}, async = {}, plenary = {} }

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local function pack(...)
  return { n = select("#", ...), ... }
end

local function finish(task, ok, ...)
  task.state, task.results = ok and "done" or "failed", pack(...)
end

-- --- nvim-nio: a task yields (argument count, function, arguments); what waits for a callback is
-- wrapped; cancelling forgets the task and tells nobody.

local nio = editor_async.nio

local nio_tasks = setmetatable({}, { __mode = "k" })

function nio.current_task()
  return nio_tasks[coroutine.running()]
end

function nio.run(f)
  local task = { state = "running" }
  local thread = coroutine.create(f)
  nio_tasks[thread] = task
  local function step(...)
    if task.state ~= "running" then
      return
    end
    local yielded = pack(coroutine.resume(thread, ...))
    if coroutine.status(thread) == "dead" then
      return finish(task, unpack(yielded, 1, yielded.n))
    elseif type(yielded[3]) ~= "function" then
      return finish(task, false, "not a yield of this library")
    end
    local count, call = yielded[2], yielded[3]
    local arguments = { unpack(yielded, 4, yielded.n) }
    arguments[count] = step
    call(unpack(arguments, 1, count))
  end
  function task.cancel()
    finish(task, false, "cancelled")
  end
  step()
  return task
end

function nio.wrap(call, count)
  return function(...)
    return coroutine.yield(count, call, ...)
  end
end

-- --- async.nvim: await(argument count, function, arguments); a handle that the function returns is
-- closed before the task goes on, unless it is closing by itself. Closing a task closes the handle
-- first, then raises "closed" in the task; whatever it does from then on, it fails.

local async = editor_async.async

local async_tasks = setmetatable({}, { __mode = "k" })
local MARKER = {} -- nobody else can yield it

function async.run(f)
  local task = { state = "running" }
  local thread = coroutine.create(f)
  async_tasks[thread] = task
  local handle, is_closing

  local resume
  function resume(...)
    if handle and handle:is_closing() then
      handle = nil
    elseif handle then
      local arguments = pack(...)
      return handle:close(function()
        handle = nil
        resume(unpack(arguments, 1, arguments.n))
      end)
    end
    if task.state ~= "running" then
      return
    end
    local yielded = pack(coroutine.resume(thread, ...))
    if coroutine.status(thread) == "dead" then
      if is_closing then
        return finish(task, false, "closed")
      end
      return finish(task, unpack(yielded, 1, yielded.n))
    elseif yielded[2] ~= MARKER then
      return finish(task, false, "Unexpected coroutine.yield()")
    end
    local is_settled = false
    handle = yielded[3](function(...)
      if not is_settled then
        is_settled = true
        resume(nil, ...)
      end
    end)
  end

  function task.close()
    is_closing = true
    resume "closed"
  end
  resume()
  return task
end

function async.await(count, call, ...)
  if not async_tasks[coroutine.running()] then
    error "Not in async context"
  elseif type(count) ~= "number" then
    error "Invalid arguments"
  end
  local arguments = { ... }
  local results = pack(coroutine.yield(MARKER, function(callback)
    arguments[count] = callback
    return call(unpack(arguments, 1, count))
  end))
  if results[1] ~= nil then
    error(results[1], 0)
  end
  return unpack(results, 2, results.n)
end

-- --- plenary.async: a task yields (function, argument count, arguments), and cannot be cancelled.

local plenary = editor_async.plenary

function plenary.run(f)
  local task = { state = "running" }
  local thread = coroutine.create(f)
  local function step(...)
    local yielded = pack(coroutine.resume(thread, ...))
    if coroutine.status(thread) == "dead" then
      return finish(task, unpack(yielded, 1, yielded.n))
    elseif type(yielded[2]) ~= "function" then
      return finish(task, false, "type error :: expected func")
    end
    local arguments = { unpack(yielded, 4, yielded.n) }
    arguments[yielded[3]] = step
    yielded[2](unpack(arguments, 1, yielded[3]))
  end
  step()
  return task
end

return editor_async
