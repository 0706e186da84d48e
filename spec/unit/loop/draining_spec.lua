-- Transfers that have been read and still have to end. The core loop, the transfers and the clock are the spec's own.

local draining = require "anthropic.loop.draining"
local fake_core = require "spec.support.fake_core"
local loop = require "anthropic.loop"
local waiting = require "spec.support.waiting"

-- A transfer that ends when the spec says so.
local function fake_transfer(is_done)
  local transfer = { is_done = is_done or false, closed = 0 }
  function transfer:done() return self.is_done end
  function transfer:close() self.closed = self.closed + 1 end
  function transfer:limit(seconds) self.seconds = seconds end
  return transfer
end

describe("a transfer that has been read", function()
  local the_core, put_back

  before_each(function()
    the_core = fake_core()
    put_back = waiting.replace_core(the_core)
    waiting.stop_clock()
  end)

  after_each(function()
    waiting.restart_clock()
    put_back()
  end)

  it("is closed if it has ended", function()
    local transfer = fake_transfer(true)
    draining.drain(transfer)
    assert.equal(1, transfer.closed)
    assert.is_nil(transfer.seconds)
    assert.same({}, the_core.waits)
    assert.is_nil((draining.unsettled()))
  end)

  it("is closed if it ends by a step", function()
    local transfer = fake_transfer()
    the_core.during = function() transfer.is_done = true end
    draining.drain(transfer)
    assert.equal(1, transfer.closed)
    assert.is_nil(transfer.seconds)
    assert.same({ 0 }, the_core.waits)
  end)

  it("comes to its end in the background, within a second", function()
    local transfer = fake_transfer()
    draining.drain(transfer)
    assert.equal(1, transfer.seconds)
    assert.equal(0, transfer.closed)
    the_core.ready = { transfer } -- news, no end
    loop.step(0)
    assert.equal(0, transfer.closed)
    assert.is_false(loop.is_idle())
    transfer.is_done = true
    the_core.ready = { transfer }
    loop.step(0)
    assert.equal(1, transfer.closed)
    assert.is_true(loop.is_idle())
  end)

  it("is missing where none was read, and takes no step then", function()
    local subject, seconds = draining.unsettled()
    assert.is_nil(subject)
    assert.is_true(seconds > 0 and seconds <= 0.05)
    assert.same({}, the_core.waits)
  end)

  it("is told to others, and wakes them when it has ended", function()
    local transfer, woken = fake_transfer(), 0
    draining.drain(transfer)
    local subject, seconds = draining.unsettled()
    assert.equal(0.02, seconds)
    assert.is_false(subject:has_news())
    loop.on_news(subject, function()
      woken = woken + 1
      assert.is_true(subject:has_news())
    end)
    transfer.is_done = true
    loop.wake(transfer)
    assert.equal(1, woken)
    assert.is_true(subject:has_news())
    assert.is_nil((draining.unsettled()))
  end)

  it("raises no error of another's wake-up: the next step does", function()
    local object = {}
    for _, move in ipairs { draining.drain, draining.unsettled } do
      local transfer, other = fake_transfer(), {}
      if move == draining.unsettled then
        draining.drain(transfer)
      end
      loop.on_news(other, function() error(object) end)
      the_core.ready = { other }
      move(transfer)
      assert.same({ false, object }, { pcall(loop.step, 0) })
      loop.step(0)
      transfer.is_done = true
      loop.wake(transfer)
    end
  end)

  it("is told to nobody if it has ended meanwhile", function()
    local transfer = fake_transfer()
    draining.drain(transfer)
    the_core.during = function()
      transfer.is_done = true
      the_core.ready = { transfer }
    end
    assert.is_nil((draining.unsettled()))
    assert.equal(1, transfer.closed)
  end)
end)
