local errors = require "anthropic.base.error"

describe("an error", function()
  it("is the table of fields that it is made of", function()
    local fields = { kind = "api", message = "No", status = 400 }
    local err = errors.new(fields)
    assert.equal(fields, err)
    assert.equal("api", err.kind)
    assert.equal("No", err.message)
    assert.equal(400, err.status)
    assert.is_nil(err.partial)
  end)

  it("is known as one of this library", function()
    assert.is_true(errors.is(errors.new { kind = "api", message = "No" }))
    assert.is_true(errors.is(errors.invalid_request "No"))
  end)

  it("is nothing else", function()
    for _, value in ipairs { { kind = "api", message = "No" }, setmetatable({}, {}), "anthropic: api error: No", 7,
                             true, print } do
      assert.is_false(errors.is(value))
    end
    assert.is_false(errors.is(nil))
    assert.is_false(errors.is(false))
  end)

  it("of a caller's table has fields of their types, whatever they were given as", function()
    local given = {
      kind = "api", status = "503", retry_after = "2", message = 5, type = true, request_id = {}, timeout = {}, own = 1,
    }
    local err = errors.of_caller(given)
    assert.is_true(errors.is(err))
    assert.same({ kind = "api", status = 503, retry_after = 2, message = "5", type = "true", own = 1 },
      setmetatable(err, nil))
    assert.equal("503", given.status)
    err = errors.of_caller { kind = "timeout", status = "x", retry_after = -1, message = {} }
    assert.is_nil(err.status)
    assert.is_nil(err.retry_after)
    assert.is_string(err.message)
    for _, value in ipairs { "api", 1, {}, { kind = 1 }, { message = "m" } } do
      assert.is_nil(errors.of_caller(value))
    end
  end)

  it("for a request that is not sent has its kind and message alone", function()
    local err = errors.invalid_request "api_key: is empty"
    assert.equal("invalid_request", err.kind)
    assert.equal("api_key: is empty", err.message)
    for name in pairs(err) do
      assert.is_true(name == "kind" or name == "message", name)
    end
  end)

  it("of what was ended has its kind and message alone", function()
    assert.same({ kind = "cancelled", message = "the wait was cancelled" }, errors.cancelled "the wait was cancelled")
    assert.is_true(errors.is(errors.cancelled "the wait was cancelled"))
  end)

  it("can be raised and caught as it is", function()
    local err = errors.invalid_request "no"
    local ok, caught = pcall(error, err)
    assert.is_false(ok)
    assert.equal(err, caught)
  end)
end)

describe("an error as text", function()
  for _, case in ipairs { -- fields, text
    { { kind = "connection", message = "refused" }, "anthropic: connection error: refused" },
    { { kind = "cancelled" }, "anthropic: cancelled error: " },
    { { kind = "api", message = "" }, "anthropic: api error: " },
    { { kind = "api", status = 404, message = "no" }, "anthropic: api error 404: no" },
    { { kind = "api", status = 404, message = "no", request_id = "r\n1", url = "http://x/y" },
      "anthropic: api error 404: no (r 1) at http://x/y" },
    { { kind = "api", status = 404, message = "no", url = "http://x/y", in_stream = true },
      "anthropic: api error 404: no" },
    { { kind = "api", status = 400, message = "no", url = "http://x/y" }, "anthropic: api error 400: no" },
    { { kind = "api", type = "not_found_error", message = "no" }, "anthropic: api error not_found_error: no" },
    { { kind = "api", status = 529, type = "overloaded_error", message = "Overloaded", request_id = "req_1" },
      "anthropic: api error 529 overloaded_error: Overloaded (req_1)" },
    { { kind = "api", message = "no", request_id = "req_1" }, "anthropic: api error: no (req_1)" },
    { { kind = "timeout", timeout = "idle", message = "slow" }, "anthropic: timeout error (idle): slow" },
    { { kind = "timeout", timeout = "total", status = 200, type = "t", message = "slow", request_id = "r" },
      "anthropic: timeout error (total) 200 t: slow (r)" },
    { { kind = "api", message = "a\r\nb\n\n\tc  d" }, "anthropic: api error: a b c d" },
    { { kind = "api", message = "\n" }, "anthropic: api error: " },
    { { kind = "api", message = "a\0b\27[31mc\127d" }, "anthropic: api error: a b [31mc d" },
    { { kind = "api", type = "a\27[2J\226\128\174b", message = "c\194\155d", request_id = "r\226\128\168\255" },
      "anthropic: api error a [2J b: c d (r \239\191\189)" },
    { { kind = "api", message = "é 100%1 %d" }, "anthropic: api error: é 100%1 %d" },
  } do
    it("may be " .. case[2]:gsub("%c", "?"), function()
      assert.equal(case[2], tostring(errors.new(case[1])))
    end)
  end

  it("follows the fields as they are now", function()
    local err = errors.new { kind = "api", message = "no" }
    err.request_id, err.status = "req_2", 500
    assert.equal("anthropic: api error 500: no (req_2)", tostring(err))
  end)

  it("stands also where it is concatenated, on either side", function()
    local err = errors.new { kind = "api", message = "no" }
    assert.equal("failed: anthropic: api error: no", "failed: " .. err)
    assert.equal("anthropic: api error: no!", err .. "!")
    assert.equal("1 anthropic: api error: no", 1 .. " " .. err)
    assert.equal("anthropic: api error: noanthropic: api error: no", err .. err)
  end)

  it("leaves the message alone", function()
    local err = errors.new { kind = "api", message = "a\nb" }
    tostring(err)
    assert.equal("a\nb", err.message)
  end)
end)

