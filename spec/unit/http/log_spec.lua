-- What the client tells of its work, to whom, and what of it is shortened.

local json = require "anthropic.base.json"
local log = require "anthropic.http.log"

local LONG = ("abcdefghi "):rep(10) -- 100 bytes
local SECRET = "sk-secret-0123456789"

local function redact(text)
  return (text:gsub("sk[-+]secret[-+]0123456789", "[redacted]"))
end

-- What the log needs of an exchange.
local function exchange_of(options)
  return {
    profile = { is_logged = options.on_log ~= nil or options.log_level ~= nil },
    option = function(name)
      return options[name]
    end,
    attempts = options.attempts or 1,
    redact = redact,
  }
end

-- A body as a record shows it.
local function shown(body, whole)
  return log.body(exchange_of {}, body)(whole)
end

local function decoded(value)
  return json.decode(shown(json.encode(value)))
end

describe("a body in a record", function()
  it("is missing where there is none", function()
    assert.is_nil(log.body(exchange_of {}, nil))
  end)

  it("is given as it came where it is no JSON", function()
    for _, body in ipairs { "", "<html>" .. LONG, "{", '{"a":1} x', "\0\255" } do
      assert.equal(body, shown(body))
      assert.equal(body, shown(body, true))
    end
  end)

  it("is given as it came where it is JSON, but no object or array", function()
    for _, body in ipairs { "null", " true", "1.50", json.encode(("QUJD"):rep(100)) } do
      assert.equal(body, shown(body))
    end
  end)

  it("says the same as before where nothing in it is long", function()
    local body = '{"a":[],"b":{},"c":null,"d":[null,1,true,"x"],"e":{"system":"short"}}'
    assert.equal(body, shown(body))
  end)

  it("keeps its order and its white space where the whole is asked for", function()
    local body = ' { "system" : "' .. LONG .. '", "a" : [ 1 ] } '
    assert.equal(body, shown(body, true))
    assert.not_equal(body, shown(body))
  end)

  it("holds no credential, shortened or whole", function()
    for _, body in ipairs { '{"a":"' .. SECRET .. '"}', "not JSON " .. SECRET } do
      for _, whole in ipairs { false, true } do
        local text = shown(body, whole)
        assert.is_nil(text:find(SECRET, 1, true))
        assert.truthy(text:find("[redacted]", 1, true))
      end
    end
  end)

  it("is redacted by what the attempt sent, also when it is read later", function()
    local exchange = exchange_of {}
    local read = log.body(exchange, SECRET)
    exchange.redact = nil
    assert.equal("[redacted]", read())
  end)

  it("is redacted before it is shortened: what is cut off is found no more", function()
    for length = 40, 60 do
      local text = ("x"):rep(length) .. SECRET .. ("y"):rep(200)
      local base64 = ("QUJD"):rep(60):sub(1, length) .. SECRET:gsub("-", "+") .. ("QUJD"):rep(60)
      for _, value in ipairs { text, base64 } do
        local body = json.encode { system = value, messages = { { data = value } } }
        assert.is_nil(log.body(exchange_of {}, body)():find("sk.secret", 1))
      end
    end
  end)

  describe("has its system prompt shortened", function()
    local SHORT = LONG:sub(1, 60) .. "... (100 bytes)"

    it("from 61 bytes on", function()
      for length, expected in pairs {
        [0] = "", [59] = LONG:sub(1, 59), [60] = LONG:sub(1, 60), [61] = LONG:sub(1, 60) .. "... (61 bytes)",
      } do
        assert.same({ system = expected }, decoded { system = LONG:sub(1, length) })
      end
    end)

    it("not within a character", function()
      for offset = 0, 4 do
        for _, character in ipairs { "\195\164", "\229\165\189", "\240\159\152\128" } do
          local text = ("x"):rep(offset) .. character:rep(50)
          local kept, size = decoded({ system = text }).system:match "^(.*)%.%.%. %((%d+) bytes%)$"
          assert.equal(#text, tonumber(size))
          assert.equal(text:sub(1, #kept), kept)
          assert.equal(0, (#kept - offset) % #character)
          assert.is_true(#kept <= 60 and #kept >= 60 - 4, #kept)
        end
      end
    end)

    it("in every block of a list, and nothing else of a block", function()
      assert.same({ { type = "text", text = SHORT, cache_control = { ttl = 5, on = true } }, { text = "x" } },
        decoded({
          system = { { type = "text", text = LONG, cache_control = { ttl = 5, on = true } }, { text = "x" } },
        }).system)
    end)

    it("in messages of that role, and only there", function()
      local messages = decoded({ messages = {
        { role = "system", content = LONG },
        { role = "system", content = { { type = "text", text = LONG } } },
        { role = "user", content = LONG },
        { role = "user", content = { { type = "text", text = LONG } } },
      } }).messages
      assert.equal(SHORT, messages[1].content)
      assert.equal("system", messages[1].role)
      assert.equal(SHORT, messages[2].content[1].text)
      assert.equal(LONG, messages[3].content)
      assert.equal(LONG, messages[4].content[1].text)
    end)
  end)

  describe("has its base64 shortened", function()
    local function base64(length, alphabet)
      return (alphabet or "QUJD"):rep(length):sub(1, length)
    end

    local function is_shortened(text)
      local found = decoded({ data = text }).data
      if found == text then
        return false
      end
      assert.equal(text:sub(1, 60) .. ("... (%d bytes)"):format(#text), found)
      return true
    end

    it("from 200 bytes on", function()
      assert.is_false(is_shortened(base64(199)))
      assert.is_true(is_shortened(base64(200)))
      assert.is_true(is_shortened(base64(5000)))
    end)

    it("of both alphabets, with padding or without", function()
      for _, text in ipairs {
        base64(300, "aZ09+/"), base64(300, "aZ09-_"), base64(299) .. "=", base64(298) .. "==",
      } do
        assert.is_true(is_shortened(text))
      end
    end)

    it("in data URLs", function()
      for _, kind in ipairs { "image/png", "application/vnd.x-y+json", "image/svg+xml" } do
        assert.is_true(is_shortened("data:" .. kind .. ";base64," .. base64(300)))
      end
      assert.is_false(is_shortened("data:;base64;" .. base64(300)))
    end)

    it("and no text that has other characters", function()
      for _, text in ipairs {
        base64(300) .. " ", base64(150) .. "." .. base64(150), "=" .. base64(300), base64(150) .. "=" .. base64(150),
        "https://example.com/" .. base64(300), base64(300) .. "\n", ("="):rep(300), " " .. base64(300),
      } do
        assert.is_false(is_shortened(text), text:sub(1, 30))
      end
    end)

    it("at every depth", function()
      local text = base64(300)
      local found = decoded { a = { { b = { text } }, "x" } }
      assert.equal(text:sub(1, 60) .. "... (300 bytes)", found.a[1].b[1])
      assert.equal("x", found.a[2])
    end)
  end)
end)

describe("a record", function()
  local EVENTS = { request = "debug", response = "info", body = "debug", retry = "warn", error = "error" }
  local written, records
  local stderr = io.stderr

  before_each(function()
    written, records = {}, {}
    io.stderr = { -- luacheck: ignore 122
      write = function(_, ...)
        for i = 1, select("#", ...) do
          written[#written + 1] = (select(i, ...))
        end
      end,
    }
  end)

  after_each(function()
    io.stderr = stderr -- luacheck: ignore 122
  end)

  local function on_log(record)
    records[#records + 1] = record
  end

  local function describe_nothing()
    return {}
  end

  -- Whether an event comes through to standard error where ANTHROPIC_LOG is the word.
  local function passes(word, event)
    local before = #written
    log.write(exchange_of { log_level = word }, event, describe_nothing)
    return #written > before
  end

  it("is not made where nobody wants one", function()
    for event in pairs(EVENTS) do
      log.write(exchange_of {}, event, function() error "it was made" end)
      log.write(exchange_of { log_level = "off" }, event, function() error "it was made" end)
    end
    log.write(exchange_of { log_level = "error" }, "retry", function() error "it was made" end)
    assert.same({}, written)
  end)

  it("says which event, of which level, of which attempt", function()
    for event, level in pairs(EVENTS) do
      log.write(exchange_of { on_log = on_log, attempts = 7 }, event, describe_nothing)
      assert.same({ event = event, level = level, attempt = 7 }, table.remove(records))
    end
  end)

  it("is made of the exchange and of what else the event has", function()
    local exchange = exchange_of { on_log = on_log }
    log.write(exchange, "retry", function(...)
      assert.same({ n = 4, exchange, 1, nil, "x" }, { n = select("#", ...), ... })
      return { seconds = 3 }
    end, 1, nil, "x")
    assert.same({ event = "retry", level = "warn", attempt = 1, seconds = 3 }, records[1])
  end)

  it("goes to on_log whatever its level and whatever ANTHROPIC_LOG says, and nowhere else", function()
    for _, word in ipairs { false, "off", "error", "debug" } do
      records = {}
      for event in pairs(EVENTS) do
        log.write(exchange_of { on_log = on_log, log_level = word or nil }, event, describe_nothing)
      end
      assert.equal(5, #records)
    end
    assert.same({}, written)
  end)

  for word, expected in pairs {
    off = "", error = "error", warn = "error retry", info = "error response retry",
    debug = "body error request response retry",
    OFF = "", Error = "error", WARN = "error retry", Info = "error response retry",
    DEBUG = "body error request response retry",
    trace = "error response retry", ["1"] = "error response retry", [""] = "error response retry",
  } do
    it(("goes to standard error as ANTHROPIC_LOG=%s asks: %s"):format(word, expected), function()
      local events = {}
      passes(word, "error") -- once it is said that a word is no level
      for event in pairs(EVENTS) do
        events[#events + 1] = passes(word, event) and event or nil
      end
      table.sort(events)
      assert.equal(expected, table.concat(events, " "))
    end)
  end

  it("is preceded once by a line that names the levels, where ANTHROPIC_LOG is none", function()
    for _ = 1, 2 do
      log.write(exchange_of { log_level = "ver\27bose" }, "response", describe_nothing)
    end
    assert.equal(3, #written)
    assert.equal('anthropic warn log: ANTHROPIC_LOG is "ver bose", which is not one of debug, info, warn, error, off: '
      .. "taken as info\n", written[1])
    log.write(exchange_of { log_level = "verb" }, "request", describe_nothing)
    assert.equal(4, #written)
    log.write(exchange_of { log_level = "loud", on_log = on_log }, "request", describe_nothing)
    assert.equal(4, #written)
  end)

  it("is a line on standard error: level, event, then the rest by name, without functions", function()
    log.write(exchange_of { log_level = "debug", attempts = 2 }, "request", function()
      return {
        url = "http://x/y", method = "POST", zero = 0, flag = false, seconds = 0.5,
        request_body = function() return "a body" end,
      }
    end)
    assert.equal("anthropic debug request attempt=2 flag=false method=POST seconds=0.5 url=http://x/y zero=0\n",
      table.concat(written))
  end)

  it("is one write, so that lines of several processes do not mix", function()
    log.write(exchange_of { log_level = "error" }, "error", function()
      return { error = "anthropic: api error 400" }
    end)
    assert.same({ "anthropic error error attempt=1 error=anthropic: api error 400\n" }, written)
  end)

  it("holds no control characters, in whatever a server said", function()
    for _, options in ipairs { { on_log = on_log }, { log_level = "debug" } } do
      log.write(exchange_of(options), "response", function()
        return {
          request_id = "req\27[2J\n1\226\128\174", error = "a\194\155b", status = 5, request_body = function() end,
        }
      end)
    end
    assert.equal("req [2J 1 ", records[1].request_id)
    assert.equal("a b", records[1].error)
    assert.equal(5, records[1].status)
    assert.equal("anthropic info response attempt=1 error=a b request_id=req [2J 1  status=5\n", table.concat(written))
  end)

  it("raises what on_log raises", function()
    local object = {}
    local ok, err = pcall(log.write, exchange_of { on_log = function() error(object) end }, "error", describe_nothing)
    assert.is_false(ok)
    assert.equal(object, err)
  end)

  it("is a line also where its words are several", function()
    log.write(exchange_of { log_level = "error" }, "error", function()
      return { error = "one\r\n\ttwo\27[31m\0" }
    end)
    assert.same({ "anthropic error error attempt=1 error=one two [31m \n" }, written)
  end)
end)

describe("a record of no exchange", function()
  local function option_of(options)
    return function(name) return options[name] end
  end

  it("has its event and level, and what it was made with", function()
    local records = {}
    local option = option_of { on_log = function(record) records[#records + 1] = record end, log_level = "off" }
    log.teller(option)("tool", { tool = "f", error = "x" })
    assert.same({ { event = "tool", level = "warn", tool = "f", error = "x" } }, records)
  end)

  it("has lines without control characters, and a traceback as it is", function()
    local records = {}
    local option = option_of { on_log = function(record) records[#records + 1] = record end }
    log.teller(option)("tool", { tool_use_id = "a\nb\27[31m", error = "one\r\ntwo", traceback = "three\n\tfour" })
    assert.same({
      event = "tool", level = "warn", tool_use_id = "a b [31m", error = "one two", traceback = "three\n\tfour",
    }, records[1])
  end)

  it("goes to standard error as ANTHROPIC_LOG asks, and nowhere where nobody does", function()
    local stderr, written = io.stderr, {}
    io.stderr = { write = function(_, text) written[#written + 1] = text end } -- luacheck: ignore 122
    local ok, err = pcall(function()
      for _, word in ipairs { "off", "error", "warn", "info" } do
        log.teller(option_of { log_level = word })("tool", { error = word })
      end
      log.teller(option_of {})("tool", { error = "x" })
    end)
    io.stderr = stderr -- luacheck: ignore 122
    assert.is_true(ok, err)
    assert.same({ "anthropic warn tool error=warn\n", "anthropic warn tool error=info\n" }, written)
  end)
end)
