-- Where a credential comes from that is no string. Many requests at a time: spec/behaviour/credentials_spec.lua.

local anthropic = require "anthropic"
local errors = require "anthropic.base.error"
local token_source = require "anthropic.http.token_source"

describe("a source of tokens", function()
  local time = os.time
  local now

  before_each(function()
    now = 1000
    os.time = function() return now end -- luacheck: ignore 122
  end)

  after_each(function()
    os.time = time -- luacheck: ignore 122
  end)

  -- The exchange that needs it.
  local function waiter(fields)
    local self = { deadline = math.huge, option = function() end, profile = { timeouts = { total = 7 } } }
    for name, value in pairs(fields or {}) do
      self[name] = value
    end
    function self.has_news()
      return self.closed or self.was_called
    end
    return self
  end

  -- A source that counts, and how often it was asked.
  local function counter(seconds)
    local counts = { 0 }
    return token_source.new("api_key", function()
      counts[1] = counts[1] + 1
      return "t" .. counts[1], seconds and now + seconds
    end), counts
  end

  it("is asked each time where it names no end", function()
    local source = counter()
    assert.same({ "t1", "t2" }, { (source:get(waiter())), (source:get(waiter())) })
  end)

  it("is asked again when a tenth of the time is left", function()
    local source = counter(100)
    assert.equal("t1", source:get(waiter()))
    now = now + 89
    assert.equal("t1", source:get(waiter()))
    now = now + 1
    assert.equal("t2", source:get(waiter()))
  end)

  it("is asked again a minute before the end at the earliest", function()
    local source = counter(3600)
    source:get(waiter())
    now = now + 3539
    assert.equal("t1", source:get(waiter()))
    now = now + 1
    assert.equal("t2", source:get(waiter()))
  end)

  it("is asked again after what it returned was refused", function()
    local source = counter(1000)
    local first = source:get(waiter())
    source:reject "another"
    assert.equal(first, source:get(waiter()))
    source:reject(first)
    assert.equal("t2", source:get(waiter()))
    local told = {}
    source = token_source.new("x", { name = "the profile", ask = function(is_refused)
      told[#told + 1] = is_refused
      return "t" .. #told, now + 1000
    end })
    source:reject(source:get(waiter()))
    source:reject(source:get(waiter()))
    source:get(waiter())
    assert.same({ false, true, true }, told)
  end)

  it("that raises, or returns nothing, is an error of the request", function()
    local err = select(2, token_source.new("api_key", function() error("broken", 0) end):get(waiter()))
    assert.same({ "invalid_request", "api_key: the function raised: broken" }, { err.kind, err.message })
    err = select(2, token_source.new("api_key", function() end):get(waiter()))
    assert.equal("api_key: the function returned nothing", err.message)
    err = select(2, token_source.new("api_key", function() return nil, "locked" end):get(waiter()))
    assert.equal("api_key: the function returned nothing: locked", err.message)
    err = select(2, token_source.new("api_key", function() return {} end):get(waiter()))
    assert.equal("api_key: string expected, got table", err.message)
  end)

  it("keeps the kind of another request's error, for a request that was not sent", function()
    local given = errors.new { kind = "api", type = "x", status = 503, message = "m", retryable = true }
    for _, f in ipairs { function() return nil, given end, function() error(given, 0) end } do
      local err = select(2, token_source.new("api_key", f):get(waiter()))
      assert.same({ "api", "x", 503, "api_key: m", true, true },
        { err.kind, err.type, err.status, err.message, err.retryable, err.unprocessed })
    end
  end)

  it("keeps the kind of an error that the function made", function()
    local given = { kind = "connection", message = "no vault" }
    for _, f in ipairs { function() return nil, given end, function() error(given, 0) end } do
      local err = select(2, token_source.new("api_key", f):get(waiter()))
      assert.same({ "connection", "api_key: no vault" }, { err.kind, err.message })
    end
  end)

  it("cannot need itself", function()
    local source
    source = token_source.new("api_key", function()
      local _, err = source:get(waiter())
      return nil, err
    end)
    assert.matches("the function sends a request that needs what it is to return",
      select(2, source:get(waiter())).message, 1, true)
  end)

  it("runs a command, whose output is kept as long as it says", function()
    local given = { command = { "/bin/sh", "-c", "echo ' t '; echo >>/dev/stderr" } }
    local source = token_source.new("api_key", given)
    assert.equal("t", source:get(waiter()))
    given.command = { "/bin/sh", "-c", "echo u" }
    now = now + 1e9
    assert.equal("t", source:get(waiter()))
    source:reject "t"
    assert.equal("u", source:get(waiter()))
    source = token_source.new("api_key", { command = { "echo", "a" }, expires_in = 100 })
    source:get(waiter())
    source.given.command[2] = "b"
    now = now + 89
    assert.equal("a", source:get(waiter()))
    now = now + 1
    assert.equal("b", source:get(waiter()))
  end)

  it("tells what became of a command, and nothing of its output or arguments", function()
    for script, words in pairs {
      ["echo secret; exit 3"] = "failed with status 3", ["kill -9 $$; echo secret"] = "was ended by signal 9",
      ["echo; : secret"] = "wrote nothing", ["head -c 300000 /dev/zero; : secret"] = "wrote too much",
    } do
      local token, err = token_source.new("api_key", { command = { "/bin/sh", "-c", script } }):get(waiter())
      assert.is_nil(token)
      assert.equal('api_key: the command "/bin/sh" ' .. words, err.message)
    end
  end)

  it("is not waited for by who has ended", function()
    local command = { command = { "sleep", "60" } }
    local err = select(2, token_source.new("api_key", command):get(waiter { closed = true }))
    assert.equal("cancelled", err.kind)
    err = select(2, token_source.new("api_key", command):get(waiter { deadline = 0 }))
    assert.same({ "timeout", "total" }, { err.kind, err.timeout })
  end)

  it("of the library's own fails as who waits has ended, whatever it says itself", function()
    local asked
    local function ask(_, one)
      asked = one
      return nil, errors.new { kind = "connection", message = "no answer" }
    end
    local function check(_, value) return value end
    for _, source in ipairs {
      token_source.new("credentials", { name = "a profile", ask = ask }),
      token_source.new("credentials", function(one) return ask(nil, one) end, check),
    } do
      for kind, fields in pairs { timeout = { deadline = 0 }, cancelled = { closed = true }, connection = {} } do
        local one = waiter(fields)
        assert.equal(kind, select(2, source:get(one)).kind)
        assert.equal(one, asked)
      end
    end
    local source = token_source.new("api_key", function() return ask() end) -- the caller's
    assert.equal("api_key: no answer", select(2, source:get(waiter { deadline = 0 })).message)
  end)

  it("is asked once for all who come meanwhile", function()
    local count, results = 0, {}
    local source = token_source.new("api_key", function()
      count = count + 1
      anthropic.sleep(0.002)
      return "t" .. count, now + 1000
    end)
    anthropic.run(function()
      local all = {}
      for i = 1, 5 do
        all[i] = anthropic.spawn(function() results[i] = source:get(waiter()) end)
      end
      for i = 1, 5 do
        all[i]:join()
      end
    end)
    assert.same({ "t1", "t1", "t1", "t1", "t1" }, results)
  end)
end)
