-- What has to come out the same in every host: streams, errors, cancelling. A host's program calls
-- `run` where it may wait (or spawns it) and prints what it returns as one line of JSON; the specs of
-- spec/hosts compare that with what a plain program prints.
--
--     LUA_PATH, LUA_CPATH as by `make -s env`; the server is `host_scenarios.server()`

local host_scenarios = {}

local STREAMS, WORDS = 100, 30

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

--- The server that the scenarios need, for the process of the spec.
function host_scenarios.server()
  local testing = require "anthropic.testing"
  local words = {}
  for i = 1, WORDS do
    words[i] = "word" .. i
  end
  local once = {} -- for as many programs as there may be
  for i = 1, 100, 2 do
    once[i] = testing.error { status = 529, retry_after = 0.05 }
    once[i + 1] = testing.message { text = "Hello!" }
  end
  return testing.server { script = { routes = {
    { path = "/hang/v1/messages", answers = { { hang = true } } },
    { path = "/slow/v1/messages", answers = { testing.stream { text = ("word "):rep(400), delay_between = 0.05 } } },
    { path = "/paced/v1/messages", answers = { testing.stream { text = ("word "):rep(100), delay_between = 0.02 } } },
    { path = "/cut/v1/messages", answers = { testing.stream { text = "one two three", cut_after = 700 } } },
    { path = "/bad/v1/messages", answers = {
      testing.error { status = 400, type = "invalid_request_error", message = "not so" },
    } },
    { path = "/busy/v1/messages", answers = { testing.error { status = 529, retry_after = 60 } } },
    { path = "/once/v1/messages", answers = once },
    { path = "/calls/v1/messages", body_contains = "tool_result", answers = { testing.stream { text = "Done." } } },
    { path = "/calls/v1/messages", answers = { testing.stream { delay_between = 0.002, content = {
      { type = "tool_use", id = "t1", name = "slow", input = { n = 1 } },
      { type = "tool_use", id = "t2", name = "quick", input = { n = 2 } }, { type = "text", text = ("word "):rep(20) },
    }, stop_reason = "tool_use" } } },
    { path = "/calls_slowly/v1/messages", answers = { testing.stream { delay_between = 0.05, content = {
      { type = "text", text = "Look: " },
      { type = "tool_use", id = "t1", name = "slow", input = { n = 100 } },
      { type = "text", text = ("word "):rep(400) },
    } } } },
    { path = "/v1/messages", body_contains = '"stream":true', answers = {
      testing.stream { thinking = "Hm.", text = table.concat(words, " "), delay_between = 0.01 },
    } },
    { path = "/v1/messages", answers = { testing.message { text = "Hello!" } } },
  } } }
end

