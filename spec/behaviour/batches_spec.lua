local anthropic = require "anthropic"
local clock = require "spec.support.clock"
local extent = require "spec.support.extent"
local hosted = require "spec.support.hosted"
local raw_client = require "spec.support.raw_client"
local testing = require "anthropic.testing"

local eventually = raw_client.eventually
local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local function line(id, text)
  return ('{"custom_id":"%s","result":{"type":"succeeded","message":{"id":"msg_%s","type":"message",'
    .. '"role":"assistant","model":"m","content":[{"type":"text","text":"%s"}],"stop_reason":"end_turn",'
    .. '"usage":{"input_tokens":1,"output_tokens":2}}}}\n'):format(id, id, text or "answer to " .. id)
end

local function failed_line(id, kind)
  return ('{"custom_id":"%s","result":{"type":"%s"%s}}\n'):format(id, kind, kind == "errored"
    and ',"error":{"type":"error","error":{"type":"invalid_request_error","message":"no"}}' or "")
end

local function counts(succeeded, processing, others)
  local all = { succeeded = succeeded, processing = processing or 0, errored = 0, canceled = 0, expired = 0 }
  for name, value in pairs(others or {}) do
    all[name] = value
  end
  return all
end

local function batch(id, request_counts, status, url)
  status = status or "ended"
  return { body = {
    id = id,
    type = "message_batch",
    processing_status = status,
    request_counts = request_counts,
    results_url = status == "ended" and (url or "https://elsewhere.example/results") or testing.null,
  } }
end

local function jsonl(answer)
  answer.headers = { ["Content-Type"] = "application/x-jsonl" }
  return answer
end

local function requests_of(...)
  local requests = {}
  for i, id in ipairs { ... } do
    requests[i] = {
      custom_id = id,
      params = { model = "m", max_tokens = 9, messages = { { role = "user", content = id } } },
    }
  end
  return requests
end

local server, client

local function serve(routes, options)
  for i, route in ipairs(routes) do
    if not route.answers then
      routes[i] = { method = route[1], path = route[2], answers = { unpack(route, 3) } }
    end
  end
  server = hosted.server { script = { routes = routes }, on_end = "error" }
  options = options or {}
  options.base_url, options.api_key = server.url, "test-key"
  options.max_retries = options.max_retries or 0
  client = anthropic.new(options)
end

-- A batch "b" that has ended, with its results.
local function serve_results(answer, request_counts, options)
  if type(answer) == "string" then
    answer = { body = answer }
  end
  serve({
    { "GET", "/v1/messages/batches/b", batch("b", request_counts) },
    { method = "GET", path = "/v1/messages/batches/b/results", answers = answer[1] and answer or { jsonl(answer) } },
  }, options)
end

