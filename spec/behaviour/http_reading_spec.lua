-- Reading answers of `anthropic.http`: readers, and handlers that are called back.

local errors = require "anthropic.base.error"
local http = require "anthropic.http"
local raw_client = require "spec.support.raw_client"
local service = require "spec.support.service"
local anthropic = require "anthropic"
local loop = require "anthropic.loop"

local serve = service.serve

local STREAM = { ["Content-Type"] = "text/event-stream" }
local DELTA = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}'
local EVENTS = ": hello\r\nid: 7\r\nevent: first\r\ndata: a\r\ndata: b\r\n\r\n"
  .. "data: " .. DELTA .. "\n\ndata\n\nevent: lost\ndata: of the end"
local READ = {
  { event = "first", data = "a\nb", id = "7" },
  { event = "message", data = DELTA, id = "7" },
  { event = "message", data = "", id = "7" },
}
local LINES = "one\r\n\ntwo\nthree\r"

local function stream(bytes)
  return { headers = STREAM, body = bytes }
end

local function open(server, fields)
  local request = { url = server.url }
  for name, value in pairs(fields or {}) do
    request[name] = value
  end
  return assert(http.open(request))
end

-- All that an iterator returns.
local function all_of(iterator)
  local list = {}
  for value in iterator do
    list[#list + 1] = value
  end
  return list
end

-- Bytes in pieces of every size.
local function pieces_of(answer, size)
  local cut = { framing = "chunked", chunk_bytes = size }
  for name, value in pairs(answer) do
    cut[name] = value
  end
  return cut
end

before_each(function()
  service.environment {}
end)

after_each(service.clear)

describe("a reader", function()
  it("gives events as they came, whatever the pieces, and drops one without an end", function()
    for _, size in ipairs { 1, 2, 7, 1000 } do
      local reader = open(serve { pieces_of(stream(EVENTS), size) })
      assert.equal(200, reader.response.status)
      assert.equal("text/event-stream", reader.response.headers["content-type"])
      assert.same(READ, all_of(reader:events()))
      assert.is_nil(reader:next_event())
      assert.equal("anthropic.http.Reader (200, ended)", tostring(reader))
    end
  end)

  it("gives lines without their ends, the last one too", function()
    for _, size in ipairs { 1, 3, 1000 } do
      local reader = open(serve { pieces_of({ body = LINES }, size) })
      assert.same({ "one", "", "two", "three\r" }, all_of(reader:lines()))
      assert.same({ n = 1 }, { n = select("#", reader:next_line()), reader:next_line() })
    end
  end)

  it("gives bytes, as many as are wanted at most", function()
    local bytes = ("\0\255\r\n"):rep(1000)
    local reader = open(serve { { body = bytes } })
    local got = { reader:read(1), reader:read(3) }
    assert.same({ "\0", "\255\r\n" }, got)
    repeat
      got[#got + 1] = reader:read()
    until #table.concat(got) == #bytes
    assert.equal(bytes, table.concat(got))
    assert.is_nil(reader:read())
    assert.is_nil(reader:read())
    assert.equal("", reader:body())
  end)

  it("gives the whole body, or the rest of it after lines and bytes", function()
    local server = serve { { body = LINES }, { body = LINES }, { body = "" } }
    assert.equal(LINES, open(server):body())
    local reader = open(server)
    assert.equal("one", reader:next_line())
    assert.equal("\nt", reader:read(2))
    assert.equal("wo", reader:next_line())
    assert.equal("three\r", reader:body())
    assert.is_number(reader.response.timings.total)
    reader = open(server)
    assert.equal("", reader:body())
    assert.is_nil(reader:read())
  end)

  it("reads what is no success in the same ways", function()
    local server = serve { { status = 400, body = '{"error":"x"}' }, { status = 500, body = "a\nb" } }
    local reader = open(server)
    assert.same({ 400, '{"error":"x"}' }, { reader.response.status, (reader:body()) })
    assert.same({ "a", "b" }, all_of(open(server):lines()))
  end)

  it("does not mix events with other ways of reading", function()
    local server = serve { stream(EVENTS), stream(EVENTS) }
    local reader = open(server)
    assert.equal("first", reader:next_event().event)
    for _, name in ipairs { "read", "next_line", "body" } do
      local ok, message = pcall(reader[name], reader)
      assert.is_false(ok)
      assert.matches("the body is being read as events", message)
    end
    assert.equal(READ[2].data, reader:next_event().data)
    reader = open(server)
    assert.equal(": hello", reader:next_line())
    assert.matches("the body is being read as lines", select(2, pcall(reader.next_event, reader)))
  end)

  it("says so where there are no events, and what came instead", function()
    for _, case in ipairs {
      { { body = '{"error":{"message":"no"}}' }, '{"error":{"message":"no"}}', "application/json" },
      { { body = '{"a":1}\n{"a":2}\n', headers = { ["Content-Type"] = "application/x-ndjson" } }, '{"a":1}\n{"a":2}\n',
        "application/x-ndjson" },
      { { body = "<html>", headers = { ["Content-Type"] = "text/html" } }, "<html>", "text/html" },
      { stream '{"error":"in a stream"}', '{"error":"in a stream"}', "text/event-stream" },
    } do
      local reader = open(serve { case[1] })
      local event, err = reader:next_event()
      assert.is_nil(event)
      assert.same({ "protocol", case[2], 200 }, { err.kind, err.body, err.status })
      assert.truthy(err.message:find(case[3], 1, true))
      assert.equal(err, select(2, reader:next_event()))
      assert.is_false(pcall(all_of, reader:events()))
    end
  end)

  it("finds no events, and no fault, in nothing", function()
    for _, answer in ipairs { { status = 204 }, stream "", stream ": ping\n\n", { body = "" } } do
      assert.same({}, all_of(open(serve { answer }):events()))
    end
  end)

  it("gives what came before an answer broke off, then the error, and that again", function()
    local cut = "data: a\n\ndata: b\n\ndata: half of"
    for _, name in ipairs { "next_event", "next_line", "read" } do
      local reader = open(serve { { headers = STREAM, body = cut .. " it\n\n", cut_after = #cut } })
      local got = {}
      local value, err = reader[name](reader)
      while value do
        got[#got + 1] = type(value) == "table" and value.data or value
        value, err = reader[name](reader)
      end
      local whole = { next_event = "ab", next_line = "data: adata: b", read = cut }
      assert.equal(whole[name], table.concat(got), name)
      assert.equal("truncated", err.kind)
      assert.equal(18, err:exit_code())
      assert.equal(200, err.response.status)
      assert.equal(name == "next_line" and "data: half of" or nil, err.body)
      assert.equal(err, select(2, reader[name](reader)))
    end
    local _, err = open(serve { { body = "0123456789", cut_after = 4 } }):body()
    assert.same({ "truncated", "0123" }, { err.kind, err.body })
  end)

  it("bounds a line and an event, and the body as a whole", function()
    local large = ("x"):rep(2000)
    local reader = open(serve { { body = large .. "\n" } }, { max_event_bytes = 1000 })
    assert.equal("protocol", select(2, reader:next_line()).kind)
    reader = open(serve { stream("data: " .. large .. "\n\n") }, { max_event_bytes = 1000 })
    local _, err = reader:next_event()
    assert.same({ "protocol", 63 }, { err.kind, err:exit_code() })
    reader = open(serve { { body = large } }, { max_response_bytes = 1000 })
    _, err = reader:body()
    assert.same({ "protocol", 63, large:sub(1, 1000) }, { err.kind, err:exit_code(), err.body })
    local passed = 0 -- what passes through is not held
    reader = open(serve { { body = large:rep(1000) } }, { max_response_bytes = 1000 })
    for bytes in function() return (reader:read()) end do
      passed = passed + #bytes
    end
    assert.equal(2000000, passed)
  end)

  it("leaves at the server what nobody reads", function()
    local server = serve { { body = ("x"):rep(65536), repeats = 1000, framing = "close" } }
    local reader = open(server)
    for _ = 1, 200 do
      loop.step(0)
    end
    collectgarbage()
    assert.is_true(#assert(reader:read(1e9)) < 1024 * 1024)
    reader:close()
  end)

  it("is closed once, and says so", function()
    local server = serve { { body = "0123456789", hang_after = 5 } }
    local reader = open(server)
    assert.equal("01234", reader:read())
    reader:close()
    reader:close()
    local _, err = reader:read()
    assert.equal("cancelled", err.kind)
    assert.equal(42, err:exit_code())
    assert.equal(err, select(2, reader:body()))
    assert.equal("anthropic.http.Reader (200, failed)", tostring(reader))
  end)

  it("ends its connection when it is closed, left by <close>, or garbage", function()
    local ways = {
      function(reader) reader:close() end,
      function(reader) getmetatable(reader).__close(reader) end,
      function() end,
    }
    for _, leave in ipairs(ways) do
      local server = serve { { body = "x", delay_between = 0.02, repeats = 100000, framing = "close" } }
      do
        local reader = open(server)
        reader:read()
        leave(reader)
        reader = nil -- luacheck: ignore
      end
      collectgarbage()
      collectgarbage()
      assert.is_true(raw_client.eventually(function()
        loop.step(0)
        return server:requests()[1].outcome ~= nil or loop.core():active() == 0
      end))
    end
  end)

  it("is read by one task at a time, and closed from another", function()
    local server = serve { { body = "0123456789", hang_after = 5 } }
    anthropic.run(function()
      local reader = open(server)
      reader:read()
      local task = anthropic.spawn(function() return reader:read() end)
      anthropic.sleep(0.01)
      assert.matches("read by another coroutine", select(2, pcall(reader.read, reader)))
      reader:close()
      local bytes, err = task:join()
      assert.is_nil(bytes)
      assert.equal("cancelled", err.kind)
    end)
  end)

  it("refuses an answer that would go to a file, and sizes that are none", function()
    assert.matches("http.open: path", select(2, pcall(http.open, { url = "http://host/", path = "x" })))
    local reader = open(serve { { body = "x" } })
    for _, max in ipairs { 0, -1, "x", 0 / 0 } do
      assert.is_false(pcall(reader.read, reader, max))
    end
  end)
end)

-- Notes every call: the name, and a word for what it was called with.
local function noting(names)
  local calls, handlers = {}, {}
  local words = {
    on_response = function(response) return tostring(response.status) .. (response.body or "") end,
    on_event = function(event) return event.data end,
    on_done = function(response, err) return err and err.kind or tostring(response.status) .. (response.body or "") end,
  }
  for name in names:gmatch "%S+" do
    handlers[name] = function(...)
      calls[#calls + 1] = name:sub(4) .. " " .. (words[name] or tostring)(...)
    end
  end
  return calls, handlers
end

describe("handlers", function()
  it("are called in their order, and on_done once and last", function()
    local server = serve { { body = LINES }, stream(EVENTS), { body = "bytes" }, { body = "whole" } }
    local calls, handlers = noting "on_response on_line on_done"
    http.request({ url = server.url }, handlers)
    assert.same({ "response 200", "line one", "line ", "line two", "line three\r", "done 200" }, calls)
    calls, handlers = noting "on_response on_event on_done"
    http.request({ url = server.url }, handlers)
    assert.same({ "response 200", "event " .. READ[1].data, "event " .. READ[2].data, "event ", "done 200" }, calls)
    calls, handlers = noting "on_response on_bytes on_done"
    http.request({ url = server.url }, handlers)
    assert.same({ "response 200", "bytes bytes", "done 200" }, calls)
    calls, handlers = noting "on_response on_done"
    http.request({ url = server.url }, handlers)
    assert.same({ "response 200", "done 200whole" }, calls)
  end)

  it("get the standard's events alone: JSON between them is for on_line and on_bytes", function()
    local server = serve { stream 'data: a\n\n{"b":1}\n\n[DONE]\n\ndata: c\n\n' }
    local calls, handlers = noting "on_event on_done"
    http.request({ url = server.url }, handlers)
    assert.same({ "event a", "event c", "done 200" }, calls)
  end)

  it("may all be left out", function()
    local server = serve { { body = "x" }, { body = "x" } }
    assert.is_true(http.request({ url = server.url }, {}).done)
    assert.is_true(http.request({ url = server.url }, { on_line = function() end }).done)
  end)

  it("get a refusal by pieces, and whole at the end", function()
    local json = '{"error":\n"no"}'
    for names, expected in pairs {
      ["on_response on_line on_done"] = { "response 401", 'line {"error":', 'line "no"}', "done 401" .. json },
      ["on_response on_bytes on_done"] = { "response 401", "bytes " .. json, "done 401" .. json },
      ["on_response on_event on_done"] = { "response 401", "done 401" .. json },
    } do
      local calls, handlers = noting(names)
      http.request({ url = serve { { status = 401, body = json } }.url }, handlers)
      assert.same(expected, calls)
    end
    local calls, handlers = noting "on_event on_done"
    local refusal = { status = 503, headers = STREAM, body = "event: error\ndata: late\n\n" }
    http.request({ url = serve { refusal }.url }, handlers)
    assert.same({ "event late", "done 503event: error\ndata: late\n\n" }, calls)
  end)

  it("are told that an answer is no event stream", function()
    local calls, handlers = noting "on_response on_event on_done"
    http.request({ url = serve { { body = '{"whole":1}' } }.url }, handlers)
    assert.same({ "response 200", "done protocol" }, calls)
  end)

  it("are told of a request that was never sent", function()
    local calls, handlers = noting "on_response on_line on_done"
    http.request({ url = "ftp://host/" }, handlers)
    assert.same({ "done invalid_request" }, calls)
  end)

  it("belong to the request as it was when it was made, and are those that were given", function()
    local server = serve { routes = { { answers = { { body = "x" } } } } }
    local ends = {}
    anthropic.run(function()
      local request, handlers = { url = server.url, headers = {} }, {}
      for i = 1, 3 do
        request.body, request.headers["x-number"] = "body " .. i, i
        function handlers.on_done(response) ends[#ends + 1] = i .. response.body end
        http.request(request, handlers)
      end
      request.url, handlers.on_done = "http://nowhere.invalid/", error
    end)
    table.sort(ends)
    assert.same({ "1x", "2x", "3x" }, ends)
    local sent = {}
    for _, request in ipairs(server:requests()) do
      sent[#sent + 1] = service.header(request, "x-number") .. request.body
    end
    table.sort(sent)
    assert.same({ "1body 1", "2body 2", "3body 3" }, sent)
  end)

  it("return at once where something else moves the request on, and the task's results are those of on_done", function()
    local server = serve { { body = "x\ny" } }
    local calls, handlers = noting "on_response on_line on_done"
    anthropic.run(function()
      local task = http.request({ url = server.url }, handlers)
      assert.same({}, calls)
      assert.is_false(task.done)
      local response = task:join()
      assert.equal(200, response.status)
    end)
    assert.same({ "response 200", "line x", "line y", "done 200" }, calls)
  end)

  -- Cancels in a moment, after `least` calls, and returns the calls.
  local function cancelled(answer, names, moment, least)
    local calls, handlers = noting(names)
    local url = serve { answer }.url
    anthropic.run(function()
      local task
      for name, call in pairs(handlers) do
        handlers[name] = function(...)
          call(...)
          if name == moment then
            task:cancel()
          end
        end
      end
      task = http.request({ url = url }, handlers)
      if moment == "at once" then
        task:cancel()
      elseif moment == "while it waits" then
        local deadline = anthropic.now() + 10
        repeat
          anthropic.sleep(0.03)
        until #calls >= (least or 0) or anthropic.now() > deadline
        task:cancel()
      end
      task:join()
      assert.is_true(task.done)
      task:cancel()
      anthropic.sleep(0.01)
    end)
    return calls
  end

  it("are called no more after a cancel, but for on_done, once", function()
    local slow = { body = "a\nb\nc\n", delay = 5 }
    local ALL = "on_response on_line on_done"
    assert.same({ "done cancelled" }, cancelled(slow, ALL, "at once"))
    assert.same({ "done cancelled" }, cancelled(slow, ALL, "while it waits"))
    local hanging = { body = "a\nb\nc\n", hang_after = 4 }
    assert.same({ "response 200", "line a", "line b", "done cancelled" }, cancelled(hanging, ALL, "while it waits", 3))
    for _, names in ipairs { ALL, "on_response on_bytes on_done", "on_response on_done" } do
      assert.same({ "response 200", "done cancelled" }, cancelled({ body = "a\nb" }, names, "on_response"))
    end
    assert.same({ "response 200", "line a", "done cancelled" }, cancelled({ body = "a\nb\n" }, ALL, "on_line"))
    assert.same({ "response 200", "line a", "done cancelled" }, cancelled({ body = "a" }, ALL, "on_line"))
    assert.same({ "response 500", "line a", "done cancelled" },
      cancelled({ status = 500, body = "a\nb\n" }, ALL, "on_line"))
    assert.same({ "response 200", "bytes a", "done cancelled" },
      cancelled({ body = "a" }, "on_response on_bytes on_done", "on_bytes"))
    assert.same({ "response 200", "event a", "done cancelled" },
      cancelled(stream "data: a\n\ndata: b\n\n", "on_response on_event on_done", "on_event"))
    assert.same({ "response 200", "line a", "done 200" }, cancelled({ body = "a" }, ALL, "on_done"))
  end)

  it("end the request where one of them raises, which is raised in the host's way", function()
    for _, name in ipairs { "on_response", "on_line" } do
      local calls, handlers = noting "on_response on_line on_done"
      local call = handlers[name]
      handlers[name] = function(...)
        call(...)
        error "of the handler"
      end
      local ok, message = pcall(http.request, { url = serve { { body = "a\nb\n" } }.url }, handlers)
      assert.is_false(ok)
      assert.matches("of the handler", message)
      assert.equal("done cancelled", calls[#calls])
      assert.equal(name == "on_line" and 3 or 2, #calls)
    end
    local count = 0
    assert.is_false(pcall(http.request, { url = serve { { body = "a" } }.url }, {
      on_done = function()
        count = count + 1
        error "of on_done"
      end,
    }))
    assert.equal(1, count)
  end)

  it("give the host a turn after 64 calls", function()
    local turns, longest, since = 0, 0, 0
    local server = serve { { body = ("x\n"):rep(1000) } }
    anthropic.run(function()
      local task = http.request({ url = server.url }, {
        on_line = function()
          since = since + 1
          longest = math.max(longest, since)
        end,
      })
      while not task.done do
        turns, since = turns + 1, 0
        anthropic.sleep(0)
      end
    end)
    assert.is_true(turns >= 15)
    assert.is_true(longest <= 64)
  end)

  it("get bytes by pieces, however many have come", function()
    local bytes, got, largest = ("0123456789abcdef"):rep(20000), {}, 0
    http.request({ url = serve { { body = bytes } }.url }, {
      on_bytes = function(piece)
        got[#got + 1] = piece
        largest = math.max(largest, #piece)
        for _ = 1, #got == 1 and 10 or 0 do -- meanwhile more comes
          loop.step(0.005)
        end
      end,
    })
    assert.equal(bytes, table.concat(got))
    assert.is_true(largest <= 16384, tostring(largest))
  end)

  it("stop between two slices, where the request is cancelled then", function()
    local server = serve { { body = ("x\n"):rep(1000) } }
    local lines, done = 0, {}
    anthropic.run(function()
      local task = http.request({ url = server.url }, {
        on_line = function() lines = lines + 1 end,
        on_done = function(_, err) done[#done + 1] = err.kind end,
      })
      while lines == 0 do
        anthropic.sleep(0)
      end
      task:cancel()
      task:join()
    end)
    assert.is_true(lines < 1000)
    assert.same({ "cancelled" }, done)
  end)

  it("hold a body back that they are slow to take", function()
    local server = serve { { body = ("x"):rep(65536), repeats = 200, framing = "close" } }
    local largest, total = 0, 0
    http.request({ url = server.url }, {
      on_bytes = function(bytes)
        largest, total = math.max(largest, #bytes), total + #bytes
      end,
    })
    assert.equal(65536 * 200, total)
    assert.is_true(largest < 1024 * 1024)
  end)

  it("get errors of the library's own shape", function()
    local got
    http.request({ url = "http://127.0.0.1:1/" }, { on_done = function(_, err) got = err end })
    assert.is_true(errors.is(got))
    assert.equal(7, got:exit_code())
  end)
end)
