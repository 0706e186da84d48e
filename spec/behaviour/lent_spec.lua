-- Bytes stay where they are while they become Lua values, although a finalizer, which runs wherever Lua
-- allocates, moves every transfer along meanwhile.

local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local directories = require "spec.support.directory"
local recording = require "anthropic.testing.recording"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local new_proxy = rawget(_G, "newproxy")
local jit = rawget(_G, "jit")

-- Leaves garbage that the collector ends by calling `f`.
local function drop_finalized(f)
  if not new_proxy then
    setmetatable({}, { __gc = f })
    return
  end
  local proxy = new_proxy(true)
  getmetatable(proxy).__gc = f
end

local function overwrite_stack(...)
  return select("#", ...)
end

local function set_collector(pause, multiplier, size)
  collectgarbage "incremental"
  collectgarbage("param", "pause", pause)
  collectgarbage("param", "stepmul", multiplier)
  collectgarbage("param", "stepsize", size)
end

-- Lets the collector run a whole cycle in nearly every allocation.
local function make_collector_eager()
  if _VERSION == "Lua 5.5" then
    set_collector(0, 0, 8192) -- each step is a whole cycle
  elseif _VERSION == "Lua 5.4" then
    collectgarbage("incremental", 1, 1000, 26)
  else
    collectgarbage("setpause", 0)
    collectgarbage("setstepmul", 1000000)
  end
  collectgarbage() -- the pause counts from the end of a cycle
end

local function make_collector_lazy()
  if _VERSION == "Lua 5.5" then
    set_collector(250, 200, 12800)
  elseif _VERSION == "Lua 5.4" then
    collectgarbage("incremental", 200, 100, 13)
  else
    collectgarbage("setpause", 200)
    collectgarbage("setstepmul", 200)
  end
end

-- The same from a finalizer, in which Lua 5.4 takes no settings of its collector: then as soon as it is over.
local function make_collector_lazy_after()
  local hook, mask, count = debug.gethook()
  make_collector_lazy()
  debug.sethook(function()
    debug.sethook(hook, mask, count)
    make_collector_lazy()
  end, "", 1)
end

