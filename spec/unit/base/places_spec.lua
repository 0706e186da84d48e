local directory = require "spec.support.directory"
local places = require "anthropic.base.places"

describe("the places of a module", function()
  local root

  before_each(function()
    root = directory.new()
    root:run "mkdir one two one/a"
  end)

  after_each(function()
    root:remove()
  end)

  it("are the files that the templates lead to, in their order, each once", function()
    root:write("one/a/b.lua", "")
    root:write("two/a%b.so", "")
    local one, two = root:path "one/?.lua", root:path "two/?.lua"
    assert.same({ root:path "one/a/b.lua" }, places.of("a.b", two .. ";" .. one .. ";;" .. one))
    root:run "mkdir two/a"
    root:write("two/a/b.lua", "")
    assert.same({ root:path "two/a/b.lua", root:path "one/a/b.lua" }, places.of("a.b", two .. ";" .. one))
  end)

  it("are before all those where an editor finds it", function()
    local vim, asked = rawget(_G, "vim"), {}
    rawset(_G, "vim", { api = { nvim_get_runtime_file = function(path)
      asked[#asked + 1] = path
      return path:find "%.lua$" and { "/plugin/" .. path } or {}
    end } })
    finally(function() rawset(_G, "vim", vim) end)
    assert.equal("/plugin/lua/anthropic/base/places.lua", places.first("anthropic.base.places", "path"))
    local of_core = places.of("anthropic.core", package.cpath)[1] or "?"
    assert.equal(of_core, places.first("anthropic.core", "cpath"))
    assert.same({ "lua/anthropic/base/places.lua", "lua/anthropic/core.so" }, asked)
    rawset(_G, "vim", nil)
    assert.equal(places.of("anthropic.base.places", package.path)[1], places.first("anthropic.base.places", "path"))
    assert.equal("?", places.first("anthropic.no_such", "cpath"))
  end)

  it("are none where no file is there, or no path", function()
    assert.same({}, places.of("a.b", root:path "?.lua"))
    assert.same({}, places.of("a.b", ""))
    assert.same({}, places.of("a.b", nil))
  end)
end)

-- of a path: how else it is spelt
local SPELLINGS = {
  ["/"] = {
    ["/home/me/lua/anthropic/"] = {
      "/home/me/lua/anthropic/", "lua/anthropic/", "./lua/anthropic/", "././lua/./anthropic/", "lua//anthropic/",
      "//home/me/lua/anthropic", ".//lua/anthropic/.",
    },
    ["/"] = { "/", "//", "/." },
    ["/home/me/"] = { "", "." },
    ["/home/me/../lua/"] = { "../lua/", "./../lua" }, -- a link may lead elsewhere
    ["/home/me/.\\lua/"] = { ".\\lua/" },
    ["/home/me/C:/lua/"] = { "C:/lua" },
    ["/home/me/..a/.b/"] = { "..a/.b" },
  },
  ["\\"] = {
    ["C:\\Users\\me\\lua\\anthropic\\"] = {
      "C:\\Users\\me\\lua\\anthropic\\", ".\\lua\\anthropic\\", "./lua/anthropic/", "lua\\anthropic",
      ".\\lua/anthropic\\", "\\\\?\\C:\\Users\\me\\lua\\anthropic\\", "lua/./anthropic/.",
      "C:/Users/me/lua/anthropic/", "c:/users/ME/Lua/anthropic/", "\\Users\\me\\lua\\anthropic\\",
      "/Users/me//lua\\\\anthropic", "..\\me\\lua\\anthropic", "lua\\x\\..\\anthropic\\",
    },
    ["D:\\"] = { "D:\\", "d:/", "D:\\x\\..", "D:/../" },
    ["C:\\lua\\"] = { "/lua/", "C:\\lua", "..\\..\\lua", "..\\..\\..\\lua" },
    ["\\\\server\\share\\lua\\"] = { "\\\\server\\share\\lua\\", "//server/share/lua", "\\\\SERVER\\share\\.\\lua" },
    ["C:\\Users\\me\\"] = { "", ".", "./", ".\\" },
  },
}
local CURRENT = { ["/"] = "/home/me", ["\\"] = "C:\\Users\\me" }

describe("a folder", function()
  for separator, folders in pairs(SPELLINGS) do
    for folder, spellings in pairs(folders) do
      it(("is %s by each of its names"):format(folder), function()
        local _, expected = places.folder(folder, CURRENT[separator], separator)
        for _, path in ipairs(spellings) do
          local _, key = places.folder(path, CURRENT[separator], separator)
          assert.equal(expected, key)
        end
        assert.equal(folder, (places.folder(spellings[1], CURRENT[separator], separator)))
      end)
    end
  end

  it("is another one where a letter's case differs, but on Windows", function()
    assert.not_equal(select(2, places.folder("/a/", "/", "/")), select(2, places.folder("/A/", "/", "/")))
    assert.same({ "C:\\Lua\\", "c:\\lua\\" }, { places.folder("Lua", "C:\\", "\\") })
  end)

  it("is told from where the program is, if that is not known", function()
    assert.equal("lua/", (places.folder("./lua/", ".", "/")))
    assert.equal("lua\\", (places.folder("./lua/", ".", "\\")))
    assert.equal("..\\..\\lua\\", (places.folder("..\\..\\x\\..\\lua", ".", "\\")))
  end)
end)
