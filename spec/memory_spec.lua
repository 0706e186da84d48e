local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local testing = require "anthropic.testing"

local jit = rawget(_G, "jit")
local host = package.preload.host and require "host"

-- Every allocation of the core, of Lua and of libcurl fails in turn. Memory that is lost or used
-- wrongly then is the sanitizers' to report.
describe("without memory", function()
  if not host then
    pending("needs allocations that fail (make asan)")
    return
  end

  local ALWAYS = 2 ^ 31

  --- Runs `attempt` with the first allocation of `source` failing, then the second, and so on,
  --- with all after it and alone, until a run needs no more. Gives the results of each to `check`.
  --- Returns how many runs failed.
  local function exhaust(source, attempt, check)
    local failed = 0
    if jit then
      jit.off() -- its compiler does not survive it
      jit.flush()
    end
    for _, lasting in ipairs { true, false } do
      -- Lua asks a second time after collecting garbage
      local more = lasting and ALWAYS or source == "lua" and 1 or 0
      local n = 1
      repeat
        local used, ok, result, message = host.attempt(source, n, n + more, attempt)
        check(ok, result, message)
        n = n + 1
        failed = failed + 1
        if failed % 50 == 0 then
          collectgarbage()
        end
      until used < n - 1
      failed = failed - 1
    end
    if jit then
      jit.on()
    end
    collectgarbage()
    collectgarbage()
    return failed
  end

  --- `attempt` gives what it should, or nil and a message, or raises.
  local function expect(wanted)
    return function(ok, result, message)
      if ok and result == nil then
        assert.is_truthy(message)
      elseif ok then
        assert.same(wanted, result)
      end
    end
  end

  local function each_source(sources, attempt, wanted)
    for _, source in ipairs(sources) do
      assert.is_true(exhaust(source, attempt, expect(wanted)) > 0, source)
      assert.same(wanted, attempt())
    end
  end

  it("events are cut or an error is raised", function()
    local pieces = {}
    for i = 1, 12 do
      pieces[i] = ("event: %s\r\nid: %d\r\ndata: %s\r\ndata: x\r\n: ping\r\n\r\n"):format(
        ("n"):rep(50 * i), i, ("d"):rep(200 * i))
    end
    local text = table.concat(pieces)
    each_source({ "core", "lua" }, function()
      local decoder = core.sse(100000)
      local count, size = 0, 0
      for i = 1, #text, 700 do
        decoder:feed(text:sub(i, i + 699))
        local data, name, id = decoder:next()
        while data do
          count, size = count + tonumber(id), size + #data + #name
          data, name, id = decoder:next()
        end
      end
      return { count, size, (decoder:retry()) }
    end, { 78, 78 * 250 + 24 })
  end)

  it("no event is lost without an error", function()
    local numbers = {}
    for i = 1, 30 do
      numbers[i] = "data: " .. i .. "\n\n"
    end
    local text = table.concat(numbers)
    for n = 1, 4 do
      local decoder = core.sse(1000)
      decoder:feed(text)
      local expected = 1
      local ok, data
      repeat
        local _
        _, ok, data = host.attempt("lua", expected % n == 0 and n or 0, n + 1, function()
          return (decoder:next())
        end)
        if ok and data then
          assert.equal(expected, tonumber(data))
          expected = expected + 1
        end
      until not ok or not data
      if not ok then
        assert.has_error(function() decoder:next() end, "not enough memory")
        assert.has_error(function() decoder:feed("data: 1\n\n") end, "not enough memory")
      end
    end
  end)

  it("JSON is decoded and encoded, or an error is given", function()
    local json = require "anthropic.json"
    local text = [[{"content":[{"type":"tool_use","id":"a","input":{"x":[],"n":12345678901234567890,"s":"\u00e9\n"}}],]]
      .. [["empty":[],"nothing":null,"object":{},"big":9007199254740993,"list":[1,2.5,"]] .. ("y"):rep(2000) .. [["]}]]
    local encoded = assert(json.encode(assert(json.decode_answer(text))))
    each_source({ "core", "lua" }, function()
      local value, err = json.decode_answer(text)
      if value == nil then
        return nil, err
      end
      return json.encode(value)
    end, encoded)
    each_source({ "core", "lua" }, function()
      local _, err = json.encode { a = { b = { ["c d"] = print } } }
      return tostring(err)
    end, 'a.b["c d"]: a function has no JSON form')
    assert.equal(encoded, json.encode(json.decode_answer(text)))
  end)

  it("the module is opened, or an error is raised", function()
    local open = package.preload["anthropic.core"]
    each_source({ "lua" }, function()
      return type(open().sse)
    end, "function")
  end)

  describe("the loop", function()
    local server, descriptors

    setup(function()
      server = testing.server {
        script = { events = { "data: 1\n\ndata: 2\n\n", "data: " .. ("x"):rep(2000) .. "\n\n" } },
      }
    end)

    teardown(function()
      server:stop()
    end)

    before_each(function()
      collectgarbage()
      collectgarbage()
      descriptors = core_peer.descriptors()
    end)

    local function no_descriptor_is_lost()
      collectgarbage()
      collectgarbage()
      assert.same(descriptors, core_peer.descriptors())
    end

    it("is made, or an error is given", function()
      each_source({ "core", "lua", "curl" }, function()
        local loop = core.loop()
        loop:fd()
        loop:wait(0)
        local text = tostring(loop)
        loop:close()
        return text
      end, "anthropic.loop (0 active)")
      no_descriptor_is_lost()
    end)

    it("can be used after it could not be made", function()
      local loop = core.loop()
      for _, source in ipairs { "core", "curl" } do
        local _, ok, fd, transfer = host.attempt(source, 1, ALWAYS, function()
          loop:wait(-1)
          return loop:fd(), (loop:start { method = "GET", url = server.url })
        end)
        assert.is_true(ok)
        assert.is_nil(fd)
        assert.is_nil(transfer)
      end
      assert.truthy(loop:start { method = "GET", url = server.url })
      loop:close()
      no_descriptor_is_lost()
    end)

    -- One request from the start to the end. A transfer that fails gives nil and why.
    local function request(loop, read)
      local transfer, message = loop:start {
        method = "POST", url = server.url .. "/v1/messages", body = "{}", headers = { "A: 1", "B: 2" },
        total_timeout = 20, max_event_bytes = 100000,
      }
      if not transfer then
        return nil, message
      end
      local result = ""
      while true do
        local part, state = read(transfer)
        result = result .. (part or "")
        if not part and state ~= "again" then
          break
        elseif not part then
          loop:wait(1)
        end
      end
      local failure = transfer:failure()
      local headers, timings = transfer:headers(), transfer:timings()
      transfer:close()
      if failure == "total" then
        return "a hanging transfer"
      elseif failure then
        return nil, failure
      end
      assert(#headers > 100 and timings.total)
      return result
    end

    local function read_events(transfer)
      return transfer:event()
    end

    local wanted = "12" .. ("x"):rep(2000)

    it("runs a transfer, or an error is given", function()
      for _, source in ipairs { "core", "curl", "lua" } do
        each_source({ source }, function()
          local loop = core.loop()
          local result, message = request(loop, read_events)
          loop:close()
          return result, message
        end, wanted)
        no_descriptor_is_lost()
      end
    end)

    it("goes on after a transfer that failed so", function()
      local loop = core.loop()
      for _, source in ipairs { "core", "curl", "lua" } do
        each_source({ source }, function()
          return request(loop, read_events)
        end, wanted)
        assert.equal(wanted, (request(loop, read_events)))
        collectgarbage()
        assert.equal(0, loop:active())
      end
      loop:close()
      no_descriptor_is_lost()
    end)

    it("gives a whole body, or an error", function()
      local loop = core.loop()
      local function whole_body()
        local body
        local ok, message = request(loop, function(transfer)
          body = transfer:body()
          return nil, body and "done" or "again"
        end)
        return ok and body, message
      end
      local body = whole_body()
      for _, source in ipairs { "core", "curl", "lua" } do
        each_source({ source }, whole_body, body)
        collectgarbage()
        assert.equal(0, loop:active())
      end
      loop:close()
      no_descriptor_is_lost()
    end)
  end)

  describe("a client", function()
    local anthropic = require "anthropic"
    local server

    setup(function()
      server = testing.server { script = testing.stream { text = "Hello there!" } }
    end)

    teardown(function()
      server:stop()
    end)

    local function ask()
      local client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 0, timeout = 20 }
      local stream, err = client.messages.create {
        stream = true, model = "m", max_tokens = 10, messages = { { role = "user", content = "Hi" } },
      }
      if not stream then
        return nil, err
      end
      local message
      message, err = stream:message()
      return message and message:text(), err
    end

    it("streams a message, or gives an error", function()
      assert.equal("Hello there!", (ask()))
      each_source({ "core", "curl", "lua" }, ask, "Hello there!")
    end)
  end)
end)
