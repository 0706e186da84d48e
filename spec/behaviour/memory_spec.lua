local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"
local testing = require "anthropic.testing"

local host = package.preload.host and require "host"

-- Every allocation of the core, of Lua and of libcurl fails in turn. Memory that is lost or used
-- wrongly then is the sanitizers' to report. What a client does then: torture_spec.lua.
describe("without memory", function()
  if not host then
    pending("needs allocations that fail (make asan)")
    return
  end

  local ALWAYS = 2 ^ 31

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
      assert.is_true(exhaustion.run(source, attempt, expect(wanted)) > 0, source)
      assert.same(wanted, attempt())
    end
  end

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

    it("counts no socket that is closed: a forked process closes those that are counted", function()
      for n = 1, 100 do
        local loop = core.loop()
        host.attempt("curl", n, n, function()
          return request(loop, read_events)
        end)
        local _, sockets = core_peer.descriptors():gsub("socket", "")
        assert.is_true(loop:connections() <= sockets, n)
        loop:close()
      end
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
end)
