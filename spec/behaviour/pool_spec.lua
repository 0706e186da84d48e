-- Several clients as one.

local anthropic = require "anthropic"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local function ask(fields)
  local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
  for name, value in pairs(fields or {}) do
    params[name] = value
  end
  return params
end

local function answer(text, fields)
  local message = { text = text }
  for name, value in pairs(fields or {}) do
    message[name] = value
  end
  return testing.message(message)
end

describe("a pool", function()
  local servers, clients

  -- Clients, each of a server with a script; "away" is one that nobody listens for.
  local function members(scripts, options)
    for i, script in ipairs(scripts) do
      local url = "http://127.0.0.1:1"
      if servers[i] then
        servers[i]:stop()
      end
      if script ~= "away" then
        servers[i] = hosted.server { script = script }
        url = servers[i].url
      end
      local own = { base_url = url, api_key = "key-" .. i }
      for name, value in pairs(options and options[i] or {}) do
        own[name] = value or nil
      end
      clients[i] = anthropic.new(own)
    end
    return clients
  end

  local function requests_of(i)
    return servers[i] and #servers[i]:requests() or 0
  end

  before_each(function()
    servers, clients = {}, {}
  end)

  after_each(function()
    for _, server in pairs(servers) do
      server:stop()
    end
  end)

  it("is made by anthropic.pool, called or by its `new`", function()
    local client = anthropic.new { api_key = "k" }
    assert.equal(anthropic.pool, require "anthropic.pool")
    assert.equal("anthropic.Pool (1 members)", tostring(anthropic.pool { members = { client } }))
    local pool = anthropic.pool.new { members = { client, { client = client } } }
    assert.equal("anthropic.Pool (2 members)", tostring(pool))
  end)

  it("refuses wrong fields", function()
    local client = anthropic.new { api_key = "k" }
    for _, wrong in ipairs {
      {}, { members = {} }, { members = "x" }, { members = { 1 } }, { members = { {} } },
      { members = { { client = client, weight = 0 } } }, { members = { { client = client, wieght = 1 } } },
      { members = { { client = client, models = { 1 } } } }, { members = { client }, cooldown = -1 },
      { members = { client }, max_retries = 1.5 }, { members = { client }, cooldwon = 1 },
    } do
      assert.has_error(function() anthropic.pool(wrong) end)
      assert.has_error(function() anthropic.pool.new(wrong) end)
    end
  end)

  it("shares requests out by weights", function()
    members { { answer "a" }, { answer "b" } }
    local pool = anthropic.pool { members = { { client = clients[1], weight = 3 }, clients[2] } }
    for _ = 1, 8 do
      assert(pool.messages.create(ask()))
    end
    assert.same({ 6, 2 }, { requests_of(1), requests_of(2) })
  end)

  describe("goes on with the next member after", function()
    local cases = {
      { "no connection", "away", "connection" },
      { "a broken one", { { reset = true } }, nil },
      { "401", { testing.error { status = 401 } }, "api" },
      { "403", { testing.error { status = 403 } }, "api" },
      { "429", { testing.error { status = 429, retry_after = 60 } }, "api" },
      { "500", { testing.error { status = 500 } }, "api" },
      { "503, whatever it says of retries", { { status = 503, headers = { ["x-should-retry"] = "false" } } }, "api" },
      { "an overload", { testing.error { status = 529 } }, "api" },
    }
    for _, case in ipairs(cases) do
      it(case[1] .. ", at once", function()
        members { case[2], { answer "b" } }
        local pool = anthropic.pool { members = clients }
        local began = anthropic.now()
        for _ = 1, 4 do
          local message = assert(pool.messages.create(ask()))
          assert.equal("b", message:text())
          assert.equal(2, message.response.member)
        end
        assert.is_true(anthropic.now() - began < 5)
        assert.is_true(requests_of(1) <= 1, "a dead member was asked again")
        assert.equal("Bearer key-2", servers[2]:requests()[1].headers.authorization)
      end)
    end

    it("a stream that breaks off before its first content", function()
      members {
        { { events = { { event = "error", data = { type = "error", error = { type = "overloaded_error" } } } } } },
        { testing.stream { text = "b" } },
      }
      local stream = assert(anthropic.pool({ members = clients }).messages.stream(ask()))
      assert.equal("b", assert(stream:message()):text())
      assert.same({ 1, 1 }, { requests_of(1), requests_of(2) })
    end)
  end)

  it("does not go on after what the request itself is to blame for", function()
    for _, status in ipairs { 400, 404, 413 } do
      members { { testing.error { status = status } }, { answer "b" } }
      local _, err = anthropic.pool({ members = clients }).messages.create(ask())
      assert.equal(status, err.status)
      assert.same({ 1, 0 }, { requests_of(1), requests_of(2) })
      for _, server in pairs(servers) do
        server:stop()
      end
    end
  end)

  it("does not go on once content was handed over", function()
    members {
      { testing.stream { text = "one two", error = { type = "overloaded_error", message = "Overloaded" } } },
      { testing.stream { text = "b" } },
    }
    local stream = assert(anthropic.pool({ members = clients }).messages.stream(ask()))
    local message, err = stream:message()
    assert.is_nil(message)
    assert.equal("overloaded_error", err.type)
    assert.same({ 1, 0 }, { requests_of(1), requests_of(2) })
  end)

  it("has one budget of attempts, and tells who was asked", function()
    members({ { testing.error { status = 500 } }, { testing.error { status = 503 } } }, { { max_retries = 9 } })
    local _, err = anthropic.pool({ members = clients, max_retries = 1 }).messages.create(ask())
    assert.equal(2, err.attempts)
    assert.same({ 1, 2 }, { err.history[1].member, err.history[2].member })
    assert.same({ 500, 503 }, { err.history[1].status, err.history[2].status })
    _, err = anthropic.pool({ members = clients }).messages.create(ask(), { max_retries = 0 })
    assert.equal(1, err.attempts)
  end)

  it("asks each member twice by default", function()
    members { "away", "away" }
    local retries = {}
    local _, err = anthropic.pool({ members = clients }).messages.create(ask(), {
      on_retry = function(info) retries[#retries + 1] = info.delay > 0.3 end,
    })
    assert.equal(4, err.attempts)
    local asked = {}
    for i, attempt in ipairs(err.history) do
      asked[i] = attempt.member
    end
    assert.same({ 1, 2, 1, 2 }, asked)
    assert.same({ false, true, true }, retries)
  end)

  it("asks each of those that an earlier request found dead", function()
    members { "away", "away" }
    local pool = anthropic.pool { members = clients, max_retries = 1 }
    for _ = 1, 3 do
      local message, err = pool.messages.create(ask())
      assert.is_nil(message)
      assert.equal("connection", err.kind)
      assert.same({ 1, 2 }, { err.history[1].member, err.history[2].member })
      assert.equal(0, err.history[1].waited)
    end
  end)

  it("tries a dead member again after its cool-down, by one request", function()
    members { { testing.error { status = 500 }, { status = 200, hang = true } }, { answer "b" } }
    local pool = anthropic.pool { members = clients, cooldown = 0.05 }
    assert(pool.messages.create(ask()))
    assert.equal(1, requests_of(1))
    anthropic.sleep(0.06)
    anthropic.run(function()
      local tasks = {}
      for i = 1, 4 do
        tasks[i] = anthropic.spawn(pool.messages.create, ask())
      end
      for i = 2, 4 do
        assert.equal("b", assert(tasks[i]:join()):text())
      end
      local deadline = os.time() + 10
      while requests_of(1) < 2 and os.time() < deadline do -- its server may be slower than the other one
        anthropic.sleep(0.01)
      end
      tasks[1]:cancel()
      tasks[1]:join()
    end)
    assert.equal(2, requests_of(1))
  end)

  it("takes a member back that answers again", function()
    members { { testing.error { status = 401 }, answer "a" }, { answer "b" } }
    local pool = anthropic.pool { members = clients, cooldown = 0.02 }
    assert.equal("b", assert(pool.messages.create(ask())):text())
    anthropic.sleep(0.03)
    local texts = {}
    for i = 1, 4 do
      texts[i] = assert(pool.messages.create(ask())):text()
    end
    assert.equal("a", texts[1])
    table.sort(texts)
    assert.equal("aab", table.concat(texts, "", 1, 3))
  end)

  it("waits as long as a server asks, where all are to be waited for", function()
    members { { { status = 429, headers = { ["retry-after-ms"] = "30" }, body = {} }, answer "a" } }
    local retries = {}
    local message = assert(anthropic.pool({ members = clients }).messages.create(ask(), {
      on_retry = function(info) retries[#retries + 1] = info.delay end,
    }))
    assert.equal("a", message:text())
    assert.is_true(retries[1] >= 0.02)
  end)

  it("retries with a member that can be asked, not with one whose server asks to wait for too long", function()
    members { { testing.error { status = 429, headers = { ["retry-after"] = "3600" } } },
      { answer "b", testing.error { status = 500 }, answer "c" } }
    local pool = anthropic.pool { members = clients }
    assert.equal("b", assert(pool.messages.create(ask())):text())
    assert.equal("c", assert(pool.messages.create(ask())):text())
    assert.equal(1, requests_of(1))
  end)

  it("asks for a refused token once more before it goes on, each member's own", function()
    local calls = { 0, 0 }
    local function token_of(i)
      return { api_key = false, auth_token = function()
        calls[i] = calls[i] + 1
        return ("token-%d-%d"):format(i, calls[i])
      end }
    end
    local refused = testing.error { status = 401 }
    members({ { refused, answer "a", refused }, { refused, answer "b" } }, { token_of(1), token_of(2) })
    local pool = anthropic.pool { members = clients }
    assert.equal("a", assert(pool.messages.create(ask())):text())
    assert.same({ 2, 0 }, calls)
    clients[1]:close()
    assert.equal("b", assert(pool.messages.create(ask())):text())
    assert.same({ 2, 2 }, calls)
  end)

  it("goes on where a token is refused again", function()
    members({ { testing.error { status = 401 } }, { answer "b" } }, { { api_key = function() return "k" end } })
    local message = assert(anthropic.pool({ members = clients }).messages.create(ask()))
    assert.same({ "b", 3, 2, 1 }, { message:text(), message.response.attempts, requests_of(1), requests_of(2) })
  end)

  it("asks no member whose platform has not what is asked for", function()
    local counted = { body = { input_tokens = 7 } }
    members({ { answer "a" }, { counted } }, { { platform = "bedrock", region = "us-east-1" } })
    for _, order in ipairs { { 1, 2 }, { 2, 1 } } do
      local pool = anthropic.pool { members = { clients[order[1]], clients[order[2]] } }
      for _ = 1, 3 do
        assert.equal(7, assert(pool.messages.count_tokens(ask())).input_tokens)
      end
    end
    assert.equal(0, requests_of(1))
    local counts, err = anthropic.pool({ members = { clients[1] } }).messages.count_tokens(ask())
    assert.is_nil(counts)
    assert.equal("invalid_request", err.kind)
    assert.truthy(err.message:find("Amazon Bedrock has no", 1, true))
  end)

  it("gives a request the total time of the member that it goes to", function()
    local slow = answer "a"
    slow.delay = 0.05
    members({ "away", { slow } }, { { timeout = 0.02 }, { timeout = 60 } })
    local pool = anthropic.pool { members = { clients[1], { client = clients[2], weight = 5 } } }
    assert.equal("a", assert(pool.messages.create(ask())):text())
  end)

  it("calls a model what it is called there", function()
    members { { answer "a" }, { answer "b" } }
    local pool = anthropic.pool { members = {
      { client = clients[1], models = { sonnet = "claude-sonnet-there" } },
      { client = clients[2], models = { sonnet = "anthropic.sonnet-v1:0" } },
    } }
    assert(pool.messages.create(ask { model = "sonnet" }))
    assert(pool.messages.create(ask { model = "sonnet" }))
    assert(pool.messages.create(ask { model = "other" }))
    local function model(i, j)
      return anthropic.decode(servers[i]:requests()[j].body).model
    end
    assert.equal("claude-sonnet-there", model(1, 1))
    assert.equal("anthropic.sonnet-v1:0", model(2, 1))
    assert.equal("other", model(1, 2))
  end)

  it("calls it so among the fallbacks, which stay as they were for the caller", function()
    members { { answer "a" }, { answer "b" } }
    local names = { m = "there", n = "n-there" }
    local pool = anthropic.pool { members = { { client = clients[1], models = names }, clients[2] } }
    local fallbacks = { { model = "n", max_tokens = 5 }, { model = "other" } }
    for _ = 1, 2 do
      assert(pool.messages.create(ask { fallbacks = fallbacks }))
    end
    assert.same({ { model = "n-there", max_tokens = 5 }, { model = "other" } },
      anthropic.decode(servers[1]:requests()[1].body).fallbacks)
    assert.same(fallbacks, anthropic.decode(servers[2]:requests()[1].body).fallbacks)
    assert.equal("n", fallbacks[1].model)
    assert(pool.messages.create(ask { fallbacks = "default" }))
    assert.equal("default", anthropic.decode(servers[1]:requests()[2].body).fallbacks)
  end)

  it("calls it so where it asks for what is known of a model", function()
    members { { testing.error { status = 500 } }, { { body = { id = "b", type = "model" } } } }
    local pool = anthropic.pool { members = {
      { client = clients[1], models = { m = "m/v1:0" } }, { client = clients[2], models = { m = "there", bad = "" } },
    } }
    assert.equal("b", assert(pool.models.retrieve "m").id)
    assert(pool.models.retrieve "other")
    assert.equal("/v1/models/m%2Fv1%3A0", servers[1]:requests()[1].path)
    assert.equal("/v1/models/there", servers[2]:requests()[1].path)
    assert.equal("/v1/models/other", servers[2]:requests()[2].path)
    local none, err = pool.models.retrieve "bad"
    assert.is_nil(none)
    assert.same({ "invalid_request", 'model_id: "" is not a path segment' }, { err.kind, err.message })
  end)

  it("calls it so where it asks for the rest of an answer", function()
    local cut = testing.stream { text = "one two three", cut_after = 700 }
    members({ { cut, testing.stream { text = " rest" } } }, { { on_interrupt = "continue" } })
    local pool = anthropic.pool { members = { { client = clients[1], models = { m = "there" } } } }
    assert.matches("^one.* rest$", assert(pool.messages.stream(ask())):message():text())
    for i = 1, 2 do
      assert.equal("there", anthropic.decode(servers[1]:requests()[i].body).model)
    end
  end)

  it("asks for the rest as for the beginning: thinking of its own, none of another server's, names as they are there",
    function()
      local function thought(text)
        return { content = { { type = "thinking", thinking = text, signature = "" }, { type = "text", text = "t" } } }
      end
      local cut = testing.stream { text = "one two three", cut_after = 700 }
      members({
        { testing.message(thought "of a"), testing.error { status = 500 } },
        { testing.message(thought "of b"), cut, testing.stream { text = " rest" } },
      }, { {}, { on_interrupt = "continue" } })
      local pool = anthropic.pool {
        members = { clients[1], { client = clients[2], models = { m = "m-there", f = "f-there" } } },
      }
      local first, second = assert(pool.messages.create(ask())), assert(pool.messages.create(ask()))
      local turns = { ask().messages[1], first, ask().messages[1], second, ask().messages[1] }
      local stream = assert(pool.messages.stream(ask { messages = turns, fallbacks = { { model = "f" } } }))
      assert.matches("^one.* rest$", assert(stream:message()):text())
      local requests = servers[2]:requests()
      assert.equal(3, #requests)
      for i = 2, 3 do
        local body = anthropic.decode(requests[i].body)
        assert.same({ "m-there", "f-there", nil }, { body.model, body.fallbacks[1].model })
        assert.falsy(requests[i].body:find("of a", 1, true))
        assert.truthy(requests[i].body:find("of b", 1, true))
      end
    end)

  it("calls it so after a failure, for counting and in batches, too", function()
    members {
      { testing.error { status = 500 } },
      { { body = { input_tokens = 3 } }, { body = { id = "msgbatch_1" } } },
    }
    local pool = anthropic.pool { members = { clients[1], { client = clients[2], models = { m = "there" } } } }
    assert.equal(3, assert(pool.messages.count_tokens { model = "m", messages = ask().messages }).input_tokens)
    assert(pool.messages.batches.create { requests = { { custom_id = "x", params = ask() } } })
    assert.equal("m", anthropic.decode(servers[1]:requests()[1].body).model)
    assert.equal("there", anthropic.decode(servers[2]:requests()[1].body).model)
    assert.equal("there", anthropic.decode(servers[2]:requests()[2].body).requests[1].params.model)
  end)

  it("asks a member's own model where a request names none", function()
    members({ { answer "a" }, { answer "b" } }, { { model = "one" }, { model = "two" } })
    local pool = anthropic.pool { members = clients }
    assert.equal("a", (assert(pool:ask "Hello")))
    assert.equal("b", (assert(pool:ask "Hello")))
    assert.equal("one", anthropic.decode(servers[1]:requests()[1].body).model)
    assert.equal("two", anthropic.decode(servers[2]:requests()[1].body).model)
  end)

  it("goes on with the next member where one gets no token", function()
    local asked = 0
    members({ "away", { answer "b" } }, { { api_key = function()
      asked = asked + 1
      return nil, { kind = "connection", message = "no vault" }
    end } })
    local pool = anthropic.pool { members = clients }
    for _ = 1, 3 do
      assert.equal("b", assert(pool.messages.create(ask())):text())
    end
    assert.equal(1, asked)
    local alone = anthropic.pool { members = { clients[1] }, max_retries = 0 }
    local err = select(2, alone.messages.create(ask()))
    assert.same({ "connection", 0 }, { err.kind, err.attempts })
  end)

  it("sends what names a container to the member that has it", function()
    local message = { id = "msg_1", type = "message", role = "assistant", model = "m", content = {}, usage = {},
      container = { id = "container_1", expires_at = "2027-01-01T00:00:00Z" } }
    members { { answer "a" }, { { body = message } } }
    local pool = anthropic.pool { members = clients }
    assert(pool.messages.create(ask()))
    assert(pool.messages.create(ask()))
    for _ = 1, 3 do
      assert.equal(2, assert(pool.messages.create(ask { container = "container_1" })).response.member)
    end
    assert.same({ 1, 4 }, { requests_of(1), requests_of(2) })
  end)

  it("sends what names a container of a batch's result to the member that has it", function()
    local line = '{"custom_id":"x","result":{"type":"succeeded","message":{"id":"msg_1","type":"message",'
      .. '"role":"assistant","model":"m","content":[],"stop_reason":"end_turn","container":{"id":"container_1"}}}}'
    local batch = { id = "msgbatch_1", type = "message_batch", processing_status = "ended", results_url = "x" }
    members { { answer "a" }, { { body = batch }, { body = line }, answer "b" } }
    local pool = anthropic.pool { members = clients }
    assert(clients[2].messages.batches.results("msgbatch_1"):next())
    for _ = 1, 2 do
      assert.equal("b", assert(pool.messages.create(ask { container = "container_1" })):text())
    end
    assert.equal(0, requests_of(1))
  end)

  it("asks the next member with the messages as they were, whatever was added to them meanwhile", function()
    members { testing.error { status = 500, delay = 0.1 }, { answer "b" } }
    local pool, message = anthropic.pool { members = clients }, nil
    local asked = ask()
    anthropic.run(function()
      anthropic.spawn(function() message = assert(pool.messages.create(asked)) end)
      anthropic.sleep(0.03)
      asked.messages[2] = { role = "user", content = "typed meanwhile" }
    end)
    assert.equal("b", message:text())
    assert.equal(1, #servers[2]:requests()[1].json.messages)
  end)

  it("reads the results of a batch where that is, though their URL is another member's", function()
    local batch = { id = "msgbatch_1", type = "message_batch", processing_status = "ended",
      results_url = "http://127.0.0.1:1/v1/messages/batches/msgbatch_1/results" }
    local line = '{"custom_id":"x","result":{"type":"expired"}}'
    members { "away", { { body = batch }, { body = batch }, { body = line } } }
    local pool = anthropic.pool { members = clients }
    assert(clients[2].messages.batches.retrieve "msgbatch_1")
    assert.equal("x", assert(pool.messages.batches.results "msgbatch_1")().custom_id)
    assert.equal("/v1/messages/batches/msgbatch_1/results", servers[2]:requests()[3].path)
  end)

  it("sends what names a file to the member that it was uploaded by", function()
    members { { answer "a" }, { { body = { id = "file_1", type = "file" } }, answer "b" } }
    local pool = anthropic.pool { members = clients }
    assert(clients[2].beta.files.upload { file = { data = "x", filename = "x.txt" } })
    local content = { { type = "document", source = { type = "file", file_id = "file_1" } } }
    for _ = 1, 2 do
      local message = assert(pool.messages.create(ask { messages = { { role = "user", content = content } } }))
      assert.equal("b", message:text())
    end
    assert.equal(0, requests_of(1))
  end)

  it("sends on a thread where it was begun", function()
    members {
      { answer("a", { id = "msg_a" }) },
      { answer("b", { id = "msg_b" }), answer("b", { id = "msg_c" }) },
    }
    local pool = anthropic.pool { members = clients }
    for _ = 1, 2 do
      assert(pool.messages.create(ask { thread = { type = "create" } }))
    end
    for _, id in ipairs { "msg_b", "msg_c" } do
      local thread = { type = "continue", previous_message_id = id }
      assert.equal(2, assert(pool.messages.create(ask { thread = thread })).response.member)
    end
    assert.same({ 1, 3 }, { requests_of(1), requests_of(2) })
  end)

  it("asks for all pages of a list where the first one came from", function()
    local function page(id, has_more)
      return { body = { data = { { id = id, type = "model" } }, last_id = id, has_more = has_more } }
    end
    members { { page("a-1", true), page("a-2", true), page("a-3", false) }, { page("b-1", false) } }
    local ids = {}
    for model in assert(anthropic.pool({ members = clients }).models.list()) do
      ids[#ids + 1] = model.id
    end
    assert.same({ "a-1", "a-2", "a-3" }, ids)
  end)

  it("goes on with the next member after its models were listed by one", function()
    local page = { data = { { id = "m" } }, first_id = "m", last_id = "m", has_more = false }
    members { { { body = page }, answer "a", testing.error { status = 529 } }, { answer "b" } }
    local pool = anthropic.pool { members = clients }
    assert(pool.models.list())
    for _, text in ipairs { "b", "a", "b", "b" } do
      assert.equal(text, assert(pool.messages.create(ask())):text())
    end
    assert.same({ 3, 3 }, { requests_of(1), requests_of(2) })
  end)

  it("goes on with the next member within a run, whatever is in the inputs of tools", function()
    members {
      { testing.message { tool_uses = { { name = "look", input = { city_id = "paris" } } } },
        testing.error { status = 529 } },
      { answer "b" },
    }
    local pool = anthropic.pool { members = { { client = clients[1], weight = 9 }, clients[2] } }
    local look = anthropic.tool { name = "look", run = function() return "A door." end }
    assert.equal("b", assert(pool.messages.run(ask { tools = { look } })):text())
    assert.same({ 2, 1 }, { requests_of(1), requests_of(2) })
  end)

  it("asks after a batch where it was made", function()
    members { { answer "a" }, { { body = { id = "msgbatch_1", type = "message_batch" } } } }
    local pool = anthropic.pool { members = clients }
    assert(pool.messages.create(ask()))
    assert(pool.messages.batches.create { requests = { { custom_id = "x", params = ask() } } })
    for _ = 1, 3 do
      assert(pool.messages.batches.retrieve "msgbatch_1")
    end
    assert.same({ 1, 4 }, { requests_of(1), requests_of(2) })
  end)

  it("asks there also where its clients were made of each other", function()
    members {
      { testing.error { status = 429, retry_after = 200 }, testing.error { status = 404 } },
      { { body = { id = "msgbatch_1", type = "message_batch", processing_status = "in_progress" } } },
    }
    clients[2] = clients[1]:with_options { base_url = servers[2].url }
    local pool = anthropic.pool { members = clients }
    assert(pool.messages.batches.create { requests = { { custom_id = "x", params = ask() } } })
    assert.equal("msgbatch_1", assert(pool.messages.batches.retrieve "msgbatch_1").id)
    assert.same({ 1, 2 }, { requests_of(1), requests_of(2) })
  end)

  it("makes nothing twice", function()
    members { { testing.error { status = 500 } }, { { body = { id = "msgbatch_1" } } } }
    local pool = anthropic.pool { members = clients }
    local batch = { requests = { { custom_id = "x", params = ask() } } }
    assert.equal(500, select(2, pool.messages.batches.create(batch)).status)
    assert.same({ 1, 0 }, { requests_of(1), requests_of(2) })
    assert(pool.messages.batches.create(batch))
  end)

  it("has the methods of a client", function()
    members {
      { testing.error { status = 500 } },
      { routes = {
        { path = "/v1/models", answers = { { body = { data = { { id = "m" } }, has_more = false } } } },
        { body_contains = '"stream":true', answers = { testing.stream { text = '{"a":1}' } } },
        { answers = { answer '{"a":1}' } },
      } },
    }
    local pool = anthropic.pool { members = clients }
    local schema = { type = "object", properties = { a = { type = "integer" } } }
    assert.equal(1, assert(pool.messages.parse(ask { schema = schema })).parsed.a)
    local messages = assert(pool.messages.map { ask(), ask() })
    assert.equal(2, messages.n)
    assert(messages[1] and messages[2])
    assert(pool.messages.run(ask { max_turns = 1 }))
    assert.equal('{"a":1}', (assert(pool:chat({ model = "m" }):say "Hello")))
    assert.equal("m", assert(pool.models.list()).data[1].id)
    assert.equal('{"a":1}', assert(pool.messages.stream(ask())):message():text())
    assert.is_nil(pool.beta)
  end)

  it("counts the tokens of all, and each member its own", function()
    members { { answer("a", { usage = { output_tokens = 3 } }) }, { answer("b", { usage = { output_tokens = 4 } }) } }
    local pool = anthropic.pool { members = clients }
    assert(pool.messages.create(ask()))
    assert(pool.messages.create(ask()))
    assert.equal(7, pool.usage:total().output_tokens)
    assert.equal(3, clients[1].usage:total().output_tokens)
    assert.equal(4, clients[2].usage:total().output_tokens)
  end)

  it("cancels what it has under way when it is closed, and leaves its members open", function()
    members { { testing.stream { text = "one", hang_after = 450 }, answer "a" } }
    local pool = anthropic.pool { members = clients }
    local stream = assert(pool.messages.stream(ask()))
    pool:close()
    assert.equal("cancelled", select(2, stream:message()).kind)
    assert.equal("cancelled", select(2, pool.messages.create(ask())).kind)
    assert.equal("a", assert(clients[1].messages.create(ask())):text())
  end)

  it("asks no member whose client is closed", function()
    members { { answer "a" }, { answer "b" } }
    local pool = anthropic.pool { members = clients }
    clients[1]:close()
    assert.equal("b", assert(pool.messages.create(ask())):text())
    assert.equal("b", assert(pool.messages.create(ask())):text())
    clients[2]:close()
    assert.equal("cancelled", select(2, pool.messages.create(ask())).kind)
  end)

  it("asks none that was closed after it was chosen, or that alone has what is asked for", function()
    members {
      { { body = { id = "msgbatch_1", type = "message_batch" } }, testing.error { status = 500 }, answer "a" },
      { testing.error { status = 500 }, answer "b" },
    }
    local pool = anthropic.pool { members = clients }
    assert(pool.messages.batches.create { requests = { { custom_id = "x", params = ask() } } })
    clients[2]:close()
    local err = select(2, pool.messages.create(ask(), { on_retry = function() clients[1]:close() end }))
    assert.same({ "cancelled", 1 }, { err.kind, err.attempts })
    err = select(2, pool.messages.batches.retrieve "msgbatch_1")
    assert.same({ "cancelled", "the client that has what the request names is closed" }, { err.kind, err.message })
    assert.same({ 2, 0 }, { requests_of(1), requests_of(2) })
  end)

  it("leaves alone a member whose streams break off, also where it asks it for the rest", function()
    local cut = testing.stream { text = "one two three four", cut_after = 700 }
    for kind, own in pairs { truncated = {}, none = { on_interrupt = "continue" } } do
      members({ { cut, testing.stream { text = " rest" } }, { answer "b" } }, { own })
      local pool = anthropic.pool { members = clients }
      local err = select(2, assert(pool.messages.stream(ask())):message())
      assert.equal(kind, err and err.kind or "none")
      for _ = 1, 4 do
        assert.equal("b", assert(pool.messages.create(ask())):text())
      end
    end
  end)

  it("asks a member no more that said that this will not help", function()
    for _, refusal in ipairs {
      { status = 429, body = { error = { code = "insufficient_quota", message = "no money" } } },
      { status = 401, headers = { ["x-should-retry"] = "false" }, body = {} },
    } do
      members { { refusal }, { refusal } }
      local err = select(2, anthropic.pool({ members = clients }).messages.create(ask()))
      assert.same({ refusal.status, 2 }, { err.status, err.attempts })
      assert.same({ 1, 1 }, { requests_of(1), requests_of(2) })
    end
  end)

  it("shows of a failure before anything was sent no URL and no command of another member", function()
    members({ { testing.error { status = 500 } }, "away" }, { {}, { api_key = function() return nil, "no vault" end } })
    local err = select(2, anthropic.pool({ members = clients, max_retries = 1 }).messages.create(ask()))
    assert.same({ "no vault", nil, nil }, { err.message:match "no vault", err.url, (err:to_curl()) })
  end)

  it("shows no credential in a dump of itself, or of its streams", function()
    members { { testing.stream { text = "a" } }, "away" }
    local pool = anthropic.pool { members = clients }
    local stream = assert(pool.messages.stream(ask(), { headers = { ["X-Key"] = "key-of-a-request" } }))
    local seen = {}
    local function search(value)
      if type(value) == "string" then
        assert.is_nil(value:find("key%-%d") or value:find("key-of-a-request", 1, true), value)
      elseif type(value) == "table" and not seen[value] then
        seen[value] = true
        for key, member in pairs(value) do
          search(key)
          search(member)
        end
      end
    end
    search(pool)
    search(stream)
    stream:close()
  end)

  it("has one done record for a request, with the member that answered", function()
    local records = {}
    local function on_log(record)
      records[#records + 1] = record.event == "done" and record or nil
    end
    members({ { testing.error { status = 500 } }, { answer "b" } }, { { on_log = on_log }, { on_log = on_log } })
    assert(anthropic.pool({ members = clients }).messages.create(ask()))
    assert.equal(1, #records)
    assert.same({ "ok", 2, 2 }, { records[1].outcome, records[1].member, records[1].attempt })
  end)
end)
