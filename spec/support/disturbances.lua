-- What disturbs who waits, the same in every host: a call that cannot be suspended, a wake-up without
-- news, an error in the middle. A host's program calls these where it may wait, and prints what they
-- give; spec/hosts and spec/behaviour/disturbances_spec.lua compare that with `disturbances.EXPECTED`.

local disturbances = {}

local IS_5_1 = _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

local function client_at(anthropic, base_url, path, options)
  options = options or {}
  options.base_url, options.api_key = base_url .. path, "a key of a test"
  options.max_retries = options.max_retries or 0
  return anthropic.new(options)
end

-- --- calls that cannot be suspended --------------------------------------------------------------

-- Each calls `f` in its own way.
local WAYS = {
  gsub = function(f) ("x"):gsub("x", function() f() end) end,
  sort = function(f)
    local is_done = false
    table.sort({ 2, 1 }, function(a, b)
      if not is_done then
        is_done = true
        f()
      end
      return a < b
    end)
  end,
  tostring = function(f)
    tostring(setmetatable({}, { __tostring = function()
      f()
      return ""
    end }))
  end,
  require = function(f)
    package.preload["spec.of_disturbances"] = function()
      f()
      return true
    end
    require "spec.of_disturbances"
    package.loaded["spec.of_disturbances"] = nil
  end,
  pcall = function(f) pcall(f) end,
  iterator = function(f)
    for _ in function(_, is_done)
      if not is_done then
        f()
        return true
      end
    end do end
  end,
  index = function(f)
    return setmetatable({}, { __index = function() f() end }).x
  end,
  a_function_without_a_name = function(f)
    (function() f() end)()
  end,
  a_tail_call = function(f)
    return f()
  end,
}

local function outcome_of(value, err)
  if value then
    return "done"
  elseif type(err) == "table" and err.type == "cannot_wait" and err.kind == "invalid_request"
    and err.message:find "which Lua cannot suspend" then
    return "refused"
  end
  return tostring(err)
end

--- How a request, a stream's next event and a sleep end, each of them called in every way.
function disturbances.calls(anthropic, base_url)
  local results = {}
  local client, stream_client = client_at(anthropic, base_url, "/never"), client_at(anthropic, base_url, "/paced")
  for name, call in pairs(WAYS) do
    local outcomes = {}
    call(function()
      local _, err = client.messages.create(params)
      outcomes[1] = err.status == 404 and "done" or outcome_of(nil, err)
    end)
    local stream = assert(stream_client.messages.stream(params))
    call(function()
      local event, err
      repeat -- those that are there already can be read
        event, err = stream:next()
      until not event
      outcomes[2] = outcome_of(not err, err)
    end)
    if #assert(stream:message()):text() ~= 100 then
      outcomes[2] = "the stream is broken"
    end
    call(function() outcomes[3] = outcome_of(anthropic.sleep(0.001)) end)
    results[name] = outcomes[1] == outcomes[2] and outcomes[2] == outcomes[3] and outcomes[1]
      or table.concat(outcomes, ", ")
  end
  return results
end

-- --- wake-ups without news -----------------------------------------------------------------------

--- How all kinds of waiting end while each wait is woken in vain, again and again.
function disturbances.wake_ups(anthropic, base_url)
  local loop = require "anthropic.loop"
  local on_news = loop.on_news
  local left = 400
  function loop.on_news(subject, resume) -- luacheck: ignore 122
    on_news(subject, resume)
    if resume and left > 0 then
      left = left - 1
      loop.after(left % 3 * 0.002, function() loop.wake(subject) end)
    end
  end
  local results = {}
  local began = anthropic.now()
  anthropic.sleep(0.1)
  results.slept = anthropic.now() - began >= 0.1
  results.text = client_at(anthropic, base_url, "/paced").messages.stream(params):message():text()
  local _, err = client_at(anthropic, base_url, "/hang", { timeout = { first_byte = 0.1 } }).messages.create(params)
  results.timeout = err.timeout
  local task = anthropic.spawn(function()
    anthropic.sleep(0.05)
    return client_at(anthropic, base_url, "/slow").messages.create(params):text()
  end)
  local closed = 0
  anthropic.spawn(anthropic.sleep, 0.03):close(function() closed = closed + 1 end)
  results.joined = task:join()
  results.closed = closed
  _, err = client_at(anthropic, base_url, "/busy", { max_retries = 1 }).messages.create(params)
  results.attempts = err.attempts
  loop.on_news = on_news -- luacheck: ignore 122
  results.woken = left < 390
  return results
