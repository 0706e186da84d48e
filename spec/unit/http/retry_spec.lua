-- Whether a failed request is sent again, and after how long.

local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local retry = require "anthropic.http.retry"

local function is_worthwhile(fields)
  return retry.is_worthwhile(errors.new(fields))
end

describe("another attempt", function()
  it("is not worthwhile for kinds of errors that stay as they are", function()
    for _, kind in ipairs { "protocol", "cancelled", "invalid_request" } do
      assert.is_false(is_worthwhile { kind = kind }, kind)
      assert.is_false(is_worthwhile { kind = kind, status = 500 }, kind)
      assert.is_false(is_worthwhile { kind = kind, headers = { ["x-should-retry"] = "true" } }, kind)
    end
  end)

  it("is worthwhile after an answer that was cut", function()
    assert.is_true(is_worthwhile { kind = "truncated" })
    assert.is_true(is_worthwhile { kind = "truncated", status = 200 })
  end)

  it("is worthwhile after every timeout but that of the whole request", function()
    assert.is_false(is_worthwhile { kind = "timeout", timeout = "total" })
    for _, name in ipairs { "connect", "first_byte", "idle" } do
      assert.is_true(is_worthwhile { kind = "timeout", timeout = name }, name)
    end
  end)

  it("is worthwhile after failures of connections, save those that the next one meets as well", function()
    local lasting = {}
    for _, code in ipairs { 3, 4, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91 } do
      lasting[code] = true
    end
    for code = 0, 101 do
      assert.equal(not lasting[code], is_worthwhile { kind = "connection", code = code }, code)
    end
    assert.is_true(is_worthwhile { kind = "connection" })
  end)

  it("is worthwhile after the statuses 408, 409, 429 and 500 and above", function()
    for status = 200, 600 do
      local expected = status == 408 or status == 409 or status == 429 or status >= 500
      assert.equal(expected, is_worthwhile { kind = "api", status = status }, status)
    end
    assert.is_false(is_worthwhile { kind = "api" })
  end)

  it("is not worthwhile where the server says so, but x-should-retry comes first", function()
    assert.is_false(is_worthwhile { kind = "api", status = 429, retryable = false })
    assert.is_false(is_worthwhile { kind = "api", status = 529, retryable = false, in_stream = true })
    assert.is_true(is_worthwhile {
      kind = "api", status = 429, retryable = false, headers = { ["x-should-retry"] = "true" },
    })
  end)

  it("is what x-should-retry says, where it says a word that is known", function()
    for status, plain in pairs { [300] = false, [400] = false, [408] = true, [499] = false, [500] = true } do
      for word, expected in pairs {
        ["true"] = true, ["false"] = false, [""] = plain, ["1"] = plain, yes = plain, True = plain,
        ["true, true"] = plain,
      } do
        local fields = { ["x-should-retry"] = word }
        assert.equal(expected, is_worthwhile { kind = "api", status = status, headers = fields }, status .. " " .. word)
      end
      assert.equal(plain, is_worthwhile { kind = "api", status = status, headers = {} }, status)
    end
  end)

  it("is what x-should-retry says also without a status", function()
    assert.is_true(is_worthwhile { kind = "api", headers = { ["x-should-retry"] = "true" } })
    assert.is_false(is_worthwhile { kind = "api", headers = { ["x-should-retry"] = "false" } })
  end)

  it("goes by an error event's own status: the headers came before it", function()
    for status, expected in pairs { [400] = false, [429] = true, [500] = true, [529] = true } do
      for _, word in ipairs { "true", "false" } do
        assert.equal(expected, is_worthwhile {
          kind = "api", in_stream = true, status = status, headers = { ["x-should-retry"] = word },
        }, status .. " " .. word)
      end
    end
    assert.is_false(is_worthwhile { kind = "api", in_stream = true, headers = { ["x-should-retry"] = "true" } })
  end)

  it("is not worthwhile where the headers forbid it, also where there was no whole answer", function()
    local fields = { ["x-should-retry"] = "false" }
    assert.is_false(is_worthwhile { kind = "truncated", headers = fields })
    assert.is_false(is_worthwhile { kind = "connection", code = 56, headers = fields })
    assert.is_false(is_worthwhile { kind = "timeout", timeout = "idle", headers = fields })
  end)

  it("is not worthwhile for what stays as it is, whatever the headers say", function()
    local fields = { ["x-should-retry"] = "true" }
    for _, status in ipairs { 200, 500 } do
      assert.is_false(is_worthwhile { kind = "connection", code = 60, status = status, headers = fields })
      assert.is_false(is_worthwhile { kind = "timeout", timeout = "total", status = status, headers = fields })
      assert.is_false(is_worthwhile { kind = "protocol", status = status, headers = fields })
    end
  end)

  it("is not worthwhile where asking again will not help", function()
    assert.is_true(is_worthwhile { kind = "connection", code = 56 })
    for _, kind in ipairs { "connection", "timeout", "truncated" } do
      assert.is_false(is_worthwhile { kind = kind, code = 56, retryable = false })
    end
  end)

  it("is worthwhile after libcurl's code 1 where something was sent: then it is a garbled answer", function()
    assert.is_true(is_worthwhile { kind = "connection", code = 1 })
    assert.is_false(is_worthwhile { kind = "connection", code = 1, unprocessed = true })
  end)
end)

