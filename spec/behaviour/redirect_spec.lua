-- Redirects that keep the request (307, 308): followed to another place of the same server, with method, body and
-- credential. Those that are not: error_spec and secret_spec.

local anthropic = require "anthropic"
local directories = require "spec.support.directory"
local libcurl = require "spec.support.libcurl"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local params = service.params

local function redirect(location, fields)
  local answer = { status = 307, headers = { Location = location }, body = "Moved." }
  for name, value in pairs(fields or {}) do
    answer[name] = value
  end
  return answer
end

local function create_batch(client, options)
  return client.messages.batches.create({ requests = {} }, options)
end

describe("a redirect to another place of the same server", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  -- How each sort of request is asked, and what is answered in the end.
  local WAYS = {
    message = {
      answer = testing.message { text = "Hello!" },
      ask = function(client) return client.messages.create(params()) end,
    },
    stream = {
      answer = testing.stream { text = "Hello!" },
      ask = function(client)
        local stream, err = client.messages.stream(params())
        if not stream then
          return nil, err
        end
        return stream:message()
      end,
    },
    GET = {
      answer = { body = { id = "m" } },
      ask = function(client) return client.models.retrieve("m") end,
    },
    DELETE = {
      answer = { body = { id = "f" } },
      ask = function(client) return client.files.delete("f") end,
    },
    batch = { answer = { body = { id = "b" } }, ask = create_batch },
    -- libcurl closes a connection whose answer is there before it has noted the end of what it sent
    upload = {
      most_connections = 2,
      answer = { body = { id = "f" } },
      ask = function(client)
        return client.files.upload { file = { data = ("x"):rep(100000), filename = "x.txt" } }
      end,
    },
    ["upload of a file"] = {
      most_connections = 2,
      answer = { body = { id = "f" } },
      ask = function(client) return client.files.upload { file = "README.md" } end,
    },
  }

  local function without_boundary(request)
    local boundary = (request.headers["content-type"] or ""):match "boundary=(%S+)$"
    return boundary and request.body:gsub(boundary:gsub("%-", "%%-"), "BOUNDARY") or request.body
  end

  for name, way in pairs(WAYS) do
    it("is followed with method, body and credential, and is no retry: " .. name, function()
      for _, status in ipairs { 307, 308 } do
        -- without a body, whose end the next request would wait for 20 ms alone
        local server = service.serve { redirect("/moved/to?here=1", { status = status, body = "" }), way.answer }
        local retries = 0
        local client = service.client(server, {
          max_retries = 0, auth = "x-api-key", on_retry = function() retries = retries + 1 end,
        })
        local value = assert(way.ask(client))
        assert.equal(2, value.response.attempts)
        assert.equal(200, value.response.status)
        assert.equal(0, retries)
        local requests = server:requests()
        assert.equal(2, #requests)
        assert.equal("/moved/to?here=1", requests[2].target)
        assert.equal(requests[1].method, requests[2].method)
        assert.equal(without_boundary(requests[1]), without_boundary(requests[2]))
        for _, field in ipairs { "x-api-key", "anthropic-version", "accept" } do
          assert.truthy(service.header(requests[1], field))
          assert.equal(service.header(requests[1], field), service.header(requests[2], field))
        end
        assert.is_true(server:connections().opened <= (way.most_connections or 1))
      end
    end)
  end

  it("is followed where a download goes to a file", function()
    local directory = directories.new()
    local server = service.serve { redirect "/moved", { body = "bytes" } }
    local path = directory:path "file"
    assert(service.client(server).files.download("f", { path = path }))
    assert.equal("bytes", directory:read "file")
    directory:remove()
  end)

  it("is followed however it names the place", function()
    local port = service.free_port()
    for location, target in pairs {
      ["/x"] = "/x", ["x/y"] = "/base/v1/x/y", ["?q=1"] = "/base/v1/messages?q=1", ["../../x"] = "/x", ["/x#y"] = "/x",
      [("//127.0.0.1:%d/x"):format(port)] = "/x", [("HTTP://127.0.0.1:%d"):format(port)] = "/",
    } do
      local server = service.serve({ redirect(location), testing.message { text = "Hello!" } }, { port = port })
      assert(service.client(server, { base_url = server.url .. "/base" }).messages.create(params()))
      assert.equal(target, server:requests()[2].target, location)
      service.clear()
    end
  end)

  it("is followed where it names the place twice, and is an error that names both where they differ", function()
    local function twice(one, other)
      local head = "HTTP/1.1 307 Found\r\nContent-Length: 0\r\nLocation: %s\r\nLocation: %s\r\n\r\n"
      return { raw = head:format(one, other), keep_open = true }
    end
    local server = service.serve { twice("/a", "/a"), { body = { id = "m" } }, twice("/a", "/b") }
    local client = service.client(server, { max_retries = 0 })
    assert.equal("m", assert(client.models.retrieve "m").id)
    assert.equal("/a", server:requests()[2].target)
    local model, err = client.models.retrieve "m"
    assert.is_nil(model)
    assert.matches(libcurl.refuses_two_places and "^Multiple Location headers$"
      or "redirects to http://127.0.0.1:%d+/a, /b %(not followed%)$", err.message)
    assert.equal(3, #server:requests())
  end)

  it("is followed three times in a row, and no fourth time", function()
    local server = service.serve {
      redirect "/1", redirect "/2", redirect "/3", testing.message { text = "Hello!" },
      redirect "/1", redirect "/2", redirect "/3?key=1", redirect "/4?key=2",
    }
    local client = service.client(server)
    assert.equal(4, assert(client.messages.create(params())).response.attempts)
    local _, err = client.messages.create(params())
    assert.equal("api", err.kind)
    assert.equal(307, err.status)
    assert.equal(4, err.attempts)
    assert.equal(4, #err.history)
    assert.equal(("HTTP 307: %s/3 redirects to %s/4 (not followed)"):format(server.url, server.url), err.message)
    assert.equal(server.url .. "/3", err.url)
    assert.equal(8, #server:requests())
  end)

  it("does not count as a retry: what fails behind it is asked for again, from the beginning", function()
    local busy = { status = 529, headers = { ["retry-after-ms"] = 1 } }
    local server = service.serve {
      redirect "/1", busy, redirect "/2", busy, redirect "/3", testing.message { text = "Hello!" },
    }
    assert.equal(6, assert(service.client(server, { max_retries = 2 }).messages.create(params())).response.attempts)
    local targets = {}
    for i, request in ipairs(server:requests()) do
      targets[i] = request.target
    end
    assert.same({ "/v1/messages", "/1", "/v1/messages", "/2", "/v1/messages", "/3" }, targets)
  end)

  it("leads what must not be sent twice on, once", function()
    for _, way in ipairs { WAYS.batch, WAYS.upload } do
      local server = service.serve { redirect "/1", { close = true }, way.answer }
      local _, err = way.ask(service.client(server, { max_retries = 2 }))
      assert.equal("connection", err.kind)
      assert.equal(2, err.attempts)
      assert.equal(2, #err.history)
      assert.equal(307, err.history[1].status)
      assert.equal(0, err.history[1].waited)
      assert.is_nil(err.status)
      assert.equal(2, #server:requests())
    end
  end)

  it("is followed whatever its body is", function()
    for _, answer in ipairs {
      redirect("/x", { body = "" }), redirect("/x", { framing = "chunked", body = ("x"):rep(200000) }),
      redirect("/x", { body = "cut", cut_after = 1 }), redirect("/x", { body = "silent", hang_after = 1 }),
      redirect("/x", { body = "the end", headers = { Location = "/x", Connection = "close" } }),
    } do
      local server = service.serve { answer, testing.message { text = "Hello!" } }
      assert.equal(2, assert(service.client(server).messages.create(params())).response.attempts)
      assert.equal("/x", server:requests()[2].target)
    end
  end)

  it("is bounded by the time in all", function()
    local server = service.serve { redirect "/x", { hang = true } }
    local _, err = service.client(server, { timeout = 0.2 }).messages.create(params())
    assert.equal("total", err.timeout)
    assert.equal(2, err.attempts)
  end)

  it("is followed by a request that can be cancelled", function()
    local server = service.serve { redirect "/x", { hang = true } }
    local client = service.client(server)
    anthropic.run(function()
      local task = anthropic.spawn(function()
        return client.messages.create(params())
      end)
      while #server:requests() < 2 do
        anthropic.sleep(0.005)
      end
      task:cancel()
      local _, err = task:join()
      assert.equal("cancelled", err.kind)
    end)
  end)

  it("leads to a place whose query is not shown, and whose secrets are not", function()
    local records = {}
    local server = service.serve { redirect "/x?token=t0ps3cret", { status = 400, body = "not t0ps3cret" } }
    local client = service.client(server, { on_log = function(record) records[#records + 1] = record end })
    local _, err = client.messages.create(params())
    assert.equal(server.url .. "/x", err.url)
    assert.equal("not [redacted]", err.message)
    assert.is_nil(err:to_curl():find("t0ps3cret", 1, true))
    local places = {}
    for _, record in ipairs(records) do
      for _, value in pairs(record) do
        assert.is_nil(tostring(value):find("t0ps3cret", 1, true))
      end
      places[#places + 1] = record.event == "request" and record.url or nil
    end
    assert.same({ server.url .. "/v1/messages", server.url .. "/x?token=$TOKEN" }, places)
  end)

  it("is recorded, and played again", function()
    local path, port = os.tmpname(), service.free_port()
    local server = service.serve({
      redirect(("http://127.0.0.1:%d/base/x"):format(port)), redirect "/y?z", testing.message { text = "Hello!" },
    }, { port = port })
    local client = service.client(server, { base_url = server.url .. "/base" })
    local recorder = testing.record(client, path)
    assert(client.messages.create(params()))
    recorder:stop()
    local replayed = testing.replay(path)
    local ok, message = pcall(service.client(replayed).messages.create, params())
    replayed:stop()
    os.remove(path)
    assert.is_true(ok)
    assert.equal("Hello!", message:text())
  end)
end)
