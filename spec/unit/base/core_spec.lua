-- The two halves of the library, and what happens where they do not fit.

local background = require "spec.support.background"
local child = require "spec.support.child"
local core = require "anthropic.core"
local interface = require "anthropic.base.interface"

describe("the C core", function()
  it("is handed out where it is of the same build", function()
    assert.equal(core, require "anthropic.base.core")
    assert.equal(interface, core.interface)
    assert.matches("^%x+$", interface)
    assert.equal(16, #interface)
  end)

  local OTHER = [[
    local core = require "anthropic.core"
    local other = setmetatable({ interface = %s }, { __index = core })
    package.loaded["anthropic.core"] = other
    io.write(tostring(select(2, pcall(function() %s end))))
  ]]

  for what, code in pairs {
    ["a client"] = 'require("anthropic").new()',
    ["the event decoder"] = 'require("anthropic.sse").decoder()',
    ["the transport"] = 'require("anthropic.http").request { url = "http://127.0.0.1:1" }',
    ["a task"] = 'require("anthropic").run(function() end)',
    ["the clock"] = 'require("anthropic").now()',
    ["preloading"] = 'require("anthropic").preload()',
  } do
    it("of another build is one error, which says what to do and where both lie, for " .. what, function()
      local told = child.output(OTHER:format('"0123"', code))
      assert.matches("^anthropic: the Lua files and the C core are of different builds: run `make[^`]*` where", told)
      assert.is_truthy(told:find("lua/anthropic/base/core.lua (interface " .. interface .. ")", 1, true), told)
      assert.matches("anthropic/core%.so %(interface 0123%)$", told)
    end)
  end

  it("of a build that has no such mark is the same error, each time", function()
    local told = child.output(OTHER:format("false", [[
      pcall(require("anthropic").new)
      pcall(require, "anthropic.base.core")
      require("anthropic").new()]]))
    assert.matches("%(interface none%)$", told)
  end)

  it("that is not there, or cannot be loaded, is one error without the places that were searched", function()
    local told = child.output [[
      package.cpath, package.preload["anthropic.core"] = "nowhere/?.so", nil
      io.write(tostring(select(2, pcall(require("anthropic").new))))
      package.preload["anthropic.core"] = function() error("libcurl.so.4:\n\tno such file", 0) end
      io.write("\n", tostring(select(2, pcall(require("anthropic").new))))]]
    local missing, broken = told:match "^([^\n]*)\n([^\n]*)$"
    assert.matches("^anthropic: the C module cannot be loaded: module 'anthropic.core' not found: run `make", missing)
    assert.matches("^anthropic: the C module cannot be loaded: libcurl.so.4: no such file: run `make", broken)
    local command = rawget(_G, "jit") and "make LUA=luajit" or _VERSION == "Lua 5.4" and "make"
      or "make LUA=" .. background.interpreter()
    assert.truthy(missing:find("run `" .. command .. "` where the library is. Lua files: ", 1, true), missing)
  end)

  it("has what types/core.lua says, and nothing else", function()
    local declared, types = { core = {} }, {}
    for line in background.read_file "types/core.lua":gmatch "[^\n]+" do
      local field = line:match "^%-%-%-@field ([%w_]+)"
      local owner, name = line:match "^function ([%w_]+)[.:]([%w_]+)%("
      if field or owner then
        owner = owner or "core"
        declared[owner] = declared[owner] or {}
        declared[owner][field or name] = true
        types[owner] = true
      end
    end
    local path = os.tmpname()
    local objects = {
      core = core, loop = core.loop(), sse = core.sse(1), delta_run = core.delta_run(),
      json_partial = core.json_partial(), sink = core.sink(path),
      folder = core.folder("."),
    }
    objects.transfer = objects.loop:start { method = "GET", url = "http://127.0.0.1:1", record = true }
    objects.process = objects.loop:run { "true" }
    for owner, object in pairs(objects) do
      local methods = type(object) == "table" and object or getmetatable(object).__index
      for name in pairs(methods) do
        assert.is_true(declared[owner][name] or name == "advance", owner .. "." .. name)
      end
      for name in pairs(declared[owner]) do
        assert.is_not_nil(methods[name], owner .. "." .. name)
      end
      types[owner] = nil
    end
    assert.is_nil(next(types))
    objects.transfer:close()
    objects.loop:close()
    objects.sink:close()
    objects.folder:close()
    os.remove(path)
  end)
end)
