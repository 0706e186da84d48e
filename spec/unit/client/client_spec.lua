local anthropic = require "anthropic"
local client_module = require "anthropic.client"
local loop = require "anthropic.loop"
local hosted = require "spec.support.hosted"
local service = require "spec.support.service"
local waiting = require "anthropic.loop.waiting"
local testing = require "anthropic.testing"

local HERE = "^spec/unit/client/client_spec%.lua:%d+: "

local server

setup(function()
  server = hosted.server { script = { routes = {
    { path = "/hang/v1/messages", answers = { { hang = true } } },
    { path = "/stuck/v1/messages", answers = { testing.stream { text = ("word "):rep(50), hang_after = 1200 } } },
    { path = "/refused/v1/messages", answers = { testing.error { status = 400, type = "invalid_request_error" } } },
    { path = "/v1/messages", body_contains = '"stream":true', answers = { testing.stream { text = "one two" } } },
    { path = "/v1/messages", answers = { testing.message { text = "Hello!" } } },
    { answers = { { body = '{"echo":true}', headers = { ["content-type"] = "application/json" } } } },
  } } }
end)

teardown(function() server:stop() end)

after_each(service.clear)

local function client_at(path, options)
  options = options or {}
  options.base_url = server.url .. (path or "")
  return service.client(nil, options)
end

local function nowhere(options)
  options = options or {}
  options.base_url = options.base_url or "http://127.0.0.1:9"
  return service.client(nil, options)
end