local function collect(results)
  local ids = {}
  for result in results do
    ids[#ids + 1] = result.custom_id
  end
  return table.concat(ids, " ")
end

-- What could be read, and the error that ended it.
local function drain(results)
  local ids = {}
  local result, err = results:next()
  while result do
    ids[#ids + 1] = result.custom_id
    result, err = results:next()
  end
  return table.concat(ids, " "), err
end

local function count_requests(method, path)
  local count = 0
  for _, request in ipairs(server:requests()) do
    if request.method == method and request.path == path then
      count = count + 1
    end
  end
  return count
end

local function stop()
  if server then
    server:stop()
    server = nil
  end
end

describe("the results of a batch", function()
  after_each(stop)

  it("come one after the other, with messages that have methods", function()
    serve_results(line("one") .. failed_line("two", "errored") .. failed_line("three", "expired")
      .. failed_line("four", "canceled"))
    local results = assert(client.messages.batches.results "b")
    local all = {}
    for result in results do
      all[#all + 1] = result
    end
    assert.equal(4, #all)
    assert.equal("answer to one", all[1].result.message:text())
    assert.equal("no", all[2].result.error.error.message)
    assert.equal("expired", all[3].result.type)
    assert.equal("canceled", all[4].result.type)
    assert.equal("b", results.batch.id)
    assert.equal(200, results.response.status)
    assert.is_nil(results:next())
  end)

  it("are asked for as the API wants it, after the batch itself", function()
    serve_results(line "one")
    assert.equal("one", collect(assert(client.messages.batches.results("b", { workspace_id = "w" }))))
    local requests = server:requests()
    assert.equal("/v1/messages/batches/b", requests[1].path)
    assert.equal("/v1/messages/batches/b/results", requests[2].path)
    assert.equal("application/binary", requests[2].headers.accept)
    assert.equal("w", requests[1].headers["anthropic-workspace-id"])
    assert.equal("w", requests[2].headers["anthropic-workspace-id"])
  end)

  it("come from the beta resource with its betas", function()
    serve_results(line "one")
    local results = assert(client.beta.messages.batches.results("b", { betas = { "some-beta" } }))
    assert.equal("one", collect(results))
    for _, request in ipairs(server:requests()) do
      assert.equal("some-beta", request.headers["anthropic-beta"])
    end
  end)

  it("are the same however the bytes come", function()
    local body = line("one") .. "\n\r\n   \n" .. line("two"):gsub("\n", "\r\n") .. line "three"
    for _, chunk_bytes in ipairs { 1, 2, 3, 7, 100, 4096 } do
      serve_results { body = body, chunk_bytes = chunk_bytes, framing = "chunked" }
      assert.equal("one two three", collect(assert(client.messages.batches.results "b")))
      stop()
    end
  end)

  it("may end without a line end, and be none", function()
    serve_results((line("one") .. line("two")):gsub("\n$", ""))
    assert.equal("one two", collect(assert(client.messages.batches.results "b")))
    stop()
    serve_results("")
    assert.equal("", collect(assert(client.messages.batches.results "b")))
  end)

  it("may have lines of any length", function()
    local long = ("x"):rep(5000000)
    serve_results(line("one") .. line("two", long) .. line "three")
    local results = assert(client.messages.batches.results "b")
    results:next()
    assert.equal(#long, #results:next().result.message:text())
    assert.equal("three", results:next().custom_id)
  end)

  it("have lines no longer than max_event_bytes", function()
    serve_results(line("one") .. line("two", ("x"):rep(20000)) .. line "three", nil, { max_event_bytes = 1000 })
    local ids, err = drain(assert(client.messages.batches.results "b"))
    assert.equal("one", ids)
    assert.equal("protocol", err.kind)
    assert.truthy(err.message:find("line 2", 1, true))
    assert.truthy(err.message:find("1000 bytes", 1, true))
  end)

  it("may be larger than max_response_bytes", function()
    serve_results(line("one", ("x"):rep(3000)) .. line("two", ("x"):rep(3000)), nil, { max_response_bytes = 2000 })
    assert.equal("one two", collect(assert(client.messages.batches.results "b")))
  end)

  it("that break off are an error after the whole lines", function()
    local body = line("one") .. line("two") .. line "three"
    for _, framing in ipairs { "chunked", "length", "close" } do
      serve_results { body = body, cut_after = #body - 20, framing = framing }
      local results = assert(client.messages.batches.results "b")
      local ids, err = drain(results)
      assert.equal("one two", ids)
      assert.equal("truncated", err.kind)
      local again, same = results:next()
      assert.is_nil(again)
      assert.equal(err, same)
      stop()
    end
  end)

  it("that are fewer than the batch counts are an error at the end", function()
    serve_results(line("one") .. line("two"), counts(3))
    local ids, err = drain(assert(client.messages.batches.results "b"))
    assert.equal("one two", ids)
    assert.equal("truncated", err.kind)
    assert.truthy(err.message:find("2 of 3", 1, true))
  end)

  it("are read again where they break off before the first one", function()
    local body = line("one") .. line("two")
    serve_results({
      jsonl { body = body, cut_after = 5 },
      testing.error { status = 529, retry_after = 0 },
      jsonl { body = body },
    }, counts(2), { max_retries = 3 })
    assert.equal("one two", collect(assert(client.messages.batches.results "b")))
    assert.equal(3, count_requests("GET", "/v1/messages/batches/b/results"))
  end)

  it("that are no JSON are an error that names the line", function()
    serve_results(line("one") .. "\n{oops}\n" .. line "two")
    local ids, err = drain(assert(client.messages.batches.results "b"))
    assert.equal("one", ids)
    assert.equal("protocol", err.kind)
    assert.truthy(err.message:find("line 3", 1, true))
    assert.equal("{oops}", err.body)
  end)

  it("that are no results are an error", function()
    for _, body in ipairs { '{"custom_id":1,"result":{}}\n', '{"custom_id":"a"}\n', "[]\n", "7\n" } do
      serve_results(body)
      local _, err = drain(assert(client.messages.batches.results "b"))
      assert.equal("protocol", err.kind)
      stop()
    end
    serve_results('{"type":"error","error":{"type":"overloaded_error","message":"later"}}\n')
    local _, err = drain(assert(client.messages.batches.results "b"))
    assert.equal("api", err.kind)
    assert.equal("overloaded_error", err.type)
  end)

  it("raise their error from a `for`", function()
    serve_results(line("one") .. "oops\n")
    local ok, err = pcall(collect, assert(client.messages.batches.results "b"))
    assert.is_false(ok)
    assert.equal("protocol", err.kind)
  end)

  it("are not there while the batch is processed", function()
    serve { { "GET", "/v1/messages/batches/b", batch("b", counts(0, 2), "in_progress") } }
    local results, err = client.messages.batches.results "b"
    assert.is_nil(results)
    assert.equal("invalid_request", err.kind)
    assert.truthy(err.message:find("in_progress", 1, true))
  end)

  it("are an error where the batch or the results cannot be had", function()
    serve { { "GET", "/v1/messages/batches/b", batch "b" } }
    local _, err = client.messages.batches.results "b"
    assert.equal(404, err.status)
    _, err = client.messages.batches.results "c"
    assert.equal(404, err.status)
    stop()
    serve { { answers = { { body = "null" } } } }
    _, err = client.messages.batches.results "b"
    assert.equal("protocol", err.kind)
  end)

  it("stay usable after a break, and can be closed", function()
    serve_results(line("one") .. line("two") .. line "three")
    local results = assert(client.messages.batches.results "b")
    for result in results do
      if result.custom_id == "one" then
        break
      end
    end
    assert.equal("two", results:next().custom_id)
    results:close()
    results:close()
    local result, err = results:next()
    assert.is_nil(result)
    assert.equal("cancelled", err.kind)
  end)

  it("wait for a slow reader without growing", function()
    local many = {}
    for i = 1, 2000 do
      many[i] = line("r" .. i, ("x"):rep(3000))
    end
    serve_results(table.concat(many), counts(2000))
    local results = assert(client.messages.batches.results "b")
    assert.equal("r1", results:next().custom_id)
    anthropic.sleep(0.05)
    local ids = select(2, collect(results):gsub("r", ""))
    assert.equal(1999, ids)
  end)

  it("are read under a scheduler, several at once", function()
    serve {
      { answers = { batch("a") }, path = "/v1/messages/batches/a" },
      { answers = { batch("b") }, path = "/v1/messages/batches/b" },
      { match = "/results$", answers = {
        { body = line("one") .. line "two", chunk_bytes = 50, delay_between = 0.01 },
        { body = line("one") .. line "two", chunk_bytes = 50, delay_between = 0.01 },
      } },
    }
    local one, two = anthropic.run(function()
      local tasks = {}
      for i, id in ipairs { "a", "b" } do
        tasks[i] = anthropic.spawn(function()
          return drain(assert(client.messages.batches.results(id)))
        end)
      end
      local first = tasks[1]:join()
      return first, (tasks[2]:join())
    end)
    assert.equal("one two", one)
    assert.equal("one two", two)
  end)

  describe("at the URL that the batch names", function()
    local function serve_at(url)
      server = hosted.server { script = { routes = {
        { path = "/own/results", answers = { { body = line "named" } } },
        { match = "/results$", answers = { { body = line "asked" } } },
        { answers = { batch("b", nil, nil, "%URL%") } },
      } } }
      local other = hosted.server { script = { routes = {
        { match = "results$", answers = { { body = line "asked" } } },
        { answers = { batch("b", nil, nil, url:gsub("%%URL%%", server.url):gsub("%%PORT%%", server.port)) } },
      } } }
      return other
    end

    it("are read there when it is where requests go", function()
      -- the batch comes from a second server, whose URL is not known before it runs
      for _, path in ipairs { "/own/results", "/own/results?part=1&x=%20" } do
        local first = hosted.server { script = { {} } }
        local port = first.port
        first:stop()
        server = hosted.server { port = port, script = { routes = {
          { path = "/own/results", answers = { { body = line "named" } } },
          { answers = { batch("b", nil, nil, ("http://127.0.0.1:%d%s"):format(port, path)) } },
        } } }
        client = anthropic.new { base_url = server.url, api_key = "test-key" }
        assert.equal("named", collect(assert(client.messages.batches.results "b")))
        assert.equal(path, server:requests()[2].target)
        assert.equal("Bearer test-key", server:requests()[2].headers.authorization)
        stop()
      end
    end)

    it("are read at their own path when it is elsewhere, so that no credential goes there", function()
      for _, url in ipairs {
        "%URL%/own/results", "http://localhost:%PORT%/own/results", "https://127.0.0.1:%PORT%/results",
        "http://user@127.0.0.1:%PORT%/results", "file:///etc/passwd", "//127.0.0.1:%PORT%/results", "",
      } do
        local other = serve_at(url)
        client = anthropic.new { base_url = other.url, api_key = "test-key" }
        assert.equal("asked", collect(assert(client.messages.batches.results "b")))
        assert.equal(0, #server:requests())
        assert.equal("/v1/messages/batches/b/results", other:requests()[2].target)
        other:stop()
        stop()
      end
    end)
  end)
end)

describe("a run of requests through batches", function()
  after_each(stop)

  local fast = { poll_interval = 0.02, max_poll_interval = 0.05 }

  local function with(settings)
    local all = {}
    for _, source in ipairs { fast, settings or {} } do
      for name, value in pairs(source) do
        all[name] = value
      end
    end
    return all
  end

  it("gives the results by their custom_id", function()
    serve {
      { "POST", "/v1/messages/batches", batch("b", counts(0, 3), "in_progress") },
      { "GET", "/v1/messages/batches/b", batch("b", counts(0, 3), "in_progress"),
        batch("b", counts(0, 3), "in_progress"), batch("b", counts(3)), batch("b", counts(3)) },
      { "GET", "/v1/messages/batches/b/results", { body = line "three" .. line "one" .. line "two" } },
    }
    local results, report = client.messages.batches.run(requests_of("one", "two", "three"), fast)
    assert(results, tostring(report))
    assert.equal("answer to two", results.two.result.message:text())
    assert.equal("answer to one", results.one.result.message:text())
    assert.equal(3, report.succeeded)
    assert.equal(3, report.total)
    assert.same({}, report.failed)
    assert.same({ "b" }, report.batches)
    local sent = server:requests()[1].json
    assert.equal("two", sent.requests[2].custom_id)
    assert.equal("two", sent.requests[2].params.messages[1].content)
    assert.is_nil(sent.poll_interval)
  end)

  it("reports those that did not succeed", function()
    serve {
      { "POST", "/v1/messages/batches", batch("b") },
      { path = "/v1/messages/batches/b", on_end = "repeat",
        answers = { batch("b", counts(1, 0, { errored = 1, canceled = 1, expired = 1 })) } },
      { "GET", "/v1/messages/batches/b/results", { body = line("a") .. failed_line("b", "errored")
        .. failed_line("c", "canceled") .. failed_line("d", "expired") } },
    }
    local results, report = assert(client.messages.batches.run(requests_of("a", "b", "c", "d"), fast))
    assert.equal(1, report.succeeded)
    assert.equal(1, report.errored)
    assert.equal(1, report.canceled)
    assert.equal(1, report.expired)
    assert.equal(3, #report.failed)
    assert.equal("b", report.failed[1].custom_id)
    assert.equal("no", results.b.result.error.error.message)
  end)

  it("passes each result on instead, where it is asked to", function()
    serve {
      { "POST", "/v1/messages/batches", batch("b") },
      { path = "/v1/messages/batches/b", answers = { batch("b", counts(2)), batch("b", counts(2)) } },
      { "GET", "/v1/messages/batches/b/results", { body = line("a") .. line("b") } },
    }
    local seen = {}
    local results, report = assert(client.messages.batches.run(requests_of("a", "b"), with {
      on_result = function(result) seen[#seen + 1] = result.custom_id end,
    }))
    assert.same({ "a", "b" }, seen)
    assert.same({}, results)
    assert.equal(2, report.succeeded)
  end)

  it("ends the transfer of results at once where on_result raises", function()
    serve {
      { "POST", "/v1/messages/batches", batch("b") },
      { "GET", "/v1/messages/batches/b", batch("b", counts(2)), batch("b", counts(2)) },
      { "GET", "/v1/messages/batches/b/results", { body = line("a") .. line("b") } },
    }
    local released = 0
    local limiter = { acquire = function() return true end, release = function() released = released + 1 end }
    assert.has_error(function()
      client.messages.batches.run(requests_of("a", "b"), with {
        limiter = limiter, on_result = function() error("mine", 0) end,
      })
    end, "mine")
    assert.equal(4, released)
  end)

  it("does nothing for no requests", function()
    serve { { answers = { { status = 500 } } } }
    local results, report = assert(client.messages.batches.run({}))
    assert.same({}, results)
    assert.equal(0, report.total)
    assert.equal(0, #server:requests())
  end)

  it("goes through the beta resource with its betas", function()
    serve {
      { "POST", "/v1/messages/batches", batch("b") },
      { path = "/v1/messages/batches/b", answers = { batch("b", counts(1)), batch("b", counts(1)) } },
      { "GET", "/v1/messages/batches/b/results", { body = line("a") } },
    }
    assert(client.beta.messages.batches.run(requests_of("a"), with { betas = { "mine" }, headers = { ["x-h"] = "1" } }))
    assert.equal(4, #server:requests())
    for _, request in ipairs(server:requests()) do
      assert.equal("mine", request.headers["anthropic-beta"])
      assert.equal("1", request.headers["x-h"])
    end
  end)

  describe("refuses before anything is sent", function()
    local function refused(requests, settings)
      serve { { answers = { { status = 500 } } } }
      local results, err = client.messages.batches.run(requests, settings)
      assert.is_nil(results)
      assert.equal("invalid_request", err.kind)
      assert.equal(0, #server:requests())
      stop()
      return err.message
    end

    it("a custom_id that is missing, wrong or there twice", function()
      local requests = requests_of("a", "b", "c")
      requests[2].custom_id = nil
      assert.equal("requests[2].custom_id: missing", refused(requests))
      assert.equal('requests[3].custom_id: "a" is that of requests[1] too', refused(requests_of("a", "b", "a")))
      for _, id in ipairs { "", "a b", "ä", ("x"):rep(65), "a\n", "a/b", "a.b" } do
        assert.truthy(refused(requests_of("ok", id)):find("requests[2].custom_id: ", 1, true))
      end
      requests[2].custom_id = 2
      assert.equal("requests[2].custom_id: string expected, got number", refused(requests))
    end)

    it("a request that is none", function()
      assert.equal("requests[1]: table expected, got string", refused { "hello" })
      assert.equal("requests[1].params: table expected, got nil", refused { { custom_id = "a" } })
      assert.truthy(refused({ requests = {} }):find("a list expected", 1, true))
      assert.truthy(refused(nil):find("requests", 1, true))
      local requests = requests_of("a", "b")
      requests[2].params.messages[1].content = "\255"
      assert.truthy(refused(requests):find("requests[2].params.messages[1].content: invalid UTF-8", 1, true))
    end)

    it("a request that is too large for a batch", function()
      local requests = requests_of("a", "b")
      requests[2].params.messages[1].content = ("x"):rep(1000)
      assert.truthy(refused(requests, { max_bytes = 500 }):find("requests[2]: ", 1, true))
    end)

    it("more batches to resume than the requests make", function()
      assert.truthy(refused(requests_of("a"), { resume = { "b1", "b2" } }):find("resume", 1, true))
      assert.truthy(refused(requests_of("a"), { resume = { 7 } }):find("resume[1]", 1, true))
    end)

    it("an unknown setting, which raises", function()
      serve { { answers = { {} } } }
      local ok, message = pcall(client.messages.batches.run, {}, { on_progres = print })
      assert.is_false(ok)
      assert.truthy(tostring(message):find('did you mean "on_progress"', 1, true))
      assert.has_error(function() client.messages.batches.run({}, { poll_interval = 0 }) end)
      assert.has_error(function() client.messages.batches.run("x") end)
    end)
  end)

  describe("that is cut into several batches", function()
    local function serve_three(first_failures)
      local creates = { batch("b1"), batch("b2"), batch("b3") }
      for _ = 1, first_failures or 0 do
        table.remove(creates, 1)
      end
      serve {
        { path = "/v1/messages/batches", answers = creates },
        { path = "/v1/messages/batches/b1", answers = { batch("b1", counts(0, 2), "in_progress"),
          batch("b1", counts(2)), batch("b1", counts(2)) } },
        { path = "/v1/messages/batches/b2", answers = { batch("b2", counts(2)), batch("b2", counts(2)) } },
        { path = "/v1/messages/batches/b3", answers = { batch("b3", counts(0, 1), "in_progress"),
          batch("b3", counts(0, 1), "in_progress"), batch("b3", counts(1)), batch("b3", counts(1)) } },
        { path = "/v1/messages/batches/b1/results", answers = { { body = line("a") .. line("b") } } },
        { path = "/v1/messages/batches/b2/results", answers = { { body = line("d") .. line("c") } } },
        { path = "/v1/messages/batches/b3/results", answers = { { body = line("e") } } },
      }
    end

    it("keeps to the limit of requests, and to their order", function()
      serve_three()
      local created = {}
      local results, report = assert(client.messages.batches.run(requests_of("a", "b", "c", "d", "e"), with {
        max_requests = 2,
        on_created = function(made) created[#created + 1] = made.id end,
      }))
      assert.same({ "b1", "b2", "b3" }, created)
      assert.same({ "b1", "b2", "b3" }, report.batches)
      assert.equal("answer to e", results.e.result.message:text())
      assert.equal(5, report.total)
      local requests = server:requests()
      for i, ids in ipairs { { "a", "b" }, { "c", "d" }, { "e" } } do
        assert.equal(#ids, #requests[i].json.requests)
        for j, id in ipairs(ids) do
          assert.equal(id, requests[i].json.requests[j].custom_id)
        end
      end
    end)

    it("keeps to the limit of bytes", function()
      serve_three()
      local requests = requests_of("a", "b", "c", "d", "e")
      local size = #anthropic.encode { requests = { requests[1], requests[2] } }
      assert(client.messages.batches.run(requests, with { max_bytes = size }))
      for i = 1, 3 do
        assert.is_true(server:requests()[i].body_bytes <= size)
      end
      assert.equal(size, server:requests()[1].body_bytes)
    end)

    it("tells how far it is", function()
      serve_three()
      local progress = {}
      assert(client.messages.batches.run(requests_of("a", "b", "c", "d", "e"), with {
        max_requests = 2,
        on_progress = function(info) progress[#progress + 1] = info end,
      }))
      assert.equal("creating", progress[1].state)
      assert.equal(5, progress[1].total)
      local last, before = progress[#progress], 0
      assert.equal("results", last.state)
      assert.equal(5, last.done)
      assert.equal(5, last.delivered)
      assert.equal(5, last.succeeded)
      assert.equal(0, last.processing)
      for _, info in ipairs(progress) do
        assert.is_true(info.done >= before)
        assert.equal(info.total, info.done + info.processing)
        before = info.done
      end
    end)

    it("resumes those that were made, and makes the others", function()
      serve_three(1)
      local results = assert(client.messages.batches.run(requests_of("a", "b", "c", "d", "e"), with {
        max_requests = 2, resume = "b1",
      }))
      assert.equal("answer to a", results.a.result.message:text())
      assert.equal("answer to e", results.e.result.message:text())
      assert.equal(2, count_requests("POST", "/v1/messages/batches"))
      assert.equal("c", server:requests()[1].json.requests[1].custom_id)
    end)

    it("says which were made when one cannot be", function()
      serve {
        { path = "/v1/messages/batches",
          answers = { batch("b1"), testing.error { status = 400, message = "too bad" } } },
      }
      local results, err = client.messages.batches.run(requests_of("a", "b"), with { max_requests = 1 })
      assert.is_nil(results)
      assert.equal("too bad", err.message)
      assert.same({ "b1" }, err.batches)
    end)
  end)

  it("resumes a batch whose requests are not known any more", function()
    serve {
      { path = "/v1/messages/batches/b", answers = { batch("b", counts(2)), batch("b", counts(2)) } },
      { path = "/v1/messages/batches/b/results", answers = { { body = line("a") .. line("b") } } },
    }
    local results, report = assert(client.messages.batches.run(nil, with { resume = "b" }))
    assert.equal("answer to b", results.b.result.message:text())
    assert.equal(2, report.total)
  end)

  it("passes over the results that are there already", function()
    serve {
      { path = "/v1/messages/batches/b", answers = { batch("b", counts(3)), batch("b", counts(3)) } },
      { path = "/v1/messages/batches/b/results", answers = { { body = line("a") .. line("b") .. line("c") } } },
    }
    local results, report = assert(client.messages.batches.run(requests_of("a", "b", "c"), with {
      resume = { "b" }, skip = { a = true, c = true },
    }))
    assert.is_nil(results.a)
    assert.is_table(results.b)
    assert.is_nil(results.c)
    assert.equal(3, report.succeeded)
  end)

  it("refuses to resume a batch of other requests", function()
    serve { { path = "/v1/messages/batches/b", answers = { batch("b", counts(3)) } } }
    local _, err = client.messages.batches.run(requests_of("a"), with { resume = "b" })
    assert.equal("invalid_request", err.kind)
    assert.truthy(err.message:find("has 3 requests", 1, true))
  end)

  local function run_on(body, request_counts, ...)
    serve {
      { "POST", "/v1/messages/batches", batch("b") },
      { path = "/v1/messages/batches/b", answers = { batch("b", request_counts), batch("b", request_counts) } },
      { path = "/v1/messages/batches/b/results", answers = { { body = body } } },
    }
    return client.messages.batches.run(requests_of(...), fast)
  end

  it("is an error where results are missing, doubled or not of the requests, with all that came", function()
    local results, err = run_on(line("a") .. line("a") .. line("x"), counts(3), "a", "b", "c")
    assert.is_nil(results)
    assert.equal("protocol", err.kind)
    assert.truthy(err.message:find("2 missing (b, c); 1 doubled (a); 1 unexpected (x)", 1, true))
    assert.equal("answer to a", err.results.a.result.message:text())
    assert.is_nil(err.results.x)
    assert.same({ "b" }, err.batches)
    assert.same({ "b", "c" }, err.report.missing)
  end)

  it("reads results that broke off again, and delivers none twice", function()
    local body = line("a") .. line("b") .. line("c")
    serve {
      { "POST", "/v1/messages/batches", batch("b") },
      { method = "GET", path = "/v1/messages/batches/b",
        answers = { batch("b", counts(3)), batch("b", counts(3)), batch("b", counts(3)), batch("b", counts(3)) } },
      { path = "/v1/messages/batches/b/results", answers = {
        { body = body, cut_after = #line("a") + 10 },
        { body = body, cut_after = #line("a") + #line("b") + 10, framing = "close" },
        { body = body },
      } },
    }
    local seen = {}
    assert(client.messages.batches.run(requests_of("a", "b", "c"), with {
      on_result = function(result) seen[#seen + 1] = result.custom_id end,
    }))
    assert.same({ "a", "b", "c" }, seen)
  end)

  it("gives up on results that always break off, with what came", function()
    local body = line("a") .. line("b")
    serve {
      { "POST", "/v1/messages/batches", batch("b") },
      { method = "GET", match = "/b$", answers = { batch("b", counts(2)) }, on_end = "repeat" },
      { match = "/results$", answers = { { body = body, cut_after = #line("a") + 10 } }, on_end = "repeat" },
    }
    local results, err = client.messages.batches.run(requests_of("a", "b"), fast)
    assert.is_nil(results)
    assert.equal("truncated", err.kind)
    assert.is_table(err.results.a)
    assert.same({ "b" }, err.batches)
  end)

  it("survives polls that fail for a while, not for ever", function()
    serve {
      { "POST", "/v1/messages/batches", batch("b") },
      { path = "/v1/messages/batches/b", answers = { testing.error { status = 500 }, testing.error { status = 529 },
        { close = true }, batch("b", counts(1)), batch("b", counts(1)) } },
      { match = "/results$", answers = { { body = line "a" } } },
    }
    assert(client.messages.batches.run(requests_of("a"), fast))
    stop()
    serve {
      { "POST", "/v1/messages/batches", batch("b") },
      { match = "/b$", answers = { testing.error { status = 500 } }, on_end = "repeat" },
    }
    local _, err = client.messages.batches.run(requests_of("a"), fast)
    assert.equal(500, err.status)
    assert.same({ "b" }, err.batches)
    stop()
    serve {
      { "POST", "/v1/messages/batches", batch("b") },
      { match = "/b$", answers = { testing.error { status = 403 } }, on_end = "repeat" },
    }
    _, err = client.messages.batches.run(requests_of("a"), fast)
    assert.equal(403, err.status)
    assert.equal(1, count_requests("GET", "/v1/messages/batches/b"))
  end)

  local function serve_endless()
    serve {
      { "POST", "/v1/messages/batches", batch("b", counts(0, 1), "in_progress") },
      { match = "/b$", answers = { batch("b", counts(0, 1), "in_progress") }, on_end = "repeat" },
    }
  end

  it("can be cancelled while it waits", function()
    serve_endless()
    local results, err
    anthropic.run(function()
      local task = anthropic.spawn(function()
        results, err = client.messages.batches.run(requests_of("a"), { poll_interval = 60 })
      end)
      clock.await(function() return #server:requests() >= 1 end)
      anthropic.sleep(0.05) -- the answer has come
      task:cancel()
    end)
    assert.is_nil(results)
    assert.equal("cancelled", err.kind)
    assert.same({ "b" }, err.batches)
  end)

  it("ends when its client is closed", function()
    serve_endless()
    local err
    anthropic.run(function()
      local task = anthropic.spawn(function()
        err = select(2, client.messages.batches.run(requests_of("a"), { poll_interval = 60 }))
      end)
      clock.await(function() return #server:requests() >= 1 end)
      anthropic.sleep(0.05) -- the answer has come
      client:close()
      task:join()
    end)
    assert.equal("cancelled", err.kind)
  end)

  it("asks less and less often", function()
    serve_endless()
    anthropic.run(function()
      local task = anthropic.spawn(function()
        client.messages.batches.run(requests_of("a"), { poll_interval = 0.05, max_poll_interval = 30 })
      end)
      clock.await(function() return #server:requests() >= 4 end)
      task:cancel()
    end)
    local times = {}
    for _, request in ipairs(server:requests()) do
      times[#times + 1] = request.method == "GET" and request.time or nil
    end
    assert.is_true(#times >= 3)
    assert.is_true(#times <= 9)
  end)
end)

describe("thousands of results", function()
  local count = extent(10000, 4000)
  local directory

  before_each(function()
    local pipe = io.popen "mktemp -d"
    directory = pipe:read "*l"
    pipe:close()
  end)

  after_each(function()
    stop()
    os.execute("rm -rf '" .. directory .. "'")
  end)

  local function interpreter()
    local lowest = 0
    while arg[lowest - 1] do
      lowest = lowest - 1
    end
    return arg[lowest]
  end

  local function body_of(ids)
    local lines = {}
    for i, id in ipairs(ids) do
      lines[i] = line(id)
    end
    return table.concat(lines)
  end

  local function ids_of()
    local ids = {}
    for i = 1, count do
      ids[i] = "r" .. i
    end
    return ids
  end

  -- What a worker wrote: only whole lines count, as it may have been killed while it wrote.
  local function read_done(path)
    local done, total = {}, 0
    local file = io.open(path, "rb")
    local text = file and file:read "*a" or ""
    for id in text:gmatch "(%S+)\n" do
      assert.is_nil(done[id], "doubled: " .. id)
      done[id] = true
      total = total + 1
    end
    if file then
      file:close()
    end
    return done, total
  end

  local worker = [[
    local anthropic = require "anthropic"
    local url, path, count = ...
    local client = anthropic.new { base_url = url, api_key = "test-key" }
    local requests = {}
    for i = 1, tonumber(count) do
      requests[i] = { custom_id = "r" .. i, params = { model = "m", max_tokens = 1, messages = {} } }
    end
    local done = assert(io.open(path .. "/done", "ab"))
    done:setvbuf "no"
    assert(client.messages.batches.run(requests, {
      poll_interval = 0.05,
      on_created = function(batch)
        local file = assert(io.open(path .. "/batch", "wb"))
        file:write(batch.id)
        file:close()
      end,
      on_result = function(result) done:write(result.custom_id, "\n") end,
    }))
  ]]

  it("survive that the process is killed while it reads them", function()
    local body = body_of(ids_of())
    serve {
      { "POST", "/v1/messages/batches", batch("b", counts(0, count), "in_progress") },
      { match = "/b$", answers = { batch("b", counts(count)) }, on_end = "repeat" },
      { match = "/results$", answers = { { body = body, hang_after = math.floor(#body / 3) }, { body = body } } },
    }
    local file = assert(io.open(directory .. "/worker.lua", "wb"))
    file:write(worker)
    file:close()
    os.execute(("%s %s/worker.lua %s %s %d >/dev/null 2>&1 & echo $! >%s/pid"):format(
      interpreter(), directory, server.url, directory, count, directory))
    assert.is_true(eventually(function()
      return select(2, read_done(directory .. "/done")) > count / 4
    end, 30))
    local pid = io.open(directory .. "/pid"):read "*l"
    os.execute("kill -9 " .. pid)
    assert.is_true(eventually(function()
      return os.execute("kill -0 " .. pid .. " 2>/dev/null") ~= 0
        and os.execute("kill -0 " .. pid .. " 2>/dev/null") ~= true
    end))

    local done, before = read_done(directory .. "/done")
    assert.is_true(before < count)
    local requests = {}
    for i, id in ipairs(ids_of()) do
      requests[i] = { custom_id = id, params = { model = "m", max_tokens = 1, messages = {} } }
    end
    local added = 0
    local _, report = assert(client.messages.batches.run(requests, {
      resume = io.open(directory .. "/batch"):read "*a",
      skip = done,
      on_result = function(result)
        assert.is_nil(done[result.custom_id])
        done[result.custom_id] = true
        added = added + 1
      end,
    }))
    assert.equal(count, report.succeeded)
    assert.equal(count, before + added)
    for _, id in ipairs(ids_of()) do
      assert.is_true(done[id])
    end
    assert.equal(1, count_requests("POST", "/v1/messages/batches"))
  end)

  it("are read in constant memory, a line of 5 MB among them", function()
    local function peak(results)
      local pipe = io.popen(("%s bench/batch_results.lua %d 5000000"):format(interpreter(), results))
      local text = pipe:read "*a"
      pipe:close()
      assert.truthy(text:find(("^%d results, "):format(results)), text)
      return tonumber(text:match "peak RSS ([%d.]+) MB")
    end
    if not io.open "/proc/self/status" or os.getenv "SPEC_LUA" then
      pending "only Linux tells the peak, and under a sanitizer it is another's"
      return
    end
    -- 35 MB of results; held whole, they would take at least that twice
    assert.is_true(peak(count) < 60)
  end)
end)