describe("another attempt that must be safe", function()
  local function is_safe(fields, word)
    fields.headers = word and { ["x-should-retry"] = word } or nil
    return retry.is_worthwhile(errors.new(fields), "safe")
  end

  it("is worthwhile where the server cannot have acted", function()
    assert.is_true(is_safe { kind = "connection", code = 7, unprocessed = true })
    assert.is_true(is_safe { kind = "timeout", timeout = "connect", unprocessed = true })
    assert.is_true(is_safe { kind = "api", status = 429 })
    assert.is_true(is_safe { kind = "truncated", status = 429 })
  end)

  it("is not where it may have", function()
    for status = 200, 600 do
      assert.equal(status == 429, is_safe { kind = "api", status = status }, status)
      assert.equal(status == 429, is_safe { kind = "truncated", status = status }, status)
    end
    for code = 0, 101 do
      assert.is_false(is_safe { kind = "connection", code = code }, code)
    end
    for _, name in ipairs { "connect", "first_byte", "idle", "total" } do
      assert.is_false(is_safe { kind = "timeout", timeout = name }, name)
    end
    assert.is_false(is_safe { kind = "truncated" })
    assert.is_false(is_safe { kind = "api", status = 429, in_stream = true })
    assert.is_false(is_safe { kind = "api" })
  end)

  it("is not where it would not help", function()
    assert.is_false(is_safe { kind = "connection", code = 60, unprocessed = true })
    assert.is_false(is_safe { kind = "api", status = 429, retryable = false })
    assert.is_false(is_safe { kind = "invalid_request", unprocessed = true })
    assert.is_false(is_safe { kind = "cancelled", unprocessed = true })
  end)

  it("is what a refusal's x-should-retry says", function()
    for _, status in ipairs { 400, 408, 409, 429, 500, 529 } do
      assert.is_true(is_safe({ kind = "api", status = status }, "true"))
      assert.is_false(is_safe({ kind = "api", status = status }, "false"))
      assert.is_true(is_safe({ kind = "truncated", status = status }, "true"))
      assert.is_false(is_safe({ kind = "truncated", status = status }, "false"))
    end
    assert.is_false(is_safe({ kind = "connection", code = 7, unprocessed = true }, "false"))
  end)

  it("is not what a success says, nor what came before an error event", function()
    assert.is_false(is_safe({ kind = "truncated", status = 200 }, "true"))
    assert.is_false(is_safe({ kind = "timeout", timeout = "idle", status = 200 }, "true"))
    assert.is_false(is_safe({ kind = "api", status = 529, in_stream = true }, "true"))
  end)
end)

