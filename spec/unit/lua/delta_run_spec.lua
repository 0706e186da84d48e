-- core.delta_run(): takes in the text of deltas that go on with it, which a transfer's readers feed.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local FIELDS = { text_delta = "text", thinking_delta = "thinking", input_json_delta = "partial_json" }

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

local function delta(type, index, text)
  return ('data: {"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":"%s"}}\n\n'):format(index, type,
    FIELDS[type], text)
end

describe("a run of deltas", function()
  local loop, peer

  before_each(function()
    loop = core.loop()
    peer = core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function answered(body)
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    connection:send(core_peer.head .. body)
    connection:close()
    return core_peer.finish(loop, transfer)
  end

  -- What the run takes in of all this.
  local function taken(run, body)
    local transfer = answered(body)
    transfer:follow(run)
    while transfer:skip_deltas() do end -- luacheck: ignore 542
    return run:take()
  end

  it("has nothing, and gives no result for that", function()
    local run = core.delta_run()
    assert.same({ n = 0 }, count_and_pack(run:take()))
    assert.same({ n = 0 }, count_and_pack(run:stop()))
    assert.same({ n = 0 }, count_and_pack(run:follow("text_delta", 0, "")))
    assert.same({ n = 0 }, count_and_pack(run:take()))
  end)

  it("has the text that it was given, once", function()
    local run = core.delta_run()
    run:follow("text_delta", 0, "one\0")
    assert.same({ n = 1, "one\0" }, count_and_pack(run:take()))
    assert.same({ n = 0 }, count_and_pack(run:take()))
    run:follow("text_delta", 0, "two")
    run:follow("thinking_delta", 1, "three")
    assert.equal("twothree", run:take())
  end)

  it("raises for arguments that it cannot follow", function()
    local run = core.delta_run()
    for _, type in ipairs { "signature_delta", "", "text", "text_delta ", "content_block_delta" } do
      assert.error_matches(function() run:follow(type, 0, "") end,
        "bad argument #1 to 'follow' %(no delta of growing text%)")
    end
    for _, case in ipairs {
      { 1, "string", {}, 0, "" }, { 1, "string" }, { 2, "number", "text_delta", "x", "" },
      { 2, "number", "text_delta" }, { 3, "string", "text_delta", 0, {} }, { 3, "string", "text_delta", 0 },
    } do
      assert.error_matches(function() run:follow(case[3], case[4], case[5]) end,
        ("bad argument #%d to 'follow' %%(%s expected"):format(case[1], case[2]))
    end
    assert.same({ n = 0 }, count_and_pack(run:take()))
  end)

  it("takes in the deltas of its type", function()
    local all = delta("text_delta", 1, "t") .. delta("thinking_delta", 1, "h") .. delta("input_json_delta", 1, "j")
    for type, text in pairs { text_delta = "t", thinking_delta = "h", input_json_delta = "j" } do
      local run = core.delta_run()
      run:follow(type, 1, "<")
      assert.equal("<" .. text:rep(2), taken(run, all .. all))
    end
  end)

  it("takes in the deltas of its block", function()
    local all = delta("text_delta", 0, "a") .. delta("text_delta", 1, "b") .. delta("text_delta", 999999, "c")
      .. delta("text_delta", 1000000, "d")
    for index, text in pairs { [0] = "a", [1] = "b", [999999] = "c" } do
      local run = core.delta_run()
      run:follow("text_delta", index, "")
      assert.equal(text, taken(run, all))
    end
  end)

  it("takes in nothing of a block that has no such index", function()
    local all = delta("text_delta", 0, "a") .. delta("text_delta", 1, "b")
    for _, index in ipairs { -1, -0.5, 0.5, 1.5, 2, 1000000, 1e9 - 1, 1e9, 1e300, 1 / 0, -1 / 0, 0 / 0 } do
      local run = core.delta_run()
      run:follow("text_delta", index, "")
      assert.is_nil(taken(run, all))
    end
  end)

  it("goes on after its text was taken, until it is stopped", function()
    local run = core.delta_run()
    run:follow("text_delta", 0, "")
    assert.equal("a", taken(run, delta("text_delta", 0, "a")))
    assert.equal("b", taken(run, delta("text_delta", 0, "b")))
    run:stop()
    assert.is_nil(taken(run, delta("text_delta", 0, "c")))
    run:follow("text_delta", 0, "")
    assert.equal("d", taken(run, delta("text_delta", 0, "d")))
  end)

  it("stays stopped when its text is taken", function()
    local run = core.delta_run()
    run:follow("text_delta", 0, "x")
    run:stop()
    assert.equal("x", run:take())
    assert.is_nil(taken(run, delta("text_delta", 0, "c")))
  end)

  it("keeps its text when it is stopped or follows another one", function()
    local run = core.delta_run()
    run:follow("text_delta", 0, "one ")
    run:stop()
    run:follow("input_json_delta", 3, "two ")
    assert.equal("one two three", taken(run, delta("text_delta", 0, "no") .. delta("input_json_delta", 3, "three")))
  end)

  it("takes in texts of any size", function()
    local run = core.delta_run()
    local long = ("x"):rep(3e6)
    run:follow("text_delta", 0, long)
    run:follow("text_delta", 0, long)
    assert.is_true(run:take() == long .. long)
    assert.is_nil(run:take())
  end)

  it("frees its text when it is collected, and when it is taken", function()
    if package.preload.host then
      pending "a sanitizer keeps what was freed for a while"
      return
    end
    local metatable = getmetatable(core.delta_run())
    local long = ("x"):rep(3e6)
    local before
    local kept = {}
    for i = 1, 20 do
      local run = core.delta_run()
      run:follow("text_delta", 0, long)
      if i % 2 == 0 then
        run:take()
      else
        metatable.__gc(run)
        assert.is_nil(run:take())
        assert.is_nil(taken(run, delta("text_delta", 0, "no")))
        metatable.__gc(run)
      end
      kept[i] = run
      collectgarbage()
      before = before or core_peer.memory()
    end
    assert.is_true(core_peer.memory() - before < 20e6)
    assert.equal(20, #kept)
  end)
end)
