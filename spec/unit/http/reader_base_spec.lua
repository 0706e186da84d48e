local errors = require "anthropic.base.error"
local reader_base = require "anthropic.http.reader_base"

local function reader(fields)
  local self = fields or {}
  self.exchange = { closes = 0 }
  function self.exchange.close(exchange)
    exchange.closes = exchange.closes + 1
  end
  return self
end

local function fail(self, err)
  self.err = err
end

describe("the base of readers", function()
  it("is of one coroutine at a time", function()
    local self = reader()
    local other = coroutine.create(function()
      assert(reader_base.enter(self, "it is", 1))
      coroutine.yield()
      return reader_base.leave(self, "found", nil, 3)
    end)
    assert(coroutine.resume(other))
    local ok, words = pcall(reader_base.enter, self, "it is", 1)
    assert.is_false(ok)
    assert.matches("it is being read by another coroutine$", words)
    assert.same({ true, "found", nil, 3 }, { coroutine.resume(other) })
    assert.is_true(reader_base.enter(self, "it is", 1))
  end)

  it("blames the line that the level names", function()
    local self = reader()
    local other = coroutine.create(function()
      reader_base.enter(self, "it is", 1)
      coroutine.yield()
    end)
    coroutine.resume(other)
    local function next_piece()
      reader_base.enter(self, "it is", 2)
    end
    local line
    local _, words = pcall(function()
      line = debug.getinfo(1, "l").currentline + 1
      next_piece()
    end)
    assert.matches(":" .. line .. ": it is", words, 1, true)
  end)

  it("is free again after a coroutine that died in it, and says so", function()
    local self = reader()
    local other = coroutine.create(function()
      reader_base.enter(self, "it is", 1)
      error "broken off"
    end)
    coroutine.resume(other)
    assert.is_false(reader_base.enter(self, "it is", 1))
    reader_base.leave(self)
    assert.is_true(reader_base.enter(self, "it is", 1))
  end)

  it("is closed by an error of kind cancelled, once", function()
    local self = reader()
    reader_base.close(self, "the thing was", fail)
    assert.equal("cancelled", self.err.kind)
    assert.equal("the thing was closed", self.err.message)
    local err = self.err
    reader_base.close(self, "the thing was", fail)
    assert.equal(err, self.err)
    assert.equal(0, self.exchange.closes)
  end)

  it("is closed under the coroutine that reads by closing the exchange", function()
    local self = reader()
    reader_base.enter(self, "it is", 1)
    reader_base.close(self, "it was", fail)
    reader_base.close(self, "it was", fail)
    assert.is_nil(self.err)
    assert.equal(1, self.exchange.closes)
  end)

  it("is not closed after its end or its error", function()
    for _, fields in ipairs { { ended = true }, { err = "failed" } } do
      local err = fields.err
      local self = reader(fields)
      reader_base.close(self, "it was", fail)
      assert.equal(err, self.err)
      assert.is_nil(self.closed)
    end
  end)

  it("raises the error of an iterator as it is", function()
    assert.equal("piece", reader_base.raised("piece"))
    assert.is_nil(reader_base.raised(nil))
    local err = errors.new { kind = "truncated", message = "cut" }
    local _, raised = pcall(reader_base.raised, nil, err)
    assert.equal(err, raised)
  end)

  it("is open, ended or failed", function()
    assert.equal("open", reader_base.state_of {})
    assert.equal("ended", reader_base.state_of { ended = true })
    assert.equal("failed", reader_base.state_of { err = {}, ended = true })
  end)
end)
