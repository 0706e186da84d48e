-- core.can_yield(thread): whether the running coroutine can be suspended where it is.

local core = require "anthropic.core"

local can_yield = core.can_yield
local has_no_isyieldable = _VERSION == "Lua 5.1" and not rawget(_G, "jit") or _VERSION == "Lua 5.2"

-- What f returns in a coroutine.
local function inside(f)
  local thread = coroutine.create(f)
  local ok, result = coroutine.resume(thread, thread)
  assert(ok, result)
  return result
end

local function asked(thread)
  local answer = can_yield(thread)
  return answer
end

describe("can_yield", function()
  it("says yes in a coroutine, at whatever depth", function()
    assert.is_true(inside(function(thread) return (can_yield(thread)) end))
    assert.is_true(inside(asked))
    assert.is_true(inside(function(thread)
      local function deeper(level)
        if level == 0 then
          return asked(thread)
        end
        local answer = deeper(level - 1)
        return answer
      end
      return deeper(100)
    end))
    assert.is_true(inside(function(thread) return asked(thread) end)) -- a tail call
  end)

  it("gives one result", function()
    assert.equal(1, inside(function(thread) return select("#", can_yield(thread)) end))
  end)

  it("says no outside of coroutines, where Lua tells", function()
    if has_no_isyieldable then
      assert.has_error(function() can_yield(nil) end)
      assert.has_error(function() can_yield "x" end)
    else
      assert.equal(coroutine.isyieldable(), can_yield()) -- luacheck: ignore
    end
  end)

  it("agrees with what happens inside of a metamethod", function()
    for _, name in ipairs { "__index", "__add", "__lt", "__concat", "__eq" } do
      local says, does
      local metatable = {}
      metatable[name] = function()
        says = can_yield((coroutine.running()))
        does = pcall(coroutine.yield)
        return true
      end
      local value, other = setmetatable({}, metatable), setmetatable({}, metatable)
      local uses = {
        __index = function() return value.x end, __add = function() return value + other end,
        __lt = function() return value < other end, __concat = function() return value .. other end,
        __eq = function() return value == other end,
      }
      local thread = coroutine.create(function() uses[name]() end)
      coroutine.resume(thread)
      if coroutine.status(thread) == "suspended" then
        does = true
        coroutine.resume(thread)
      end
      assert.equal(does, says, name)
    end
  end)

  it("says no inside of a function of C that calls back", function()
    local says
    local function compare(a, b)
      says = can_yield((coroutine.running()))
      return a < b
    end
    inside(function() table.sort({ 3, 2, 1 }, compare) end)
    assert.is_false(says)
    inside(function()
      ("x"):gsub("x", function()
        says = can_yield((coroutine.running()))
        return ""
      end)
    end)
    assert.is_false(says)
  end)

  it("agrees with what happens inside of pcall and of an iterator", function()
    local function agrees(body)
      local says
      local thread = coroutine.create(function()
        body(function()
          says = can_yield((coroutine.running()))
          coroutine.yield "suspended"
        end)
      end)
      local _, word = coroutine.resume(thread)
      assert.equal(word == "suspended", says)
    end
    agrees(function(suspend) pcall(suspend) end)
    agrees(function(suspend) pcall(pcall, suspend) end)
    agrees(function(suspend)
      for _ in function() suspend() end do end -- luacheck: ignore
    end)
    agrees(function(suspend) suspend() end)
    agrees(function(suspend) setmetatable({}, { __call = suspend })() end)
    agrees(function(suspend) pcall(function() return suspend() end) end)
  end)

  it("says yes again after such a call", function()
    assert.is_true(inside(function(thread)
      table.sort({ 3, 2, 1 }, function(a, b) return a < b end)
      pcall(function() end)
      return (can_yield(thread))
    end))
  end)
end)
