-- A program of spec/hosts/loops_spec.lua: what it does in a host, as one line of JSON.
--
--     lua5.4 spec/support/event_loop_program.lua HOST WHAT BASE_URL

local name, what, base_url = arg[1], arg[2], arg[3]

local anthropic = require "anthropic"
local event_loops = require "spec.support.event_loops"
local host_scenarios = require "spec.support.host_scenarios"

local host = event_loops[name]()
local programs = {}

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

local function client_at(path, options)
  options = options or {}
  options.base_url, options.api_key, options.max_retries = base_url .. path, "a key of a test", 0
  return anthropic.new(options)
end

local function print_json(value)
  io.write(anthropic.encode(value), "\n")
  io.flush()
end

-- The host's own coroutine runs them all, with no task around it.
function programs.scenarios()
  host.start(function()
    io.write(host_scenarios.run(base_url), "\n")
  end)
  host.run()
end

-- Nothing of the library's keeps the host alive: neither a stream that was read to its end, nor one that
-- was cancelled, nor a task that was.
function programs.an_end()
  local kinds = {}
  host.start(function()
    kinds[1] = client_at("").messages.stream(params):message():text() ~= ""
    local stream = client_at("/slow").messages.stream(params)
    stream:next()
    stream:close()
    local task = anthropic.spawn(function()
      local _, err = client_at("/hang").messages.create(params)
      kinds[2] = err.kind
    end)
    local sleeper = anthropic.spawn(anthropic.sleep, 3600)
    anthropic.sleep(0.1)
    task:cancel()
    task:join()
    sleeper:cancel()
  end)
  local began = anthropic.now()
  local failure = host.run()
  print_json { kinds = kinds, ended = anthropic.now() - began < 20, failure = failure and tostring(failure) }
end

-- Its own timer goes on while forty streams flow.
function programs.timers()
  local is_done, text = false, ""
  local ticks, worst, before = 0, 0, anthropic.now()
  host.every(0.01, function()
    local now = anthropic.now()
    ticks, worst, before = ticks + 1, math.max(worst, now - before), now
    return not is_done
  end)
  host.start(function()
    local tasks = {}
    local client = client_at "/paced"
    for i = 1, 40 do
      tasks[i] = anthropic.spawn(function()
        return client.messages.stream(params):message():text()
      end)
    end
    for i = 1, 40 do
      text = tasks[i]:join()
    end
    is_done = true
  end)
  host.run()
  print_json { ticks = ticks, worst = worst, text = text }
end

-- An error in a task that nobody joins, while another one waits.
function programs.an_unheard_error()
  host.start(function()
    local task = anthropic.spawn(function()
      local _, err = client_at("/bad").messages.create(params)
      error(err, 0)
    end)
    repeat
      anthropic.sleep(0.1)
    until task.done
  end)
  print_json(tostring(host.run()))
end

-- The driver named by its name, and by itself.
function programs.a_named_driver()
  local loop = require "anthropic.loop"
  host.start(function()
    local named = arg[4]
    local texts = {
      client_at("", { loop = named }).messages.create(params):text(),
      client_at("", { loop = loop.driver(named) }).messages.stream(params):message():text(),
    }
    print_json(texts)
  end)
  host.run()
end

-- What suspends a coroutine there.
local function suspender()
  if name == "cqueues" then
    return require "cqueues", "poll"
  elseif name == "copas" then
    return require "copas", "receive"
  end
  return coroutine, "yield"
end

-- What disturbs who waits.
for _, disturbance in ipairs { "calls", "wake_ups", "errors" } do
  programs["disturbing_" .. disturbance] = function()
    host.start(function()
      print_json(require "spec.support.disturbances"[disturbance](anthropic, base_url, suspender()))
    end)
    local failure = host.run()
    if failure then
      print_json(tostring(failure))
    end
  end
end

-- --- what is one host's own -------------------------------------------------------------------------

-- Before the loop runs, a call runs it.
function programs.luv_outside()
  local ticks = 0
  host.every(0.01, function()
    ticks = ticks + 1
    return ticks < 1000
  end)
  local text = client_at("/paced").messages.stream(params):message():text()
  print_json { text = #text, ticks = ticks > 30 and ticks < 1000 }
  os.exit(0)
end

function programs.luv_callback()
  local uv = require "luv"
  local timer = uv.new_timer()
  timer:start(0, 0, function()
    timer:close()
    local ok, err = pcall(client_at("").messages.create, params)
    print_json { ok = ok, err = err }
    client_at("").messages.stream(params, { on_done = function(message)
      print_json(message:text() ~= "")
    end })
  end)
  uv.run()
end

function programs.cqueues_controllers()
  local cqueues = require "cqueues"
  local one, two = cqueues.new(), cqueues.new()
  local texts = {}
  local task
  one:wrap(function()
    task = anthropic.spawn(function() return client_at("").messages.create(params):text() end)
    texts.one = client_at("").messages.stream(params):message():text() ~= ""
  end)
  two:wrap(function()
    texts.two = client_at("").messages.stream(params):message():text() ~= ""
    texts.joined = task:join()
  end)
  local inner = cqueues.new() -- run by a coroutine of another
  inner:wrap(function() texts.inner = client_at("").messages.create(params):text() end)
  one:wrap(function() assert(inner:loop()) end)
  while not (one:empty() and two:empty()) do
    assert(one:step(0.01))
    assert(two:step(0.01))
  end
  print_json(texts)
end

function programs.cqueues_elsewhere()
  local errs = {}
  local function note(ok, err)
    errs[#errs + 1] = ok or tostring(err)
  end
  note(pcall(client_at("", { loop = "cqueues" }).messages.create, params))
  note(pcall(client_at("", { loop = "cqueues" }).messages.stream, params, { on_done = print }))
  host.start(function()
    note(coroutine.resume(coroutine.create(function() client_at("").messages.create(params) end)))
    note(client_at("").messages.create(params):text())
  end)
  note(host.run() == nil)
  note(client_at("").messages.create(params):text()) -- in no host: it blocks
  print_json(errs)
end

function programs.copas_elsewhere()
  local errs = {}
  local _, err = pcall(client_at("", { loop = "copas" }).messages.create, params)
  errs[1] = tostring(err)
  errs[2] = client_at("").messages.create(params):text()
  client_at("", { loop = "copas" }).messages.stream(params, { on_done = function(message)
    errs[3] = message:text() ~= ""
  end })
  host.run()
  print_json(errs)
end

programs[what]()
