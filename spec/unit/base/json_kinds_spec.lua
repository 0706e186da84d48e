-- What tables say of themselves, and what other libraries' markers say.

local child = require "spec.support.child"
local json = require "anthropic.base.json"

describe("array, object and raw", function()
  it("say what an empty table is", function()
    assert.equal('{"a":[],"b":{},"content":{}}', json.encode { a = json.array {}, b = json.object {},
      content = json.object {} })
    assert.equal("[1,2]", json.encode(json.array { 1, 2 }))
  end)

  it("make numbers into names", function()
    assert.equal('{"-1":2,"1":1,"a":3}', json.encode(json.object { 1, [-1] = 2, a = 3 }))
    local text, message = json.encode { x = json.object { [1] = 1, ["1"] = 2 } }
    assert.is_nil(text)
    assert.equal("x: 1 is a key both as a number and as a string", message)
  end)

  it("refuse an array with names or holes", function()
    assert.equal("value: an array has names as keys", (select(2, json.encode(json.array { a = 1 }))))
    assert.is_nil((json.encode(json.array { 1, nil, 3 })))
  end)

  it("return the same table, and can be repeated", function()
    local value = {}
    assert.equal(value, json.array(value))
    assert.equal(value, json.array(value))
    assert.error_matches(function() json.object(value) end,
      "bad argument #1 to 'object' %(the table has another metatable%)")
    assert.error_matches(function() json.array(setmetatable({}, {})) end, "another metatable")
    assert.error_matches(function() json.array "x" end, "bad argument #1 to 'array' %(table expected, got string%)")
    assert.error_matches(function() json.object() end, "table expected, got nil")
  end)

  it("are what an answer's object with nulls is", function()
    local value = json.decode_answer '{"a":null}'
    assert.equal(value, json.object(value))
    assert.equal('{"a":null}', json.encode(value))
    assert.has_error(function() json.array(value) end)
  end)

  it("put text in as it is, once it is known to be valid", function()
    assert.equal('{"a": [ 1.0 ]}', json.encode(json.raw '{"a": [ 1.0 ]}'))
    assert.equal('{"x":[]}', json.encode { x = json.raw "[]" })
    assert.equal("9999999999999999999", json.encode(json.raw "9999999999999999999"))
    for _, text in ipairs { "", "{", "[1,]", '"\255"', "1 2" } do
      assert.error_matches(function() json.raw(text) end, "bad argument #1 to 'raw' %(invalid JSON: .* at byte %d+%)")
    end
    assert.error_matches(function() json.raw {} end, "string expected, got table")
  end)

  it("blame the line that calls them", function()
    for _, name in ipairs { "array", "object", "raw" } do
      for _, value in ipairs { 1, name ~= "raw" and setmetatable({}, {}) or "{" } do
        local ok, message = pcall(function()
          local made = json[name](value)
          return made
        end)
        assert.is_false(ok)
        assert.matches("json_kinds_spec%.lua:%d+: bad argument #1 to '" .. name .. "'", message)
      end
    end
  end)

  it("show the text of what is JSON already", function()
    assert.equal("[1]", tostring(json.raw "[1]"))
    assert.is_true(json.is_raw(json.raw "1"))
    assert.is_false(json.is_raw(json.array { "1" }))
    assert.is_false(json.is_raw "1")
  end)
end)

describe("a list with members", function()
  it("has them, and is encoded as the list that it is", function()
    for text, count in pairs { ["[]"] = 0, ["[1,[2]]"] = 2 } do
      local list = json.list(assert(json.decode(text)), { response = { status = 200 } })
      collectgarbage() -- what says that it is one stays as long as the list
      assert.equal(200, list.response.status)
      assert.equal(count, #list)
      assert.is_nil(rawget(list, "response"))
      assert.is_true(json.is_array(list))
      assert.equal(text, json.encode(list))
    end
  end)
end)

describe("the markers of other libraries", function()
  it("are honoured where they are loaded", function()
    for _, name in ipairs { "encode", "encode_request", "encode_mended" } do
      local output = child.output([[
        local marker = newproxy and newproxy() or io.stderr
        package.loaded.cjson = setmetatable({ array_mt = {}, empty_array_mt = {}, empty_array = marker },
          { __index = require "cjson" })
        local cjson = package.loaded.cjson
        local json = require "anthropic.base.json"
        print(json.]] .. name .. [[ { a = setmetatable({}, cjson.array_mt), b = setmetatable({}, cjson.empty_array_mt),
          c = setmetatable({ x = 1 }, cjson.empty_array_mt), d = cjson.empty_array, e = cjson.null })
      ]])
      assert.equal('{"a":[],"b":[],"c":{"x":1},"d":[],"e":null}\n', output)
    end
  end)

  it("are honoured of an editor, too", function()
    local output = child.output [[
      local marker, empty = newproxy and newproxy() or io.stderr, {}
      vim = { NIL = marker, empty_dict = function() return setmetatable({}, empty) end }
      local json = require "anthropic.base.json"
      print(json.encode { a = { marker }, content = vim.empty_dict(), stop = setmetatable({ 1 }, empty) })
      vim = { NIL = io.stdout }
      print(json.encode { io.stdout, marker })
    ]]
    assert.equal('{"a":[null],"content":{},"stop":{"1":1}}\n[null,null]\n', output)
  end)

  it("are none of what has only the name of such a library", function()
    assert.equal("[1]\n", child.output [[
      package.loaded.cjson, vim = true, 1
      print(require("anthropic.base.json").encode { 1 })
    ]])
  end)
end)

describe("a table as an array", function()
  it("is one by its first element or its mark", function()
    for _, value in ipairs { { 1 }, { false }, { "a", "b" }, { {} }, json.array {}, json.array { 1 }, json.raw " [1]",
                             json.decode "[]", json.decode "[1]", json.decode_answer "[]" } do
      assert.is_true(json.is_array(value))
    end
  end)

  it("is not one otherwise", function()
    for _, value in ipairs { {}, { a = 1 }, { [2] = 1 }, { [0] = 1 }, json.object {}, json.object { 1 },
                             setmetatable({}, { __index = { 1 } }), setmetatable({ a = 1 }, { __index = { 1 } }),
                             json.decode "{}", json.decode '{"1":1}' } do
      assert.is_false(json.is_array(value))
    end
  end)

  it("may be one by another library's mark", function()
    local output = child.output [[
      package.loaded.cjson = setmetatable({ array_mt = {}, empty_array_mt = {} }, { __index = require "cjson" })
      local cjson, json = package.loaded.cjson, require "anthropic.base.json"
      json.encode(1)
      print(json.is_array(setmetatable({}, cjson.array_mt)), json.is_array(setmetatable({}, cjson.empty_array_mt)),
        json.is_array(setmetatable({ 1 }, cjson.empty_array_mt)),
        json.is_array(setmetatable({ a = 1 }, cjson.empty_array_mt)))
    ]]
    assert.equal("true\ttrue\ttrue\tfalse\n", output)
  end)

  it("is not one if it is raw text of something else", function()
    assert.is_false(json.is_array(json.raw "{}"))
    assert.is_false(json.is_array(json.raw "1"))
  end)
end)
