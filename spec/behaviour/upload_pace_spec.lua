-- What happens while an upload is under way: the server here is a bare socket of the same process,
-- which reads when the spec wants it to.

local anthropic = require "anthropic"
local clock = require "spec.support.clock"
local directories = require "spec.support.directory"
local socket = require "socket"

local MEGABYTE = 1024 * 1024
-- More than the kernel keeps for a peer that does not read.
local SIZE = 32 * MEGABYTE

describe("An upload to a server that takes its time", function()
  local directory, listener, client, path

  before_each(function()
    directory = directories.new()
    directory:run(("truncate -s %d large.bin"):format(SIZE))
    path = directory:path "large.bin"
    listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(0)
    local _, port = listener:getsockname()
    client = anthropic.new { base_url = "http://127.0.0.1:" .. port, api_key = "test-key-1", max_retries = 0 }
  end)

  after_each(function()
    listener:close()
    directory:remove()
  end)

  local function accept()
    local peer = listener:accept()
    while not peer do
      anthropic.sleep(0.01)
      peer = listener:accept()
    end
    peer:settimeout(0)
    return peer
  end

  -- Reads at most `count` bytes, until the client waits for the answer: how many came.
  local function read(peer, count)
    local total, last = 0, ""
    while total < count do
      local bytes, failure, partial = peer:receive(math.min(count - total, MEGABYTE))
      bytes = bytes or partial
      total = total + #bytes
      last = (last .. bytes):sub(-100)
      if failure == "closed" or last:find "\r\n%-%-[%w-]+%-%-\r\n$" then
        break
      end
      anthropic.sleep(bytes == "" and 0.005 or 0)
    end
    return total
  end

  local function answer(peer, status, body)
    peer:send(("HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"):format(status, #body, body))
  end

  -- Uploads while `serve` plays the server: the result and the error.
  local function upload(timeout, serve)
    local file, err
    anthropic.run(function()
      local task = anthropic.spawn(function()
        file, err = client.files.upload({ file = path }, { timeout = timeout })
      end)
      local peer = accept()
      serve(peer, task)
      task:join()
      peer:close()
    end)
    return file, err
  end

  it("is not cut off by the first-byte timeout while bytes move", function()
    local file = assert(upload({ first_byte = 1 }, function(peer)
      for _ = 1, 16 do
        read(peer, SIZE / 16)
        clock.advance(0.12)
      end
      read(peer, SIZE)
      answer(peer, "200 OK", '{"id":"file_1"}')
    end))
    assert.equal("file_1", file.id)
  end)

  it("ends by the idle timeout when no bytes move", function()
    local file, err = upload({ idle = 0.4 }, function() end)
    assert.is_nil(file)
    assert.equal("timeout", err.kind)
    assert.equal("idle", err.timeout)
  end)

  it("ends by the first-byte timeout when all bytes were sent and no answer comes", function()
    local file, err = upload({ first_byte = 0.4, idle = 5 }, function(peer)
      read(peer, 2 * SIZE)
    end)
    assert.is_nil(file)
    assert.equal("first_byte", err.timeout)
  end)

  it("ends by the total timeout", function()
    local file, err = upload(0.4, function() end)
    assert.is_nil(file)
    assert.equal("total", err.timeout)
  end)

  it("ends when it is cancelled", function()
    local file, err = upload(nil, function(_, task)
      anthropic.sleep(0.05)
      task:cancel()
    end)
    assert.is_nil(file)
    assert.equal("cancelled", err.kind)
  end)

  it("gives the answer of a server that does not want all of it", function()
    local file, err = upload(nil, function(peer)
      read(peer, 1000)
      answer(peer, "413 Content Too Large",
        '{"type":"error","error":{"type":"request_too_large","message":"too large"}}')
    end)
    assert.is_nil(file)
    assert.equal("api", err.kind)
    assert.equal(413, err.status)
    assert.equal("too large", err.message)
  end)

  it("fails when the file becomes shorter meanwhile", function()
    local file, err = upload(nil, function(peer)
      anthropic.sleep(0.05)
      directory:run(": >large.bin")
      read(peer, 2 * SIZE)
    end)
    assert.is_nil(file)
    assert.equal("invalid_request", err.kind)
    assert.equal("cannot read " .. path .. ": it became shorter", err.message)
  end)

  it("sends what was announced when the file grows meanwhile", function()
    local total
    local file = assert(upload(nil, function(peer)
      anthropic.sleep(0.05)
      directory:run "echo more >>large.bin"
      total = read(peer, 2 * SIZE)
      answer(peer, "200 OK", '{"id":"file_1"}')
    end))
    assert.equal("file_1", file.id)
    assert.is_true(total > SIZE and total < SIZE + 2000)
  end)
end)
