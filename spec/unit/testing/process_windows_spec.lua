-- What cmd is given; make test-windows has it read.

local windows = require "anthropic.testing.process_windows"

describe("on Windows a child process", function()
  it("is the first interpreter that is there, by a script", function()
    local name, text = windows.script("C:\\T 1\\d", { "C:/Lua 50%/lua.exe", "lua" })
    assert.equal("start.cmd", name)
    assert.same({
      "@echo off", "set LUA_PATH=", "set LUA_CPATH=",
      '"C:\\Lua 50%%\\lua.exe" -v >NUL 2>NUL', "if not errorlevel 1 goto run1",
      '"lua" -v >NUL 2>NUL', "if not errorlevel 1 goto run2",
      "echo no Lua interpreter found: tried C:/Lua 50?/lua.exe lua >&2", "goto ended",
      ":run1", '"C:\\Lua 50%%\\lua.exe" "C:\\T 1\\d\\start.lua" 0', "goto ended",
      ":run2", '"lua" "C:\\T 1\\d\\start.lua" 0', "goto ended",
      ":ended", 'echo.>"C:\\T 1\\d\\ended"',
    }, { (text:gsub("\r\n$", "")):match(("([^\r]*)\r\n"):rep(16) .. "([^\r]*)") })
  end)

  it("writes its output to files", function()
    assert.equal([[""d\start.cmd" >"d\ready" 2>"d\errors""]], windows.command "d")
  end)
end)
