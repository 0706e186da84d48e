local lazy = require "anthropic.base.lazy"

-- The names of modules that were loaded, in order; each module is { name = its name, value = 1 }.
local loaded

local function module(name, load)
  package.preload["anthropic.spec_of_lazy." .. name] = function()
    loaded[#loaded + 1] = name
    if load then
      load()
    end
    return { name = name, value = 1 }
  end
  return "anthropic.spec_of_lazy." .. name
end

describe("a module that is loaded lazily", function()
  before_each(function()
    lazy.load() -- what others have named
    loaded = {}
  end)

  after_each(function()
    for _, modules in ipairs { package.preload, package.loaded } do
      for name in pairs(modules) do
        modules[name] = not name:find "^anthropic%.spec_of_lazy%." and modules[name] or nil
      end
    end
  end)

  it("is loaded when one of its fields is looked at, once", function()
    local a = lazy.module(module "a")
    assert.same({}, loaded)
    assert.equal("a", a.name)
    assert.equal(1, a.value)
    assert.is_nil(a.no_field)
    assert.same({ "a" }, loaded)
  end)

  it("is the module, also after that one was changed", function()
    local a = lazy.module(module "a")
    assert.equal(1, a.value)
    require("anthropic.spec_of_lazy.a").value = 2
    assert.equal(2, a.value)
  end)

  it("may be loaded by others before", function()
    local a = lazy.module(module "a")
    assert.equal("a", require("anthropic.spec_of_lazy.a").name)
    assert.equal("a", a.name)
    assert.same({ "a" }, loaded)
  end)

  it("is tried again where it could not be loaded", function()
    local fails = true
    module("b", function()
      if fails then
        error("not now", 0)
      end
    end)
    local a = lazy.module(module("a", function() require "anthropic.spec_of_lazy.b" end))
    for _, load in ipairs { function() return a.name end, lazy.load } do
      local ok, problem = pcall(load)
      assert.is_false(ok)
      assert.matches("not now", problem)
    end
    fails = false
    lazy.load()
    assert.equal("a", a.name)
    assert.same({ "a", "b", "a", "b", "a", "b" }, loaded)
  end)

  it("is loaded with all others, and with those that they name", function()
    lazy.module(module "a")
    lazy.module(module("b", function()
      lazy.module_for_failure(module("c", function() lazy.module(module "d") end))
    end))
    lazy.load()
    table.sort(loaded)
    assert.same({ "a", "b", "c", "d" }, loaded)
    lazy.load()
    assert.equal(4, #loaded)
  end)

  it("is loaded with what failures need, where a failure needs it", function()
    lazy.module(module "a")
    lazy.module_for_failure(module("b", function() lazy.module_for_failure(module "c") end))
    lazy.load_for_failure()
    assert.same({ "b", "c" }, loaded)
  end)
end)
