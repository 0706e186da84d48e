-- The methods of core.json_partial(): what it reads is spec/unit/json/partial_spec.lua's.

local core = require "anthropic.core"

local has_integers = math.type ~= nil

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

local function reader_of(...)
  local reader = core.json_partial()
  for i = 1, select("#", ...) do
    assert(reader:feed((select(i, ...))))
  end
  return reader
end

local function value_of(...)
  return reader_of(...):value()
end

describe("a reader of partial JSON", function()
  it("knows an empty object before anything came", function()
    local reader = core.json_partial()
    assert.same({ n = 1, {} }, count_and_pack(reader:value()))
    assert.equal(core.json_object_metatable, getmetatable(reader:value()))
    assert.same({ n = 1, nil }, count_and_pack(reader:path()))
    assert.same({ n = 1, nil }, count_and_pack(reader:text()))
    assert.same({ n = 1, "" }, count_and_pack(reader:added()))
    assert.not_equal(reader:value(), core.json_partial():value())
  end)

  it("raises for what are no bytes", function()
    local reader = core.json_partial()
    assert.error_matches(function() reader:feed {} end, "bad argument #1 to 'feed' %(string expected, got table%)")
    assert.error_matches(function() reader:feed() end, "bad argument #1 to 'feed' %(string expected, got no value%)")
    assert.same({ n = 1, true }, count_and_pack(reader:feed("[", "more", {})))
  end)

  it("refuses what is no reader", function()
    local reader = core.json_partial()
    for _, name in ipairs { "feed", "value", "path", "text", "added" } do
      for _, wrong in ipairs { 5, {}, io.stdout, core.delta_run() } do
        assert.error_matches(function() reader[name](wrong, "x") end, "anthropic%.json_partial expected")
      end
    end
  end)

  it("gives nil and what is wrong, and stays so, with what it knew", function()
    local reader = core.json_partial()
    local expected = { n = 2, nil, "expected ',' or ']' at byte 7" }
    assert.same({ n = 1, true }, count_and_pack(reader:feed '["a",1'))
    assert.same(expected, count_and_pack(reader:feed "}"))
    assert.same(expected, count_and_pack(reader:feed "]"))
    assert.same(expected, count_and_pack(reader:feed ""))
    assert.same({ "a", 1 }, reader:value())
  end)

  it("lets the same tables grow", function()
    local reader = core.json_partial()
    local root = reader:value()
    reader:feed '{"a":['
    local list = root.a
    assert.equal(core.json_array_metatable, getmetatable(list))
    assert.is_nil(getmetatable(root))
    reader:feed "1,"
    assert.is_nil(getmetatable(list))
    reader:feed '{'
    assert.equal(core.json_object_metatable, getmetatable(list[2]))
    reader:feed '"b":[[]],"c":{}}],"d":true}'
    assert.equal(root, reader:value())
    assert.equal(list, root.a)
    assert.same({ a = { 1, { b = { {} }, c = {} } }, d = true }, root)
    assert.equal(core.json_array_metatable, getmetatable(list[2].b[1]))
    assert.equal(core.json_object_metatable, getmetatable(list[2].c))
  end)

  it("makes the first table an array where it is one", function()
    local reader = core.json_partial()
    local root = reader:value()
    reader:feed "["
    assert.equal(root, reader:value())
    assert.equal(core.json_array_metatable, getmetatable(root))
    reader:feed "2,[3]]"
    assert.same({ 2, { 3 } }, root)
    assert.is_nil(getmetatable(root))
  end)

  it("takes a value that is no table", function()
    assert.equal("x", value_of '"x"')
    assert.equal(true, value_of "true")
    assert.equal(false, value_of "false ")
    assert.equal(core.null, value_of "null")
    assert.equal(12, value_of "12 ")
    assert.same({}, value_of "12")
  end)

  it("takes the last of equal names", function()
    assert.same({ a = 3 }, value_of '{"a":1,"a":[2],"a":3}')
    assert.same({ a = { 2 }, b = core.null }, value_of '{"b":{},"a":1,"a":[2],"b":null}')
  end)

  it("keeps every byte of names and strings", function()
    assert.same({ ["a\0é"] = "\0x\n" }, value_of '{"a\\u0000é":"\\u0000x\\n"}')
    assert.same({ [""] = "" }, value_of '{"":""}')
  end)

  describe("reads numbers", function()
    local function number_of(text)
      return value_of("[" .. text .. ",")[1]
    end

    it("as integers up to 2^53, however they are written", function()
      for text, number in pairs {
        ["0"] = 0, ["7"] = 7, ["-7"] = -7, ["1.0"] = 1, ["1e2"] = 100, ["-2.50e1"] = -25, ["9007199254740992"] = 2 ^ 53,
        ["-9007199254740992.0"] = -2 ^ 53, ["0.0"] = 0, ["10"] = 10, ["1E0"] = 1,
      } do
        assert.equal(number, number_of(text))
        if has_integers then
          assert.equal("integer", math.type(number_of(text)), text)
        end
      end
    end)

    it("as doubles else", function()
      for text, number in pairs {
        ["0.5"] = 0.5, ["-1.25"] = -1.25, ["1e300"] = 1e300, ["1e400"] = 1 / 0, ["-1e400"] = -1 / 0,
        ["9007199254740994.0"] = 2 ^ 53 + 2, ["-9007199254740994e0"] = -2 ^ 53 - 2, ["9223372036854775808"] = 2 ^ 63,
        ["123456789012345678901234567890"] = 123456789012345678901234567890, ["18446744073709551616"] = 2 ^ 64,
        ["-18446744073709551616"] = -2 ^ 64, ["92233720368547758080"] = 2 ^ 63 * 10,
      } do
        assert.equal(number, number_of(text), text)
        if has_integers then
          assert.equal("float", math.type(number_of(text)), text)
        end
      end
      for _, text in ipairs { "-0", "-0.0", "-0e5" } do
        assert.equal(-1 / 0, 1 / number_of(text))
      end
    end)

    it("as integers of 64 bits to the last digit, where Lua has them", function()
      if not has_integers then
        assert.equal(2 ^ 53, number_of "9007199254740993")
        return
      end
      for _, text in ipairs { "9007199254740993", "-9007199254740993", "9223372036854775807", "-9223372036854775808",
        "9223372036854775800", "9223372036854775799" } do
        assert.equal("integer", math.type(number_of(text)))
        assert.equal(text, tostring(number_of(text)))
      end
      for _, text in ipairs { "9223372036854775808", "9223372036854775809", "9223372036854775810",
        "-9223372036854775809", "-9223372036854775810" } do
        assert.equal("float", math.type(number_of(text)))
      end
    end)
  end)

  describe("tells of the string that is being read", function()
    it("where it is, how far it came, and what the last bytes added", function()
      local reader = reader_of '{"file":{"lines":["one","tw'
      assert.same({ n = 1, { "file", "lines", 2 } }, count_and_pack(reader:path()))
      assert.same({ n = 1, "tw" }, count_and_pack(reader:text()))
      assert.same({ n = 1, "tw" }, count_and_pack(reader:added()))
      reader:feed "o\\u0000"
      assert.equal("two\0", reader:text())
      assert.equal("o\0", reader:added())
      reader:feed ""
      assert.equal("", reader:added())
      assert.equal("two\0", reader:text())
      reader:feed '!","'
      assert.equal("", reader:text())
      assert.equal("", reader:added())
      assert.same({ "file", "lines", 3 }, reader:path())
      reader:feed 'x"],"y":"z'
      assert.equal("z", reader:added())
      assert.same({ "file", "y" }, reader:path())
      if has_integers then
        reader = reader_of '["'
        assert.equal("integer", math.type(reader:path()[1]))
      end
    end)

    it("nothing where there is none", function()
      for _, text in ipairs { "", "[", '{"', '{"na', '{"name"', '{"a":', '["x"', '["x",', "[1", '"x"', '["x"]' } do
        local reader = reader_of(text)
        assert.same({ n = 1, nil }, count_and_pack(reader:path()), text)
        assert.same({ n = 1, nil }, count_and_pack(reader:text()), text)
        assert.same({ n = 1, "" }, count_and_pack(reader:added()), text)
      end
    end)

    it("also where it is the whole value", function()
      local reader = reader_of('"x', "y")
      assert.same({}, reader:path())
      assert.equal("xy", reader:text())
      assert.equal("y", reader:added())
    end)

    it("what was added since a name or another string ended", function()
      local reader = reader_of '["abc'
      reader:feed 'd","ef'
      assert.equal("ef", reader:added())
      reader = reader_of '{"abc'
      reader:feed 'd":"ef'
      assert.equal("ef", reader:added())
    end)
  end)

  it("costs the same in however many pieces it comes", function()
    local reader = reader_of '["'
    for _ = 1, 900000 do
      assert(reader:feed "x")
    end
    assert(reader:feed '"]')
    assert.equal(900000, #reader:value()[1])
  end)

  it("frees what it holds, and can be asked then", function()
    local reader = reader_of('["' .. ("x"):rep(1000))
    local free = getmetatable(reader).__gc
    assert.same({ n = 0 }, count_and_pack(free(reader)))
    assert.same({ n = 0 }, count_and_pack(free(reader)))
    if package.preload.host then
      return -- a sanitizer keeps what was freed for a while
    end
    local memory = require("spec.support.core_peer").memory
    local long = '["' .. ("x"):rep(2e6)
    local before
    for _ = 1, 20 do
      reader_of(long)
      collectgarbage()
      before = before or memory()
    end
    assert.is_true(memory() - before < 20e6)
  end)
end)
