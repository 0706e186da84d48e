local anthropic = require "anthropic"
local core = require "anthropic.core"
local stream_clock = require "anthropic.stream.clock"

describe("anthropic.now", function()
  it("goes forward by the seconds that anthropic.sleep waits", function()
    local began = anthropic.now()
    anthropic.sleep(0.02)
    local passed = anthropic.now() - began
    assert.is_true(passed >= 0.019 and passed < 60, tostring(passed))
  end)
end)

local function block(kind, text)
  return { type = "content_block_start", index = 0, content_block = { type = kind, [kind] = text or "" } }
end

local function delta(kind, text)
  return { type = "content_block_delta", index = 0, delta = { type = kind .. "_delta", [kind] = text } }
end

describe("a stream's clock", function()
  local original, now

  setup(function()
    original = core.now
    core.now = function() -- luacheck: ignore 122
      return now
    end
  end)

  teardown(function()
    core.now = original -- luacheck: ignore 122
  end)

  before_each(function()
    now = 1000
  end)

  -- Timings of events that come a second after each other, from a second after the beginning on; their end comes
  -- four seconds after the last.
  local function timings_of(events, usage)
    local clock = stream_clock.new()
    for _, event in ipairs(events) do
      now = now + 1
      clock:note(event)
    end
    now = now + 4
    local timings = { total = 9 }
    clock:add_to(timings, 1000, usage)
    return timings
  end

  it("tells the first text from the beginning, and tokens from the first content", function()
    assert.same({ total = 9, first_text = 3, tokens_per_second = 5 }, timings_of({
      { type = "message_start", message = {} }, block "text", delta("text", "a"), delta("text", "b"),
    }, { output_tokens = 25 }))
  end)

  it("counts what comes before the text", function()
    assert.same({ total = 9, first_text = 5, tokens_per_second = 3 }, timings_of({
      { type = "ping" }, block "thinking", delta("thinking", "hm"), block "text", delta("text", "a"),
      delta("text", "b"),
    }, { output_tokens = 21 }))
  end)

  it("takes the text that a block starts with", function()
    assert.same({ total = 9, first_text = 1, tokens_per_second = 2 }, timings_of({ block("text", "a") },
      { output_tokens = 8 }))
  end)

  it("tells no first text where there is none", function()
    assert.same({ total = 9, tokens_per_second = 2 }, timings_of({ block "text", delta("thinking", "hm") },
      { output_tokens = 8 }))
  end)

  it("takes the text of other choices for no text", function()
    local other = delta("text", "a")
    other.choice, other.raw = 1, {}
    assert.is_nil(timings_of({ other }).first_text)
  end)

  describe("tells no tokens per second", function()
    for _, case in ipairs {
      { "without usage", { delta("text", "a") }, nil },
      { "without their number", { delta("text", "a") }, {} },
      { "where their number is none", { delta("text", "a") }, { output_tokens = "8" } },
      { "without content", { { type = "ping" } }, { output_tokens = 8 } },
    } do
      it(case[1], function()
        assert.is_nil(timings_of(case[2], case[3]).tokens_per_second)
      end)
    end

    it("in no time", function()
      local clock, timings = stream_clock.new(), {}
      clock:note(delta("text", "a"))
      clock:add_to(timings, now, { output_tokens = 8 })
      assert.same({ first_text = 0 }, timings)
      now = now + 0.5
      clock:add_to(timings, now, { output_tokens = 8 })
      assert.equal(16, timings.tokens_per_second)
    end)
  end)

  it("replaces what stood there", function()
    local timings = { first_text = 1, tokens_per_second = 2 }
    stream_clock.new():add_to(timings, now, nil)
    assert.same({}, timings)
  end)

  describe("awaits text", function()
    local function awaiting(...)
      local clock = stream_clock.new()
      for _, event in ipairs { ... } do
        clock:note(event)
      end
      return clock.awaits_text
    end

    it("from the start of its block to its first piece", function()
      assert.is_false(awaiting())
      assert.is_true(awaiting(block "text"))
      assert.is_true(awaiting(block "text", delta("text", "")))
      assert.is_true(awaiting(block "text", delta("thinking", "hm")))
      assert.is_false(awaiting(block "text", delta("text", "a")))
      assert.is_false(awaiting(delta("text", "a"), block "text"))
    end)

    it("not of a block that starts with it", function()
      assert.is_false(awaiting(block("text", "a")))
    end)

    it("not of other blocks, nor of none", function()
      assert.is_false(awaiting(block "thinking"))
      assert.is_false(awaiting { type = "content_block_start", index = 0, content_block = "text" })
      assert.is_false(awaiting { type = "content_block_start", index = 0 })
      assert.is_false(awaiting { type = "later", content_block = { type = "text" } })
      assert.is_false(awaiting(delta("thinking", "hm")))
    end)

    it("not of another choice", function()
      local other = block "text"
      other.choice, other.raw = 1, {}
      assert.is_false(awaiting(other))
    end)
  end)
end)
