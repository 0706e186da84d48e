-- A request read from a connection, the head of a response.

local http = require "anthropic.testing.http"

local MIB = 1024 * 1024

-- A connection that has all its bytes already; what is sent to it is in `sent`.
local function connection_of(text, pieces)
  local client = { input = text, sent = "" }
  function client:read_until(mark, limit)
    local _, last = self.input:find(mark, 1, true)
    if not last then
      if #self.input > limit then
        return nil
      end
      error("it waits", 0)
    end
    local taken = self.input:sub(1, last)
    self.input = self.input:sub(last + 1)
    return taken
  end
  function client:read_some(limit)
    if self.input == "" then
      error("it waits", 0)
    end
    local taken = self.input:sub(1, math.min(limit, pieces or limit))
    self.input = self.input:sub(#taken + 1)
    return taken
  end
  function client:send(bytes)
    self.sent = self.sent .. bytes
  end
  return client
end

local function read(text, kept, pieces)
  local client = connection_of(text, pieces)
  local request, status = http.read_request(client, kept or MIB)
  return request, status, client
end

local function refused(status, text)
  local request, got = read(text)
  assert.is_nil(request)
  assert.equal(status, got)
end

describe("a response's head", function()
  it("has the status, a reason and the headers", function()
    assert.equal("HTTP/1.1 200 OK\r\n\r\n", http.head(200, nil, {}))
    assert.equal("HTTP/1.1 200 Fine\r\nA: b\r\nC: 5\r\n\r\n", http.head(200, "Fine", { { "A", "b" }, { "C", 5 } }))
    assert.equal("HTTP/1.1 529 \r\n\r\n", http.head(529, nil, {}))
  end)

  for status, reason in pairs {
    [100] = "Continue", [102] = "Processing", [103] = "Early Hints", [201] = "Created", [202] = "Accepted",
    [204] = "No Content", [301] = "Moved Permanently", [302] = "Found", [303] = "See Other", [304] = "Not Modified",
    [307] = "Temporary Redirect", [308] = "Permanent Redirect", [400] = "Bad Request", [401] = "Unauthorized",
    [402] = "Payment Required", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
    [408] = "Request Timeout", [409] = "Conflict", [413] = "Content Too Large", [422] = "Unprocessable Content",
    [429] = "Too Many Requests", [500] = "Internal Server Error", [501] = "Not Implemented", [502] = "Bad Gateway",
    [503] = "Service Unavailable", [504] = "Gateway Timeout",
  } do
    it(("calls %d %s"):format(status, reason), function()
      assert.equal(("HTTP/1.1 %d %s\r\n\r\n"):format(status, reason), http.head(status, nil, {}))
    end)
  end
end)

describe("a request", function()
  it("has its parts", function()
    local request, status, client = read("POST /a/b?c=d?e HTTP/1.1\r\nHost: x\r\nX-A:  1 \r\nx-a:2\r\n"
      .. "Content-Length: 3\r\n\r\nabcGET ")
    assert.is_nil(status)
    assert.same({
      method = "POST", target = "/a/b?c=d?e", path = "/a/b", query = "c=d?e", version = "1.1", keep_alive = true,
      headers = { host = "x", ["x-a"] = "2", ["content-length"] = "3" },
      raw_headers = { { "Host", "x" }, { "X-A", "1" }, { "x-a", "2" }, { "Content-Length", "3" } },
      body = "abc", body_bytes = 3,
    }, request)
    assert.equal("GET ", client.input)
    assert.equal("", client.sent)
  end)

  it("may have no query, no headers and no body", function()
    local request = read "GET / HTTP/1.1\r\n\r\n"
    assert.same({ "/", "", "", 0 }, { request.path, request.query, request.body, request.body_bytes })
    assert.same({}, request.headers)
    assert.equal("", read("GET /a? HTTP/1.1\r\n\r\n").query)
  end)

  it("may come behind empty lines", function()
    assert.equal("GET", read("\r\n\r\nGET / HTTP/1.1\r\n\r\n").method)
  end)

  it("keeps its connection by its version and by what it says", function()
    for _, case in ipairs {
      { "HTTP/1.1\r\n", true }, { "HTTP/1.0\r\n", false }, { "HTTP/1.1\r\nConnection: close\r\n", false },
      { "HTTP/1.1\r\nConnection: x, Close\r\n", false }, { "HTTP/1.1\r\nConnection: keep-alive\r\n", true },
      { "HTTP/1.0\r\nConnection: keep-alive\r\n", false },
    } do
      assert.equal(case[2], read("GET / " .. case[1] .. "\r\n").keep_alive)
    end
  end)

  it("is none without a first line, or with a line that is no field", function()
    for _, text in ipairs { "GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n", "GET / HTTP/1.2\r\n\r\n", "/ HTTP/1.1\r\n\r\n",
      "GET  / HTTP/1.1\r\n\r\n", "hello\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
      "GET / HTTP/1.1\r\n: x\r\n\r\n", "GET / HTTP/1.1\r\na : x\r\n\r\n", "GET / HTTP/1.1 x\r\n\r\n" } do
      refused(400, text)
    end
  end)

  it("is too large with a head above 1 MiB", function()
    local line = "GET / HTTP/1.1\r\n"
    refused(431, ("x"):rep(MIB + 1))
    refused(431, line .. ("x"):rep(MIB + 1))
    local fields = "a: " .. ("x"):rep(MIB - #line - 5) .. "\r\n"
    assert.equal(MIB, #line + #fields)
    assert.is_table((read(line .. fields .. "\r\n")))
    refused(431, line .. "a" .. fields .. "\r\n")
  end)

  describe("by its body", function()
    it("is refused for a length that is none", function()
      for _, length in ipairs { "x", "-1", "1.5", "", "1 2", "0x1" } do
        refused(400, "POST / HTTP/1.1\r\nContent-Length: " .. length .. "\r\n\r\nabc")
      end
    end)

    it("is refused above 512 MiB", function()
      refused(413, "POST / HTTP/1.1\r\nContent-Length: 536870913\r\n\r\n")
      local ok, reason = pcall(read, "POST / HTTP/1.1\r\nContent-Length: 536870912\r\n\r\n")
      assert.same({ false, "it waits" }, { ok, reason })
      refused(413, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n20000001\r\n")
      ok, reason = pcall(read, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n20000000\r\n")
      assert.same({ false, "it waits" }, { ok, reason })
    end)

    it("keeps as much of it as it is told to", function()
      for pieces = 1, 7 do
        for kept, body in pairs { [0] = "", [1] = "a", [4] = "abcd", [5] = "abcde", [6] = "abcde" } do
          local request = read("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", kept, pieces)
          assert.same({ body, 5 }, { request.body, request.body_bytes })
        end
      end
    end)

    it("is told to go on where it asks", function()
      local text = "POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"
      assert.equal("HTTP/1.1 100 Continue\r\n\r\n", select(3, read(text)).sent)
      text = "POST / HTTP/1.1\r\nExpect: something\r\nContent-Length: 1\r\n\r\nx"
      assert.equal("", select(3, read(text)).sent)
      text = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
      assert.equal("HTTP/1.1 100 Continue\r\n\r\n", select(3, read(text)).sent)
    end)

    it("is read in chunks", function()
      local function chunked(rest, kept, pieces)
        return read("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n" .. rest, kept, pieces)
      end
      for pieces = 1, 4 do
        local text = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nrest"
        local request, _, client = chunked(text, nil, pieces)
        assert.same({ "abc0123456789", 13, "rest" }, { request.body, request.body_bytes, client.input })
        request = chunked("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 4, pieces)
        assert.same({ "abcd", 6 }, { request.body, request.body_bytes })
      end
      assert.equal("", chunked("0\r\n\r\n").body)
      for _, broken in ipairs { "x\r\n", "\r\n", "3\r\nabcd\r\n", "-1\r\n" } do
        local request, status = chunked(broken)
        assert.is_nil(request)
        assert.equal(400, status)
      end
    end)
  end)
end)