-- Six pieces, and while the reader is among them sixty more, then the end. Each piece tells which it is.
local function pieces_of(form, first, last)
  local pieces = { first }
  for i = 1, 66 do
    pieces[#pieces + 1] = { raw = form:format(("%03d "):format(i) .. ("x"):rep(1000)),
      delay = i == 7 and 0.05 or nil }
  end
  pieces[#pieces + 1] = { raw = last, delay = 0.3 }
  return pieces
end

local function expected_text()
  local texts = {}
  for i = 1, 66 do
    texts[i] = ("%03d "):format(i) .. ("x"):rep(1000)
  end
  return table.concat(texts)
end

local function sse(data)
  return "data: " .. data .. "\n\n"
end

local START = sse('{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m",'
  .. '"content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}')
local STOP = sse '{"type":"content_block_stop","index":0}'
  .. sse '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}'
  .. sse '{"type":"message_stop"}'

local function stream_of(block, delta)
  return { headers = { ["Content-Type"] = "text/event-stream" }, events = pieces_of(
    sse('{"type":"content_block_delta","index":0,"delta":' .. delta .. "}"),
    { raw = START .. sse('{"type":"content_block_start","index":0,"content_block":' .. block .. "}") },
    STOP) }
end

local TEXT_STREAM = stream_of('{"type":"text","text":""}', '{"type":"text_delta","text":"%s"}')
-- which no decoder in C knows
local OTHER_STREAM = stream_of('{"type":"text","text":""}', '{"text":"%s","type":"text_delta"}')
local INPUT_STREAM = stream_of('{"type":"tool_use","id":"t","name":"write","input":{}}',
  '{"type":"input_json_delta","partial_json":"%s"}')
INPUT_STREAM.events[1].raw = INPUT_STREAM.events[1].raw
  .. sse '{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\\"text\\":\\""}}'
INPUT_STREAM.events[#INPUT_STREAM.events].raw =
  sse '{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\\"}"}}'
  .. STOP

local LINE = '{"custom_id":"%s","result":{"type":"expired"}}\n'
local BATCH = { body = { id = "b", type = "message_batch", processing_status = "ended",
  request_counts = { succeeded = 0, processing = 0, errored = 0, canceled = 0, expired = 67 },
  results_url = "https://elsewhere.example/results" } }
local RESULTS = { headers = { ["Content-Type"] = "application/x-jsonl" },
  events = pieces_of(LINE, { raw = LINE:format "first" }, "") }
local FILE = { headers = { ["Content-Type"] = "application/octet-stream" }, events = pieces_of("%s", { raw = "" }, "") }

describe("Bytes that are being read", function()
  local client, cleaner, directory, finalizers

  setup(function()
    return jit and jit.off() -- a trace keeps what it came across
  end)

  teardown(function()
    return jit and jit.on()
  end)

  before_each(function()
    directory = directories.new()
    finalizers = 0
    local server = service.serve { routes = {
      { path = "/text/v1/messages", answers = { TEXT_STREAM }, on_end = "repeat" },
      { path = "/other/v1/messages", answers = { OTHER_STREAM }, on_end = "repeat" },
      { path = "/input/v1/messages", answers = { INPUT_STREAM }, on_end = "repeat" },
      { path = "/v1/messages/batches/b", answers = { BATCH }, on_end = "repeat" },
      { path = "/v1/messages/batches/b/results", answers = { RESULTS }, on_end = "repeat" },
      { path = "/v1/files/f/content", answers = { FILE }, on_end = "repeat" },
      { path = "/v1/files/old", answers = { { body = "{}", delay = 0.12 } }, on_end = "repeat" },
    } }
    client, cleaner = service.client(server), service.client(server)
  end)

  after_each(function()
    make_collector_lazy()
    collectgarbage()
    service.clear()
    directory:remove()
  end)

  -- Garbage whose finalizer makes a request, which moves all transfers along for 120 ms.
  local function drop_one()
    make_collector_eager()
    drop_finalized(function()
      make_collector_lazy_after()
      assert(cleaner.files.delete "old")
      finalizers = finalizers + 1
    end)
    overwrite_stack(nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
  end

  local function open(path)
    return assert(client.messages.stream(service.params(), { base_url = client:options_for() "base_url" .. path }))
  end

  -- At the fifth piece, and again while sixty are there to be read.
  local function dropper()
    local count = 0
    return function()
      count = count + 1
      if count == 5 or count == 12 or count == 40 then
        drop_one()
      end
    end
  end

  local function check(text)
    assert.equal(expected_text(), text)
    assert.is_true(finalizers >= 2, "finalizers: " .. finalizers)
  end

  for _, path in ipairs { "/text", "/other" } do
    it("stay for events, of " .. path, function()
      local stream, texts, drop = open(path), {}, dropper()
      for event in stream.next, stream do
        if event.type == "content_block_delta" then
          texts[#texts + 1] = event.delta.text
          drop()
        end
      end
      check(table.concat(texts))
      assert.equal(expected_text(), stream:message():text())
    end)

    it("stay for text, of " .. path, function()
      local stream, texts, drop = open(path), {}, dropper()
      for text in stream:text_deltas() do
        texts[#texts + 1] = text
        drop()
      end
      check(table.concat(texts))
      assert.equal(expected_text(), stream:message():text())
    end)

    it("stay for the message, of " .. path, function()
      local stream = open(path)
      for _ = 1, 5 do
        assert(stream:next())
      end
      drop_one()
      local message = assert(stream:message())
      assert.equal(expected_text(), message:text())
      assert.is_true(finalizers >= 1)
    end)

    it("stay for callbacks, of " .. path, function()
      local texts, drop, message = {}, dropper(), nil
      client.messages.stream(service.params(), {
        base_url = client:options_for() "base_url" .. path, loop = "blocking",
        on_text = function(text)
          texts[#texts + 1] = text
          drop()
        end,
        on_done = function(...) message = assert(...) end,
      })
      check(table.concat(texts))
      assert.equal(expected_text(), message:text())
    end)
  end

  it("stay for tool inputs", function()
    local stream, texts, drop, last = open "/input", {}, dropper(), nil
    for _, _, input, _, progress in stream:tool_inputs() do
      texts[#texts + 1] = progress:added()
      last = input
      drop()
    end
    check(table.concat(texts))
    assert.equal(expected_text(), last.text)
    assert.equal(expected_text(), stream:message():tool_uses()[1].input.text)
  end)

  it("stay for the results of a batch", function()
    local ids, drop = {}, dropper()
    local results = assert(client.messages.batches.results "b")
    for result in results.next, results do
      ids[#ids + 1] = result.custom_id
      drop()
    end
    check(table.concat(ids, "", 2))
  end)

  it("stay for a recorder, whose exchange was broken off", function()
    local recorder = testing.record(client, directory:path "recording")
    local stream = open "/text"
    for _ = 1, 8 do
      assert(stream:next())
    end
    drop_one()
    stream:close()
    recorder:stop()
    local body = {}
    for _, event in ipairs(recording.script(directory:path "recording", { in_order = true })[1].events) do
      body[#body + 1] = event.raw
    end
    body = table.concat(body)
    local whole = {}
    for i, event in ipairs(TEXT_STREAM.events) do
      whole[i] = type(event) == "table" and event.raw or event
    end
    assert.is_true(#body > 6000)
    assert.equal(table.concat(whole):sub(1, #body), body)
  end)

  it("stay for a download, to memory and to a file", function()
    for _, settings in ipairs { { path = directory:path "file" }, {} } do
      drop_one()
      local result = assert(client.files.download("f", settings))
      assert.equal(expected_text(), settings.path and directory:read "file" or result)
    end
    assert.is_true(finalizers >= 1)
  end)

  it("stay for one that a finalizer closes meanwhile", function()
    local stream = open "/text"
    for _ = 1, 5 do
      assert(stream:next())
    end
    make_collector_eager()
    drop_finalized(function()
      make_collector_lazy_after()
      assert(cleaner.files.delete "old")
      stream:close()
    end)
    local event, err
    repeat
      event, err = stream:next()
      assert.is_true(not event or #(event.delta.text or "") % 1004 == 0)
    until not event
    assert.equal("cancelled", err.kind)
    assert.equal(expected_text():sub(1, #err.partial:text()), err.partial:text())
  end)

  it("are a run's own when a finalizer has it follow another text meanwhile, of which it takes no more", function()
    local one = sse '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abcd"}}'
    local text, count = ("x"):rep(3000), 0
    for _ = 1, 20 do
      local run, has_followed = core.delta_run(), false
      run:follow("text_delta", 0, text, 5000)
      make_collector_eager()
      drop_finalized(function()
        make_collector_lazy_after()
        has_followed = true
        run:follow("text_delta", 0, "<", 5)
      end)
      overwrite_stack(nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
      local taken = run:take()
      make_collector_lazy()
      if has_followed and taken == text then -- while it was taken
        count = count + 1
        local fed = core.fed(200, 1000, 100000)
        fed:follow(run)
        fed:feed(one:rep(2))
        assert.same({ "abcd", true }, { fed:next_text() })
        assert.same({ nil, "full" }, { fed:next_text() })
        assert.equal("<abcd", run:take())
      end
    end
    assert.is_true(count > 0 or _VERSION < "Lua 5.4") -- others collect before
  end)

  it("end for a transfer that is fed and that a finalizer closes meanwhile", function()
    local count = 0
    for _ = 1, 20 do
      local fed, closed = core.fed(200, 1e5, 1e6), false
      local text = ("x"):rep(3000)
      fed:feed(sse(text):rep(5))
      make_collector_eager()
      drop_finalized(function()
        make_collector_lazy_after()
        closed = true
        fed:close()
      end)
      overwrite_stack(nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
      local data = fed:event()
      make_collector_lazy()
      assert.is_true(data == text or closed and data == nil)
      if closed then
        count = count + 1
        assert.equal("cancelled", (fed:failure()))
        assert.is_true(fed:done())
        assert.is_false(fed:feed "x")
      end
    end
    assert.is_true(count > 0)
  end)

  it("are not a command's whose list, or loop, a finalizer ends meanwhile", function()
    local closed = 0
    for i = 1, 20 do
      local own = core.loop()
      own:fd()
      local arguments = { "printf", "%.1s", "x" .. i }
      for j = 4, 20000 do
        arguments[j] = ""
      end
      make_collector_eager()
      drop_finalized(function()
        make_collector_lazy_after()
        if i % 2 == 0 then
          own:close()
        else
          arguments[3] = nil
        end
      end)
      overwrite_stack(nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
      local ok, process = pcall(own.run, own, arguments)
      make_collector_lazy()
      closed = closed + (ok and 0 or 1)
      if ok then
        process:close()
      else
        assert.matches(i % 2 == 0 and "^the loop is closed$" or "a list of strings", process)
      end
      own:close()
    end
    assert.is_true(closed > 0)
  end)

  it("stay for a reader of a tool input, and for a decoder of events, that a finalizer feeds meanwhile", function()
    local reader, decoder = core.json_partial(), core.sse(1e6)
    local text = ("x"):rep(5000)
    assert(reader:feed '{"a":"')
    for _ = 1, 20 do
      assert(reader:feed(text))
      decoder:feed(sse(text))
      make_collector_eager()
      drop_finalized(function()
        make_collector_lazy_after()
        pcall(reader.feed, reader, text) -- refused while it is read
        pcall(decoder.feed, decoder, sse(text))
      end)
      overwrite_stack(nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
      reader:added()
      assert.equal(text, (decoder:next()))
    end
    make_collector_lazy()
    assert(reader:feed '"}')
    assert.equal(0, #reader:value().a % #text)
  end)

  describe("of the core alone", function()
    local loop, peer

    before_each(function()
      loop = core.loop()
      peer = core_peer.listen()
    end)

    after_each(function()
      loop:close()
      peer:close()
    end)

    -- Leaves it further up the stack than any call goes that follows.
    local function drop_above(depth, f)
      if depth == 0 then
        drop_finalized(f)
      else
        drop_above(depth - 1, f)
      end
      return nil
    end

    -- The results of `read`, in whose first allocation the collector calls `f`.
    local function disturbed(read, f)
      make_collector_eager()
      drop_above(20, f)
      local first, second, third, fourth = read()
      make_collector_lazy()
      return first, second, third, fourth
    end

    it("stay for a command's output, though a finalizer closes the command", function()
      local process = assert(loop:run { "/bin/sh", "-c", "printf '%0100000d' 1" })
      core_peer.run(loop, function()
        return (process:output())
      end)
      local output, status = disturbed(function()
        return process:output()
      end, function()
        process:close()
      end)
      assert.equal(("0"):rep(99999) .. "1", output)
      assert.equal(0, status)
    end)

    it("stay for pieces of a body, though a finalizer asks for it as a whole", function()
      local text = ("x"):rep(100)
      local transfer = core_peer.start(loop, peer, { max_body_bytes = 10 })
      local connection = peer:accept(loop)
      connection:send(core_peer.head_of(200) .. text)
      core_peer.wait_for_headers(loop, transfer)
      local is_early -- Lua 5.2 collects before it calls a C function, too
      local bytes = disturbed(function()
        return transfer:bytes()
      end, function()
        is_early = transfer:body() ~= nil
      end)
      assert.equal(is_early and text:sub(1, 10) or text, bytes)
      assert.same({ nil, is_early and "done" or "again" }, { transfer:bytes() })
      connection:close()
    end)

    it("stay for a failure, though a finalizer closes the transfer", function()
      local directory_of_keys = assert(certificates.make())
      local server = child.start("spec/support/tls_server.lua", directory_of_keys .. "/here.crt",
        directory_of_keys .. "/here.key", "")
      local transfer = core_peer.start(loop, { url = "https://127.0.0.1:" .. server.port .. "/" })
      core_peer.finish(loop, transfer)
      local name, message, code, verified = transfer:failure()
      assert.equal(60, code)
      local again = { disturbed(function()
        return transfer:failure()
      end, function()
        drop_finalized(function() -- in the second
          transfer:close()
        end)
      end) }
      assert.same({ name, message, code, verified }, again)
      transfer:close()
      server:stop()
      certificates.remove(directory_of_keys)
    end)
  end)
end)
