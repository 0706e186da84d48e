-- The methods of core.loop(). What the loop does is spec/unit/net/loop_spec.lua's.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local head_of = core_peer.head_of

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

describe("a loop's methods", function()
  local loop, peer

  before_each(function()
    loop = core.loop()
    peer = core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  it("are these", function()
    local names = {}
    for name in pairs(getmetatable(loop).__index) do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.equal("active alarm answer close connections fd is_late next_ready run start step wait",
      table.concat(names, " "))
  end)

  it("raise once it is closed, but for close", function()
    local transfer = core_peer.start(loop, peer)
    assert.same({ n = 0 }, count_and_pack(loop:close()))
    assert.same({ n = 0 }, count_and_pack(loop:close()))
    for name, argument in pairs { fd = false, wait = 0, step = false, alarm = 1, start = {}, next_ready = false,
      is_late = false, active = false, connections = false } do
      assert.has_error(function() loop[name](loop, argument or nil) end, "the loop is closed")
    end
    assert.equal("anthropic.loop (closed)", tostring(loop))
    assert.equal("cancelled", (transfer:failure()))
  end)

  it("say in words what it does", function()
    assert.equal("anthropic.loop (0 active)", tostring(loop))
    core_peer.start(loop, peer)
    local transfer = core_peer.start(loop, peer)
    assert.equal("anthropic.loop (2 active)", tostring(loop))
    transfer:close()
    assert.equal("anthropic.loop (1 active)", tostring(loop))
  end)

  describe("fd", function()
    it("is the same number each time, another one for another loop", function()
      local descriptor = loop:fd()
      local on_linux = io.open "/proc/self/status"
      if on_linux then
        on_linux:close()
      end
      if not descriptor and (not on_linux or os.getenv "SPEC_WITHOUT_DESCRIPTOR") then -- see tools/platforms
        pending "there is none with this poller"
        return
      end
      assert.equal("number", type(descriptor))
      assert.is_true(descriptor > 2 and descriptor % 1 == 0)
      assert.equal(descriptor, loop:fd())
      local other = core.loop()
      assert.not_equal(descriptor, other:fd())
      other:close()
      if math.type then
        assert.equal("integer", math.type(descriptor))
      end
    end)
  end)

  describe("wait", function()
    it("raises for what is no number of seconds", function()
      for _, wrong in ipairs { "x", {}, true } do
        assert.error_matches(function() loop:wait(wrong) end, "bad argument #1 to 'wait' %(number expected, got "
          .. type(wrong))
      end
      assert.error_matches(function() loop:wait() end, "bad argument #1 to 'wait' %(number expected, got no value")
      assert.error_matches(function() loop:wait(0 / 0) end, "bad argument #1 to 'wait' %(must be a number%)")
    end)

    it("waits as long as that, and says that there was no work", function()
      local began = core.now()
      assert.same({ n = 3, false, false, false }, count_and_pack(loop:wait(0.02)))
      assert.is_true(core.now() - began >= 0.019 and core.now() - began < 1)
      began = core.now()
      assert.is_false(loop:wait(0))
      assert.is_true(core.now() - began < 0.01)
    end)

    it("keeps an interrupt from the host where it is told to, and says that it came", function()
      local pipe = assert(io.popen "sleep 0.2; kill -INT $PPID")
      local began = core.now()
      local _, was_interrupted
      repeat
        _, was_interrupted = loop:wait(0.05, true)
      until was_interrupted or core.now() - began > 5
      pipe:close()
      assert.is_true(was_interrupted)
      assert.is_false((select(2, loop:wait(0, true))))
    end)

    it("ends when there is work, and says so", function()
      local transfer = core_peer.start(loop, peer)
      local connection = peer:accept(loop)
      core_peer.pass(loop, 0.01)
      connection:send(head_of(0))
      for _, seconds in ipairs { -1, 1 / 0, 10 } do
        local began = core.now()
        local had_work = false
        while not transfer:done() do
          had_work = loop:wait(seconds) or had_work
        end
        assert.is_true(had_work)
        assert.is_true(core.now() - began < 1)
        connection:close()
        transfer = core_peer.start(loop, peer)
        connection = peer:accept(loop)
        connection:send(head_of(0))
        loop:next_ready()
      end
      connection:close()
    end)
  end)

  describe("step", function()
    it("does what is to be done, without waiting, and returns nothing", function()
      assert.same({ n = 0 }, count_and_pack(loop:step()))
      local transfer = core_peer.start(loop, peer)
      local deadline = core.now() + 5
      local connection
      while not connection and core.now() < deadline do
        loop:step()
        connection = peer.listener:accept()
      end
      connection:settimeout(0)
      connection:send(head_of(2) .. "ok")
      while not transfer:done() and core.now() < deadline do
        loop:step()
      end
      assert.equal("ok", transfer:body())
      connection:close()
    end)

    it("finds that a time has run out", function()
      local transfer = core_peer.start(loop, peer, { total_timeout = 0.005 })
      local began = core.now()
      while not transfer:done() and core.now() - began < 5 do
        loop:step()
      end
      assert.equal("total", (transfer:failure()))
    end)
  end)

  describe("alarm", function()
    it("raises for what is no time", function()
      for _, wrong in ipairs { "x", {}, true } do
        assert.error_matches(function() loop:alarm(wrong) end, "bad argument #1 to 'alarm' %(number expected, got "
          .. type(wrong))
      end
      assert.error_matches(function() loop:alarm(0 / 0) end, "bad argument #1 to 'alarm' %(must be a number%)")
    end)

    it("ends a wait at its time, and none when it is taken back", function()
      local began = core.now()
      assert.same({ n = 0 }, count_and_pack(loop:alarm(began + 0.02)))
      loop:wait(10)
      assert.is_true(core.now() - began >= 0.019 and core.now() - began < 1)
      for _, none in ipairs { 1 / 0, "nil", "nothing" } do
        began = core.now()
        loop:alarm(began)
        if none == "nothing" then
          loop:alarm()
        else
          loop:alarm(none ~= "nil" and none or nil)
        end
        loop:wait(0.02)
        assert.is_true(core.now() - began >= 0.019)
      end
    end)

    it("is told of by the waits from its time on", function()
      assert.is_false((select(3, loop:wait(0))))
      loop:alarm(core.now() + 60)
      assert.is_false((select(3, loop:wait(0))))
      core.advance(60)
      assert.is_true((select(3, loop:wait(0))))
      assert.is_true((select(3, loop:wait(0))))
      loop:alarm()
      assert.is_false((select(3, loop:wait(0))))
    end)

    it("is over at once where its time is past", function()
      local began = core.now()
      for _, time in ipairs { began, began - 5, 0, -1, -1 / 0 } do
        loop:alarm(time)
        loop:wait(10)
      end
      assert.is_true(core.now() - began < 1)
    end)
  end)

  describe("start", function()
    it("raises for what is no table", function()
      for _, wrong in ipairs { "x", 5, true } do
        assert.error_matches(function() loop:start(wrong) end, "bad argument #1 to 'start' %(table expected, got "
          .. type(wrong))
      end
      assert.error_matches(function() loop:start() end, "bad argument #1 to 'start' %(table expected, got no value")
      assert.equal(0, loop:active())
    end)

    it("gives a transfer, and takes no notice of more arguments", function()
      local results = count_and_pack(loop:start({ method = "GET", url = peer.url }, 1, "x", {}))
      assert.equal(1, results.n)
      assert.equal("anthropic.transfer (under way)", tostring(results[1]))
      assert.equal(1, loop:active())
    end)
  end)

  it("give nil, a message and what it is about where nothing starts", function()
    assert.same({ n = 3, nil, "cannot read /nowhere: No such file or directory", "file" },
      count_and_pack(loop:start { method = "POST", url = peer.url, multipart = { { name = "f", path = "/nowhere" } } }))
    assert.equal(0, loop:active())
    assert.is_nil(loop:next_ready())
  end)

  describe("next_ready", function()
    it("gives each transfer that has news, once, and nothing else", function()
      assert.same({ n = 0 }, count_and_pack(loop:next_ready()))
      local first, second = core_peer.start(loop, peer), core_peer.start(loop, peer)
      local one, two = peer:accept(loop), peer:accept(loop)
      assert.same({ n = 0 }, count_and_pack(loop:next_ready()))
      one:send(head_of(1) .. "1")
      two:send(head_of(1) .. "2")
      core_peer.run(loop, function() return first:done() and second:done() end)
      local one_ready, has_more = loop:next_ready()
      assert.is_true(has_more)
      local results = count_and_pack(loop:next_ready())
      assert.same({ 2, false }, { results.n, results[2] })
      assert.is_true(one_ready == first and results[1] == second or one_ready == second and results[1] == first)
      assert.same({ n = 0 }, count_and_pack(loop:next_ready()))
      one:close()
      two:close()
    end)

    it("stops when the budget of the wait is used up, and has the next step come at once", function()
      local transfers = {}
      for i = 1, 2 do
        transfers[i] = core_peer.start(loop, peer, { total_timeout = 1e-9 })
      end
      core_peer.run(loop, function() return loop:active() == 0 end)
      local results = count_and_pack(loop:wait(0, false, 60))
      assert.is_false(loop:is_late())
      local first = results[4]
      assert.same({ 5, true }, { results.n, results[5] })
      core.advance(61)
      assert.is_true(loop:is_late())
      assert.same({ n = 2, nil, true }, count_and_pack(loop:next_ready()))
      local began = core.now()
      results = count_and_pack(loop:wait(10, false, 60))
      assert.is_true(core.now() - began < 5)
      assert.is_false(results[3])
      assert.is_true(first == transfers[1] and results[4] == transfers[2] or results[4] == transfers[1])
      assert.same({ 5, false, 3 }, { results.n, results[5], select("#", loop:wait(0, false, 60)) })
    end)

    it("gives one whatever the budget of the wait", function()
      local transfers = {}
      for i = 1, 2 do
        transfers[i] = core_peer.start(loop, peer, { total_timeout = 1e-9 })
      end
      core_peer.run(loop, function() return loop:active() == 0 end)
      local results = count_and_pack(loop:wait(0, false, -1))
      assert.is_true(results[4] == transfers[1] or results[4] == transfers[2])
      assert.same({ 5, true }, { results.n, results[5] })
      assert.same({ n = 2, nil, true }, count_and_pack(loop:next_ready()))
      assert.is_true(results[4] ~= select(4, loop:wait(0, false, -1)))
      assert.same({ n = 0 }, count_and_pack(loop:next_ready()))
    end)

    it("passes over one that was closed, and one that nobody holds", function()
      local function begin(count)
        local list = {}
        for i = 1, count do
          list[i] = core_peer.start(loop, peer, { total_timeout = 1e-9 })
        end
        core_peer.run(loop, function() return loop:active() == 0 end)
        return list[count]
      end
      local kept = begin(3)
      collectgarbage()
      collectgarbage()
      assert.equal(kept, loop:next_ready())
      assert.is_nil(loop:next_ready())
      begin(1):close()
      assert.is_nil(loop:next_ready())
    end)
  end)

  describe("active and connections", function()
    it("count", function()
      assert.same({ n = 1, 0 }, count_and_pack(loop:active()))
      assert.same({ n = 1, 0 }, count_and_pack(loop:connections()))
      local transfer = core_peer.start(loop, peer)
      local connection = peer:accept(loop)
      assert.equal(1, loop:active())
      assert.equal(1, loop:connections())
      connection:send(head_of(0))
      core_peer.finish(loop, transfer)
      assert.equal(0, loop:active())
      assert.equal(1, loop:connections())
      if math.type then
        assert.equal("integer", math.type(loop:active()))
        assert.equal("integer", math.type(loop:connections()))
      end
      connection:close()
    end)
  end)

  it("end it for a to-be-closed variable and for the collector", function()
    for _, name in ipairs { "__close", "__gc" } do
      local own = core.loop()
      own:fd()
      local transfer = core_peer.start(own, peer)
      assert.same({ n = 0 }, count_and_pack(getmetatable(own)[name](own)))
      assert.equal("anthropic.loop (closed)", tostring(own))
      assert.equal("cancelled", (transfer:failure()))
      getmetatable(own)[name](own)
    end
  end)

  it("do not keep a transfer alive", function()
    local alive = setmetatable({}, { __mode = "v" })
    local function begin()
      alive.transfer = core_peer.start(loop, peer)
    end
    begin()
    collectgarbage()
    collectgarbage()
    assert.is_nil(alive.transfer)
    assert.equal(0, loop:active())
  end)
end)
