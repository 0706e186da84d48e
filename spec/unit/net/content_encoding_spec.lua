-- What becomes of a body by what its Content-Encoding names. libcurl is the one that undoes encodings; from 8.5 on
-- it fails at a word that names none.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local directories = require "spec.support.directory"
local gzip = require "spec.support.gzip"
local libcurl = require "spec.support.libcurl"

describe("a body with a Content-Encoding", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function answered(head, body)
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    connection:send("HTTP/1.1 200 OK\r\n" .. head .. "\r\n" .. body)
    connection:close()
    return core_peer.finish(loop, transfer)
  end

  -- The body that comes of one that is not encoded.
  local function plain(head)
    local transfer = answered(head, "hello")
    local body, failure = transfer:body(), transfer:failure()
    transfer:close()
    return body, failure
  end

  for _, value in ipairs { "identity", "Identity", "none", "", ",", " , " } do
    it(("that says it has none is read as it is: %q"):format(value), function()
      assert.equal("hello", (plain("Content-Encoding: " .. value .. "\r\n")))
    end)
  end

  for _, head in ipairs {
    "Content-Encoding: utf-8\r\n", "content-encoding:UTF-8\r\n", "CONTENT-ENCODING: aws-chunked\r\n",
    "Content-Encoding: utf-8, identity\r\n", "Content-Encoding: identity ,binary\r\n",
    "Content-Encoding: gzipped\r\n", "Content-Encoding: gzi\r\n", "Content-Encoding: charset=utf-8\r\n",
    "Content-Encoding: utf-8\r\nContent-Encoding: identity\r\n", "Content-Encoding: none, utf-8\r\n",
    "X-Other-Encoding: gzip\r\nContent-Encoding: utf-8\r\n", "Content-Encoding: utf-8, jdentity\r\n",
    "Content-Encoding: utf-8\r\nContent-Encoding: iso-8859-1\r\n",
  } do
    it(("whose words name none is read as it is, or refused: %q"):format(head), function()
      local body, failure = plain(head)
      if libcurl.passes_unknown_encodings then
        assert.equal("hello", body)
        assert.is_nil(failure)
      else
        assert.equal("encoding", failure)
      end
    end)
  end

  for _, head in ipairs {
    "Content-Encoding: compress\r\n", "Content-Encoding: X-Compress\r\n", "Content-Encoding: utf-8, exi\r\n",
    "Content-Encoding: gzip, utf-8\r\n", "Content-Encoding: utf-8,gzip\r\n", "Content-Encoding: gzip\r\n",
    "Content-Encoding: utf-8\r\nContent-Encoding: gzip\r\n", "Content-Encoding: gzip\r\nContent-Encoding: utf-8\r\n",
    "Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip\r\n",
  } do
    it(("that cannot be undone is refused: %q"):format(head), function()
      local body, failure = plain(head)
      assert.equal("", body)
      assert.equal("encoding", failure)
    end)
  end

  it("of each word that is registered is one, and of no other", function()
    for word in ("aes128gcm br compress dcb dcz deflate exi gzip pack200-gzip x-compress x-gzip zstd"):gmatch "%S+" do
      for _, spelled in ipairs { word, word:upper() } do
        assert.equal("", (plain("Content-Encoding: utf-8, " .. spelled .. "\r\n")), spelled)
      end
      if libcurl.passes_unknown_encodings then
        assert.same({ "hello" }, { plain("Content-Encoding: utf-8, " .. word .. "x\r\n") }, word)
        assert.same({ "hello" }, { plain("Content-Encoding: utf-8, x" .. word .. "\r\n") }, word)
      end
    end
  end)

  it("is read by no field of a like name", function()
    local directory = directories.new()
    local sink = assert(core.sink(directory:path "file")) -- into which nothing goes that is encoded
    for _, name in ipairs {
      "Xontent-Encoding", "Content-Encodinh", "Content-Encoding-X", "Content-Encodin", "Content-Encodings",
    } do
      assert.equal("hello", (plain(name .. ": gzip\r\n")))
      assert.is_nil(core_peer.answered(loop, peer, "HTTP/1.1 200 OK\r\n" .. name .. ": gzip\r\n\r\nhello", {
        sink = sink,
      }):failure(), name)
    end
    sink:close()
    directory:remove()
  end)

  it("that was undone is unpacked, wherever the field stands", function()
    for _, head in ipairs {
      "Content-Encoding: gzip\r\nContent-Type: text/plain\r\n",
      "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n",
      "Content-Encoding: x-gzip\r\n", "Content-Encoding: identity, gzip\r\n",
      "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n",
      "X-Content-Encoding: utf-8\r\nContent-Encoding: GZIP\r\n",
    } do
      local transfer = answered(head, gzip "hello")
      assert.equal("hello", transfer:body())
      assert.is_nil(transfer:failure())
      transfer:close()
    end
  end)

  it("is that of the answer, not of what came before it", function()
    local transfer = answered("Content-Encoding: utf-8\r\n", "")
    transfer:close()
    transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    connection:send("HTTP/1.1 103 Early Hints\r\nContent-Encoding: utf-8\r\n\r\n"
      .. "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" .. gzip "hello")
    connection:close()
    core_peer.finish(loop, transfer)
    assert.equal("hello", transfer:body())
    transfer:close()
  end)

  it("that breaks in its middle is a broken connection", function()
    local stored = "\31\139\8\0\0\0\0\0\0\3\0\5\0\250\255hello" -- a block as it is, of 5 bytes
    local transfer = answered("Content-Encoding: gzip\r\n", stored .. "\255\255\255\255")
    assert.equal("hello", transfer:body())
    assert.equal("connection", (transfer:failure()))
    transfer:close()
  end)
end)
