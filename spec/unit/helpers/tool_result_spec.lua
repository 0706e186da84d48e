-- The result of a call for whatever a tool returned or raised, and what the programmer is told of it. (What the
-- content of a result is: tools_spec.lua.)

local anthropic = require "anthropic"
local tool_result = require "anthropic.helpers.tool_result"

local told

before_each(function() told = {} end)

local function tell(call, words, traceback)
  told[#told + 1] = { call, words, traceback }
end

local function run() end

local call = { id = "t", name = "f", block = {}, tool = anthropic.tool { name = "f", run = run } }

local function of(...)
  return tool_result.of(call, { bytes = 1000, tell = tell }, ...)
end

local function failure(content)
  return { type = "tool_result", tool_use_id = "t", content = content, is_error = true }
end

describe("what a tool raised", function()
  it("is a failure with its words, and told whole", function()
    assert.same(failure "no such city", of(false, "/x/y.lua:12: no such city", "stack traceback:\n\ta"))
    assert.same({ { call, "/x/y.lua:12: no such city", "stack traceback:\n\ta" } }, told)
  end)

  it("is a failure also where nothing is left of its words", function()
    for _, raised in ipairs { "/x/y.lua:12: ", "", " ", "stack traceback:\n\ta", "/x/y.lua:1: \n/x/y.lua:2: " } do
      assert.same(failure "the tool failed", of(false, raised))
      assert.equal(raised, told[#told][2])
    end
    assert.same(failure "nil", of(false, nil))
    assert.same(failure "the tool failed", of(false, { run }))
    assert.equal("an error without words (a table)", told[#told][2])
  end)

  it("may be content blocks", function()
    local image = { type = "image", source = { type = "base64", data = "QUJD" } }
    assert.same(failure { { type = "text", text = "bad" }, image },
      of(false, { { type = "text", text = "/x/y.lua:1: bad" }, image }))
  end)

  it("is a failure that says so where it cannot be read or told", function()
    for _, case in ipairs {
      { function() error("/x/y.lua:1: mine", 0) end, "mine" },
      { function() error {} end, "to read it raises an error" },
      { function() return {} end, "" }, -- each Lua says it in its own words
    } do
      local content = of(false, setmetatable({}, { __tostring = case[1] })).content
      assert.equal("the result cannot be sent: " .. case[2], content:sub(1, 27 + #case[2]))
      assert.equal(2, #told)
      assert.equal("the result cannot be sent: ", told[2][2]:sub(1, 27))
      assert.matches("^stack traceback:", told[2][3])
      told = {}
    end
  end)
end)

describe("what a tool returned", function()
  it("tells nobody anything where it can be sent", function()
    of(true, "/x/y.lua:1: a text")
    of(true, nil, "/x/y.lua:1: a reason")
    of(true, nil)
    assert.same({}, told)
    assert.equal("/x/y.lua:1: a text", of(true, "/x/y.lua:1: a text").content)
    assert.equal("/x/y.lua:1: a reason", of(true, nil, "/x/y.lua:1: a reason").content)
  end)

  it("is without the positions in its own file where it is a reason", function()
    local _, caught = pcall(function() error "mine" end)
    assert.same(failure "mine", of(true, nil, caught))
    assert.equal(caught, of(true, caught).content)
  end)

  it("is a failure where it cannot be read or encoded, and told", function()
    local cycle = {}
    cycle[1] = cycle
    for _, case in ipairs {
      { 0 / 0, "value: NaN has no JSON form" },
      { { x = run }, "x: a function has no JSON form" },
      { run, "value: a function has no JSON form" },
      { coroutine.create(run), "value: a thread has no JSON form" },
      { cycle, "[1]: the table contains itself" },
      { setmetatable({}, { __index = function() error("/x/y.lua:1: mine", 0) end }), "mine", true },
      { { setmetatable({}, { __index = function() error {} end }) }, "to read it raises an error", true },
      { { type = "image", source = run }, "content[1].source: a function has no JSON form" },
    } do
      assert.same(failure("the result cannot be sent: " .. case[2]), of(true, case[1]))
      assert.equal(1, #told)
      assert.equal("the result cannot be sent: ", told[1][2]:sub(1, 27))
      assert.equal(case[3], told[1][3] and told[1][3]:find "^stack traceback:" and true)
      told = {}
      if not case[3] then
        assert.is_true(of(true, nil, case[1]).is_error)
      end
      told = {}
    end
  end)

  it("needs nobody who is told", function()
    assert.same(failure "x", tool_result.of(call, { bytes = 1000 }, false, "x"))
    assert.is_true(tool_result.of(call, { bytes = 1000 }, true, run).is_error)
  end)
end)
