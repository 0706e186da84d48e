-- What one exchange may hold, whatever a server makes it of. What it costs in memory is measured by `make limits`.

local child = require "spec.support.child"
local core = require "anthropic.core"
local directories = require "spec.support.directory"
local extent = require "spec.support.extent"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local params = service.params
local MEGABYTE = 1000000

describe("An exchange", function()
  local hostile

  setup(function()
    hostile = child.start "spec/support/hostile_server.lua"
  end)

  teardown(function()
    hostile:stop()
  end)

  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  local function client_of(answer, options)
    local all = { max_response_bytes = MEGABYTE, max_retries = 1, timeout = 20 }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return service.client({ url = ("http://127.0.0.1:%d/%s"):format(hostile.port, answer) }, all)
  end

  local function is_refused(result, err)
    assert.is_nil(result)
    assert.equal("protocol", err.kind)
    assert.equal(1, err.attempts)
    return err
  end

  local LARGE = "the answer is larger than 1000000 bytes"

  -- Each way of reading a stream to its end.
  local ways = {}

  function ways.message(stream)
    return stream:message()
  end

  function ways.events(stream)
    local event, err
    repeat
      event, err = stream:next()
    until not event
    return not err or nil, err
  end

  function ways.text(stream)
    local ok, err = pcall(function()
      for _ in stream:text_deltas() do end -- luacheck: ignore 542
    end)
    return ok or nil, err
  end

  function ways.tool_inputs(stream)
    local ok, err = pcall(function()
      for _ in stream:tool_inputs() do end -- luacheck: ignore 542
    end)
    return ok or nil, err
  end

  local function open(answer, options)
    return assert(client_of(answer, options).messages.stream(params()))
  end

  it("ends at trailers and interim answers without an end", function()
    local client = client_of "trailers"
    assert.equal("the answer's headers are too large", is_refused(client.messages.create(params())).message)
    assert.equal("the answer's headers are too large", is_refused(open("stream_trailers"):message()).message)
    assert.equal("the answer's headers are too large",
      is_refused(client_of("interim").messages.create(params())).message)
  end)

  it("ends at a whole answer without an end, or with one that comes too late", function()
    assert.equal(LARGE, is_refused(client_of("body").messages.create(params())).message)
    assert.equal(LARGE, is_refused(client_of("json_text/2").messages.create(params())).message)
    local client = client_of("json_text/1", { max_response_bytes = 2 * MEGABYTE })
    assert.equal(MEGABYTE, #assert(client.messages.create(params())):text())
  end)

  it("ends at comments before the first event, and at one event, without an end", function()
    assert.equal(LARGE, is_refused(open("silence"):message()).message)
    assert.equal("an event is larger than 1048576 bytes", is_refused(open("line"):message()).message)
    assert.equal("an event is larger than 1000 bytes",
      is_refused(open("line", { max_event_bytes = 1000 }):message()).message)
    assert.equal("an event is larger than 3000000 bytes",
      is_refused(open("line", { max_response_bytes = 3 * MEGABYTE }):message()).message)
  end)

  for name, read in pairs(ways) do
    it("ends at a stream of text without an end, read by " .. name, function()
      local err = is_refused(read(open "text"))
      assert.equal(LARGE, err.message)
      local text = err.partial:text()
      assert.truthy(text:find "^x+$")
      assert.is_true(#text <= MEGABYTE and #text > 0.9 * MEGABYTE, #text)
    end)

    it("ends at a tool's input without an end, read by " .. name, function()
      local err = is_refused(read(open "input"))
      assert.equal(LARGE, err.message)
      local json = err.partial.content[1].input_json
      assert.is_true(#json <= MEGABYTE and #json > 0.9 * MEGABYTE, #json)
    end)
  end

  for _, answer in ipairs { "blocks", "unnamed_blocks", "unknown", "citations", "fields", "choices" } do
    it("ends at a stream of " .. answer .. " without an end", function()
      local err = is_refused(open(answer):message())
      assert.equal(LARGE, err.message)
      assert.equal("assistant", err.partial.role)
    end)
  end

  it("ends at two texts by turns, and at a chat completion, without an end", function()
    for _, answer in ipairs { "interleaved", "chat" } do
      local err = is_refused(open(answer, { max_response_bytes = 20000 }):message())
      assert.equal("the answer is larger than 20000 bytes", err.message)
      assert.is_true(#err.partial:text() > 6000, #err.partial:text())
    end
  end)

  it("does not count what passes through", function()
    assert.equal("Hello", assert(open("pings/3"):message()):text())
    local count = 0
    for event in open "pings/3" do
      count = count + (event.type == "ping" and 1 or 0)
    end
    assert.is_true(count > 290, count)
  end)

  it("takes a message up to the limit", function()
    local message = assert(open("text/1", { max_response_bytes = 1100000 }):message())
    assert.equal(MEGABYTE, #message:text())
  end)

  it("hands over what it keeps back before the first content once that is 1 MiB, and is not sent again then", function()
    local server = service.serve { { events = {
      { data = { type = "ping", text = ("x"):rep(600000) } }, { data = { type = "ping", text = ("y"):rep(600000) } },
      { data = { type = "ping", text = "z" } },
    } } }
    local stream = assert(service.client(server, { max_retries = 2 }).messages.stream(params()))
    assert.equal(("x"):rep(600000), stream:next().text)
    assert.equal(("y"):rep(600000), stream:next().text)
    assert.equal("z", stream:next().text)
    local event, err = stream:next()
    assert.is_nil(event)
    assert.equal("truncated", err.kind)
    assert.equal(1, #server:requests())
  end)

  describe("with an encoding", function()
    local function expect(encoding)
      local err = is_refused(client_of(encoding .. "_blanks/8").messages.create(params()))
      assert.equal(LARGE, err.message)
    end

    it("is as large as what it unpacks to", function()
      expect "gzip"
      is_refused(open("gzip_text/8"):message())
    end)

    it("ends in br and zstd as in gzip", function()
      local features = core.curl_info().features
      for encoding, name in pairs { br = "brotli", zstd = "zstd" } do
        if features[name] then
          expect(encoding)
          is_refused(open(encoding .. "_stream"):message())
        end
      end
    end)

    it("passes through where it is a stream of small events", function()
      local count, stream = 0, open "gzip_pings/30"
      local event, err = stream:next()
      while event do
        count = count + (event.type == "ping" and 1 or 0)
        event, err = stream:next()
      end
      assert.is_nil(err)
      assert.is_true(count > 2900, count)
      assert.equal("Hello", assert(stream:message()):text())
    end)
  end)

  describe("whose values would cost more than four times their text", function()
    local LIMITS = { max_response_bytes = 64 * MEGABYTE }

    it("is refused before they are made", function()
      for _, answer in ipairs { "arrays", "objects", "nulls", "digits", "inputs", "members" } do
        local _, err = client_of(("json_%s/4"):format(answer), LIMITS):request { path = "/v1/x" }
        is_refused(nil, err)
        assert.equal("the answer's values would take too much memory", err.message)
      end
    end)

    it("is read where it is short", function()
      for _, answer in ipairs { "numbers/1", "strings/1", "members/1", "records/2" } do
        assert(client_of("json_" .. answer, LIMITS):request { path = "/v1/x" })
      end
    end)

    it("keeps a tool's input as its text", function()
      for _, way in ipairs { "message", "tool_inputs" } do
        local stream = open("tables/2", LIMITS)
        assert(ways[way](stream))
        local block = assert(stream:message()).content[1]
        assert.is_nil(block.input)
        assert.truthy(block.input_error:find("the values would take too much memory", 1, true))
        assert.truthy(block.input_json:find('^{"a":%[%[%],%[%],'))
      end
    end)
  end)

  describe("that writes a file", function()
    local directory

    before_each(function()
      directory = directories.new()
      directory:write("out.bin", "old")
    end)

    after_each(function()
      directory:remove()
    end)

    local function download(client, given)
      return client.files.download("f", { path = directory:path "out.bin" }, given)
    end

    local function assert_untouched()
      assert.same({ "out.bin" }, directory:names())
      assert.equal("old", directory:read "out.bin")
    end

    it("asks for it as it is", function()
      local server = service.serve { { body = "new" } }
      assert(download(service.client(server)))
      assert.equal("identity", service.header(server:requests()[1], "accept-encoding"))
    end)

    it("refuses an encoding", function()
      local err = is_refused(download(client_of "gzip_bytes/5"))
      assert.truthy(err.message:find('Content-Encoding "gzip"', 1, true))
      assert_untouched()
    end)

    it("takes a word that is no encoding as none", function()
      local server = service.serve { { body = "new", headers = { ["Content-Encoding"] = "identity" } } }
      assert(download(service.client(server)))
      assert.equal("new", directory:read "out.bin")
    end)

    it("takes no more than max_download_bytes where no length is announced", function()
      local err = is_refused(download(client_of "bytes", { max_download_bytes = 200000 }))
      assert.equal("the file is larger than 200000 bytes", err.message)
      assert_untouched()
      for _, framing in ipairs { "chunked", "close" } do
        local server = service.serve { { body = ("x"):rep(1000), framing = framing } }
        local client = service.client(server)
        assert.equal(1000, assert(download(client, { max_download_bytes = 1000 })).bytes)
        is_refused(download(client, { max_download_bytes = 999 }))
      end
    end)

    it("takes all that is announced", function()
      local server = service.serve { { body = ("x"):rep(1000) } }
      assert.equal(1000, assert(download(service.client(server), { max_download_bytes = 10 })).bytes)
    end)

    it("takes no more than what is announced", function()
      local server = service.serve { { raw = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" .. ("x"):rep(1000) } }
      assert.equal(5, assert(download(service.client(server))).bytes)
      assert.equal("xxxxx", directory:read "out.bin")
    end)
  end)

  it("leaves no more than 64 models and 16 limits behind, whatever servers call them", function()
    local script = {}
    for i = 1, 100 do
      script[i] = testing.message {
        text = "Hello!", model = "model-" .. i,
        headers = {
          [("anthropic-ratelimit-new%d-remaining"):format(i)] = "1",
          [("anthropic-ratelimit-new%d-reset"):format(i)] = "2099-01-01T00:00:00Z",
        },
      }
    end
    local client = service.client(service.serve(script))
    for _ = 1, 100 do
      assert(client.messages.create(params()))
    end
    local count = 0
    for _ in pairs(client.usage.by_model) do
      count = count + 1
    end
    assert.is_true(count <= 65, count)
    assert.equal(100, client.usage:total().requests)
  end)

  it("feeds its idle clock with bytes of its body alone", function()
    local server = service.serve { raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
      .. ("X: y\r\n"):rep(40), chunk_bytes = 6, delay_between = 0.02 }
    local _, err = service.client(server, { timeout = { idle = 0.2 } }).messages.create(params())
    assert.equal("idle", err and err.timeout)
  end)

  it("keeps the beginning of what refuses a request, where that is large", function()
    local _, err = client_of("refusal/18", { max_response_bytes = 20 * MEGABYTE }).messages.create(params())
    assert.equal("api", err.kind)
    assert.equal(400, err.status)
    assert.equal(16 * 1024 * 1024, #err.body)
  end)
end)

describe("A process without enough memory", function()
  if os.getenv "SPEC_LUA" then
    pending "a sanitizer needs all addresses"
    return
  end

  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  -- What a program shows that may take so many MiB of addresses.
  local function run(program, server, mebibytes)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(([[
      local anthropic = require "anthropic"
      local client = anthropic.new { base_url = %q, api_key = "k", max_retries = 1 }
      local function params(text)
        return { model = "m", max_tokens = 1, messages = { { role = "user", content = text } } }
      end
      local function show(result, err)
        print(result and "ok" or err.kind or "none", result and "" or err.message or err)
      end
    ]]):format(server.url), program)
    file:close()
    local pipe = assert(io.popen(("ulimit -v %d; exec %s %s 2>&1"):format(mebibytes * 1024, child.interpreter(), path)))
    local output = pipe:read "*a"
    pipe:close()
    os.remove(path)
    return output
  end

  it("gets an error for a request that it does not hold, and goes on", function()
    local server = service.serve(testing.message { text = "Hello!" })
    local output = run([[
      local block = { type = "text", text = ("x"):rep(20 * 1024 * 1024) .. "\n" } -- which is escaped
      show(client.messages.create(params { block, block, block, block }))
      show(client:request { path = "/v1/x", body = { block, block, block, block } })
      show(client.messages.create(params "Hello"))
    ]], server, 160)
    local lack = "invalid_request\tnot enough memory\n"
    assert.equal(lack .. lack .. "ok\t\n", output)
    assert.equal(1, #server:requests())
  end)

  it("sends long strings from where they are", function()
    local server = service.serve(testing.message { text = "Hello!" })
    local output = run([[
      local block = { type = "text", text = ("x"):rep(20 * 1024 * 1024) }
      show(client.messages.create(params { block, block, block, block }))
    ]], server, 160)
    assert.equal("ok\t\n", output)
    assert.is_true(tonumber(server:requests()[1].headers["content-length"]) > 80 * 1024 * 1024)
  end)

  it("gets an error for an answer that it does not hold", function()
    local server = service.serve {
      headers = { ["Content-Type"] = "application/json" },
      body = '{"type":"message","role":"assistant","content":[{"type":"text","text":"'
        .. ("x"):rep(50 * 1024 * 1024) .. '"}]}',
    }
    for _, mebibytes in ipairs(extent({ 130, 170, 210 }, { 130 })) do
      local output = run([[
        show(client.messages.create(params "Hello"))
        show(client.messages.create(params "Hello"))
      ]], server, mebibytes)
      for line in output:gmatch "[^\n]+" do
        assert.truthy(line == "ok\t" or line == "protocol\tnot enough memory for the answer", line)
      end
      assert.is_true(mebibytes > 130 or output:find("^protocol") ~= nil)
    end
  end)
end)
