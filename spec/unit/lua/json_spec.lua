-- core.json_prepare(text, options) and core.json_restore(value, pending, ...): what comes before and after a decoder
-- that would lose some of what JSON says.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local host = package.preload.host
local prepare, restore = core.json_prepare, core.json_restore
local has_integers = math.type ~= nil
local negative_zero = tonumber "-0.0"

-- The options are bits.
local MARK, INTEGERS, REPAIR, KEEP_HALVES, NAN_IS_NULL, BOUNDED = 1, 2, 4, 8, 16, 32
local HOST = has_integers and INTEGERS or 0

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

describe("the options", function()
  it("have names for what they are used for", function()
    assert.equal(0, core.json_check)
    assert.equal(REPAIR, core.json_repair)
    assert.equal(MARK + HOST, core.json_strict)
    assert.equal(MARK + HOST + BOUNDED, core.json_input)
    assert.equal(MARK + HOST + REPAIR + NAN_IS_NULL + BOUNDED, core.json_answer)
    assert.equal(MARK + HOST + REPAIR + NAN_IS_NULL + BOUNDED + KEEP_HALVES, core.json_event)
    assert.same({ 1, 2 }, { core.json_request, core.json_mend })
  end)

  it("stand beside null and the metatables of empty tables", function()
    assert.equal("userdata", type(core.null))
    assert.equal("table", type(core.json_array_metatable))
    assert.equal("table", type(core.json_object_metatable))
    assert.not_equal(core.json_array_metatable, core.json_object_metatable)
    assert.is_nil(next(core.json_array_metatable))
    assert.is_nil(next(core.json_object_metatable))
  end)
end)

describe("json_prepare", function()
  it("raises for what is no text or no number", function()
    assert.error_matches(function() prepare() end, "bad argument #1 to '.*' %(string expected, got no value%)")
    assert.error_matches(function() prepare({}, 0) end, "bad argument #1 to '.*' %(string expected, got table%)")
    assert.error_matches(function() prepare "1" end, "bad argument #2 to '.*' %(number expected, got no value%)")
    assert.error_matches(function() prepare("1", "x") end, "bad argument #2 to '.*' %(number expected, got string%)")
  end)

  for _, case in ipairs {
    { "", "unexpected end of the text", 1 },
    { "[1,2", "unexpected end of the text", 5 },
    { "[,", "expected a value", 2 },
    { '{"a":01}', "expected ',' or '}'", 7 },
    { "[] x", "expected the end of the text", 4 },
    { "1\0", "expected the end of the text", 2 },
    { (" "):rep(100000) .. "x", "expected a value", 100001 },
  } do
    it(("refuses %q"):format(case[1]:gsub("^ +", "")), function()
      local expected = { n = 3, nil, case[2] .. " at byte " .. case[3], case[3] }
      for _, options in ipairs { core.json_check, core.json_repair, core.json_strict, core.json_answer } do
        assert.same(expected, count_and_pack(prepare(case[1], options)))
      end
    end)
  end

  it("gives a text in which there is nothing to change as it is", function()
    for _, text in ipairs { "1", '"x"', "true", " [ 1 , 2 ] ", '{"a":{"b":"c\\n"}}' } do
      for _, options in ipairs { core.json_check, core.json_repair, MARK } do
        assert.same({ n = 4, text, 0, false, 0 }, count_and_pack(prepare(text, options)))
      end
    end
  end)

  it("counts what has to be restored", function()
    for text, count in pairs { ["{}"] = 1, ["null"] = 1, ["[null,{},[{}]]"] = 3, ['{"a":[]}'] = 1, ["[[],[]]"] = 2,
      ['["null"]'] = 0 } do
      assert.equal(count, (select(2, prepare(text, MARK))), text)
      assert.equal(0, (select(2, prepare(text, core.json_check))), text)
    end
    assert.equal(0, (select(2, prepare("[1,2.5]", MARK))))
    assert.equal(2, (select(2, prepare("[1,2.5]", MARK + INTEGERS))))
  end)

  it("marks what a decoder would lose", function()
    assert.same({ n = 4, '[1,"\255a"]', 1, false, 0 }, count_and_pack(prepare("[1,[ ]]", MARK)))
    assert.equal('"\255i9007199254740993"', (prepare("9007199254740993", MARK + INTEGERS)))
    assert.equal('"\255n9007199254740993"', (prepare("9007199254740993", MARK)))
    assert.equal("[1,[ ]]", (prepare("[1,[ ]]", core.json_repair)))
  end)

  it("mends where it is told to, and tells of halves of characters", function()
    assert.same({ n = 4, '"\239\191\189"', 0, false, 0 }, count_and_pack(prepare('"\255"', core.json_repair)))
    assert.same({ n = 3, nil, "invalid UTF-8 at byte 2", 2 }, count_and_pack(prepare('"\255"', core.json_strict)))
    assert.same({ n = 4, '"\239\191\189"', 0, false, 0 }, count_and_pack(prepare('"\\ud83d"', core.json_answer)))
    assert.same({ n = 4, '"\237\160\189"', 0, true, 0 }, count_and_pack(prepare('"\\ud83d"', core.json_event)))
    local whole = '"\\ud83d\\ude00"'
    assert.same({ n = 4, whole, 0, false, 0 }, count_and_pack(prepare(whole, core.json_event)))
  end)

  it("tells where inputs are", function()
    local text = '{"content":[{"input":{"a":true},"x":"y"}]}'
    assert.same({ n = 4, '{"content":[{"input":{"a":true},"\255":"22 31","x":"y"}]}', 1, false, 1 },
      count_and_pack(prepare(text, MARK, "input")))
  end)

  it("takes texts of any size", function()
    local long = '"' .. ("x"):rep(1e6) .. '"'
    assert.is_true(long == prepare(long, core.json_strict))
    local many = "[" .. ("[],"):rep(1e5) .. "0]"
    local prepared, pending = prepare(many, MARK)
    assert.equal(1e5, pending)
    assert.is_true(prepared == "[" .. ('"\255a",'):rep(1e5) .. "0]")
  end)
end)

