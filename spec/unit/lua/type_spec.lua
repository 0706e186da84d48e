-- What the core's types have in common.

local core = require "anthropic.core"
local temporary = require "spec.support.directory"

describe("every type of the core", function()
  local directory, loop, objects

  before_each(function()
    directory, loop = temporary.new(), core.loop()
    objects = {
      ["anthropic.loop"] = loop,
      ["anthropic.transfer"] = loop:start { method = "GET", url = "http://127.0.0.1:1/" },
      ["anthropic.sse.decoder"] = core.sse(1),
      ["anthropic.delta_run"] = core.delta_run(),
      ["anthropic.sink"] = core.sink(directory:path "x"),
      ["anthropic.folder"] = core.folder(directory.root),
      ["anthropic.json_partial"] = core.json_partial(),
    }
  end)

  after_each(function()
    objects["anthropic.sink"]:close()
    loop:close()
    directory:remove()
  end)

  it("has a name, and a metatable with its methods and a finalizer", function()
    for name, object in pairs(objects) do
      local metatable = getmetatable(object)
      assert.equal("userdata", type(object))
      assert.equal(name, metatable.__name)
      assert.equal(metatable, debug.getregistry()[name])
      assert.equal("function", type(metatable.__gc), name)
      assert.equal("table", type(metatable.__index), name)
      assert.is_not_nil(next(metatable.__index))
      assert.is_nil(getmetatable(metatable.__index))
      assert.is_nil(object.no_such_method)
    end
  end)

  it("has methods that refuse all other types, and say which they expect", function()
    for name, object in pairs(objects) do
      for _, method in pairs(getmetatable(object).__index) do
        for other_name, other in pairs(objects) do
          if other_name ~= name then
            assert.error_matches(function() method(other, 1) end, (name:gsub("%.", "%%.")) .. " expected")
          end
        end
        for _, wrong in ipairs { 1, "x", true, {}, print, io.stdout, core.null } do
          assert.error_matches(function() method(wrong, 1) end, (name:gsub("%.", "%%.")) .. " expected")
        end
        assert.error_matches(function() method(nil, 1) end, (name:gsub("%.", "%%.")) .. " expected")
      end
    end
  end)

  it("does not take a table with its metatable for one of its own", function()
    for name, object in pairs(objects) do
      local fake = {}
      debug.setmetatable(fake, { __index = getmetatable(object).__index, __name = name })
      for _, method in pairs(getmetatable(object).__index) do
        assert.error_matches(function() method(fake, 1) end, "expected")
      end
    end
  end)
end)
