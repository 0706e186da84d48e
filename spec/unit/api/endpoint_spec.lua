-- From a row, or from what `client:request` is given, to a request; and from what comes to a result.

local core = require "anthropic.core"
local directories = require "spec.support.directory"
local endpoint = require "anthropic.api.endpoint"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local service = require "spec.support.service"

local function failure()
  return errors.new { kind = "connection", message = "reset" }
end

-- An exchange whose answer is given: { status, body, content_type, err } and `writes`, what goes into the file that is
-- to be written.
local function exchange_of(answer, spec)
  local exchange = {
    response = {
      status = answer.status or 200, request_id = "req_1",
      headers = { ["content-type"] = answer.content_type or "application/json" },
    },
    finished = 0, described = 0, attempt_began = core.now(),
  }
  function exchange.run(_, read)
    if answer.refused then
      return nil, answer.refused
    end
    local result, err = read(exchange)
    if result ~= nil then
      return result
    end
    return nil, err
  end
  function exchange.read_body()
    if answer.on_read then
      answer.on_read(spec)
    end
    return answer.body, answer.err
  end
  function exchange.finish()
    exchange.finished = exchange.finished + 1
    exchange.response.timings = {}
    return true
  end
  function exchange.note() end
  function exchange.describe(_, err)
    exchange.described = exchange.described + 1
    return err
  end
  function exchange.api_error(_, body)
    return errors.new { kind = "api", message = json.decode_answer(body).error.message }
  end
  function exchange.redact(text)
    return text
  end
  function exchange.option(name)
    return answer.options and answer.options[name]
  end
  function exchange.response_so_far()
    return exchange.response
  end
  -- what a stream asks for: one that ends at once
  function exchange.failure() end
  function exchange.count() end
  function exchange.recover(_, err)
    return nil, err
  end
  function exchange.fail(_, err)
    return err
  end
  exchange.transfer = {
    form = function() return nil, "done" end,
    event = function() return nil, "done" end,
    rest = function() end,
  }
  return exchange
end

