-- What of a failure's words goes to the model: all but the places in this program.

local failure_words = require "anthropic.helpers.failure_words"
local json = require "anthropic.base.json"

local function run() end

local FILE = debug.getinfo(run, "S").short_src

describe("what was raised", function()
  local function says(expected, raised)
    assert.equal(expected, failure_words.of_raised(raised))
    assert.equal(expected, failure_words.of_raised(raised, run))
  end

  it("is cut of the positions in files that its lines begin with", function()
    for _, file in ipairs {
      "/home/x/y.lua", "./y.lua", "../lib/y.lua", "y.lua", "lua/app/y.lua", "C:\\app\\y.lua", "C:/app/y.lua",
      "/usr/local/bin/tool", "...me/x/a/very/long/path/y.lua", "...\\path\\y.lua", "/Users/Ada Lovelace/y.lua",
      "C:\\Program Files\\app\\y.lua", "...da Lovelace/app/y.lua", "\\\\server\\share\\y.lua",
    } do
      says("no such city", file .. ":12: no such city")
      says("no such city", ("%s:1: %s:23456: no such city"):format(file, file))
      says("first\nsecond", ("%s:1: first\n%s:2: second"):format(file, file))
      says("\tindented", "/a/b.lua:1: \tindented")
    end
  end)

  it("is cut of positions in files between its words", function()
    says("cannot go on: bad argument", "cannot go on: /home/x/y.lua:12: bad argument")
    says("cannot go on: bad argument", "cannot go on: y.lua:12: bad argument")
    says("a b c", "a /x/y.lua:1: b z.lua:2: c")
  end)

  it("is cut of a traceback", function()
    local function deep()
      return debug.traceback("no such city", 1)
    end
    says("no such city", deep())
    says("no such city", "/home/x/y.lua:12: " .. deep())
    says("", (deep():gsub("^[^\n]*\n", "")))
    says("a", "a\nstack traceback:\n\t[C]: in function 'error'\n\t/home/x/y.lua:12: in function </home/x/y.lua:9>")
  end)

  it("is cut of the places where a module was looked for", function()
    local _, words = pcall(require, "anthropic.no_such_module")
    local cut = failure_words.of_raised(words)
    assert.matches("module 'anthropic.no_such_module' not found", cut)
    assert.is_nil(cut:find("no file", 1, true))
    assert.is_nil(cut:find("\n\t", 1, true))
    says("error loading module 'x':\nunexpected symbol", "error loading module 'x' from file '/usr/share/lua/x.lua':"
      .. "\n\t/usr/share/lua/x.lua:3: unexpected symbol")
  end)

  it("is left as it is where it speaks of other things", function()
    for _, words in ipairs {
      "", " ", "\n", "no such city", "busy until 10:30: try later", "line 3: unexpected symbol",
      '[string "x = = 1"]:1: unexpected symbol', "http://gateway/v1:8080: refused", "https://x.lua:443: refused",
      "10.0.0.1:80: refused", "/etc/hosts: No such file or directory", "a/b", "...", "... 12:30: late",
      "see stack traceback: below", "list:\n\tno milk", "y.lua:12", "y.lua: 12: x", "tool:12: x", "caf\233 \255:1: x",
    } do
      says(words, words)
    end
  end)

  it("is cut of the positions in the tool's own file, whatever its name", function()
    local chunk = assert((loadstring or load)("return function() end", "=my tool (1)"))()
    assert.equal("a b", failure_words.of_raised("my tool (1):12: a my tool (1):3: b", chunk))
    assert.equal("my tool (1):12: a", failure_words.of_raised("my tool (1):12: a", print))
  end)

  it("is the text of a value that has one", function()
    local object = setmetatable({}, { __tostring = function() return "/x/y.lua:1: an object" end })
    says("an object", object)
    says("5", 5)
    says("true", true)
    says("nil", nil)
  end)

  it("is a table with its texts cut", function()
    local raised = { code = 7, message = "/x/y.lua:1: bad", deep = { { traceback = "a\nstack traceback:\n\tx" } },
      none = json.null, list = json.array {} }
    assert.equal('{"code":7,"deep":[{"traceback":"a"}],"list":[],"message":"bad","none":null}',
      json.encode(failure_words.of_raised(raised)))
    assert.equal("/x/y.lua:1: bad", raised.message)
    local cycle = {}
    cycle[1] = cycle
    assert.equal(cycle, failure_words.of_raised(cycle))
  end)

  it("is cut in a time that grows with its length alone", function()
    for _, piece in ipairs { "/x:1: ", "x.lua:1:", "/", ":1", "1", ".", " ", "\n", "a:", "\n\tno file '",
      " from file '", "[/\\" } do
      local text = piece:rep(math.floor(3e5 / #piece))
      assert.is_true(#failure_words.of_raised(text, run) <= #text)
    end
  end)
end)

describe("why a tool says that it failed", function()
  it("is cut of the positions in its own file, and of a traceback that names it", function()
    local _, caught = pcall(function() error("mine") end)
    assert.equal(0, (caught:find(FILE, 1, true) or 0) - 1)
    assert.equal("mine", failure_words.of_returned(caught, run))
    assert.equal("it failed: mine", failure_words.of_returned("it failed: " .. caught, run))
    assert.equal("mine", failure_words.of_returned(debug.traceback "mine", run))
  end)

  it("is left as it is where it speaks of other files", function()
    for _, words in ipairs {
      "main.lua:3: unexpected symbol", "/src/main.lua:3: unexpected symbol", '[string "x"]:1: unexpected symbol',
      "1 of 2 failed\nstack traceback:\n\t/src/main.lua:3: in main chunk", "caf\233", "",
    } do
      assert.equal(words, failure_words.of_returned(words, run))
    end
    local object = setmetatable({}, { __tostring = error })
    for _, value in ipairs { 5, false, object, { "x" } } do
      assert.equal(value, failure_words.of_returned(value, run))
    end
    assert.equal(FILE .. ":1: x", failure_words.of_returned(FILE .. ":1: x", print))
  end)
end)

describe("what a log says of what was raised", function()
  it("is the whole of it", function()
    assert.equal("/x/y.lua:1: bad\nstack traceback:\n\tx", failure_words.whole "/x/y.lua:1: bad\nstack traceback:\n\tx")
    assert.equal("5", failure_words.whole(5))
    assert.equal("nil", failure_words.whole(nil))
    assert.equal('{"code":7}', failure_words.whole { code = 7 })
    assert.equal("an object", failure_words.whole(setmetatable({}, { __tostring = function() return "an object" end })))
  end)

  it("is something also where that has no words", function()
    for _, value in ipairs { { print }, setmetatable({}, { __tostring = error }),
      setmetatable({}, { __tostring = function() return {} end }) } do
      assert.equal("an error without words (a table)", failure_words.whole(value))
    end
  end)
end)
