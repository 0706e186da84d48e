-- What a request of `anthropic.http` may say, and what becomes of its answer; what goes over the wire is in
-- spec/behaviour/http_transport_spec.lua.

local call = require "anthropic.http.call"
local core = require "anthropic.core"
local directories = require "spec.support.directory"
local errors = require "anthropic.base.error"
local fed_answer = require "spec.support.fed_answer"

local function words_of(request)
  local made, err = call.prepare(request)
  assert.is_nil(made)
  assert.equal("invalid_request", err.kind)
  return err.message
end

describe("a request of anthropic.http", function()
  local URL = "http://h.test/x"

  it("is checked by its members, and the caller's line is blamed", function()
    for _, case in ipairs {
      { nil, "a request is a table with a url" }, { {}, "a request is a table with a url" },
      { { url = 7 }, "url" }, { { url = URL, methd = "GET" }, "method" },
      { { url = URL, redirects = -1 }, "redirects" },
      { { url = URL, redirects = 0.5 }, "redirects" }, { { url = URL, secret_headers = { 1 } }, "secret_headers" },
      { { url = URL, timeout = "long" }, "timeout" },
    } do
      local line
      local ok, message = pcall(function()
        line = debug.getinfo(1, "l").currentline + 1
        call.check(case[1], 1)
      end)
      assert.is_false(ok)
      assert.matches("call_spec.lua:" .. line .. ": ", message, 1, true)
      assert.matches(case[2], message, 1, true)
    end
    call.check({ url = URL, redirects = 0, secret_headers = { "a" }, timeout = 1 }, 1)
  end)

  it("never has its URL or its body shown", function()
    for _, name in ipairs { "url", "body" } do
      local request = { url = URL }
      request[name] = { "secret" }
      local _, message = pcall(call.check, request, 1)
      assert.is_nil(message:find("secret", 1, true))
    end
  end)

  it("has handlers, of which one at most takes the body", function()
    call.check_handlers({ on_response = print, on_done = print, on_line = print }, {}, 1)
    call.check_handlers({}, {}, 1)
    call.check_handlers({ on_response = print, on_done = print }, { path = "f" }, 1)
    for _, names in ipairs { { "on_line", "on_event" }, { "on_line", "on_bytes" }, { "on_event", "on_bytes" } } do
      local _, message = pcall(call.check_handlers, { [names[1]] = print, [names[2]] = print }, {}, 1)
      assert.matches("handlers: one of on_line, on_event and on_bytes", message, 1, true)
    end
    for _, given in ipairs { 7, { on_line = "x" }, { on_lines = print } } do
      assert.is_false((pcall(call.check_handlers, given, {}, 1)))
    end
  end)

  it("goes to a file or to a handler", function()
    for _, name in ipairs { "on_line", "on_event", "on_bytes" } do
      local _, message = pcall(call.check_handlers, { [name] = print }, { path = "f" }, 1)
      assert.matches("path: excludes on_line, on_event and on_bytes", message, 1, true)
    end
  end)

  it("has one body, and none with HEAD", function()
    assert.equal("body: excludes body_file", words_of { url = URL, body = "", body_file = "f" })
    assert.equal("body_file: excludes multipart", words_of { url = URL, body_file = "f", multipart = {} })
    assert.equal("body: a HEAD request has none", words_of { url = URL, body = "", method = "head" })
    assert.equal("body_file: must not contain NUL", words_of { url = URL, body_file = "a\0b" })
    for _, method in ipairs { "", "GET ", "G-T", "GET\r\n" } do
      assert.matches("must be letters", words_of { url = URL, method = method }, 1, true)
    end
    assert.matches("part", words_of { url = URL, multipart = { 7 } }, 1, true)
  end)

  it("is a GET, or a POST where it has a body", function()
    local function spec_of(request)
      request.url = URL
      return call.prepare(request).spec()
    end
    assert.equal("GET", spec_of({}).method)
    for _, name in ipairs { "body", "body_file" } do
      assert.equal("POST", spec_of({ [name] = "x" }).method)
    end
    assert.equal("POST", spec_of({ multipart = { { name = "a", data = "b" } } }).method)
    assert.equal("PUT", spec_of({ method = "put", body = "" }).method)
  end)

  it("is what it says, with the names of secret headers in lower case", function()
    local given = { A = "1" }
    local spec = call.prepare({ url = URL, headers = given, secret_headers = { "X-Own" }, redirects = 3 }).spec()
    given.A = "2"
    assert.same({ A = "1" }, spec.headers)
    assert.same({ ["x-own"] = true }, spec.secret_headers)
    assert.equal(3, spec.redirects)
    assert.is_true(spec.takes_any_status)
    assert.equal(0, call.prepare({ url = URL }).spec().redirects)
  end)

  it("that goes out once takes no connection that is about to close", function()
    assert.equal("safe", call.prepare({ url = URL, max_retries = 0, http_version = "1.1" }).policy)
    assert.is_nil(call.prepare({ url = URL, max_retries = 1, http_version = "1.1" }).policy)
    assert.is_nil(call.prepare({ url = URL, max_retries = 0, http_version = "2" }).policy)
  end)
end)

describe("an answer of anthropic.http", function()
  local directory

  before_each(function()
    directory = directories.new()
  end)

  after_each(function()
    directory:remove()
  end)

  local function read(exchange, sink, status)
    local response = { status = status or 200 }
    return call.read(exchange, response, { path = directory:path "file" }, sink)
  end

  it("has its body whatever its status", function()
    assert.equal("ab", read(fed_answer { "a", "b" }).body)
    assert.equal("no", read(fed_answer({ "no" }, nil, 500), nil, 500).body)
    local response = read(fed_answer { "" })
    assert.equal("", response.body)
    assert.is_truthy(response.timings)
  end)

  it("goes to the file where it is a success", function()
    for status, has_file in pairs { [199] = false, [200] = true, [299] = true, [300] = false, [404] = false } do
      local sink = assert(core.sink(directory:path "file"))
      local response = assert(read(fed_answer({ "" }, nil, status), sink, status))
      sink:close()
      assert.equal(not has_file and "" or nil, response.body)
      assert.same(has_file and { "file" } or {}, directory:names())
      os.remove(directory:path "file")
    end
  end)

  it("that breaks off is an error, and leaves no file", function()
    local broken = errors.new { kind = "timeout", message = "slow" }
    local sink = assert(core.sink(directory:path "file"))
    local response, err = read(fed_answer { "a", broken }, sink)
    sink:close()
    assert.is_nil(response)
    assert.equal(broken, err)
    assert.same({}, directory:names())
  end)
end)