-- A client that gives the answers in turn, the last one again and again. It notes what it is asked to send.
local function client_of(...)
  local answers = { ... }
  local client = { specs = {}, given = {}, exchanges = {} }
  function client.exchange(_, spec, given)
    client.specs[#client.specs + 1] = spec
    client.given[#client.specs] = given
    local answer = answers[#client.specs] or answers[#answers] or { body = "{}" }
    if answer.no_exchange then
      return nil, answer.no_exchange
    end
    local exchange = exchange_of(answer, spec)
    client.exchanges[#client.specs] = exchange
    return exchange
  end
  return client
end

-- Calls the method of a row; gives the spec that was sent, the client, and the results.
local function call(row, values, params, given, beta)
  local client = client_of()
  local result, second = endpoint.method(row, beta).call(client, values or {}, params, given)
  return client.specs[1], client, result, second
end

describe("a method of a row", function()
  it("has the names of its path parameters, in their order", function()
    assert.same({}, endpoint.method("GET v1/models").names)
    assert.same({ "model_id" }, endpoint.method("GET v1/models/{model_id} headers=workspace_id").names)
    assert.same({ "b", "a_2" }, endpoint.method("POST v1/x/{b}/y/{a_2}/z query=c").names)
  end)

  it("sends its method and its path", function()
    for _, method in ipairs { "GET", "POST", "DELETE" } do
      local spec = call(method .. " v1/things")
      assert.equal(method, spec.method)
      assert.equal("/v1/things", spec.path)
      assert.is_nil(spec.target)
      assert.is_nil(spec.stream)
      assert.is_nil(spec.binary)
      assert.is_nil(spec.accept)
      assert.is_nil(spec.multipart)
      assert.is_nil(spec.sink)
    end
  end)

  it("says whether it may be repeated where the server may have acted", function()
    assert.equal("safe", call("POST v1/things retry=safe").retry)
    assert.is_nil(call("POST v1/things").retry)
  end)

  it("sends it with the options of this request", function()
    local given = { max_retries = 1 }
    local _, client = call("GET v1/things", {}, {}, given)
    assert.equal(given, client.given[1])
  end)

  it("can be called again", function()
    local client = client_of()
    local method = endpoint.method("POST v1/things/{id} headers=workspace_id", "a-beta")
    method.call(client, { id = "a" }, { x = 1, betas = { "mine" }, workspace_id = "w" })
    method.call(client, { id = "b" })
    assert.equal("/v1/things/a", client.specs[1].path)
    assert.equal("/v1/things/b", client.specs[2].path)
    assert.equal("", client.specs[2].body)
    assert.same({}, client.specs[2].headers)
    assert.same({ "a-beta" }, client.specs[2].betas)
  end)

  describe("keeps a path parameter in its segment:", function()
    for _, case in ipairs {
      { "a/b", "a%2Fb" }, { "../x", "..%2Fx" }, { "...", "..." }, { "%2e", "%252e" }, { " ", "%20" }, { "?", "%3F" },
      { ".a", ".a" }, { "%1", "%251" }, { "\0", "%00" },
    } do
      it(("%q"):format(case[1]), function()
        assert.equal("/v1/x/" .. case[2] .. "/y", call("GET v1/x/{id}/y", { id = case[1] }).path)
      end)
    end

    it("both of two", function()
      assert.equal("/v1/x/1%2F/y/2%2F", call("GET v1/x/{a}/y/{b}", { a = "1/", b = "2/" }).path)
    end)
  end)

  describe("sends nothing where a path parameter would be another path:", function()
    for _, value in ipairs { "", ".", ".." } do
      it(("%q"):format(value), function()
        local _, client, result, err = call("DELETE v1/x/{first}/y/{other}", { first = "a", other = value })
        assert.is_nil(result)
        assert.equal("invalid_request", err.kind)
        assert.equal(('other: "%s" is not a path segment'):format(value), err.message)
        assert.same({}, client.specs)
        _, client, result, err = call("GET v1/x/{first}/y/{other}", { first = value, other = "a" })
        assert.is_nil(result)
        assert.equal(('first: "%s" is not a path segment'):format(value), err.message)
        assert.same({}, client.specs)
      end)
    end
  end)

  describe("puts its parameters", function()
    it("of a GET or a DELETE into the query", function()
      for _, method in ipairs { "GET", "DELETE" } do
        local spec = call(method .. " v1/things", {}, { limit = 2, ids = { "a" } })
        assert.same({ limit = 2, ids = { "a" } }, spec.query)
        assert.is_nil(spec.body)
      end
    end)

    it("of a POST into the body", function()
      local spec = call("POST v1/things", {}, { b = 1, a = { c = "d" } })
      assert.same({}, spec.query)
      assert.equal('{"a":{"c":"d"},"b":1}', spec.body)
    end)

    it("of a POST into the query where they belong there", function()
      local spec = call("POST v1/things query=view,other_1", {}, { view = "full", other_1 = 2, x = 3 })
      assert.same({ view = "full", other_1 = 2 }, spec.query)
      assert.equal('{"x":3}', spec.body)
    end)

    it("into the headers where they belong there", function()
      local row = "POST v1/things headers=user_profile_id,workspace_id,worker_id query=view"
      local spec = call(row, {}, { user_profile_id = "p", workspace_id = "w", worker_id = "k" })
      assert.same({
        ["anthropic-user-profile-id"] = "p", ["anthropic-workspace-id"] = "w", ["Anthropic-Worker-ID"] = "k",
      }, spec.headers)
      assert.same({}, spec.query)
      assert.equal("", spec.body)
    end)

    it("into no headers where they are none of its own", function()
      local spec = call("POST v1/things headers=workspace_id", {}, { worker_id = "k" })
      assert.same({}, spec.headers)
      assert.equal('{"worker_id":"k"}', spec.body)
      assert.same({ workspace_id = "w" }, call("GET v1/things", {}, { workspace_id = "w" }).query)
    end)

    it("into the body also where a download would have its path", function()
      local spec = call("POST v1/things", {}, { path = "p" })
      assert.equal('{"path":"p"}', spec.body)
      assert.is_nil(spec.target)
    end)

    it("nowhere where there are none", function()
      local spec = call "POST v1/things"
      assert.equal("", spec.body)
      assert.same({}, spec.query)
      assert.same({}, spec.headers)
      assert.is_nil(call("GET v1/things").body)
      assert.is_nil(call("DELETE v1/things").body)
    end)

    it("nowhere else: the caller's table stays as it is", function()
      local params = { betas = { "mine" }, x = 1, workspace_id = "w" }
      call("POST v1/things headers=workspace_id", {}, params, nil, "a-beta")
      assert.same({ betas = { "mine" }, x = 1, workspace_id = "w" }, params)
    end)
  end)

  describe("asks for betas:", function()
    for _, case in ipairs {
      { "none", "GET v1/things", nil, nil, {} },
      { "its own", "GET v1/things beta=row-2026-01-01", nil, nil, { "row-2026-01-01" } },
      { "those of its resource", "GET v1/things", "resource-beta", nil, { "resource-beta" } },
      { "its own before its resource's", "GET v1/things beta=row", "resource", nil, { "row" } },
      { "the caller's", "GET v1/things", nil, { "a", "b" }, { "a", "b" } },
      { "the caller's, then its own", "POST v1/things", "resource", { "a", "b" }, { "a", "b", "resource" } },
    } do
      it(case[1], function()
        local spec = call(case[2], {}, { betas = case[4] }, nil, case[3])
        assert.same(case[5], spec.betas)
        assert.same({}, spec.query)
        assert.is_true(spec.body == nil or spec.body == "")
      end)
    end
  end)

  for _, betas in ipairs { "mine", 5, true, { a = "b" }, { 1 }, { "a", nil, "c" }, { { "a" } } } do
    it(("sends nothing where betas is no list of strings: %s"):format(json.encode(betas) or "a hole"), function()
      for _, row in ipairs { "GET v1/things", "POST v1/things", "GET v1/things pages=id", "GET v1/things binary" } do
        local _, client, result, err = call(row, {}, { betas = betas }, nil, "a-beta")
        assert.is_nil(result)
        assert.equal("invalid_request", err.kind)
        assert.equal("betas: list of strings expected", err.message)
        assert.same({}, client.specs)
      end
    end)
  end

  describe("that uploads", function()
    local ROW = "POST v1/files headers=workspace_id multipart"

    it("sends parts", function()
      local spec = call(ROW, {}, { file = { data = "bytes", filename = "a.txt" }, days = 3, workspace_id = "w" })
      assert.same({
        { name = "days", data = "3" },
        { name = "file", filename = "a.txt", content_type = "text/plain", data = "bytes" },
      }, spec.multipart)
      assert.is_nil(spec.body)
      assert.same({ ["anthropic-workspace-id"] = "w" }, spec.headers)
    end)

    it("sends nothing where there is no file", function()
      for _, params in ipairs { false, {}, { days = 3 } } do
        local _, client, result, err = call(ROW, {}, params or nil)
        assert.is_nil(result)
        assert.equal("invalid_request", err.kind)
        assert.equal("no file given: file, files or archive expected", err.message)
        assert.same({}, client.specs)
      end
    end)
  end)

  it("sends nothing where the body has no JSON form", function()
    local _, client, result, err = call("POST v1/things", {}, { f = print })
    assert.is_nil(result)
    assert.equal("invalid_request", err.kind)
    assert.matches("^f: ", err.message)
    assert.same({}, client.specs)
  end)
end)

describe("the result of a method", function()
  local function result_of(answer, row)
    local client = client_of(answer)
    local results = { endpoint.method(row or "GET v1/things").call(client, {}) }
    assert.is_true(#results <= 1 or results[1] == nil)
    return results[1], results[2], client.exchanges[1]
  end

  it("is the decoded answer alone", function()
    local result, err, exchange = result_of { body = '{"id":"a","data":[]}' }
    assert.same({ id = "a", data = {} }, result)
    assert.is_nil(err)
    assert.equal(1, exchange.finished)
  end)

  it("may be a list", function()
    assert.same({ 8 }, (result_of { body = "[8]" }))
  end)

  it("has its response, which is neither iterated over nor encoded", function()
    for body, encoded in pairs {
      ['{"id":"a","data":[]}'] = '{"data":[],"id":"a"}',
      ['{"id":"a","later":null}'] = '{"id":"a","later":null}',
      ["{}"] = "{}",
      ["[8]"] = "[8]",
      ["[]"] = "[]",
      ['{"a":[],"b":{}}'] = '{"a":[],"b":{}}',
    } do
      local result, _, exchange = result_of { body = body }
      assert.is_table(exchange.response)
      assert.equal(exchange.response, result.response)
      for name in pairs(result) do
        assert.not_equal("response", name)
      end
      assert.equal(encoded, json.encode(result))
      assert.is_nil(rawget(result, "response"))
    end
  end)

  it("has a field of that name where the answer has", function()
    assert.equal("its own", (result_of { body = '{"response":"its own"}' }).response)
  end)

  describe("is an empty table with its response where the answer has no body and", function()
    for _, case in ipairs {
      { "DELETE v1/x", 200 }, { "DELETE v1/x", 204 }, { "HEAD v1/x", 200 }, { "GET v1/x", 204 }, { "POST v1/x", 202 },
      { "POST v1/x", 205 },
    } do
      it(("answers %s with %d"):format(case[1], case[2]), function()
        for _, body in ipairs { "", "\r\n" } do
          local result, _, exchange = result_of({ body = body, status = case[2] }, case[1])
          assert.same({}, result)
          assert.is_nil((next(result)))
          assert.equal(exchange.response, result.response)
          assert.equal(1, exchange.finished)
          assert.equal("{}", json.encode(result))
        end
      end)
    end
  end)

  it("may be null", function()
    local result, _, exchange = result_of { body = "null" }
    assert.equal(json.null, result)
    assert.equal(1, exchange.finished)
  end)

  describe("is an error where the answer", function()
    for _, case in ipairs {
      { "is empty", "", "protocol", "the answer is empty" },
      { "is not JSON", "<html>", "protocol", "the answer is not JSON" },
      { "is a number", "7", "protocol", "the answer is neither an object nor a list" },
      { "is one", '{"type":"error","error":{"message":"no"}}', "api", "no" },
    } do
      it(case[1], function()
        local result, err, exchange = result_of { body = case[2] }
        assert.is_nil(result)
        assert.equal(case[3], err.kind)
        assert.equal(case[4], err.message)
        assert.equal(0, exchange.finished)
      end)
    end

    for _, row in ipairs { "POST v1/x", "PUT v1/x" } do
      it("to " .. row .. " is empty", function()
        local result, err = result_of({ body = "" }, row)
        assert.is_nil(result)
        assert.equal("the answer is empty", err.message)
      end)
    end

    it("to a DELETE is not JSON", function()
      local result, err = result_of({ body = "<html>" }, "DELETE v1/x")
      assert.is_nil(result)
      assert.equal("the answer is not JSON", err.message)
    end)

    it("breaks off", function()
      local err = failure()
      local result, second = result_of { body = "{}", err = err }
      assert.is_nil(result)
      assert.equal(err, second)
    end)
  end)

  it("is the error of a request that fails, or is not made", function()
    local err = failure()
    local result, second = result_of { refused = err }
    assert.is_nil(result)
    assert.equal(err, second)
    result, second = result_of { no_exchange = err }
    assert.is_nil(result)
    assert.equal(err, second)
  end)

  describe("that is binary", function()
    local ROW = "GET v1/files/{id}/content headers=workspace_id binary"

    it("is the bytes as they came", function()
      local client = client_of { body = "\0{\255" }
      assert.same({ "\0{\255" }, { endpoint.method(ROW).call(client, { id = "f" }, { workspace_id = "w", x = 1 }) })
      assert.equal(1, client.exchanges[1].finished)
      local spec = client.specs[1]
      assert.equal("*/*", spec.accept)
      assert.same({ x = 1 }, spec.query)
      assert.same({ ["anthropic-workspace-id"] = "w" }, spec.headers)
      assert.is_nil(spec.sink)
    end)

    it("may be no bytes", function()
      assert.equal("", (endpoint.method(ROW).call(client_of { body = "" }, { id = "f" })))
    end)

    it("is an error where they break off", function()
      local err = failure()
      local client = client_of { body = "half", err = err }
      local bytes, second = endpoint.method(ROW).call(client, { id = "f" })
      assert.is_nil(bytes)
      assert.equal(err, second)
      assert.equal(0, client.exchanges[1].finished)
    end)

    describe("and goes to a file", function()
      local directory

      before_each(function()
        directory = directories.new()
      end)

      after_each(function()
        directory:remove()
      end)

      local function download(client, path)
        return endpoint.method(ROW).call(client, { id = "f" }, { path = path })
      end

      it("is the file's path, its bytes and the response", function()
        local path = directory:path "out"
        local client = client_of { body = "" }
        local results = { download(client, path) }
        local exchange = client.exchanges[1]
        assert.same({ { path = path, bytes = 0 } }, results)
        assert.equal(exchange.response, results[1].response)
        assert.equal("", directory:read "out")
        assert.equal("userdata", type(client.specs[1].sink))
        assert.same({}, client.specs[1].query)
        assert.equal(1, exchange.finished)
      end)

      it("holds the bytes that came", function()
        local server = service.serve { { body = "a\0\255\n", headers = { ["Content-Type"] = "text/plain" } } }
        local result = assert(download(service.client(server), directory:path "out"))
        service.clear()
        assert.equal(4, result.bytes)
        assert.equal(directory:path "out", result.path)
        assert.equal(200, result.response.status)
        assert.equal("a\0\255\n", directory:read "out")
        assert.same({ "out" }, directory:names())
      end)

      it("is written only where all of it came", function()
        directory:write("out", "before")
        local err = failure()
        for _, answer in ipairs { { body = "", err = err }, { refused = err }, { no_exchange = err } } do
          local client = client_of(answer)
          local result, second = download(client, directory:path "out")
          assert.is_nil(result)
          assert.equal(err, second)
          assert.same({ "out" }, directory:names())
          assert.equal("before", directory:read "out")
        end
      end)

      it("leaves nothing behind where it fails", function()
        download(client_of { refused = failure() }, directory:path "out")
        assert.same({}, directory:names())
      end)

      it("is an error where it cannot take its place", function()
        local path = directory:path "out"
        local client = client_of { body = "", on_read = function()
          directory:run "rm -f .??*; rm -f *; mkdir -p out/inside"
        end }
        local result, err = download(client, path)
        assert.is_nil(result)
        assert.equal("invalid_request", err.kind)
        assert.matches("^cannot write ", err.message)
        assert.truthy(err.message:find(path .. ": ", 1, true))
        assert.equal(1, client.exchanges[1].described)
      end)

      it("is an error before anything is sent where it cannot be opened", function()
        local client = client_of {}
        local result, err = download(client, directory:path "none/out")
        assert.is_nil(result)
        assert.equal("invalid_request", err.kind)
        assert.matches("^cannot write .*none/out: ", err.message)
        assert.same({}, client.specs)
      end)

      for _, value in ipairs { 7, true, {} } do
        it("is an error before anything is sent where its path is a " .. type(value), function()
          local client = client_of {}
          local result, err = download(client, value)
          assert.is_nil(result)
          assert.equal("invalid_request", err.kind)
          assert.equal("path: string expected, got " .. type(value), err.message)
          assert.same({}, client.specs)
        end)
      end
    end)
  end)

  describe("that is a stream", function()
    it("is one, which has no end mark", function()
      local client = client_of { content_type = "text/event-stream" }
      local opened, second = endpoint.method("GET v1/sessions/{id}/events/stream stream").call(client, { id = "s" })
      assert.is_function(opened.text_deltas)
      assert.is_nil(second)
      assert.equal(client.exchanges[1].response, opened.response)
      assert.equal(0, client.exchanges[1].finished)
      assert.same({}, { opened:next() })
      assert.equal(1, client.exchanges[1].finished)
      assert.is_nil(client.specs[1].accept)
    end)

    for _, case in ipairs {
      { "<html>", "protocol" }, { "\0\1\255", "protocol" }, { "", "protocol" }, { '{"id":1}\n{"id":2}\n', "protocol" },
      { '{"id":1}', "protocol" }, { "event: a\ndata: {}\n\n", "protocol" },
      { '{"type":"error","error":{"message":"no"}}', "api", "no" },
    } do
      it(("is an error where the answer does not call itself one: %q"):format(case[1]), function()
        for _, content_type in ipairs { "application/json", "text/html", "text/plain", "" } do
          local client = client_of { body = case[1], content_type = content_type }
          local opened, err = endpoint.method("GET v1/x stream").call(client, {})
          assert.is_nil(opened)
          assert.equal(case[2], err.kind)
          assert.equal(case[3] or "the answer is not an event stream", err.message)
          assert.equal(not case[3] and case[1] or nil, err.body)
        end
      end)
    end

    it("is the error that its body breaks off with", function()
      local err = failure()
      local opened, second = endpoint.method("GET v1/x stream").call(client_of { body = "<html>", err = err }, {})
      assert.is_nil(opened)
      assert.equal(err, second)
    end)

    it("is the error of a request that fails", function()
      local err = failure()
      local opened, second = endpoint.method("GET v1/x stream").call(client_of { refused = err }, {})
      assert.is_nil(opened)
      assert.equal(err, second)
    end)
  end)
end)

describe("a list", function()
  local function list(row, params, ...)
    local client = client_of(...)
    local given = { max_retries = 1 }
    local page, err = endpoint.method(row, "a-beta").call(client, { id = "a b" }, params, given)
    return page, err, client, given
  end

  it("comes in pages, each asked for as the first", function()
    local page, _, client, given = list("GET v1/x/{id}/y pages=cursor headers=workspace_id",
      { limit = 2, workspace_id = "w", betas = { "mine" } },
      { body = '{"data":["a"],"next_page":"2"}' }, { body = '{"data":["b"]}' })
    assert.equal(client.exchanges[1].response, page.response)
    assert.same({ "a" }, page.data)
    local following = page:next_page()
    assert.same({ "b" }, following.data)
    assert.equal(client.exchanges[2].response, following.response)
    assert.equal(1, client.exchanges[2].finished)
    assert.is_nil((following:next_page()))
    assert.equal(2, #client.specs)
    for i, query in ipairs { { limit = 2 }, { limit = 2, page = "2" } } do
      local spec = client.specs[i]
      assert.equal("GET", spec.method)
      assert.equal("/v1/x/a%20b/y", spec.path)
      assert.same(query, spec.query)
      assert.same({ ["anthropic-workspace-id"] = "w" }, spec.headers)
      assert.same({ "mine", "a-beta" }, spec.betas)
      assert.equal(given, client.given[i])
    end
  end)

  for _, case in ipairs {
    { "id", '{"data":[],"last_id":"z","has_more":true}', { after_id = "z" } },
    { "cursor", '{"data":[],"next_page":"z"}', { page = "z" } },
  } do
    it("follows by " .. case[1], function()
      local page, _, client = list("GET v1/x pages=" .. case[1], nil, { body = case[2] })
      page:next_page()
      assert.same(case[3], client.specs[2].query)
    end)
  end

  it("may be empty", function()
    for _, body in ipairs { "{}", "[]", '{"data":[]}', '{"data":{}}', '{"data":null}' } do
      local page = list("GET v1/x pages=id", nil, { body = body })
      assert.same({}, page.data)
    end
  end)

  for _, body in ipairs { "null", "[1]", '[{"id":"a"}]', '{"data":{"a":{"id":"a"}}}', '{"data":"a"}', '{"data":7}' } do
    it("is an error where the answer is no page: " .. body, function()
      local page, err, client = list("GET v1/x pages=id", nil, { body = body })
      assert.is_nil(page)
      assert.equal("protocol", err.kind)
      assert.equal("the answer is not a page of a list", err.message)
      assert.equal(200, err.status)
      assert.equal(1, client.exchanges[1].described)
    end)
  end

  it("is the error of its request", function()
    local err = failure()
    local page, second = list("GET v1/x pages=id", nil, { refused = err })
    assert.is_nil(page)
    assert.equal(err, second)
    page = list("GET v1/x pages=cursor", nil, { body = '{"next_page":"2"}' }, { refused = err })
    assert.same({ nil, err }, { page:next_page() })
  end)

  it("sends nothing for a path that would be another", function()
    local client = client_of()
    local page, err = endpoint.method("GET v1/x/{id} pages=id").call(client, { id = ".." })
    assert.is_nil(page)
    assert.equal("invalid_request", err.kind)
    assert.same({}, client.specs)
  end)

  it("waits by the driver of its client", function()
    local loop = require "anthropic.loop"
    local cannot_wait = loop.ITERATORS_CANNOT_WAIT
    loop.ITERATORS_CANNOT_WAIT = true
    local page = list("GET v1/x pages=id", nil, { body = "{}", options = { loop = { suspends = true } } })
    local other = list("GET v1/x pages=id", nil, { body = "{}", options = { loop = { suspends = false } } })
    local ok, problem = pcall(page)
    local other_ok = pcall(other)
    loop.ITERATORS_CANNOT_WAIT = cannot_wait
    assert.is_false(ok)
    assert.matches("stock Lua 5.1 cannot wait", problem)
    assert.is_true(other_ok)
  end)
end)

describe("a request without a name", function()
  local function request(spec, answer, given)
    local client = client_of(answer or { body = "{}" })
    local result, second = endpoint.request(client, spec, given)
    return client.specs[1], result, second, client
  end

  for _, case in ipairs {
    { "GET", nil, nil, nil },
    { "POST", nil, { a = 1 }, '{"a":1}' },
    { "POST", nil, '{"raw":1}', '{"raw":1}' },
    { "POST", "POST", nil, "" },
    { "PUT", "PUT", { a = 1 }, '{"a":1}' },
    { "PATCH", "PATCH", nil, "" },
    { "GET", "GET", nil, nil },
    { "HEAD", "HEAD", nil, nil },
    { "DELETE", "DELETE", nil, nil },
    { "DELETE", "DELETE", { a = 1 }, '{"a":1}' },
    { "GET", "get", nil, nil },
    { "POST", "post", { a = 1 }, '{"a":1}' },
  } do
    it(("is sent with %s for %s and %s"):format(case[1], tostring(case[2]), type(case[3])), function()
      local sent = request { path = "/v1/new", method = case[2], body = case[3] }
      assert.equal(case[1], sent.method)
      assert.equal(case[4], sent.body)
      assert.equal("/v1/new", sent.path)
    end)
  end

  it("is sent as it is, and leaves the caller's table alone", function()
    local body = { a = 1 }
    local spec = { path = "v1/new", query = { q = 1 }, headers = { h = "1" }, body = body, betas = { "b" } }
    local given = { headers = { H = "2", i = "3" }, tag = 1 }
    local sent, result, _, client = request(spec, { body = '{"id":1}' }, given)
    assert.same({ id = 1 }, result)
    assert.equal(client.exchanges[1].response, result.response)
    assert.same({ headers = { H = "2", i = "3" }, tag = 1 }, client.given[1])
    assert.same({ headers = { H = "2", i = "3" }, tag = 1 }, given)
    assert.same({ q = 1 }, sent.query)
    assert.same({ h = "1" }, sent.headers)
    assert.same({ "b" }, sent.betas)
    assert.same({ path = "v1/new", query = { q = 1 }, headers = { h = "1" }, body = body, betas = { "b" } }, spec)
  end)

  it("has its headers among its options, where they decide of the credential", function()
    local given = {}
    local _, _, _, client = request({ path = "v1/new", headers = { h = "1" } }, { body = "{}" }, given)
    assert.same({ headers = { h = "1" } }, client.given[1])
    assert.same({}, given)
    _, _, _, client = request({ path = "v1/new", headers = {} }, { body = "{}" }, given)
    assert.equal(given, client.given[1])
  end)

  for _, method in ipairs { "", "GET ", "GE T", "G3T", "GET\r\nX: y", "GET/" } do
    it(("sends nothing with the method %q"):format(method), function()
      local sent, result, err = request { path = "/v1/new", method = method }
      assert.is_nil(sent)
      assert.is_nil(result)
      assert.equal("invalid_request", err.kind)
      assert.equal(("method %q: must be letters"):format(method), err.message)
    end)
  end

  it("sends nothing where its body has no JSON form", function()
    local sent, result, err = request { path = "/v1/new", body = { f = print } }
    assert.is_nil(sent)
    assert.is_nil(result)
    assert.matches("^f: ", err.message)
  end)

  for _, case in ipairs {
    { { method = 5 }, "method: string expected, got number" },
    { { method = {} }, "method: string expected, got table" },
    { { body = 5 }, "body: string or table expected, got number" },
    { { body = true }, "body: string or table expected, got boolean" },
    { { body = false }, "body: string or table expected, got boolean" },
    { { query = "a=b" }, "query: table expected, got string" },
    { { query = 5 }, "query: table expected, got number" },
    { { query = false }, "query: table expected, got boolean" },
    { { headers = "X: y" }, "headers: table expected, got string" },
    { { betas = "x" }, "betas: list of strings expected" },
    { { betas = { "x", nil, "z" } }, "betas: list of strings expected" },
    { { stream = "yes" }, "stream: boolean expected, got string" },
    { { binary = 1 }, "binary: boolean expected, got number" },
    { { accept = {} }, "accept: string expected, got table" },
    { { multipart = "report.pdf" }, "multipart: table expected, got string" },
    { { multipart = {}, body = "x" }, "body: excludes multipart" },
    { { method = "HEAD", body = "x" }, "body: a HEAD request has none" },
    { { method = "head", body = {} }, "body: a HEAD request has none" },
    { { method = "HEAD", multipart = {} }, "multipart: a HEAD request has none" },
    { { qurey = { limit = 1 } }, 'unknown field "qurey"; did you mean "query"?' },
    { { max_retries = 0 }, 'unknown field "max_retries"; did you mean ' },
    { { "/v1/new" }, 'unknown field "1"; did you mean ' },
  } do
    it("sends nothing where a field is wrong: " .. case[2], function()
      case[1].path = "/v1/new"
      local sent, result, err = request(case[1])
      assert.is_nil(sent)
      assert.is_nil(result)
      assert.equal("invalid_request", err.kind)
      assert.equal(case[2], err.message:sub(1, #case[2]))
    end)
  end

  it("may upload", function()
    local sent = request { path = "/v1/new", method = "POST", multipart = { file = { data = "x", filename = "f" } } }
    assert.equal("x", sent.multipart[1].data)
    assert.is_nil(sent.body)
    sent = request { path = "/v1/new", multipart = { file = { data = "x", filename = "f" } } }
    assert.equal("POST", sent.method)
    local _, _, err = request { path = "/v1/new", method = "POST", multipart = {} }
    assert.equal("no file given: file, files or archive expected", err.message)
  end)

  it("may download", function()
    local sent, bytes = request({ path = "/v1/new", binary = true }, { body = "not JSON" })
    assert.equal("not JSON", bytes)
    assert.equal("*/*", sent.accept)
    assert.equal("image/png", request({ path = "/v1/new", binary = true, accept = "image/png" }).accept)
    assert.is_nil(request({ path = "/v1/new" }).accept)
  end)

  describe("may be a stream", function()
    it("without an end mark, whatever its path", function()
      for _, path in ipairs { "/v1/messages", "https://host/v1/messages", "/v1/messages/batches", "/v1/new" } do
        local _, opened, second = request({ path = path, stream = true }, { content_type = "Text/Event-Stream; a=b" })
        assert.is_function(opened.text_deltas)
        assert.is_nil(second)
        local event, err = opened:next()
        assert.is_nil(event)
        assert.is_nil(err)
      end
    end)

    it("unless it says no", function()
      local _, result = request { path = "/v1/new", stream = false }
      assert.same({}, result)
    end)
  end)
end)
