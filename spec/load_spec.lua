-- The library under load: a thousand streams in one process, an hour's worth of requests with random
-- faults, and a gigabyte that comes faster than it is read.

local anthropic = require "anthropic"
local loop = require "anthropic.loop"
local soak = require "spec.support.soak"
local testing = require "anthropic.testing"

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

local STREAMS, SERVERS = 1000, 3
local PIECES = 8

local function most_descriptors()
  local pipe = assert(io.popen "ulimit -n")
  local text = pipe:read "*l"
  pipe:close()
  return text == "unlimited" and math.huge or tonumber(text)
end

local function resident_kib()
  local file = io.open "/proc/self/status"
  local text = file and file:read "*a" or ""
  return file and file:close() and tonumber(text:match "VmRSS:%s*(%d+)")
end

describe("under load", function()
  it("reads a thousand streams at once, each in its time", function()
    if most_descriptors() < STREAMS + 100 then
      return pending("needs " .. STREAMS + 100 .. " descriptors")
    end
    local servers, clients = {}, {}
    for i = 1, SERVERS do
      servers[i] = testing.server { script = testing.stream {
        text = ("word "):rep(PIECES), delay_between = 0.2,
      } }
      clients[i] = anthropic.new { base_url = servers[i].url, api_key = "a key of a test", max_retries = 0 }
    end
    local before = resident_kib()
    local seconds, texts, peak = {}, {}, 0
    local ok, err = pcall(anthropic.run, function()
      for i = 1, STREAMS do
        anthropic.spawn(function()
          local began = anthropic.now()
          texts[i] = assert(assert(clients[i % SERVERS + 1].messages.stream(params)):message()):text()
          seconds[#seconds + 1] = anthropic.now() - began
        end)
      end
      while #seconds == 0 do
        anthropic.sleep(0.05)
        peak = math.max(peak, loop.core():active())
      end
    end)
    local grown = before and (resident_kib() - before) * 1024 / STREAMS
    for i = 1, SERVERS do
      servers[i]:stop()
    end
    assert(ok, err)
    assert.equal(STREAMS, #seconds)
    for i = 1, STREAMS do
      assert.equal(("word "):rep(PIECES), texts[i])
    end
    assert.is_true(peak > STREAMS * 0.9, "at once: " .. peak)
    table.sort(seconds)
    assert.is_true(seconds[STREAMS] < 2 * seconds[STREAMS / 2],
      ("slowest %.2f s, median %.2f s"):format(seconds[STREAMS], seconds[STREAMS / 2]))
    if grown then
      assert.is_true(grown < 150 * 1024, "bytes for each stream: " .. grown)
    end
  end)

  it("ends every request as it should, and keeps nothing", function()
    local seed = os.time()
    math.randomseed(seed)
    local warm, final, done = soak.run(tonumber(os.getenv "SOAK_REQUESTS") or 1500, 32)
    local note = ("seed %d, %d requests, %s to %s KiB, %d to %d descriptors"):format(seed, done,
      warm.kib or "?", final.kib or "?", warm.descriptors, final.descriptors)
    if os.getenv "SOAK_REQUESTS" then
      print(note)
    end
    assert.equal(0, final.active, note)
    assert.is_true(final.descriptors <= warm.descriptors + 64, note) -- idle connections
    if warm.kib then
      assert.is_true(final.kib - warm.kib < 4096, note)
    end
  end)

  it("takes no more than the limit of a gigabyte that comes faster than it is read", function()
    local EVENT, COUNT = 256 * 1024, 4096
    local server = testing.server { script = {
      headers = { ["content-type"] = "text/event-stream" }, framing = "close",
      body = 'event: ping\ndata: {"type":"ping","padding":"' .. ("x"):rep(EVENT) .. '"}\n\n', repeats = COUNT,
    } }
    local client = anthropic.new { base_url = server.url, api_key = "a key of a test", max_retries = 0 }
    local stream = assert(client.messages.stream(params))
    collectgarbage() -- how much of it gathers depends on what there was before
    collectgarbage()
    local before = resident_kib()
    local until_it_would_be_there = anthropic.now() + 1
    while anthropic.now() < until_it_would_be_there do
      loop.step(0.1)
    end
    local unread = before and resident_kib() - before
    local count, most = 0, 0
    local event, err = stream:next()
    while event do
      count = count + 1
      assert.equal("ping", event.type)
      if before and count % 256 == 0 then
        most = math.max(most, resident_kib() - before)
      end
      event, err = stream:next()
    end
    server:stop()
    assert.equal(COUNT, count)
    assert.equal("truncated", err.kind)
    if before then
      assert.is_true(unread < 8 * 1024, "KiB unread: " .. unread)
      assert.is_true(most < 64 * 1024, "KiB at most: " .. most)
    end
  end)
end)