describe("an API error type", function()
  for name, status in pairs {
    invalid_request_error = 400,
    authentication_error = 401,
    billing_error = 402,
    permission_error = 403,
    not_found_error = 404,
    conflict_error = 409,
    request_too_large = 413,
    rate_limit_error = 429,
    api_error = 500,
    timeout_error = 504,
    overloaded_error = 529,
  } do
    it(name .. " stands for " .. status .. ", and the other way around", function()
      assert.equal(status, errors.status_of_type(name))
      assert.equal(name, errors.type_of_status(status))
    end)
  end

  it("that is unknown or missing stands for no status", function()
    assert.is_nil(errors.status_of_type "brand_new_error")
    assert.is_nil(errors.status_of_type "")
    assert.is_nil(errors.status_of_type "API_ERROR")
  end)

  it("of a status without one of its own is that of its class", function()
    for status, name in pairs {
      [405] = "invalid_request_error", [410] = "invalid_request_error", [422] = "invalid_request_error",
      [499] = "invalid_request_error", [408] = "timeout_error",
      [501] = "api_error", [502] = "api_error", [503] = "api_error", [528] = "api_error", [530] = "api_error",
      [599] = "api_error", [600] = "api_error",
    } do
      assert.equal(name, errors.type_of_status(status), status)
    end
  end)

  it("is missing below 400", function()
    for _, status in ipairs { 0, 100, 200, 302, 399 } do
      assert.is_nil(errors.type_of_status(status))
    end
  end)
end)

describe("the command line of an error", function()
  it("is missing where no request was sent", function()
    local command, message = errors.invalid_request("no"):to_curl()
    assert.is_nil(command)
    assert.equal("no request was sent", message)
  end)

  it("is made when it is asked for, and each time", function()
    local err, calls = errors.new { kind = "api", message = "no" }, 0
    errors.set_command(err, function()
      calls = calls + 1
      return "curl " .. calls
    end)
    assert.equal(0, calls)
    assert.equal("curl 1", err:to_curl())
    assert.equal("curl 2", err:to_curl())
  end)

  it("may be refused with words", function()
    local err = errors.new { kind = "api", message = "no" }
    errors.set_command(err, function() return nil, "the body is gone" end)
    local command, message = err:to_curl()
    assert.is_nil(command)
    assert.equal("the body is gone", message)
  end)

  it("is that of its own error, and the last that was set", function()
    local one, other = errors.invalid_request "1", errors.invalid_request "2"
    errors.set_command(one, function() return "curl 1" end)
    assert.is_nil((other:to_curl()))
    errors.set_command(one, function() return "curl 3" end)
    assert.equal("curl 3", one:to_curl())
  end)

  it("stands in no field that a log or a copy would show", function()
    local err = errors.invalid_request "no"
    errors.set_command(err, function() return "curl" end)
    for name in pairs(err) do
      assert.is_true(name == "kind" or name == "message", name)
    end
  end)

  it("keeps neither the error nor the request alive", function()
    local kept = setmetatable({}, { __mode = "v" })
    do
      local request = { "a large body" }
      kept.err, kept.request = errors.invalid_request "no", request
      errors.set_command(kept.err, function() return request[1] end)
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(kept.err)
    assert.is_nil(kept.request)
  end)
end)

describe("the number that curl would exit with", function()
  it("is libcurl's, or stands for the kind", function()
    for kind, code in pairs {
      api = 22, cancelled = 42, connection = 7, invalid_request = 2, protocol = 8, timeout = 28, truncated = 18,
    } do
      assert.equal(code, errors.new({ kind = kind, message = "no" }):exit_code())
      assert.equal(code, errors.new({ kind = kind, message = "no", code = 0 }):exit_code())
      assert.equal(60, errors.new({ kind = kind, message = "no", code = 60 }):exit_code())
    end
  end)
end)
