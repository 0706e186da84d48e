-- The face of the testing server: its options, and what it reads of the server's log, without a server.

local process = require "anthropic.testing.process"
local serialize = require "anthropic.testing.serialize"
local temporary = require "spec.support.directory"
local testing = require "anthropic.testing"

describe("anthropic.testing", function()
  local start = process.start
  local directory, child, given, ended

  before_each(function()
    local words = {} -- a server that is collected later adds to those of its own test
    directory, ended = temporary.new(), words
    child = {
      port = 4711, pid = 99, log = directory:path "log",
      stop = function() words[#words + 1] = "stop" end,
      remove = function() words[#words + 1] = "remove" end,
    }
    process.start = function(settings, lua, seconds)
      given = { settings = serialize.load(settings), lua = lua, seconds = seconds }
      return child
    end
  end)

  after_each(function()
    process.start = start
    directory:remove()
  end)

  local log_text

  -- Writes an entry as the server does.
  local function log(entry, body)
    local data = serialize.dump(entry)
    log_text = log_text .. ("%012d %012d\n"):format(#data, #(body or "")) .. data .. (body or "")
    directory:write("log", log_text)
  end

  local function serve(options)
    log_text = ""
    return testing.server(options or { script = { {} } })
  end

  it("has builders", function()
    for _, name in ipairs { "message", "stream", "error", "completion", "completion_stream", "array", "server",
      "record", "replay", "main" } do
      assert.is_function(testing[name], name)
    end
    assert.equal("null", tostring(testing.null))
  end)

  it("says what its functions expect", function()
    for name, expected in pairs {
      message = "a table of fields", stream = "a table of fields", error = "a table of fields",
      completion = "a table of fields", completion_stream = "a table of fields", record = "path: string",
      replay = "path: string",
    } do
      for _, wrong in ipairs { 5, true, print } do
        local ok, message = pcall(testing[name], wrong)
        assert.is_false(ok)
        local got = name == "record" and "nil" or type(wrong)
        assert.equal(("anthropic.testing: %s expected, got %s"):format(expected, got), message)
      end
    end
    local ok, message = pcall(testing.record, {}, "unwritten")
    assert.is_false(ok)
    assert.equal("anthropic.testing: a client expected, got table", message)
  end)

  it("refuses options that are none", function()
    local function refused(message, options)
      local ok, failure = pcall(testing.server, options)
      assert.same({ false, "anthropic.testing: " .. message }, { ok, failure })
    end
    refused("a table of options expected", nil)
    refused("a table of options expected", "demo")
    refused("no such option: scirpt", { scirpt = {} })
    refused("no such option: 1", { {} })
    for name, expected in pairs { script = "table or string", on_end = "string", lua = "string", port = "number",
      lifetime = "number", max_record_bytes = "number", start_timeout = "number" } do
      refused(name .. ": " .. expected .. " expected, got boolean", { [name] = true })
    end
    for _, port in ipairs { -1, 1.5, 65536 } do
      refused("port: a whole number up to 65535 expected, got " .. port, { script = { {} }, port = port })
    end
    refused("script: an answer, a list of answers, or routes expected", {})
    refused("on_end: repeat or error expected", { script = { {} }, on_end = "x" })
  end)

  it("starts the server with its options, and tells where it is", function()
    local server = serve()
    assert.same({ "http://127.0.0.1:4711", 4711, 99 }, { server.url, server.port, server.pid })
    assert.same({ 600, 10 }, { given.settings.lifetime, given.seconds })
    assert.is_nil(given.lua)
    assert.is_nil(given.settings.port)
    serve { script = { { body = "x" } }, on_end = "error", lua = "/lua", port = 5, lifetime = 7, max_record_bytes = 9,
      start_timeout = 0.5 }
    assert.same({ 5, 7, 9, "/lua", 0.5 }, { given.settings.port, given.settings.lifetime,
      given.settings.max_record_bytes, given.lua, given.seconds })
    assert.same({ "x" }, given.settings.plan.routes[1].answers[1].pieces)
    assert.equal(500, given.settings.plan.routes[1].at_end.status)
  end)

  it("reads the log as it grows", function()
    local server = serve()
    assert.same({}, server:requests())
    assert.same({ opened = 0, open = 0 }, server:connections())
    log { kind = "open", connection = 1 }
    log({ kind = "request", number = 1, method = "GET" }, "body\0")
    assert.same({ opened = 1, open = 1 }, server:connections())
    local first = server:requests()
    assert.equal(1, #first)
    assert.same({ "GET", "body\0" }, { first[1].method, first[1].body })
    assert.is_nil(first[1].kind)
    log({ kind = "request", number = 2 }, "")
    log({ kind = "closed_early", number = 1 }, "")
    log { kind = "open", connection = 2 }
    log { kind = "close", connection = 1 }
    assert.equal(1, #first)
    local second = server:requests()
    assert.equal(2, #second)
    assert.equal(first[1], second[1])
    assert.is_true(second[1].closed_early)
    assert.is_nil(second[2].closed_early)
    assert.same({ opened = 2, open = 1 }, server:connections())
  end)

  it("waits for the rest of an entry that is not whole", function()
    local server = serve()
    log({ kind = "request", number = 1 }, "first")
    log({ kind = "request", number = 2 }, "second")
    local whole = log_text
    for length = 0, #whole do
      directory:write("log", whole:sub(1, length))
      local count = #server:requests()
      assert.is_true(count <= 2 and (count == 2) == (length == #whole))
    end
    assert.equal("second", server:requests()[2].body)
  end)

  it("decodes a body as JSON when it is asked for", function()
    local server = serve()
    log({ kind = "request", number = 1 }, '{"a":[1]}')
    log({ kind = "request", number = 2 }, "{")
    log({ kind = "request", number = 3 }, "false")
    local requests = server:requests()
    assert.same({ a = { 1 } }, requests[1].json)
    assert.is_nil(requests[2].json)
    assert.is_nil(requests[3].json)
    assert.is_nil(requests[1].nothing)
    local cjson = package.loaded.cjson
    package.loaded.cjson, package.preload.cjson = nil, function() error "not here" end
    local without = requests[1].json
    package.loaded.cjson, package.preload.cjson = cjson, nil
    assert.is_nil(without)
  end)

  it("ends the server once, and keeps what it recorded", function()
    local server = serve()
    log { kind = "open", connection = 1 }
    child.stop = function()
      ended[#ended + 1] = "stop"
      log({ kind = "request", number = 1 }, "late")
    end
    server:stop()
    assert.same({ "stop", "remove" }, ended)
    directory:write("log", "")
    server:stop()
    assert.equal(2, #ended)
    assert.equal("late", server:requests()[1].body)
    assert.same({ opened = 1, open = 0 }, server:connections())
    local metatable = getmetatable(server)
    assert.equal(server.stop, metatable.__gc)
    assert.equal(server.stop, metatable.__close)
  end)

  it("gives a recording's options to whom they belong", function()
    local recording = require "anthropic.testing.recording"
    local make, record = recording.script, recording.record
    local seen
    recording.script = function(path, options)
      seen = { path, options }
      return { { body = "recorded" } }
    end
    recording.record = function(...) return { ... } end
    local ok, failure = pcall(function()
      testing.replay("the path", { in_order = true, speed = 2, lifetime = 5 })
      assert.same({ "the path", { in_order = true, speed = 2 } }, seen)
      assert.equal(5, given.settings.lifetime)
      assert.same({ "recorded" }, given.settings.plan.routes[1].answers[1].pieces)
      testing.replay "other"
      assert.same({ "other", {} }, seen)
      assert.same({ "client", "path" }, testing.record("client", "path"))
    end)
    recording.script, recording.record = make, record
    assert.is_true(ok, failure)
    assert.has_error(function() testing.replay("x", { speeed = 1 }) end)
  end)
end)