end

-- --- errors in the middle ------------------------------------------------------------------------

-- Calls f(n) in a task for n = 1, 2, ... where the n-th suspension raises; until fewer are needed.
local function break_off(anthropic, target, name, f, after)
  local original = target[name]
  local n, count, victim = 0, 0, nil
  target[name] = function(...) -- luacheck: ignore 122
    if coroutine.running() == victim then
      count = count + 1
      if count == n then
        error("broken off", 0)
      end
    end
    return original(...)
  end
  repeat
    n, count = n + 1, 0
    local _, err = anthropic.spawn(function()
      victim = coroutine.running()
      if IS_5_1 then -- which cannot catch it here
        f()
      else
        pcall(f)
      end
      victim = nil
      after()
    end):join()
    victim = nil
    assert(not err or IS_5_1 and err == "broken off", err)
    after(true)
  until count < n
  target[name] = original -- luacheck: ignore 122
  return n - 1
end

--- How many waits were broken off, each of every kind. `target[name]` is what suspends in the host.
function disturbances.errors(anthropic, base_url, target, name)
  local loop = require "anthropic.loop"
  local client = client_at(anthropic, base_url, "/slow")
  local left = 0
  local function after(is_alone)
    if client.messages.create(params):text() ~= "Hello!" then
      error "the next request did not work"
    end
    if is_alone then
      anthropic.sleep(0.03) -- connections come to rest
      left = left + (loop.is_idle() and 0 or 1)
    end
  end
  local kinds = {
    create = function()
      anthropic.spawn(anthropic.sleep, 0) -- a task that is alone may wait without being suspended
      client.messages.create(params)
    end,
    stream = function() client_at(anthropic, base_url, "/paced").messages.stream(params):message() end,
    sleep = function() anthropic.sleep(0.01) end,
    join = function() anthropic.spawn(anthropic.sleep, 0.01):join() end,
    retry = function()
      client_at(anthropic, base_url, "/busy", { max_retries = 1 }).messages.create(params)
    end,
  }
  local results = {}
  for kind, f in pairs(kinds) do
    results[kind] = break_off(anthropic, target, name, f, after) > 0
  end
  results.left = left
  return results
end

-- --- what is expected ----------------------------------------------------------------------------

local CAN = {
  calls = {
    gsub = "refused", sort = "refused", tostring = "refused", require = "refused",
    pcall = "done", iterator = "done", index = "done", a_function_without_a_name = "done", a_tail_call = "done",
  },
  wake_ups = { slept = true, text = ("word "):rep(20), timeout = "first_byte", joined = "Hello!", closed = 1,
    attempts = 2, woken = true },
  errors = { create = true, stream = true, sleep = true, join = true, retry = true, left = 0 },
}

--- What `what` returns on a Lua (lua5.1, luajit, ...).
function disturbances.expected(what, lua)
  local results = {}
  for name, value in pairs(CAN[what]) do
    results[name] = value
  end
  if what == "calls" and lua == "luajit" then
    results.tostring = "done"
  elseif what == "calls" and lua == "lua5.1" then
    results.pcall, results.iterator, results.index = "refused", "refused", "refused"
  elseif what == "calls" and lua == "lua5.3" then
    results.iterator = "done"
  end
  return results
end

--- The server that they need, for the process of the spec.
function disturbances.server()
  local testing = require "anthropic.testing"
  return testing.server { script = { routes = {
    { path = "/hang/v1/messages", answers = { { hang = true } } },
    { path = "/paced/v1/messages", answers = { testing.stream { text = ("word "):rep(20), delay_between = 0.01 } } },
    { path = "/slow/v1/messages", answers = { testing.message { text = "Hello!", delay = 0.01 } } },
    { path = "/busy/v1/messages", answers = { testing.error { status = 529, retry_after = 0.01 } } },
  } } }
end

return disturbances
