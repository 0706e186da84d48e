local headers = require "anthropic.http.headers"

-- The fields without the metatable that looks them up regardless of case.
local function fields_of(block)
  local fields = {}
  for name, value in pairs(headers.parse(block)) do
    fields[name] = value
  end
  return fields
end

describe("a response's headers", function()
  for _, case in ipairs {
    { "nothing", "", {} },
    { "a status line alone", "HTTP/1.1 200 OK\r\n\r\n", {} },
    { "a field", "HTTP/1.1 200 OK\r\nRequest-Id: req_1\r\n\r\n", { ["request-id"] = "req_1" } },
    { "line ends without CR", "HTTP/2 200\na: 1\nb: 2\n\n", { a = "1", b = "2" } },
    { "a last line without an end", "a: 1\r\nb: 2", { a = "1", b = "2" } },
    { "names of every case, and digits and marks in them", "X-A1_b!: 1\r\nÄ: 2\r\n",
      { ["x-a1_b!"] = "1", ["Ä"] = "2" } },
    { "white space around values, and none within taken", "a:1\r\nb: \t 2 \t\r\nc: 3  4 \r\n",
      { a = "1", b = "2", c = "3  4" } },
    { "empty values", "a:\r\nb: \t\r\n", { a = "", b = "" } },
    { "colons in values", "a: b: c\r\n", { a = "b: c" } },
    { "values that repeat", "a: 1\r\nB: 2\r\nA: 3\r\na:\r\na: 4\r\n", { a = "1, 3, , 4", b = "2" } },
    { "values that repeat very often", ("a: x\r\nB:\r\n"):rep(5000),
      { a = ("x, "):rep(4999) .. "x", b = (", "):rep(4999) } },
    { "a CR inside of a value", "a: 1\r2\r\n", { a = "1\r2" } },
    { "NUL inside of a value", "a: 1\0002\r\nb: 3\r\n", { a = "1\0002", b = "3" } },
    { "bytes above ASCII", "a: \228\255\r\n", { a = "\228\255" } },
    { "lines that are no fields", "no colon\r\n: no name\r\na b: c\r\n d: e\r\n\tf: g\r\nh\0i: j\r\nk: 1\r\n",
      { k = "1" } },
    { "a name without an end", ("x"):rep(70000), {} },
    { "a long name and a long value", ("X"):rep(70000) .. ": " .. ("y"):rep(70000) .. "\r\n",
      { [("x"):rep(70000)] = ("y"):rep(70000) } },
  } do
    it("may be " .. case[1], function()
      assert.same(case[3], fields_of(case[2]))
    end)
  end

  it("name one place to go on to where they say the same twice, and several where they do not", function()
    for _, case in ipairs {
      { { "/a" }, "/a", false }, { { "/a", "/a" }, "/a", false }, { { "/a", "/b" }, "/a, /b", true },
      { { "/a", "/a", "/b" }, "/a, /a, /b", true }, { { "/a, /b" }, "/a, /b", false }, { {}, nil, false },
    } do
      local lines = { "HTTP/1.1 302 Found" }
      for _, place in ipairs(case[1]) do
        lines[#lines + 1] = "Location: " .. place
      end
      local block = table.concat(lines, "\r\n") .. "\r\nX-A: 1\r\nX-A: 1\r\n\r\n"
      assert.equal(case[2], headers.parse(block).location)
      assert.equal("1, 1", headers.parse(block)["x-a"])
      assert.equal(case[3], headers.has_places(block))
    end
  end)

  it("are looked up regardless of case", function()
    local fields = headers.parse "Retry-After: 3\r\n"
    assert.equal("3", fields["RETRY-AFTER"])
    assert.equal("3", fields["retry-after"])
    assert.is_nil(fields.retry)
    assert.is_nil(fields[1])
  end)

  it("are changed regardless of case", function()
    local fields = headers.parse "Retry-After: 3\r\na: 1\r\n"
    fields["Retry-After"], fields["X-New"], fields.A = "4", "5", nil
    assert.same({ "4", "5" }, { fields["retry-after"], fields["x-new"] })
    assert.is_nil(fields.a)
    assert.is_nil(rawget(fields, "Retry-After"))
  end)

  it("may be those that another library read: lists, numbers, and values that say nothing", function()
    local null, fields = require "anthropic.base.json".null, {}
    for name, value in pairs(headers.of_table {
      A = "1", B = { "2", null, 3, {}, "4" }, C = 5, D = null, E = { null }, F = {}, G = print, H = true,
    }) do
      fields[name] = value
    end
    assert.same({ a = "1", b = "2, 3, 4", c = "5", h = "true" }, fields)
  end)

  it("tell of rate limits where they have any", function()
    assert.is_nil(headers.rate_limit(headers.parse "a: 1\r\nx-anthropic-ratelimit-requests-limit: 2\r\n"))
    assert.same({
      requests = { limit = 50, remaining = 49, reset = "2026-01-01T00:00:00Z" },
      input_tokens = { remaining = 7 },
    }, headers.rate_limit(headers.parse(table.concat({
      "anthropic-ratelimit-requests-limit: 50",
      "Anthropic-RateLimit-Requests-Remaining: 49",
      "anthropic-ratelimit-requests-reset: 2026-01-01T00:00:00Z",
      "anthropic-ratelimit-input-tokens-remaining: 7",
      "anthropic-ratelimit-",
      "",
    }, "\r\n"))))
  end)

  it("keep what a rate limit says that is no number, and long names", function()
    assert.same({
      unified = { status = "allowed" },
      unified_5h = { utilization = 0.25, limit = "" },
    }, headers.rate_limit {
      ["anthropic-ratelimit-unified-status"] = "allowed",
      ["anthropic-ratelimit-unified-5h-utilization"] = "0.25",
      ["anthropic-ratelimit-unified-5h-limit"] = "",
      ["anthropic-ratelimit-requests"] = "1",
      ["anthropic-ratelimit--limit"] = "1",
      ["anthropic-ratelimit-requests-limit2"] = "1",
      ["anthropic-organization-id"] = "a",
      ["b-anthropic-ratelimit-tokens-limit"] = "1",
      a = "1",
    })
    assert.is_nil(headers.rate_limit {})
  end)
end)

describe("a response's headers without secrets", function()
  local function redact(text)
    return (text:gsub("anthropic", "[redacted]"):gsub("secret", "[redacted]"))
  end

  it("are the same, but for the secrets in them", function()
    local fields = headers.redacted(headers.parse("HTTP/1.1 200 OK\r\nX-Echo: a secret\r\nX-secret: 1\r\n"
      .. "Anthropic-RateLimit-Requests-Limit: 5\r\nDate: anthropic\r\n\r\n"), redact)
    assert.same({
      ["x-echo"] = "a [redacted]", ["x-[redacted]"] = "1", ["anthropic-ratelimit-requests-limit"] = "5",
      date = "[redacted]",
    }, fields)
    assert.equal("a [redacted]", fields["X-ECHO"])
    assert.same({ requests = { limit = 5 } }, headers.rate_limit(fields))
  end)
end)

describe("a set of headers", function()
  -- The lines of a set with the fields given, each { name, value }.
  local function lines_of(...)
    local set = headers.new()
    for _, field in ipairs { ... } do
      assert.is_true(headers.set(set, field[1], field[2]))
    end
    return headers.lines(set)
  end

  it("is empty at first, and shares nothing with others", function()
    assert.same({}, headers.lines(headers.new()))
    headers.set(headers.new(), "A", "1")
    assert.same({}, headers.lines(headers.new()))
  end)

  it("keeps the order and the spelling", function()
    assert.same({ "b: 1", "A: 2", "X-c: 3" }, lines_of({ "b", "1" }, { "A", "2" }, { "X-c", "3" }))
  end)

  it("replaces a field regardless of case, at its place and in the new spelling", function()
    assert.same({ "X-A: 3", "B: 2" }, lines_of({ "x-a", "1" }, { "B", "2" }, { "X-A", "3" }))
  end)

  it("says a field without a value, and one that is removed, as libcurl wants them", function()
    assert.same({ "A;", "B:", "C;" }, lines_of({ "A", "" }, { "B", false }, { "C", " \t" }))
    assert.same({ "A:" }, lines_of({ "A", "1" }, { "a", "" }, { "A", false }))
    assert.same({ "A: 1" }, lines_of({ "A", false }, { "A", "1" }))
  end)

  it("takes numbers", function()
    assert.same({ "A: 5", "B: 0.5", "C: -1" }, lines_of({ "A", 5 }, { "B", 0.5 }, { "C", -1 }))
    assert.same({ "A: 5", "B: 1000000000000000" }, lines_of({ "A", 10 / 2 }, { "B", 1e15 }))
  end)

  it("takes no number that is not finite", function()
    for _, value in ipairs { 0 / 0, math.huge, -math.huge } do
      assert.equal('headers["A"]: a finite number expected', (select(2, headers.set(headers.new(), "A", value))))
    end
  end)

  it("takes the white space around a value away", function()
    for given, expected in pairs {
      [" a"] = "a", ["a "] = "a", ["\ta"] = "a", ["a\t"] = "a", [" \t a  b \t "] = "a  b", ["a\tb c"] = "a\tb c",
    } do
      assert.same({ "A: " .. expected }, lines_of { "A", given })
    end
  end)

  it("tells what was set, removed and never set", function()
    local set = headers.new()
    headers.set(set, "X-A", " 1 ")
    headers.set(set, "B", false)
    headers.set(set, "C", "")
    assert.equal("1", headers.get(set, "x-a"))
    assert.equal("1", headers.get(set, "X-A"))
    assert.is_false(headers.get(set, "b"))
    assert.equal("", headers.get(set, "c"))
    assert.is_nil(headers.get(set, "D"))
  end)

  it("takes every token for a name, and nothing else", function()
    local allowed = "!#$%&'*+-.^_`|~"
    for code = 0, 255 do
      local char = string.char(code)
      local is_allowed = allowed:find(char, 1, true) ~= nil and code ~= 0 or char:find "^[A-Za-z0-9]$" ~= nil
      for _, name in ipairs { char, "a" .. char .. "b", "a" .. char, char .. "b" } do
        local ok, message = headers.set(headers.new(), name, "1")
        if is_allowed then
          assert.is_true(ok, name)
        else
          assert.is_nil(ok)
          assert.equal(("headers[%q]: not a header name"):format(name), message)
        end
      end
    end
  end)

  it("refuses a name that is empty or no string", function()
    for _, name in ipairs { "", 1, true, false } do
      local ok, message = headers.set(headers.new(), name, "1")
      assert.is_nil(ok)
      assert.equal(('headers["%s"]: not a header name'):format(tostring(name)), message)
    end
    assert.equal('headers["nil"]: not a header name', (select(2, headers.set(headers.new(), nil, "1"))))
  end)

  it("refuses a value that is no string, number or false", function()
    for _, value in ipairs { true, {}, print } do
      local ok, message = headers.set(headers.new(), "A", value)
      assert.is_nil(ok)
      assert.equal('headers["A"]: string expected, got ' .. type(value), message)
    end
    assert.equal('headers["A"]: string expected, got nil', (select(2, headers.set(headers.new(), "A", nil))))
  end)

  it("refuses a value that would end its line, and does not quote it", function()
    for _, value in ipairs { "a\nB: 1", "a\r\nB: 1", "a\rb", "a\0b", "\n", "a\n", "\0", "\r" } do
      local set = headers.new()
      headers.set(set, "A", "before")
      local ok, message = headers.set(set, "A", value)
      assert.is_nil(ok)
      assert.equal('headers["A"]: must not contain a line break or NUL', message)
      assert.same({ "A: before" }, headers.lines(set))
    end
  end)

  it("takes a whole table, sorted by its names", function()
    local set = headers.new()
    assert.is_true(headers.set_all(set, { c = "3", A = "1", b = false, D = 4 }))
    assert.same({ "A: 1", "D: 4", "b:", "c: 3" }, headers.lines(set))
  end)

  it("takes a missing or empty table", function()
    local set = headers.new()
    assert.is_true(headers.set_all(set, nil))
    assert.is_true(headers.set_all(set, {}))
    assert.same({}, headers.lines(set))
  end)

  it("says which field of a table is wrong, the first by name", function()
    local set = headers.new()
    local ok, message = headers.set_all(set, { a = "1", b = true, ["c d"] = "2", e = {} })
    assert.is_nil(ok)
    assert.equal('headers["b"]: string expected, got boolean', message)
    ok, message = headers.set_all(set, { "Accept: x", b = "1" })
    assert.is_nil(ok)
    assert.equal('headers["1"]: not a header name', message)
  end)
end)

describe("lines of headers", function()
  for _, case in ipairs {
    { "nothing", "", {} },
    { "one line", "A: 1", { A = "1" } },
    { "lines with every line end", "A: 1\nB: 2\r\nC: 3\rD: 4\n\n", { A = "1", B = "2", C = "3", D = "4" } },
    { "white space, which is taken away", " \tA \t:\t 1  2 \t\n  B:3", { A = "1  2", B = "3" } },
    { "values with colons", "A: b: c:d", { A = "b: c:d" } },
    { "empty values", "A:\nB: ", { A = "", B = "" } },
    { "lines without a colon, which are passed over", "A\nB: 1\n\nA 1", { B = "1" } },
    { "lines without a name, which are passed over", ": 1\n  : 2\nB: 3\n:", { B = "3" } },
    { "a name twice, of which the last counts", "A: 1\nA: 2", { A = "2" } },
    { "a name that is refused later", "a b: 1", { ["a b"] = "1" } },
  } do
    it("may be " .. case[1], function()
      assert.same(case[3], headers.parse_lines(case[2]))
    end)
  end

  it("may be missing", function()
    assert.same({}, headers.parse_lines(nil))
  end)
end)

describe("a set of headers of a request", function()
  it("leaves the length of the body to the body", function()
    local function problem(given, spec)
      local set = headers.new()
      assert(headers.set_all(set, given))
      return headers.problem_of_length(set, spec)
    end
    local LENGTH = 'headers["%s"]: must be left out: the body\'s own is sent'
    local CODING = 'headers["%s"]: must be "chunked" or left out'
    local BODILESS = 'headers["%s"]: must be left out: there is no body'
    local text, file, form = { body = "abc" }, { body_file = "f" }, { multipart = {} }
    local head = { method = "HEAD", body = "abc" }
    for _, case in ipairs {
      { {}, text }, { {}, file }, { { ["Content-Length"] = 3 }, text }, { { ["content-length"] = "0" }, {} },
      { { ["content-length"] = false }, {} }, { { ["transfer-encoding"] = "Chunked" }, text },
      { { ["transfer-encoding"] = "chunked" }, file }, { { ["transfer-encoding"] = false }, text },
      { { ["Content-Length"] = 2 }, text, LENGTH }, { { ["content-length"] = "3, 3" }, text, LENGTH },
      { { ["content-length"] = false }, text, LENGTH }, { { ["content-length"] = "" }, text, LENGTH },
      { { ["content-length"] = 3 }, file, LENGTH }, { { ["content-length"] = 3 }, form, LENGTH },
      { { ["content-length"] = false }, form, LENGTH }, { { ["content-length"] = 3 }, {}, LENGTH },
      { { ["content-length"] = 3, ["transfer-encoding"] = "chunked" }, text, LENGTH },
      { { ["transfer-encoding"] = "gzip" }, text, CODING }, { { ["transfer-encoding"] = "" }, text, CODING },
      { { ["transfer-encoding"] = false }, form, CODING },
      { { ["transfer-encoding"] = "chunked" }, { body = "" } }, { { ["transfer-encoding"] = false }, {} },
      { { ["transfer-encoding"] = "chunked" }, {}, BODILESS }, { { ["transfer-encoding"] = "gzip" }, {}, BODILESS },
      { { ["content-length"] = 0 }, head }, { { ["content-length"] = 3 }, head, LENGTH },
      { { ["transfer-encoding"] = "chunked" }, head, BODILESS },
    } do
      local name = (case[3] == CODING or case[3] == BODILESS) and "transfer-encoding" or "content-length"
      assert.equal(case[3] and case[3]:format(name), (problem(case[1], case[2])))
    end
  end)
end)