describe("a wait that a body asks for", function()
  it("is a number of seconds, or a text that is one, and sane", function()
    for _, case in ipairs {
      { 120, 120 }, { 0.5, 0.5 }, { "30", 30 }, { " 1.5 ", 1.5 }, { 0 }, { -1 }, { "0" }, { "-3" }, { "soon" }, { "" },
      { "1e3" }, { "0x10" }, { math.huge }, { -math.huge }, { 0 / 0 }, { true }, { {} }, { nil },
    } do
      assert.equal(case[2], retry.wait(case[1]))
    end
  end)
end)

describe("what a server asks to wait", function()
  local DATE = "Wed, 01 Jan 2025 00:00:00 GMT"

  for _, case in ipairs {
    { "is nothing without headers that say so", {}, nil },
    { "is read in milliseconds", { ["retry-after-ms"] = "1500" }, 1.5 },
    { "may be a fraction of a millisecond", { ["retry-after-ms"] = "0.5" }, 0.0005 },
    { "is read in seconds", { ["retry-after"] = "20" }, 20 },
    { "may be a fraction of a second", { ["retry-after"] = "0.25" }, 0.25 },
    { "may have white space around it", { ["retry-after"] = " \t20 " }, 20 },
    { "may be far too long", { ["retry-after"] = "86400" }, 86400 },
    { "is read in milliseconds first", { ["retry-after-ms"] = "30", ["retry-after"] = "20" }, 0.03 },
    { "is read in seconds where the milliseconds are 0", { ["retry-after-ms"] = "0", ["retry-after"] = "1" }, 1 },
    { "is read in seconds where the milliseconds are below 0",
      { ["retry-after-ms"] = "-5", ["retry-after"] = "1" }, 1 },
    { "is read in seconds where the milliseconds are words",
      { ["retry-after-ms"] = "soon", ["retry-after"] = "1" }, 1 },
    { "is read in seconds where the milliseconds are a date",
      { date = DATE, ["retry-after-ms"] = "Wed, 01 Jan 2025 00:00:20 GMT", ["retry-after"] = "1" }, 1 },
    { "is nothing for milliseconds that are no number", { ["retry-after-ms"] = "soon" }, nil },
    { "is nothing for milliseconds in hexadecimal digits", { ["retry-after-ms"] = "0x10" }, nil },
    { "is nothing for 0 milliseconds", { ["retry-after-ms"] = "0" }, nil },
    { "is nothing for 0 seconds", { ["retry-after"] = "0" }, nil },
    { "is nothing for less than 0 seconds", { ["retry-after"] = "-1" }, nil },
    { "is nothing for an empty value", { ["retry-after"] = "" }, nil },
    { "is nothing for words", { ["retry-after"] = "soon" }, nil },
    { "is nothing for nan", { ["retry-after"] = "nan" }, nil },
    { "is nothing for inf", { ["retry-after"] = "inf" }, nil },
    { "is nothing for a number with an exponent", { ["retry-after"] = "1e3" }, nil },
    { "is nothing for hexadecimal digits", { ["retry-after"] = "0x10" }, nil },
    { "is nothing for a point alone", { ["retry-after"] = "." }, nil },
    { "is nothing for a number with two points", { ["retry-after"] = "1.2.3" }, nil },
    { "is nothing for two numbers", { ["retry-after"] = "1 2" }, nil },
    { "is nothing for two values", { ["retry-after"] = "1, 2" }, nil },
    { "is nothing for a number too large to be one", { ["retry-after"] = ("9"):rep(400) }, nil },
    { "is nothing for milliseconds too large to be a number", { ["retry-after-ms"] = ("9"):rep(400) }, nil },
    { "is reckoned from the response's date to a later one",
      { date = DATE, ["retry-after"] = "Wed, 01 Jan 2025 00:00:20 GMT" }, 20 },
    { "may be a second by dates", { date = DATE, ["retry-after"] = "Wed, 01 Jan 2025 00:00:01 GMT" }, 1 },
    { "is nothing for the same date", { date = DATE, ["retry-after"] = DATE }, nil },
    { "is nothing for an earlier date", { date = DATE, ["retry-after"] = "Tue, 31 Dec 2024 23:59:59 GMT" }, nil },
    { "is nothing for a date of another form", { date = DATE, ["retry-after"] = "2025-01-01T00:00:20Z" }, nil },
  } do
    it(case[1], function()
      assert.equal(case[3], retry.after(case[2]))
    end)
  end

  it("is nothing without a response", function()
    assert.is_nil(retry.after(nil))
    assert.is_nil((retry.after()))
  end)

  it("is reckoned from the local clock where the response has no date of its own", function()
    local function http_date(seconds)
      return os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + seconds)
    end
    for _, own in ipairs { false, "yesterday" } do
      local seconds = retry.after { ["retry-after"] = http_date(100), date = own or nil }
      assert.is_true(seconds > 90 and seconds <= 100, tostring(seconds))
      assert.is_nil(retry.after { ["retry-after"] = http_date(-100), date = own or nil })
    end
  end)

  it("is found in a response's headers as they came", function()
    local block = "HTTP/1.1 429 Too Many Requests\r\nRETRY-AFTER: 3\r\n"
    assert.equal(3, retry.after(headers.parse(block .. "\r\n")))
    assert.equal(0.25, retry.after(headers.parse(block .. "Retry-After-Ms: 250\r\n\r\n")))
  end)