local function describe_error(err)
  if type(err) ~= "table" then
    return tostring(err)
  end
  return { kind = err.kind, status = err.status, type = err.type, message = err.message,
    attempts = err.attempts, timeout = err.timeout, partial = err.partial and #err.partial:text() > 0 }
end

local function outcome(value, err)
  if value == nil or value == false then
    return { error = describe_error(err) }
  end
  return { value = type(value) == "table" and value.text and value:text() or value }
end

-- Cancels f in the middle: once `is_there()`.
local function cancelled(anthropic, f, is_there)
  local inside
  local task = anthropic.spawn(function() inside = outcome(f()) end)
  repeat
    anthropic.sleep(0.2)
  until not is_there or is_there()
  local began = anthropic.now()
  task:cancel()
  local _, err = task:join()
  return { inside = inside, joined = describe_error(err), at_once = anthropic.now() - began < 2 }
end

local SCENARIOS = {}

function SCENARIOS.a_message(_, client_at)
  return outcome(client_at("").messages.create(params))
end

function SCENARIOS.a_stream(_, client_at)
  local stream = assert(client_at("").messages.stream(params))
  local count = 0
  local event = stream:next()
  while event do
    count = count + 1
    event = stream:next()
  end
  return { count = count, message = outcome(stream:message()) }
end

function SCENARIOS.many_streams(anthropic, client_at)
  local tasks, texts, same = {}, {}, 0
  local client = client_at ""
  for i = 1, STREAMS do
    tasks[i] = anthropic.spawn(function()
      local stream = assert(client.messages.stream(params))
      return assert(stream:message()):text()
    end)
  end
  for i = 1, STREAMS do
    texts[i] = tasks[i]:join()
    same = same + (texts[i] == texts[1] and 1 or 0)
  end
  return { text = texts[1], same = same }
end

function SCENARIOS.callbacks(anthropic, client_at)
  local pieces, done, result = {}, 0, nil
  local handle = client_at("").messages.stream(params, {
    on_text = function(text) pieces[#pieces + 1] = text end,
    on_done = function(...) done, result = done + 1, outcome(...) end,
  })
  while done == 0 do
    anthropic.sleep(0.01)
  end
  handle:join()
  return { pieces = table.concat(pieces), done = done, result = result, closing = handle:is_closing() }
end

function SCENARIOS.cancelled_callbacks(anthropic, client_at)
  local pieces, done, result = 0, 0, nil
  local handle = client_at("/slow").messages.stream(params, {
    on_text = function() pieces = pieces + 1 end,
    on_done = function(...) done, result = done + 1, outcome(...) end,
  })
  while pieces == 0 do
    anthropic.sleep(0.01)
  end
  handle:cancel()
  while done == 0 do
    anthropic.sleep(0.01)
  end
  return { done = done, result = result }
end

function SCENARIOS.a_retry(_, client_at)
  local message, err = client_at("/once").messages.create(params)
  return { outcome = outcome(message, err), attempts = message and message.response.attempts }
end

function SCENARIOS.a_refusal(_, client_at)
  return outcome(client_at("/bad").messages.create(params))
end

function SCENARIOS.a_cut_stream(_, client_at)
  return outcome(assert(client_at("/cut").messages.stream(params)):message())
end

function SCENARIOS.a_timeout(_, client_at)
  return outcome(client_at("/hang", { max_retries = 0, timeout = { first_byte = 0.2 } }).messages.create(params))
end

function SCENARIOS.no_connection(_, client_at)
  local client = client_at("", { base_url = "http://127.0.0.1:9", max_retries = 0 })
  local _, err = client.messages.create(params)
  return { kind = err.kind, attempts = err.attempts }
end

function SCENARIOS.cancelled_sleep(anthropic)
  return cancelled(anthropic, function() return anthropic.sleep(60) end)
end

function SCENARIOS.cancelled_request(anthropic, client_at)
  return cancelled(anthropic, function() return client_at("/hang").messages.create(params) end)
end

function SCENARIOS.cancelled_stream(anthropic, client_at)
  local stream
  return cancelled(anthropic, function()
    stream = assert(client_at("/slow").messages.stream(params))
    return stream:message()
  end, function() return stream and stream:snapshot():text() ~= "" end)
end

function SCENARIOS.cancelled_retry(anthropic, client_at)
  local is_there
  local client = client_at("/busy", { on_retry = function() is_there = true end })
  return cancelled(anthropic, function() return client.messages.create(params) end, function() return is_there end)
end

function SCENARIOS.closed_client(anthropic, client_at)
  local client = client_at "/hang"
  local task = anthropic.spawn(function() return outcome(client.messages.create(params)) end)
  anthropic.sleep(0.4)
  client:close()
  return { inside = task:join(), after = outcome(client.messages.create(params)) }
end

function SCENARIOS.a_failing_task(anthropic)
  local task = anthropic.spawn(function()
    anthropic.sleep(0.02)
    error("of the task", 0)
  end)
  local value, err = task:join()
  return { value = value, err = err }
end

function SCENARIOS.a_run_inside(anthropic)
  return { result = anthropic.run(function()
    local task = anthropic.spawn(function()
      anthropic.sleep(0.02)
      return "inner"
    end)
    return (task:join())
  end) }
end

-- Runs with tools that start while their answer streams; `log` is told what they do.
local function run_eagerly(anthropic, client, log)
  local function tool(name, seconds)
    return anthropic.tool { name = name, run = function(input)
      log[#log + 1] = name .. " begins"
      local ok, err = anthropic.sleep(seconds * input.n)
      log[#log + 1] = name .. (ok and " ends" or " is " .. err.kind)
      return name
    end }
  end
  return client.messages.run {
    model = "m", max_tokens = 9, messages = params.messages, eager = true,
    tools = { tool("slow", 0.2), tool("quick", 0.001) },
    on_tool_use = function() return anthropic.sleep(0.001) end,
  }
end

function SCENARIOS.an_eager_run(anthropic, client_at)
  local message, run = run_eagerly(anthropic, client_at "/calls", {})
  local results = run.turns[1].results
  return { text = message:text(), results = { results[1].content, results[2].content }, turns = #run.turns }
end

function SCENARIOS.a_cancelled_eager_run(anthropic, client_at)
  local log = {}
  local result = cancelled(anthropic, function()
    return run_eagerly(anthropic, client_at "/calls_slowly", log)
  end, function() return log[1] end)
  for _ = 1, 100 do
    if #log < 2 then
      anthropic.sleep(0.01)
    end
  end
  return { result = result, log = table.concat(log, ", ") }
end

function SCENARIOS.a_map(_, client_at)
  local messages, errs = client_at("").messages.map({ params, params, params }, { concurrency = 2 })
  return { n = messages.n, text = messages[3]:text(), errors = next(errs) ~= nil }
end

local STREAM_BODY = '{"stream":true}'

-- The three ways of anthropic.http, each to its end.
function SCENARIOS.the_transport(anthropic, _, base_url)
  local request = { url = base_url .. "/v1/messages", body = STREAM_BODY }
  local whole = assert(anthropic.http.request(request)).body
  local counts = {}
  for _, name in ipairs { "next_line", "next_event", "read" } do
    local reader, bytes = assert(anthropic.http.open(request)), 0
    local piece = reader[name](reader)
    while piece do
      counts[name] = (counts[name] or 0) + 1
      bytes = bytes + #(piece.data or piece)
      piece = reader[name](reader)
    end
    counts[name] = name ~= "read" and counts[name] or bytes == #whole
  end
  for _, name in ipairs { "on_line", "on_event", "on_bytes" } do
    local bytes
    local task = anthropic.http.request(request, {
      on_response = function(response) counts[name] = response.status end,
      [name] = function(piece)
        counts[name] = counts[name] + (name == "on_bytes" and 0 or 1)
        bytes = (bytes or 0) + #(piece.data or piece)
      end,
      on_done = function(response) counts[name .. " done"] = response.status end,
    })
    task:join()
    counts.bytes = name == "on_bytes" and bytes == #whole
  end
  local refused = assert(anthropic.http.request { url = base_url .. "/bad/v1/messages", body = "{}" })
  return { counts = counts, refused = refused.status }
end

function SCENARIOS.cancelled_transport(anthropic, _, base_url)
  local calls = {}
  local task = anthropic.http.request({ url = base_url .. "/slow/v1/messages", body = STREAM_BODY }, {
    on_line = function() calls.line = true end,
    on_done = function(_, err) calls[#calls + 1] = err.kind end,
  })
  while not calls.line do
    anthropic.sleep(0.01)
  end
  task:cancel()
  while not calls[1] do
    anthropic.sleep(0.01)
  end
  anthropic.sleep(0.1)
  local waiting = cancelled(anthropic, function()
    return anthropic.http.request { url = base_url .. "/hang/v1/messages", body = "{}" }
  end)
  return { kinds = table.concat(calls, " "), waiting = waiting }
end

-- What is called for each fault, in its order, the same calls one after another as one.
function SCENARIOS.faulty_transport(anthropic, _, base_url)
  local faults = {
    cut = { url = base_url .. "/cut/v1/messages" },
    refused = { url = base_url .. "/busy/v1/messages" },
    ["nobody there"] = { url = "http://127.0.0.1:1/" },
    late = { url = base_url .. "/hang/v1/messages", timeout = { first_byte = 0.05 } },
    ["no stream"] = { url = base_url .. "/v1/messages", body = "{}" },
  }
  local seen = {}
  for name, request in pairs(faults) do
    request.body = request.body or STREAM_BODY
    for _, handler in ipairs { "on_line", "on_event", "on_bytes" } do
      local calls = {}
      local function note(call)
        calls[#calls + 1] = calls[#calls] ~= call and call or nil
      end
      anthropic.http.request(request, {
        on_response = function() note "response" end,
        [handler] = function() note "piece" end,
        on_done = function(_, err) calls[#calls + 1] = err and err.kind or "done" end,
      }):join()
      seen[name .. ", " .. handler] = table.concat(calls, ", ")
    end
  end
  anthropic.sleep(0.05)
  return seen
end

--- Runs every scenario, one after another. To be called where waiting is possible and tasks can be
--- spawned.
---@param base_url string of host_scenarios.server()
---@param only? string the name of one
---@return string results one line of JSON, keys sorted
function host_scenarios.run(base_url, only)
  local anthropic = require "anthropic"
  local function client_at(path, options)
    options = options or {}
    options.base_url = options.base_url or base_url .. path
    options.api_key = "a key of a test"
    return anthropic.new(options)
  end
  local results = {}
  for name, scenario in pairs(SCENARIOS) do
    if not only or name == only then
      results[name] = scenario(anthropic, client_at, base_url)
    end
  end
  return assert(anthropic.encode(results))
end

return host_scenarios
