local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local directories = require "spec.support.directory"

describe("the head of an answer", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function start(options)
    return core_peer.open(loop, peer, options)
  end

  local function answered(text, options)
    return core_peer.answered(loop, peer, text, options)
  end

  describe("has the final response's headers", function()
    local function headers_of(text)
      local transfer = answered(text)
      return transfer:headers(), transfer:status(), (transfer:failure()), transfer:body()
    end

    it("without interim responses", function()
      local final = "HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 2\r\n\r\n"
      for _, interim in ipairs { "100 Continue", "102 Processing", "103 Early Hints" } do
        local before = ("HTTP/1.1 " .. interim .. "\r\nInterim: 1\r\n\r\n"):rep(3)
        assert.same({ final, 200, nil, "ok" }, { headers_of(before .. final .. "ok") })
      end
    end)

    it("without the encoding of an interim one", function()
      local directory = directories.new()
      local sink = assert(core.sink(directory:path "file")) -- into which nothing goes that is encoded
      local encoding = "Content-Encoding: gzip\r\n"
      local final = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
      assert.is_nil(answered("HTTP/1.1 103 E\r\n" .. encoding .. "\r\n" .. final .. "\r\n", { sink = sink }):failure())
      assert.equal("encoding", (answered(final .. encoding .. "\r\n", { sink = sink }):failure()))
      sink:close()
      directory:remove()
    end)

    it("without trailers", function()
      local final = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
      local headers, _, failure, body = headers_of(final .. "2\r\nok\r\n0\r\nX: 1\r\nHTTP/1.1 500 x: y\r\n\r\n")
      assert.equal(final, headers)
      assert.is_nil(failure)
      assert.equal("ok", body)
    end)

    -- libcurl 7.83 to 8.0 puts it behind the last header of the answer that its handle had before, which is freed.
    it("with a first one that goes on with none, the same whatever came before", function()
      local folded = "HTTP/1.1 200 OK\r\n and: on\r\nX: 1\r\nContent-Length: 2\r\n\r\n"
      local first = { headers_of(folded .. "ok") }
      for _ = 1, 3 do
        answered("HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 2\r\n\r\nok"):close() -- its handle is used again
        assert.same(first, { headers_of(folded .. "ok") })
      end
    end)

    it("without those of a proxy's tunnel", function()
      local transfer = core_peer.start(loop, peer, { url = "https://127.0.0.1:1/", proxy = peer.url })
      local connection = peer:accept(loop)
      connection:send("HTTP/1.1 200 Tunnel\r\nX-Proxy: 1\r\n\r\n")
      connection:close()
      core_peer.finish(loop, transfer)
      assert.equal("", transfer:headers())
      assert.is_nil(transfer:status())
      assert.equal("connection", (transfer:failure()))
    end)

    it("but not a proxy's refusal", function()
      local transfer = core_peer.start(loop, peer, { url = "https://127.0.0.1:1/", proxy = peer.url })
      local connection = peer:accept(loop)
      connection:send("HTTP/1.1 407 No\r\nContent-Length: 4\r\n\r\nnope")
      core_peer.finish(loop, transfer)
      assert.is_nil(transfer:status())
      assert.equal("proxy", (transfer:failure()))
      assert.equal("", transfer:body())
      connection:close()
    end)

    it("when there are no fields, and in HTTP/1.0", function()
      assert.same({ "HTTP/1.1 200 OK\r\n\r\n", 200, nil, "x" }, { headers_of("HTTP/1.1 200 OK\r\n\r\nx") })
      assert.same({ "HTTP/1.0 500 No\r\n\r\n", 500, nil, "x" }, { headers_of("HTTP/1.0 500 No\r\n\r\nx") })
      assert.same({ "HTTP/1.1 204 \r\n\r\n", 204, nil, "" }, { headers_of("HTTP/1.1 204 \r\n\r\n") })
    end)

    it("up to a limit", function()
      local fields = ("X: " .. ("y"):rep(1000) .. "\r\n"):rep(1100)
      local _, status, failure = headers_of("HTTP/1.1 200 OK\r\n" .. fields .. "\r\nok")
      assert.is_nil(status)
      assert.equal("large_headers", failure)
      _, status, failure = headers_of("HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(200000) .. "\r\n\r\nok")
      assert.is_nil(status)
      assert.equal("large_headers", failure)
    end)
  end)

  it("has its headers only when all have come", function()
    local transfer, connection = start()
    connection:send "HTTP/1.1 200 OK\r\nX: 1\r\n"
    core_peer.pass(loop, 0.03)
    assert.equal("", transfer:headers())
    assert.is_nil(transfer:status())
    connection:send "\r\n"
    core_peer.run(loop, function()
      return transfer:status()
    end)
    assert.equal("HTTP/1.1 200 OK\r\nX: 1\r\n\r\n", transfer:headers())
    connection:close()
  end)

  describe("takes 256 KiB of headers", function()
    local first, last = "HTTP/1.1 200 OK\r\n", "\r\n"

    -- So many bytes, the status line and the empty line included.
    local function headers_of(size)
      local line = "X: " .. ("y"):rep(995) .. "\r\n"
      local left = size - #first - #last
      local count = math.floor(left / #line) - 1
      local rest = left - count * #line
      return first .. line:rep(count) .. "X: " .. ("y"):rep(rest - 5) .. "\r\n" .. last
    end

    it("and not one byte more", function()
      local size = 256 * 1024
      local transfer = answered(headers_of(size) .. "ok")
      assert.is_nil(transfer:failure())
      assert.equal(size, #transfer:headers())
      assert.equal("ok", transfer:body())
      transfer = answered(headers_of(size + 1) .. "ok")
      assert.equal("large_headers", (transfer:failure()))
      assert.is_nil(transfer:status())
      assert.equal("", transfer:headers())
      assert.equal("", transfer:body())
    end)

    it("of each response, interim ones apart", function()
      local interim = headers_of(100 * 1024):gsub("200 OK", "103 Early Hints", 1)
      local transfer = answered(interim .. headers_of(180 * 1024) .. "ok")
      assert.is_nil(transfer:failure())
      assert.equal(180 * 1024, #transfer:headers())
    end)

    it("none of which are trailers, however large", function()
      local transfer = answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: "
        .. ("y"):rep(200000) .. "\r\n\r\n")
      assert.is_string((transfer:failure()))
      assert.not_equal("large_headers", (transfer:failure()))
      assert.equal("ok", transfer:body())
    end)
  end)

  it("has a status of three digits, whatever its reason begins with", function()
    for _, reason in ipairs { "", " ", " 7", " OK", " 200" } do
      local transfer = answered("HTTP/1.1 200" .. reason .. "\r\nContent-Length: 0\r\n\r\n")
      assert.equal(200, transfer:status(), reason)
      assert.is_nil(transfer:failure())
    end
    for _, status in ipairs { 209, 290, 999 } do
      assert.equal(status, answered("HTTP/1.1 " .. status .. " X\r\nContent-Length: 0\r\n\r\n"):status())
    end
  end)

  it("may have interim ones before it, of 256 KiB together", function()
    local function interim(size)
      local first = "HTTP/1.1 103 Early Hints\r\n"
      local line = "X: " .. ("y"):rep(995) .. "\r\n"
      local left = size - #first - 2
      local count = math.floor(left / #line) - 1
      return first .. line:rep(count) .. "X: " .. ("y"):rep(left - count * #line - 5) .. "\r\n\r\n"
    end
    local final = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert.is_nil(answered(interim(128 * 1024):rep(2) .. final):failure())
    assert.equal("large_headers", (answered(interim(128 * 1024) .. interim(128 * 1024 + 1) .. final):failure()))
  end)
end)
