local anthropic = require "anthropic"
local core = require "anthropic.core"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local SECRET = "sk-ant-very-secret-key-0123456789"

local params = {
  model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } },
}

local function streamed(text)
  return { stream = true, model = "m", max_tokens = 9, messages = { { role = "user", content = text } } }
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

describe("a recording", function()
  local path, server, replayed

  local function serve(script)
    server = hosted.server { script = script }
    return anthropic.new { base_url = server.url, api_key = SECRET, max_retries = 0 }
  end

  local function replay(options)
    replayed = testing.replay(path, options)
    return anthropic.new { base_url = replayed.url, api_key = "another key", max_retries = 0 }
  end

  before_each(function()
    path = os.tmpname()
  end)

  after_each(function()
    for _, one in pairs { server or false, replayed or false } do
      if one then
        one:stop()
      end
    end
    server, replayed = nil, nil
    os.remove(path)
  end)

  it("gives the same message again", function()
    local client = serve { testing.message { text = "Hi!", request_id = "req_77", headers = { ["x-more"] = "1" } } }
    local recorder = testing.record(client, path)
    local before = assert(client.messages.create(params))
    recorder:stop()
    local after = assert(replay().messages.create(params))
    assert.same(before.content, after.content)
    assert.same(before.usage, after.usage)
    assert.equal("req_77", after.response.request_id)
    assert.equal("1", after.response.headers["x-more"])
    assert.equal("application/json", after.response.headers["content-type"])
  end)

  it("gives the same events of a stream again, in the pieces they came in", function()
    local client = serve { testing.stream { thinking = "Hm. 好", text = "Hello there! 👋", delay_between = 0.005 } }
    testing.record(client, path)
    local function events_of(stream)
      local events = {}
      for event in stream do
        events[#events + 1] = event
      end
      return events
    end
    local before = events_of(assert(client.messages.create(streamed "Hello")))
    local script = require("anthropic.testing.recording").script(path)
    assert.is_true(#script.routes[1].answers[1].events > 3)
    assert.same(before, events_of(assert(replay().messages.create(streamed "Hello"))))
  end)

  it("keeps pauses, to be played as they were, faster or not at all", function()
    local client = serve { testing.stream { text = "a b c d e f", delay_between = 0.1, delay = 0.1 } }
    testing.record(client, path)
    assert(client.messages.create(streamed "x")):message()
    local function seconds(options)
      local player = replay(options)
      local began = core.now()
      assert(assert(player.messages.create(streamed "x")):message())
      replayed:stop()
      return core.now() - began
    end
    assert.is_true(seconds { speed = 1 } > 0.5)
    assert.is_true(seconds() < 0.5)
    local slow = require("anthropic.testing.recording").script(path, { speed = 1 }).routes[1].answers[1]
    local fast = require("anthropic.testing.recording").script(path, { speed = 10 }).routes[1].answers[1]
    assert.is_true(slow.delay > 0.05)
    assert.is_true(math.abs(slow.delay - 10 * fast.delay) < 1e-6)
    assert.is_true(math.abs(slow.events[2].delay - 10 * fast.events[2].delay) < 1e-6)
  end)

  it("answers by method, path, query and body, each in its own order", function()
    local client = serve { routes = {
      { method = "GET", answers = { { body = { id = "first" } }, { body = { id = "second" } } } },
      { body_contains = "one", answers = { testing.message { text = "1" } } },
      { body_contains = "two", answers = { testing.message { text = "2" } } },
    } }
    testing.record(client, path)
    local function ask(asked, text)
      return assert(asked.messages.create {
        model = "m", max_tokens = 1, messages = { { role = "user", content = text } },
      }):text()
    end
    ask(client, "one")
    client.models.retrieve("x", { limit = 1 })
    ask(client, "two")
    client.models.retrieve("x", { limit = 1 })
    local player = replay()
    assert.equal("2", ask(player, "two"))
    assert.equal("1", ask(player, "one"))
    assert.equal("first", player.models.retrieve("x", { limit = 1 }).id)
    assert.equal("second", player.models.retrieve("x", { limit = 1 }).id)
    local _, err = player.models.retrieve("x", { limit = 2 })
    assert.equal(404, err.status)
    _, err = player.messages.create(params)
    assert.equal(404, err.status)
  end)

  -- What is not written cannot tell requests apart.
  it("answers whatever stands where something secret stood", function()
    local client = serve { routes = {
      { method = "GET", answers = { { body = { id = "first" } } } },
      { method = "POST", answers = { testing.message { text = "hello" } } },
    } }
    testing.record(client, path)
    local function ask(asked, secret, headers)
      return asked.messages.create({
        model = "m", max_tokens = 1, messages = { { role = "user", content = "it is " .. secret .. ", or [not]" } },
      }, { headers = headers })
    end
    client.models.retrieve("x$y", { limit = 1, key = "one-of-many-keys", other = "a" })
    assert(ask(client, "a-name-of-a-team", { ["x-team"] = "a-name-of-a-team" }))
    local player = replay()
    assert.equal("first", player.models.retrieve("x$y", { limit = 1, key = "another", other = "b" }).id)
    assert.equal("hello", ask(player, "somebody"):text())
    for _, query in ipairs {
      { limit = 2, key = "another", other = "b" }, { limit = 1, key = "another" },
      { limit = 1, key = "another", other = "b", more = "c" },
    } do
      assert.equal(404, select(2, player.models.retrieve("x$y", query)).status)
    end
    local _, err = player.messages.create {
      model = "m", max_tokens = 1, messages = { { role = "user", content = "it was a-name-of-a-team, or [not]" } },
    }
    assert.equal(404, err.status)
  end)

  -- Nor can the bytes of a form, which are not written.
  it("answers uploads in their order, whatever they upload", function()
    local client = serve { { body = { id = "file_1" } }, { body = { id = "file_2" } } }
    testing.record(client, path)
    local function upload(asked, bytes)
      return assert(asked.files.upload { file = { data = bytes, filename = "a.txt" } }).id
    end
    upload(client, "one")
    upload(client, "two")
    local player = replay()
    assert.equal("file_1", upload(player, "one"))
    assert.equal("file_2", upload(player, "something else"))
  end)

  it("answers in order where it is asked to", function()
    local client = serve { testing.message { text = "1" }, testing.message { text = "2" } }
    testing.record(client, path)
    client.messages.create(params)
    client.messages.create(params)
    local player = replay { in_order = true, on_end = "error" }
    local other = { model = "other", max_tokens = 1, messages = { { role = "user", content = "?" } } }
    assert.equal("1", player.messages.create(other):text())
    assert.equal("2", player.messages.create(other):text())
    assert.equal(500, select(2, player.messages.create(other)).status)
  end)

  it("holds every attempt", function()
    server = hosted.server { script = {
      { close = true },
      testing.error { status = 529, retry_after = 0 },
      testing.message { text = "at last" },
    } }
    local client = anthropic.new { base_url = server.url, api_key = SECRET }
    testing.record(client, path)
    local before = assert(client.messages.create(params))
    assert.equal(3, before.response.attempts)
    replayed = testing.replay(path)
    local after = assert(anthropic.new { base_url = replayed.url, api_key = "k" }.messages.create(params))
    assert.equal("at last", after:text())
    assert.equal(3, after.response.attempts)
    assert.equal(3, #replayed:requests())
  end)

  it("breaks off where it broke off", function()
    local client = serve { testing.stream { text = "one two three four", cut_after = 700 } }
    testing.record(client, path)
    local _, before = assert(client.messages.create(streamed "x")):message()
    assert.equal("truncated", before.kind)
    local _, after = assert(replay().messages.create(streamed "x")):message()
    assert.equal("truncated", after.kind)
    assert.equal(before.partial:text(), after.partial:text())
  end)

  it("keeps an error inside a stream", function()
    local client = serve { testing.stream { text = "one", error = { type = "overloaded_error", message = "busy" } } }
    testing.record(client, path)
    assert(client.messages.create(streamed "x")):message()
    local _, err = assert(replay().messages.create(streamed "x")):message()
    assert.equal("overloaded_error", err.type)
    assert.equal("one", err.partial:text())
  end)

  it("hangs where a timeout ended it", function()
    local client = serve { testing.stream { text = "one two three", hang_after = 700 } }
    testing.record(client, path)
    local options = { timeout = { idle = 0.3 } }
    local _, err = assert(client.messages.create(streamed "x", options)):message()
    assert.equal("idle", err.timeout)
    _, err = assert(replay().messages.create(streamed "x", options)):message()
    assert.equal("idle", err.timeout)
  end)

  it("holds what came of a stream that was closed early", function()
    local client = serve { testing.stream { text = "one two three four five", delay_between = 0.05 } }
    testing.record(client, path)
    local stream = assert(client.messages.create(streamed "x"))
    for text in stream:text_deltas() do
      if text:find "two" then
        break
      end
    end
    stream:close()
    local again, seen = assert(replay().messages.create(streamed "x")), {}
    for text in again:text_deltas() do
      seen[#seen + 1] = text
      if text:find "two" then
        break
      end
    end
    assert.equal("one two", table.concat(seen))
  end)

  it("holds any bytes", function()
    local bytes = {}
    for i = 0, 255 do
      bytes[i + 1] = string.char(i)
    end
    local body = table.concat(bytes) .. "\n7\n{s3:\r\n"
    local client = serve { { body = body, headers = { ["Content-Type"] = "application/octet-stream" } } }
    testing.record(client, path)
    assert.equal(body, (client.files.download "f"))
    assert.equal(body, (replay().files.download "f"))
  end)

  it("is there before the recorder is stopped, and without what comes after", function()
    local client = serve { testing.message { text = "1" }, testing.message { text = "2" } }
    local recorder = testing.record(client, path)
    client.messages.create(params)
    local length = #read_file(path)
    assert.is_true(length > 100)
    recorder:stop()
    recorder:stop()
    client.messages.create(params)
    assert.equal(length, #read_file(path))
  end)

  it("can be read when the process died while it wrote", function()
    local client = serve { testing.message { text = "1" }, testing.message { text = "2" } }
    testing.record(client, path)
    client.messages.create(params)
    local length = #read_file(path)
    client.messages.create { model = "m", max_tokens = 1, messages = { { role = "user", content = "second" } } }
    local text = read_file(path)
    local file = io.open(path, "wb")
    file:write(text:sub(1, length + 50))
    file:close()
    assert.equal("1", replay().messages.create(params):text())
  end)

  it("replaces what was in the file", function()
    local client = serve { testing.message { text = "1" }, testing.message { text = "2" } }
    testing.record(client, path):stop()
    client.messages.create(params)
    testing.record(client, path)
    client.messages.create(params)
    assert.equal("2", replay { in_order = true }.messages.create(params):text())
  end)

  it("holds no credential, whatever the server says", function()
    local encoded = SECRET:gsub("%-", "%%2D")
    local client = serve { routes = {
      { match = "models", answers = {
        { body = { id = SECRET, more = "Bearer " .. SECRET }, chunk_bytes = 7, headers = {
          ["x-echo"] = "you sent " .. SECRET, ["set-cookie"] = "session=" .. SECRET, ["x-other"] = encoded,
        } },
      } },
      { answers = { testing.error { status = 401, message = "no such key: " .. SECRET },
        testing.message { text = "your key is " .. SECRET } } },
    } }
    testing.record(client, path)
    assert(client.models.retrieve("x", { key = SECRET }))
    client.messages.create(params)
    client.messages.create { model = "m", max_tokens = 1, messages = { { role = "user", content = SECRET } } }
    client:request { path = "/v1/models/" .. SECRET }
    local text = read_file(path)
    assert.is_nil(text:find(SECRET, 1, true))
    assert.is_nil(text:lower():find("authorization", 1, true))
    assert.is_nil(text:find("session=", 1, true))
    assert.is_not_nil(text:find("no such key", 1, true))
  end)

  it("holds no credential that is not a plain word, or comes in a header of one's own", function()
    local odd = 'a/b+c="d"&e f=='
    server = hosted.server { script = { { body = { id = odd } } } }
    for _, options in ipairs {
      { auth_token = odd },
      { headers = { Authorization = "Basic " .. odd } },
      { headers = { ["x-api-key"] = odd }, auth_token = "unused-token-of-some-length" },
    } do
      options.base_url = server.url
      local client = anthropic.new(options)
      testing.record(client, path)
      assert(client.models.retrieve("x", { key = odd }))
      local text = read_file(path)
      assert.is_nil(text:find(odd, 1, true))
      assert.is_nil(text:find('a/b+c=\\"d\\"&e f==', 1, true))
      assert.is_nil(text:find("a%2Fb%2Bc", 1, true))
      assert.is_nil(text:find("unused-token", 1, true))
    end
  end)

  it("costs a client that is not recorded nothing", function()
    local client = serve { testing.message { text = "1" } }
    local recorder = testing.record(client, path)
    recorder:stop()
    local kept
    local function observer(exchange)
      kept = exchange.transfer:pieces()
    end
    client.messages.create(params)
    client:observe(observer)
    client.messages.create(params)
    assert.is_true(#kept > 0)
  end)

  it("raises where the file cannot be written or read, or is none", function()
    local client = serve { {} }
    assert.has_error(function() testing.record(client, "/no/such/directory/file") end)
    assert.has_error(function() testing.replay "/no/such/file" end)
    local file = io.open(path, "wb")
    file:write "something else"
    file:close()
    local ok, message = pcall(testing.replay, path)
    assert.is_false(ok)
    assert.truthy(message:find("not a recording", 1, true))
    testing.record(client, path):stop()
    ok, message = pcall(testing.replay, path)
    assert.is_false(ok)
    assert.truthy(message:find("nothing was recorded", 1, true))
    assert.has_error(function() testing.replay(path, { no_such_option = 1 }) end)
  end)
end)
