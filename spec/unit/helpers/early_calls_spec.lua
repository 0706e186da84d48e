-- When a call starts while its answer still streams.

local early_calls = require "anthropic.helpers.early_calls"
local tools = require "anthropic.helpers.tools"

describe("early calls", function()
  local start, cancel, has_ended = tools.start, tools.cancel, tools.has_ended
  local early, stream, started, cancelled

  before_each(function()
    started, cancelled = {}, {}
    function tools.start(call, limits)
      assert.equal("limits", limits)
      started[#started + 1] = call.block.id
      local task = { id = call.block.id }
      function task.cancel()
        cancelled[#cancelled + 1] = task.id
      end
      return task
    end
    function tools.has_ended(task)
      return task.is_over == true
    end
    function tools.cancel(running)
      for _, task in pairs(running) do
        cancelled[#cancelled + 1] = task.id
      end
    end
    early = early_calls.new(function(block)
      return block.name ~= "waits" and { block = block, id = block.id, answer = block.name == "refused" and {} or nil }
        or nil
    end, "limits")
    stream = { blocks = {}, texts = {} }
    function stream:block_of(event)
      return self.blocks[event.index], self.texts[event.index]
    end
    early:watch(stream)
  end)

  after_each(function()
    tools.start, tools.cancel, tools.has_ended = start, cancel, has_ended
  end)

  local function block(index, fields, text)
    local all = { type = "tool_use", id = "t" .. index, name = "f", input = { a = 1 } }
    for name, value in pairs(fields or {}) do
      all[name] = value
    end
    stream.blocks[index], stream.texts[index] = all, text
    return all
  end

  local function see(kind, fields)
    local event = { type = kind }
    for name, value in pairs(fields or {}) do
      event[name] = value
    end
    early:see(stream, event)
  end

  it("start when their blocks end, once", function()
    local one = block(0)
    see("content_block_stop", { index = 0 })
    see("content_block_stop", { index = 0 })
    assert.same({ "t0" }, started)
    assert.equal(one, early:call(one).block)
    assert.is_nil(early:call {})
  end)

  it("are of tools alone, of the first choice, and of what need not wait", function()
    block(0, { type = "text" })
    block(1, { name = "waits" })
    block(2)
    see("content_block_stop", { index = 0 })
    see("content_block_stop", { index = 1 })
    see("content_block_stop", { index = 7 })
    see("content_block_stop", { index = 2, choice = 1, raw = {} })
    see("ping")
    assert.same({}, started)
  end)

  it("that were refused do not start, and have their answer", function()
    local refused = block(0, { name = "refused" })
    see("content_block_stop", { index = 0 })
    assert.same({}, started)
    assert.is_truthy(early:call(refused).answer)
  end)

  it("without input wait for the whole message, as it may come later", function()
    local one = block(0, { input = {} })
    see("content_block_stop", { index = 0 })
    see("content_block_start", { index = 1, content_block = { type = "text" } })
    see("message_delta", { delta = { stop_reason = "tool_use" } })
    see("message_delta", { delta = "none" })
    assert.same({}, started)
    assert.is_nil(early:call(one))
    block(1, { input = {} }, '{"a":')
    see("content_block_stop", { index = 1 })
    assert.same({ "t1" }, started)
  end)

  it("tell whether they began with what the block has at the end", function()
    local one = block(0)
    see("content_block_stop", { index = 0 })
    assert.is_true(select(2, early:call(one)))
    one.input = { a = 1 }
    assert.is_true(select(2, early:call(one)))
    for name, value in pairs { input = { a = 2 }, name = "g" } do
      local before = one[name]
      one[name] = value
      assert.is_false(select(2, early:call(one)))
      one[name] = before
    end
  end)

  it("are cancelled where the model begins anew", function()
    local one = block(0)
    block(1, { input = {} })
    see("content_block_stop", { index = 0 })
    see("content_block_stop", { index = 1 })
    see("content_block_start", { index = 2, content_block = { type = "fallback" } })
    assert.same({ "t0" }, started)
    assert.same({ "t0" }, cancelled)
    assert.is_nil(early:call(one))
  end)

  it("are cancelled where the stream is asked for again, and run no second time where they have ended", function()
    local one = block(0)
    block(1)
    see("content_block_stop", { index = 0 })
    see("content_block_stop", { index = 1 })
    local call = early:call(one)
    early.running[call].is_over = true
    local task = early.running[call]
    stream.on_restart()
    assert.same({ "t1" }, cancelled)
    assert.is_nil(early:call(one))
    local again = block(0)
    see("content_block_stop", { index = 0 })
    assert.same({ "t0", "t1" }, started)
    assert.equal(call, early:call(again))
    assert.equal(again, call.block)
    assert.equal(task, early.running[call])
    see("content_block_stop", { index = 1 })
    assert.same({ "t0", "t1", "t1" }, started)
  end)

  it("run again where another call has the ID of one that has ended", function()
    for _, change in ipairs { { input = { a = 2 } }, { name = "g" } } do
      started = {}
      early:cancel()
      early.running[early.call_of(block(0))] = nil
      see("content_block_stop", { index = 0 })
      early.running[early:call(stream.blocks[0])].is_over = true
      stream.on_restart()
      block(0, change)
      see("content_block_stop", { index = 0 })
      assert.same({ "t0", "t0" }, started)
      early.ended = {}
    end
  end)

  it("are cancelled but for those that are kept", function()
    local one = block(0)
    block(1)
    see("content_block_stop", { index = 0 })
    see("content_block_stop", { index = 1 })
    local call = early:call(one)
    local task = early.running[call]
    early:cancel { call }
    assert.same({ "t1" }, cancelled)
    assert.equal(task, early.running[call])
    assert.is_nil(early:call(one))
    early:cancel()
    assert.same({ "t1", "t0" }, cancelled)
  end)
end)
