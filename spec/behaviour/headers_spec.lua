-- Where the build finds Lua's headers: those that fit, wherever a system keeps them.

local child = require "spec.support.child"
local directory = require "spec.support.directory"

describe("the headers of a Lua", function()
  local root

  before_each(function()
    root = directory.new()
  end)

  after_each(function()
    root:remove()
  end)

  local function put(folder, version, with_jit)
    os.execute("mkdir -p " .. child.quote(root.root .. folder))
    root:write(folder:sub(2) .. "/lua.h", "/* of a spec */\n" .. version .. "\n")
    if with_jit then
      root:write(folder:sub(2) .. "/luajit.h", "")
    end
  end

  local function find(lua)
    local pipe = assert(io.popen(("ROOT=%s tools/headers %s 2>&1"):format(child.quote(root.root), lua)))
    local output = pipe:read("*a")
    pipe:close()
    return (output:gsub("^" .. root.root:gsub("%p", "%%%0"), ""):gsub("\n$", ""))
  end

  local NUMBER = "#define LUA_VERSION_NUM %d"
  -- 5.5 adds them up
  local SUM = "#define MAJOR_N 5\n#define MINOR_N 5\n#define LUA_VERSION_NUM (MAJOR_N * 100 + MINOR_N)"

  for _, case in ipairs {
    { "lua5.4", "/usr/include/lua5.4", NUMBER:format(504) },
    { "lua5.4", "/usr/include", NUMBER:format(504) },
    { "lua5.4", "/usr/local/include/lua54", NUMBER:format(504) },
    { "lua5.1", "/usr/include/lua-5.1", NUMBER:format(501) },
    { "lua5.4", "/opt/homebrew/include/lua", NUMBER:format(504) },
    { "lua5.3", "/opt/homebrew/opt/lua@5.3/include/lua", NUMBER:format(503) },
    { "lua5.4", "/usr/local/opt/lua@5.4/include/lua5.4", NUMBER:format(504) },
    { "lua5.4", "/opt/local/include/lua5.4", NUMBER:format(504) },
    { "lua5.5", "/usr/include/lua5.5", SUM },
    { "luajit", "/usr/include/luajit-2.1", NUMBER:format(501), true },
    { "luajit", "/usr/local/openresty/luajit/include/luajit-2.1", NUMBER:format(501), true },
  } do
    it(("%s are found in %s"):format(case[1], case[2]), function()
      put(case[2], case[3], case[4])
      assert.equal(case[2], find(case[1]))
    end)
  end

  it("are not those of another version that stand first", function()
    put("/usr/include", NUMBER:format(503))
    put("/usr/local/include/lua", NUMBER:format(505))
    put("/usr/local/opt/lua@5.4/include/lua", NUMBER:format(504))
    assert.equal("/usr/local/opt/lua@5.4/include/lua", find "lua5.4")
  end)

  it("of Lua 5.1 and of LuaJIT are told apart", function()
    put("/usr/include", NUMBER:format(501), true)
    put("/usr/local/include", NUMBER:format(501))
    assert.equal("/usr/include", find "luajit")
    assert.equal("/usr/local/include", find "lua5.1")
  end)

  it("that are missing are named, with what to do", function()
    put("/usr/include", NUMBER:format(503))
    assert.matches("^lua%.h of lua5%.4 was not found: .*make LUA=lua5%.4 LUA_INCDIR=", find "lua5.4")
  end)
end)
