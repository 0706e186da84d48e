-- The library under load: a thousand streams in one process, an hour's worth of requests with random
-- faults, and 256 MB that come faster than they are read (extent.lua: every day fewer).

local anthropic = require "anthropic"
local background = require "spec.support.background"
local extent = require "spec.support.extent"
local loop = require "anthropic.loop"
local soak = require "spec.support.soak"
local testing = require "anthropic.testing"

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

local STREAMS, SERVERS = extent(1000, 400), 3
local PIECES = 8

local function most_descriptors()
  local pipe = assert(io.popen "ulimit -n")
  local text = pipe:read "*l"
  pipe:close()
  return text == "unlimited" and math.huge or tonumber(text)
end

describe("under load", function()
  it("reads many streams at once, each in its time", function()
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
    local before = soak.resident_kib()
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
    local grown = before and (soak.resident_kib() - before) * 1024 / STREAMS
    for i = 1, SERVERS do
      servers[i]:stop()
    end
    assert(ok, err)
    assert.equal(STREAMS, #seconds)
    for i = 1, STREAMS do
      assert.equal(("word "):rep(PIECES), texts[i])
    end
    assert.is_true(peak > STREAMS / 2, "at once: " .. peak) -- on a busy machine the first end before the last begin
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
    local warm, final, done = soak.run(tonumber(os.getenv "SOAK_REQUESTS") or extent(1500, 600), 32)
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

  it("takes no more than the limit of many MB that come faster than they are read", function()
    local EVENT, COUNT = 256 * 1024, extent(1024, 400)
    local server = testing.server { script = {
      headers = { ["content-type"] = "text/event-stream" }, framing = "close",
      body = 'event: ping\ndata: {"type":"ping","padding":"' .. ("x"):rep(EVENT) .. '"}\n\n', repeats = COUNT,
    } }
    local output = background.output_of(background.interpreter() .. " spec/support/flooded.lua " .. server.url)
    server:stop()
    local count, kind, unread, most = output:match "^(%d+)%s+(%a+)%s+(-?%d+)%s+(-?%d+)" -- memory may go back
    assert.equal(COUNT, tonumber(count), output)
    assert.equal("truncated", kind)
    assert.is_true(tonumber(unread) < 8 * 1024, "KiB unread: " .. unread)
    assert.is_true(tonumber(most) < 64 * 1024, "KiB at most: " .. most)
  end)
end)