-- The requests since this was last called.
local seen = 0
local function new_requests()
  local all, new = server:requests(), {}
  for i = seen + 1, #all do
    new[#new + 1] = all[i]
  end
  seen = #all
  return new
end

local function raised_by(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok, "nothing was raised")
  return err
end

describe("a client", function()
  it("is made without options and with them", function()
    service.environment {}
    assert.equal("anthropic.Client (https://api.anthropic.com)", tostring(client_module.new()))
    assert.equal("anthropic.Client (http://h/p)", tostring(client_module.new { base_url = "http://h/p" }))
  end)

  it("shows no credential of its URL when it is printed", function()
    assert.equal("anthropic.Client (https://h/p)", tostring(client_module.new {
      base_url = "https://user:secret@h/p?key=secret&other=secret",
    }))
    assert.equal("anthropic.Client (http://127.0.0.1:9)", tostring(nowhere()))
  end)

  it("has none of its options in its table", function()
    local client = nowhere()
    assert.is_nil(next(client))
    assert.is_nil(client.options)
    assert.is_nil(client.api_key)
  end)

  it("raises for a wrong option, and blames the caller", function()
    assert.matches(HERE .. 'unknown option "max_retry"; did you mean "max_retries"%?$', raised_by(function()
      local client = anthropic.new { max_retry = 1 }
      return client
    end))
    assert.matches(HERE .. "options: table expected, got string$", raised_by(function()
      local client = anthropic.new "text"
      return client
    end))
    local base = nowhere()
    assert.matches(HERE .. 'unknown option "max_retry"', raised_by(function()
      local client = base:with_options { max_retry = 1 }
      return client
    end))
  end)

  it("raises for options of a platform that do not go together, and blames the caller", function()
    local words = 'option "region": belongs to a platform; name it, as in platform = "bedrock"'
    local base = nowhere()
    for _, make in ipairs {
      function()
        local client = anthropic.new { region = "x" }
        return client
      end,
      function()
        local client = base:with_options { region = "x" }
        return client
      end,
    } do
      local err = raised_by(make)
      assert.matches(HERE, err)
      assert.truthy(err:find(": " .. words, 1, true), err)
    end
    local made, err = base:exchange({ method = "GET", path = "/x" }, { region = "x" })
    assert.is_nil(made)
    assert.equal(words, err.message)
  end)

  it("has its resources as members, each made once", function()
    local client = nowhere()
    assert.is_true(rawequal(client.messages, client.messages))
    assert.is_true(rawequal(client.messages.batches, client.messages.batches))
    assert.is_true(rawequal(client.messages.create, client.messages.create))
    assert.is_false(rawequal(client.messages, nowhere().messages))
  end)

  it("has a resource at every step of a path, with the methods there and no others", function()
    local client = nowhere()
    for path, names in pairs {
      ["messages"] = { "create", "stream", "map", "parse", "run", "count_tokens" },
      ["messages.batches"] = { "create", "run", "results", "list", "retrieve", "cancel" },
      ["beta.messages"] = { "create", "stream", "map", "parse", "run" },
      ["beta.messages.batches"] = { "create", "run", "results" },
      ["models"] = { "list", "retrieve" },
      ["beta.agents"] = { "create", "list" },
      ["beta.agents.versions"] = { "list" },
    } do
      local resource = client
      for name in path:gmatch "[^.]+" do
        resource = resource[name]
        assert.is_table(resource, path)
      end
      for _, name in ipairs(names) do
        assert.is_function(resource[name], path .. "." .. name)
      end
      assert.is_nil(resource.no_such_method)
    end
  end)

  it("has nothing at any other name", function()
    local client = nowhere()
    for _, name in ipairs { "message", "bet", "beta.", "Messages", "", "new", "closed", "methods" } do
      assert.is_nil(client[name], name)
    end
    assert.is_nil(client[1])
    assert.is_nil(client[true])
    assert.is_nil(client.messages[1])
    assert.is_nil(client.beta.agents.beta) -- a row's own field, not a method
    assert.is_nil(client.messages.messages)
    assert.is_nil(client.beta.beta)
  end)

  it("is held back by rate limits, as one of changed options is, with what both know", function()
    local client = nowhere()
    local shared = client_module.own(client).shared
    assert.is_true(shared.is_paced)
    assert.equal(shared, client_module.own(client:with_options { max_retries = 1 }).shared)
    assert.not_equal(shared, client_module.own(nowhere()).shared)
  end)

  it("remembers its tokens where others of its options change than its credential or its platform", function()
    local client = nowhere { auth_token = function() return "t" end }
    local function source_of(made)
      return client_module.own(made).options.token_source
    end
    local source = source_of(client)
    assert.is_truthy(source)
    for _, row in ipairs {
      { { max_retries = 1 }, source }, { { timeout = { idle = 1 } }, source }, { { api_key = "other" }, nil },
      { { auth_token = "other" }, nil }, { { base_url = "http://127.0.0.1:8" }, source },
      { { platform = "vertex", auth_token = "t" }, nil },
    } do
      assert.equal(row[2], source_of(client:with_options(row[1])))
    end
    assert.not_equal(source, source_of(client:with_options { auth_token = function() return "u" end }))
  end)

  it("has an account that stays the same and is its own", function()
    local client, other = client_at(), client_at()
    local usage = client.usage
    assert.equal(usage, client.usage)
    assert.are_not.equal(usage, other.usage)
    assert(client.messages.create(service.params()))
    assert(client.messages.create(service.params(), { max_retries = 1 }))
    assert.equal(2, client.usage.by_model["claude-test"].requests)
    assert.is_nil(other.usage.by_model["claude-test"])
  end)
end)

describe("a method", function()
  local client

  before_each(function()
    client = client_at()
    new_requests()
  end)

  it("works with a dot and with a colon, under any name", function()
    local models = client.models
    assert(models.retrieve "a")
    assert(models:retrieve "b")
    local retrieve = models.retrieve
    assert(retrieve "c")
    local paths = {}
    for i, request in ipairs(new_requests()) do
      paths[i] = request.path
    end
    assert.same({ "/v1/models/a", "/v1/models/b", "/v1/models/c" }, paths)
  end)

  it("takes its path's parameters first, numbers too, then parameters, then options", function()
    assert(client.models.retrieve(5, { one = "two" }, { headers = { ["x-mine"] = "yes" } }))
    assert(client.models:retrieve("a b", nil, { headers = { ["x-mine"] = "too" } }))
    local requests = new_requests()
    assert.equal("/v1/models/5?one=two", requests[1].path .. (requests[1].query and "?" .. requests[1].query or ""))
    assert.equal("yes", service.header(requests[1], "x-mine"))
    assert.matches("^/v1/models/a%%20b", requests[2].path)
    assert.equal("too", service.header(requests[2], "x-mine"))
  end)

  it("says a whole number in its path as one", function()
    assert(client.models.retrieve(10 / 2))
    assert(client.models.retrieve(1e15))
    local requests = new_requests()
    assert.equal("/v1/models/5", requests[1].path)
    assert.equal("/v1/models/1000000000000000", requests[2].path)
  end)

  local WRONG = {
    { "models.retrieve: model_id: string expected, got number", function(c) c.models.retrieve(0 / 0) end },
    { "models.retrieve: model_id: string expected, got number", function(c) c.models.retrieve(math.huge) end },
    { "models.retrieve: model_id: string expected, got nil", function(c) c.models.retrieve() end },
    { "models.retrieve: model_id: string expected, got table", function(c) c.models.retrieve({}) end },
    { "models.retrieve: model_id: string expected, got nil", function(c) c.models:retrieve() end },
    { "models.retrieve: model_id: string expected, got boolean", function(c) c.models:retrieve(true) end },
    { "models.retrieve: params: table expected, got string", function(c) c.models.retrieve("a", "b") end },
    { "models.list: params: table expected, got number", function(c) c.models.list(5) end },
    { "models.list: params: table expected, got boolean", function(c) c.models.list(false) end },
    { "messages.create: params: table expected, got nil", function(c) c.messages.create() end },
    { "messages.create: params: table expected, got nil", function(c) c.messages:create() end },
    { "messages.stream: params: table expected, got string", function(c) c.messages.stream "Hello" end },
    { "beta.messages.create: params: table expected, got nil", function(c) c.beta.messages.create() end },
    { 'unknown option "timeot"; did you mean "timeout"?', function(c) c.models.list({}, { timeot = 1 }) end },
    { 'unknown option "on_txt"; did you mean "on_text"?', function(c) c.messages.stream({}, { on_txt = print }) end },
    { 'unknown option "on_text"; did you mean ', function(c) c.messages.create({}, { on_text = print }) end },
    { "options: table expected, got number", function(c) c.messages.create({}, 5) end },
    { 'option "concurrency": a whole number, 1 or more expected, got number', function(c)
      c.messages.map({}, { concurrency = 0 })
    end },
  }

  for _, row in ipairs(WRONG) do
    it("called wrongly raises, and blames the caller: " .. row[1], function()
      local err = raised_by(row[2], client)
      assert.matches(HERE, err)
      assert.truthy(err:find(": " .. row[1], 1, true), err)
      assert.same({}, new_requests())
    end)
  end

  it("refuses parameters that are a text in JSON, and says what takes it", function()
    local raw = anthropic.raw '{"model":"m","messages":[]}'
    for name, call in pairs {
      ["messages.create"] = function() return client.messages.create(raw) end,
      ["messages.stream"] = function() return client.messages:stream(raw) end,
      ["messages.count_tokens"] = function() return client.messages.count_tokens(raw) end,
      ["messages.batches.create"] = function() return client.messages.batches.create(raw) end,
      ["models.list"] = function() return client.models.list(raw) end,
    } do
      local value, err = call()
      assert.is_nil(value)
      assert.equal("invalid_request", err.kind)
      assert.equal(name .. ": params: anthropic.raw is not taken; send such text by "
        .. "client:request { path = ..., body = ... }", err.message)
    end
    assert.same({}, new_requests())
  end)

  it("without parameters of its own needs none", function()
    assert(client.models.list())
    assert(client.models.list(nil, {}))
    assert.equal(2, #new_requests())
  end)
end)

describe("an option", function()
  it("holds for the client, and for a request over that", function()
    local client = nowhere { max_retries = 5, timeout = 7 }
    assert.equal(5, client:options_for() "max_retries")
    assert.equal(1, client:options_for { max_retries = 1 } "max_retries")
    assert.equal(5, client:options_for {} "max_retries")
    assert.equal("2023-06-01", client:options_for() "api_version")
    assert.equal(5, client:options_for() "max_retries")
  end)

  it("of a platform for a request, or for another client, takes nothing of another one along", function()
    service.environment {}
    local bedrock = anthropic.new { platform = "bedrock_mantle", region = "a", api_key = "k" }
    local function base_of(options)
      return bedrock:options_for(options) "base_url"
    end
    assert.equal("https://bedrock-mantle.a.api.aws/anthropic", base_of())
    assert.equal(base_of(), base_of { max_retries = 1 })
    assert.equal("https://bedrock-mantle.b.api.aws/anthropic", base_of { region = "b" })
    local foundry = { platform = "foundry", resource = "r", api_key = "k" }
    assert.equal("https://r.services.ai.azure.com/anthropic", base_of(foundry))
    assert.equal(base_of(foundry), bedrock:with_options(foundry):options_for() "base_url")
    assert.equal(base_of { region = "b" }, bedrock:with_options({ region = "b" }):options_for() "base_url")
    assert.equal(base_of(), bedrock:with_options({ max_retries = 1 }):options_for() "base_url")
  end)

  it("of an exchange is the client's, or the request's over it", function()
    local client = nowhere { max_retries = 5 }
    local spec = { method = "GET", path = "/x" }
    assert.equal(5, assert(client:exchange(spec)).option "max_retries")
    assert.equal(1, assert(client:exchange(spec, { max_retries = 1 })).option "max_retries")
    assert.equal(5, assert(client:exchange(spec, {})).option "max_retries")
  end)
end)

describe("a request without a name", function()
  local client

  before_each(function()
    client = client_at()
    new_requests()
  end)

  it("is sent as it is described", function()
    local value = client:request {
      method = "PUT", path = "/v1/new", query = { a = "b" }, body = { c = 1 }, headers = { ["x-mine"] = "yes" },
    }
    assert.same({ echo = true }, value)
    assert.equal(200, value.response.status)
    local request = new_requests()[1]
    assert.equal("PUT", request.method)
    assert.equal('{"c":1}', request.body)
    assert.equal("yes", service.header(request, "x-mine"))
  end)

  it("takes options", function()
    assert(client:request({ path = "/v1/new" }, { headers = { ["x-mine"] = "once" } }))
    assert.equal("once", service.header(new_requests()[1], "x-mine"))
  end)

  it("raises where it has no path, and blames the caller", function()
    for _, wrong in ipairs { "/v1/new", {}, { path = 5 }, { method = "GET" } } do
      assert.matches(HERE .. "request: a table with a path expected$", raised_by(function() client:request(wrong) end))
    end
    assert.matches(HERE .. "request: a table with a path expected$", raised_by(function() client:request() end))
    assert.matches(HERE .. 'unknown option "tries"', raised_by(function()
      client:request({ path = "/v1/new" }, { tries = 1 })
    end))
    assert.matches(HERE .. "options: table expected, got string$", raised_by(function()
      client:request({ path = "/v1/new" }, "x")
    end))
    assert.same({}, new_requests())
  end)
end)

describe("a question and a conversation", function()
  it("are the client's own", function()
    local client = client_at()
    local text, message = client:ask("Why?", { model = "m" })
    assert.equal("Hello!", text)
    assert.equal("Hello!", message:text())
    local talk = client:chat { model = "m" }
    assert.equal("Hello!", (talk:say "Why?"))
    assert.equal(2, #talk.messages)
    assert.equal(2, client.usage.by_model["claude-test"].requests)
  end)
end)

describe("an observer", function()
  it("is called with every exchange whose attempt ends, until there is none", function()
    local client = client_at()
    local statuses = {}
    client:observe(function(exchange) statuses[#statuses + 1] = exchange.response.status end)
    assert(client.messages.create(service.params()))
    client.messages.create(service.params(), { base_url = server.url .. "/refused" })
    assert.same({ 200, 400 }, statuses)
    assert.is_function(client:with_options({}):observer())
    client:observe(nil)
    assert.is_nil(client:observer())
    assert(client.messages.create(service.params()))
    assert.equal(2, #statuses)
  end)
end)

describe("what a client has under way", function()
  -- Something that notes how it is closed.
  local function held(client, raises)
    local one = {}
    function one.close(self, in_doubt)
      local is_first = not self.closed
      self.closed = { in_doubt }
      if raises and is_first then
        error(raises, 0)
      end
    end
    client_module.own(client).exchanges[one] = true
    return one
  end

  it("is closed with it, and nobody uses its connections any more", function()
    local client = nowhere()
    local one, other = held(client), held(client)
    client:close()
    assert.same({ { true }, { true } }, { one.closed, other.closed })
  end)

  it("is all closed where closing raises, which is told as it is", function()
    for _, reason in ipairs { "words", {} } do
      local client = nowhere()
      local first, second, third = held(client, reason), held(client), held(client, reason)
      assert.equal(reason, raised_by(client.close, client))
      assert.same({ { true }, { true }, { true } }, { first.closed, second.closed, third.closed })
    end
  end)

  it("is nothing that its platform has not", function()
    service.environment {}
    local made, err = anthropic.new({ platform = "bedrock", region = "a", api_key = "k" })
      :exchange { method = "GET", path = "/v1/models" }
    assert.is_nil(made)
    assert.matches("has no GET /v1/models", err.message, 1, true)
  end)
end)

describe("a client that consists of other parts", function()
  it("has its exchanges made by them, and closes them", function()
    local asked = {}
    local made = { close = function(self) self.closed = true end }
    local parts = { prepare = function(...)
      asked[#asked + 1] = { ... }
      return made
    end }
    local client = client_module.around(parts)
    assert.equal(parts, client_module.own(client))
    local spec, given = { method = "GET", path = "/x" }, { max_retries = 1 }
    assert.equal(made, client:exchange(spec, given))
    assert.same({ { spec, given } }, asked)
    client:close()
    assert.is_true(made.closed)
  end)
end)

describe("a wait of the client's", function()
  after_each(function() assert.is_true(loop.is_idle()) end)

  it("returns true when the seconds have passed", function()
    local client = nowhere()
    local began = anthropic.now()
    assert.same({ true }, { client:wait(0.01) })
    assert.is_true(anthropic.now() - began >= 0.01)
    assert.same({ true }, { client:wait(0) })
  end)

  it("waits in the client's way, or in the request's", function()
    local waits = {}
    local function driver(name)
      return { wait = function(_, seconds)
        waits[#waits + 1] = { name, seconds }
        return true
      end }
    end
    local client = nowhere { loop = driver "client" }
    client:wait(1)
    client:wait(2, { loop = driver "request" })
    client:wait(3, {})
    assert.same({ { "client", 1 }, { "request", 2 }, { "client", 3 } }, waits)
  end)

  it("ends at once when the client is closed", function()
    local client = nowhere()
    local told
    anthropic.run(function()
      local waiter = anthropic.spawn(function() told = { client:wait(600) } end)
      anthropic.sleep(0)
      client:close()
      waiter:join()
    end)
    assert.is_nil(told[1])
    assert.equal("cancelled", told[2].kind)
    assert.equal("the wait was cancelled", told[2].message)
  end)

  it("is cancelled at once where the client was closed before", function()
    local has_news
    local client = nowhere { loop = { wait = function(subject)
      has_news = subject:has_news()
      return true
    end } }
    client:close()
    local ok, err = client:wait(600)
    assert.is_nil(ok)
    assert.equal("cancelled", err.kind)
    assert.is_true(has_news)
  end)

  it("is cancelled with its task", function()
    local client = nowhere()
    local told
    anthropic.run(function()
      local task = anthropic.spawn(function() told = { client:wait(600) } end)
      anthropic.sleep(0)
      task:cancel()
      task:join()
    end)
    assert.is_nil(told[1])
    assert.equal("the wait was cancelled", told[2].message)
  end)

  it("is refused where the calling code cannot wait", function()
    local client = nowhere()
    local told
    anthropic.run(function()
      ("x"):gsub("x", function() told = { client:wait(600) } end)
    end)
    assert.is_nil(told[1])
    assert.is_true(waiting.is_refusal(told[2]))
  end)

  it("has news once it is closed", function()
    local client = nowhere { loop = { wait = function(subject)
      assert.is_falsy(subject:has_news())
      subject:close()
      assert.is_true(subject:has_news())
      return true
    end } }
    assert.is_true(client:wait(600)) -- the wait is closed, the client is not
  end)
end)

describe("a client that is closed", function()
  it("refuses every request, and may be closed again", function()
    local client = client_at()
    new_requests()
    client:close()
    client:close()
    for _, value in ipairs {
      { client.messages.create(service.params()) }, { client.messages.stream(service.params()) },
      { client.models.list() }, { client:request { path = "/v1/new" } }, { client:ask("Why?", { model = "m" }) },
      { client:exchange { method = "GET", path = "/x" } },
    } do
      assert.is_nil(value[1])
      assert.equal("cancelled", value[2].kind)
      assert.equal("the client is closed", value[2].message)
    end
    assert.same({}, new_requests())
  end)

  it("leaves other clients alone", function()
    local client, other = client_at(), client_at()
    client:close()
    assert(other.messages.create(service.params()))
  end)

  it("ends what is under way, whoever waits for it, and what has been answered stays", function()
    local client, other = client_at("/hang", { timeout = 5 }), client_at("/stuck", { timeout = 5 })
    local answered = assert(client_at().messages.create(service.params()))
    local results = {}
    anthropic.run(function()
      local waiters = {}
      for i = 1, 2 do
        waiters[i] = anthropic.spawn(function() results[i] = { client.messages.create(service.params()) } end)
      end
      local stream = assert(other.messages.stream(service.params()))
      assert.equal("message_start", stream:next().type)
      waiters[3] = anthropic.spawn(function() results[3] = { stream:message() } end)
      anthropic.sleep(0.01)
      -- a second reader is refused, and disturbs nobody
      assert.matches("read by another coroutine", raised_by(stream.next, stream))
      client:close()
      other:close()
      for _, waiter in ipairs(waiters) do
        waiter:join()
      end
      for _, result in ipairs(results) do
        assert.is_nil(result[1])
        assert.equal("cancelled", result[2].kind)
      end
      assert.equal("msg_test", results[3][2].partial.id)
      assert.equal(results[3][2], select(2, stream:next()))
    end)
    assert.equal(3, #results)
    assert.equal("Hello!", answered:text())
  end)

  it("ends a stream between two events", function()
    local client = client_at("/stuck", { timeout = 5 })
    local stream = assert(client.messages.stream(service.params()))
    assert.equal("message_start", stream:next().type)
    client:close()
    local event, err
    repeat
      event, err = stream:next()
    until not event
    assert.equal("cancelled", err.kind)
  end)

  it("may be so in the middle of a wait before a retry", function()
    local client = client_at("/refused", { max_retries = 5 })
    local told
    anthropic.run(function()
      local task = anthropic.spawn(function()
        told = { client.messages.create(service.params(), { base_url = "http://127.0.0.1:9" }) }
      end)
      anthropic.sleep(0.02)
      client:close()
      task:join()
    end)
    assert.is_nil(told[1])
    assert.equal("cancelled", told[2].kind)
  end)

  it("keeps none of the exchanges that it once had", function()
    local client = nowhere()
    local watch = setmetatable({}, { __mode = "k" })
    for _ = 1, 20 do
      watch[assert(client:exchange { method = "GET", path = "/x" })] = true
    end
    collectgarbage()
    collectgarbage()
    local left = 0
    for _ in pairs(watch) do
      left = left + 1
    end
    assert.is_true(left <= 2, left)
    client:close()
  end)

  it("is so at the end of its block, also where that raises", function()
    local chunk = (loadstring or load) [[
      local new, options, raises = ...
      local kept
      local ok, err = pcall(function()
        local client <close> = new(options)
        kept = client
        if raises then
          error("in the block", 0)
        end
      end)
      return kept, ok, err
    ]]
    if not chunk then
      pending "this Lua has no variables that are closed"
      return
    end
    for _, raises in ipairs { false, true } do
      local client, ok, err = chunk(anthropic.new, { base_url = server.url, api_key = service.KEY }, raises)
      assert.equal(not raises, ok)
      assert.equal(raises and "in the block" or nil, err)
      local value, refusal = client.messages.create(service.params())
      assert.is_nil(value)
      assert.equal("the client is closed", refusal.message)
    end
  end)

  it("has a metamethod that closes it, for every Lua that calls one", function()
    local client = nowhere()
    getmetatable(client).__close(client)
    assert.equal("the client is closed", select(2, client:exchange { method = "GET", path = "/x" }).message)
  end)
end)