end)

describe("the delay before a retry", function()
  local function delay(retries, retry_after)
    return retry.delay(errors.new { kind = "api", retry_after = retry_after }, retries)
  end

  for retries, longest in pairs { [0] = 0.5, 1, 2, 4, 8, 8, [9] = 8, [1100] = 8 } do
    it(("is %g seconds less up to a quarter after %d retries"):format(longest, retries), function()
      local least, most = math.huge, 0
      for calls = 1, 200000 do
        local seconds = delay(retries)
        least, most = math.min(least, seconds), math.max(most, seconds)
        if calls >= 1000 and least < longest * 0.77 and most > longest * 0.98 then
          break
        end
      end
      assert.is_true(least >= longest * 0.75 and most <= longest, least .. " to " .. most)
      assert.is_true(least < longest * 0.77, "never near its lower bound: " .. least)
      assert.is_true(most > longest * 0.98, "never near its upper bound: " .. most)
    end)
  end

  it("differs from one call to the next", function()
    local equal, last = 0, delay(0)
    for _ = 1, 1000 do
      local seconds = delay(0)
      equal = equal + (seconds == last and 1 or 0)
      last = seconds
    end
    assert.is_true(equal < 100, equal .. " of 1000 are like the one before")
  end)

  it("is spread evenly, so that clients that failed together do not come back together", function()
    local buckets = {}
    for _ = 1, 20000 do
      local bucket = math.floor((delay(0) - 0.375) / 0.125 * 4)
      buckets[bucket] = (buckets[bucket] or 0) + 1
    end
    for bucket = 0, 3 do
      local count = buckets[bucket] or 0
      assert.is_true(count > 1000, ("%d of 20000 are in quarter %d"):format(count, bucket))
    end
  end)

  it("is what the server asks for, to the millisecond, whatever the number of retries", function()
    for _, seconds in ipairs { 0.001, 0.5, 20, 61, 299.999, 300 } do
      for _, retries in ipairs { 0, 1, 5 } do
        assert.equal(seconds, delay(retries, seconds))
      end
    end
  end)

  it("is none where the server asks for more than five minutes", function()
    for _, seconds in ipairs { 300.001, 301, 3600, 1e30 } do
      assert.is_nil(delay(0, seconds))
      assert.is_nil(delay(5, seconds))
    end
  end)

  it("leaves the program's random numbers alone", function()
    math.randomseed(7)
    local expected = { math.random(1e6), math.random(1e6), math.random(1e6) }
    math.randomseed(7)
    local found = {}
    for i = 1, 3 do
      delay(i)
      found[i] = math.random(1e6)
    end
    assert.same(expected, found)
  end)
end)