describe("the buffers of JSON", function()
  it("are freed, also after a failure", function()
    if host then
      pending "a sanitizer keeps what was freed for a while"
      return
    end
    local long = ("x"):rep(2e6)
    local rules = { kinds = {}, literals = {}, fields = {}, inputs = {}, digits = {} }
    local text = '["' .. long .. '",[],'
    local function round()
      assert.is_nil((core.json_encode({ long, print }, rules)))
      assert.is_nil((prepare(text, MARK)))
      collectgarbage()
    end
    round()
    local before = core_peer.memory()
    for _ = 1, 20 do
      round()
    end
    assert.is_true(core_peer.memory() - before < 20e6)
  end)
end)

describe("json_restore", function()
  local kept = require "spec.support.kept"
  local null = io.stdout -- every userdata is a decoder's null

  local function restored(value, pending, nulls_absent)
    local result, inputs = restore(value, pending or 1000, nulls_absent)
    assert.is_nil(inputs)
    return result
  end

  it("raises for a count that is no number", function()
    assert.error_matches(function() restore({}, "x") end, "bad argument #2 to '.*' %(number expected, got string%)")
    assert.error_matches(function() restore {} end, "bad argument #2 to '.*' %(number expected, got nil%)")
    assert.error_matches(function() restore({}, 1, false, "x") end, "bad argument #4 to '.*' %(number expected")
  end)

  it("gives two results, the second one nil without inputs", function()
    assert.same({ n = 2, 5, nil }, count_and_pack(restore(5, 0)))
    assert.same({ n = 2, "x", nil }, count_and_pack(restore("x", 9)))
    assert.same({ n = 2, 5, nil }, count_and_pack(restore(5, 0, false, 0, {}, "and more")))
  end)

  it("leaves alone what is nothing to restore, and returns the same tables", function()
    local value = { 1, "x", true, { a = false, b = { "y" } }, "" }
    assert.equal(value, restored(value))
    assert.same({ 1, "x", true, { a = false, b = { "y" } }, "" }, value)
    for _, plain in ipairs { true, false, "", "x", "a\255", "\254a" } do
      assert.equal(plain, restored(plain))
    end
    assert.is_nil(restored(nil))
  end)

  it("does nothing where nothing is pending", function()
    local value = {}
    assert.equal(value, restored(value, 0))
    assert.is_nil(getmetatable(value))
    assert.equal("\255a", restored("\255a", 0))
    assert.equal(null, restored(null, 0))
  end)

  it("ends when nothing is pending any more", function()
    local list = { {}, {}, {} }
    restored(list, 2)
    assert.equal(core.json_object_metatable, getmetatable(list[1]))
    assert.equal(core.json_object_metatable, getmetatable(list[2]))
    assert.is_nil(getmetatable(list[3]))
    local marks = { "\255a", "\255i1", null, "\255a", null }
    restored(marks, 3)
    assert.equal("\255a", marks[4])
    assert.equal(null, marks[5])
    assert.equal(1, marks[2])
    assert.equal(core.null, marks[3])
    local inner = { { null }, null }
    restored(inner, 1)
    assert.equal(null, inner[2])
  end)

  it("makes a table without members an object", function()
    assert.equal(core.json_object_metatable, getmetatable(restored {}))
    local value = restored { { a = {} }, {} }
    assert.is_nil(getmetatable(value))
    assert.is_nil(getmetatable(value[1]))
    assert.equal(core.json_object_metatable, getmetatable(value[1].a))
    assert.equal(core.json_object_metatable, getmetatable(value[2]))
  end)

  it("makes a mark an empty array", function()
    local array = restored "\255a"
    assert.same({}, array)
    assert.equal(core.json_array_metatable, getmetatable(array))
    local value = restored { a = "\255a", b = { "\255a", "\255a" } }
    assert.equal(core.json_array_metatable, getmetatable(value.a))
    assert.equal(core.json_array_metatable, getmetatable(value.b[2]))
    assert.not_equal(value.b[1], value.b[2])
  end)

  it("makes a mark the integer", function()
    assert.same({ 5, -7, { x = 0 } }, restored { "\255i5", "\255i-7", { x = "\255i0" } })
    if has_integers then
      for _, digits in ipairs { "9007199254740993", "9223372036854775807", "-9223372036854775808" } do
        local integer = restored("\255i" .. digits)
        assert.equal(digits, tostring(integer))
        assert.equal("integer", math.type(integer))
      end
    end
  end)

  it("makes whole numbers up to 2^53 integers, where Lua has any", function()
    if not has_integers then
      local value = { 1, 2.5 }
      assert.same({ 1, 2.5 }, restored(value))
      return
    end
    for _, number in ipairs { 0.0, 1.0, -1.0, 1e15, 2.0 ^ 53, -(2.0 ^ 53) } do
      local inner = restored { number }[1]
      assert.equal("integer", math.type(inner), number)
      assert.equal(number, inner)
      assert.equal("integer", math.type(restored(number)))
    end
    for _, number in ipairs { 0.5, -1.5, 2.0 ^ 53 + 2, -(2.0 ^ 53) - 2, 1e300, 1 / 0, -1 / 0, 0 / 0 } do
      local inner = restored { number }[1]
      assert.equal("float", math.type(inner), number)
      assert.is_true(inner == number or number ~= number)
    end
    assert.equal(-1 / 0, 1 / restored { negative_zero }[1])
    assert.equal(3, restored { 3 }[1])
    local counted = restored({ 1.0, 2, 3.0, 4.0 }, 3)
    assert.same({ "integer", "integer", "integer", "float" }, { math.type(counted[1]), math.type(counted[2]),
      math.type(counted[3]), math.type(counted[4]) })
  end)

  it("makes every userdata null", function()
    assert.equal(core.null, restored(null))
    assert.same({ core.null, { a = core.null } }, restored { null, { a = null } })
    assert.equal(core.null, restored { a = null }.a)
    assert.equal(core.null, restored { core.null }[1])
    assert.is_nil(getmetatable(restored { a = null }))
  end)

  describe("with absent nulls", function()
    it("takes an object's out, and notes their names", function()
      local value = restored({ a = null, b = 1, c = null }, 1000, true)
      assert.is_nil(rawget(value, "a"))
      assert.is_nil(rawget(value, "c"))
      assert.equal(1, value.b)
      assert.same({ __nulls = { a = true, c = true } }, getmetatable(value))
    end)

    it("gives each object a note of its own, also in others and where nothing is left", function()
      local value = restored({ { a = null }, { b = null, d = { c = null, e = 5 } } }, 1000, true)
      assert.is_nil(getmetatable(value))
      assert.same({ __nulls = { a = true } }, getmetatable(value[1]))
      assert.is_nil(next(value[1]))
      assert.same({ __nulls = { b = true } }, getmetatable(value[2]))
      assert.same({ __nulls = { c = true } }, getmetatable(value[2].d))
      assert.equal(5, value[2].d.e)
    end)

    it("keeps an array's, and one that stands alone", function()
      assert.same({ core.null, core.null }, restored({ null, null }, 1000, true))
      assert.equal(core.null, restored(null, 1000, true))
    end)

    it("counts them", function()
      local value = restored({ { a = null }, { a = null }, { a = null } }, 2, true)
      assert.is_nil(value[2].a)
      assert.equal(null, value[3].a)
    end)

    it("takes only true for yes", function()
      assert.equal(core.null, restored({ a = null }, 1000, false).a)
      assert.equal(core.null, restored({ a = null }, 1000, nil).a)
    end)
  end)

  it("makes a mark the number, and notes its digits", function()
    local inner, digits = { c = "\255n1e400" }, {}
    local list = { "\255n9007199254740993", 1.5, "\255n-18446744073709551616" }
    local value = restore({ a = "\255n12345678901234567890", b = list, d = inner }, 1000, false, 0, digits)
    assert.equal(12345678901234567890, value.a)
    assert.same({ tonumber "9007199254740993", 1.5, -18446744073709551616 }, value.b)
    assert.equal(1 / 0, inner.c)
    assert.same({ a = "12345678901234567890" }, digits[value])
    assert.same({ "9007199254740993", [3] = "-18446744073709551616" }, digits[list])
    assert.same({ c = "1e400" }, digits[inner])
  end)

  it("notes no digits of a number that stands alone, or where there is no table for them", function()
    local digits = {}
    assert.equal(1 / 0, (restore("\255n1e400", 1, false, 0, digits)))
    assert.is_nil(next(digits))
    assert.same({ 1 / 0 }, (restore({ "\255n1e400" }, 1)))
  end)

  describe("with inputs", function()
    local MARK_NAME = "\255"

    local function tool(fields)
      fields.type = fields.type or "tool_use"
      fields[MARK_NAME] = fields[MARK_NAME] or "10 20"
      return fields
    end

    it("takes the marks out, and gives each tool's block with the place of its input", function()
      local first, second = tool { input = { a = true }, x = "y" }, tool { input = {}, [MARK_NAME] = "3 4000000000" }
      local value, found = restore({ first, { second } }, 1000, false, 2, nil, kept)
      assert.equal(first, value[1])
      assert.same({ input = { a = true }, type = "tool_use", x = "y" }, first)
      assert.equal(6, #found)
      local places = {}
      for i = 1, 6, 3 do
        places[found[i]] = { found[i + 1], found[i + 2] }
      end
      assert.same({ 10, 20 }, places[first])
      assert.same({ 3, 4000000000 }, places[second])
    end)

    it("gives those of the three types alone", function()
      for _, kind in ipairs { "tool_use", "server_tool_use", "mcp_tool_use" } do
        assert.equal(3, #select(2, restore(tool { input = {}, type = kind }, 1000, false, 1, nil, kept)))
      end
      for _, kind in ipairs { "xtool_use", "tool_us", "tool_use ", "tool_use\0", "Tool_use", "", 5, true, {} } do
        local block, found = restore(tool { input = {}, type = kind }, 1000, false, 1, nil, kept)
        assert.is_nil(found)
        assert.is_nil(block[MARK_NAME])
      end
    end)

    it("keeps nulls in a tool's input, and looks for nothing there", function()
      local inner = tool { input = { a = null }, b = null }
      local block = tool { input = { inner, c = null }, d = null }
      local other = tool { input = { e = null, f = block }, type = "other", g = null }
      local value, found = restore({ other, { h = null } }, 1000, true, 3, nil, kept)
      assert.same({ block, 10, 20 }, found)
      assert.is_nil(rawget(other, "g"))
      assert.is_nil(rawget(other.input, "e"))
      assert.is_nil(rawget(block, "d"))
      assert.equal(core.null, block.input.c)
      assert.equal(core.null, inner.b)
      assert.equal(core.null, inner.input.a)
      assert.is_nil(inner[MARK_NAME])
      assert.is_nil(rawget(value[2], "h"))
    end)

    it("restores what else there is", function()
      local block = tool { input = { x = "\255a" }, a = null, b = "\255a", c = {} }
      local value, found = restore({ block }, 1000, true, 1, nil, kept)
      assert.equal(block, value[1])
      assert.same({ block, 10, 20 }, found)
      assert.is_nil(rawget(block, "a"))
      assert.equal(core.json_array_metatable, getmetatable(block.input.x))
      assert.equal(core.json_array_metatable, getmetatable(block.b))
      assert.equal(core.json_object_metatable, getmetatable(block.c))
    end)

    it("is told which they are, and raises where that is no list of four", function()
      local other = { "kind", { call = true }, "arguments", {} }
      local block = { kind = "call", type = "tool_use", arguments = { null }, [MARK_NAME] = "1 2" }
      assert.same({ block, 1, 2 }, (select(2, restore(block, 1000, true, 1, nil, other))))
      assert.equal(core.null, block.arguments[1])
      block = tool { input = {} }
      assert.is_nil((select(2, restore(block, 1000, false, 1))))
      assert.is_nil(block[MARK_NAME])
      for i = 1, 4 do
        local wrong = { "type", {}, "input", {} }
        wrong[i] = true
        assert.has_error(function() restore(tool { input = {} }, 1000, false, 1, nil, wrong) end)
      end
    end)

    it("counts the marks", function()
      local value = restore({ { input = {}, [MARK_NAME] = "1 2" }, { null } }, 2, false, 1, nil, kept)
      assert.is_nil(value[1][MARK_NAME])
      assert.equal(core.json_object_metatable, getmetatable(value[1].input))
      assert.equal(null, value[2][1])
    end)
  end)

  it("reaches tables 1000 levels deep", function()
    local value = { null }
    for _ = 1, 999 do
      value = { value }
    end
    restored(value, 1)
    for _ = 1, 999 do
      value = value[1]
    end
    assert.equal(core.null, value[1])
  end)

  it("reaches every member of large tables", function()
    local value = {}
    for i = 1, 3000 do
      value[i], value["n" .. i] = "\255i" .. i, null
    end
    restored(value, 6000, true)
    for i = 1, 3000 do
      assert.is_true(value[i] == i and value["n" .. i] == nil)
      assert.is_true(getmetatable(value).__nulls["n" .. i])
    end
  end)
end)
