-- What a table's metatable says of its JSON.

local encoder = require "spec.support.encoder"

local ARRAY, EMPTY_ARRAY, OBJECT = encoder.ARRAY, encoder.EMPTY_ARRAY, encoder.OBJECT
local RAW, STRANGE, WRONG = encoder.RAW, encoder.STRANGE, encoder.WRONG
local encode, fails, of = encoder.encode, encoder.fails, encoder.of

describe("a kind of the metatable", function()
  it("makes an array, empty or not", function()
    assert.equal("[]", encode(of(ARRAY, {})))
    assert.equal("[1,2]", encode(of(ARRAY, { 1, 2 })))
    fails("value: an array has names as keys", of(ARRAY, { a = 1 }))
    fails("value: an array has names as keys", of(ARRAY, { 1, a = 1 }))
    fails("value: a key is a boolean that cannot be a name", of(ARRAY, { [false] = 1 }))
    fails("value: an array with holes; fill them with anthropic.null, or make it an object with anthropic.object()",
      of(ARRAY, { 1, nil, 3 }))
  end)

  it("is refused where a name says something else, and its keys too", function()
    local given = { fields = { map = "object" } }
    fails("map: an array has names as keys", { map = of(ARRAY, { x = 1 }) }, given)
    fails("map: an array has names as keys", { map = of(ARRAY, { 1, x = 1 }) }, given)
    fails("map: an array with holes; fill them with anthropic.null, or make it an object with anthropic.object()",
      { map = of(ARRAY, { [3] = 1 }) }, given)
    assert.equal('{"map":[1,2]}', encode({ map = of(ARRAY, { 1, 2 }) }, given))
    assert.equal('{"map":[]}', encode({ map = of(ARRAY, {}) }, given))
    assert.equal('{"map":[]}', encode({ map = of(EMPTY_ARRAY, {}) }, given))
    assert.equal('{"map":{"1":5}}', encode({ map = of(EMPTY_ARRAY, { 5 }) }, given))
    assert.equal('{"map":{"1":5}}', encode({ map = of(OBJECT, { 5 }) }, given))
  end)

  it("makes an array of an empty table only", function()
    assert.equal("[]", encode(of(EMPTY_ARRAY, {})))
    assert.equal("[1]", encode(of(EMPTY_ARRAY, { 1 })))
    assert.equal('{"a":1}', encode(of(EMPTY_ARRAY, { a = 1 })))
    fails("value: both names and numbers as keys; anthropic.object() makes all of them names",
      of(EMPTY_ARRAY, { 1, a = 1 }))
  end)

  it("makes an object, also of numbers", function()
    assert.equal("{}", encode(of(OBJECT, {})))
    assert.equal('{"-5":1,"1":2,"10":3,"a":4}', encode(of(OBJECT, { [-5] = 1, 2, [10] = 3, a = 4 })))
    fails("value: a key is a boolean that cannot be a name", of(OBJECT, { [true] = 1 }))
    fails("value: 10 is a key both as a number and as a string", of(OBJECT, { [10] = 1, ["10"] = 2 }))
    fails("x: -1 is a key both as a number and as a string", { x = of(OBJECT, { [-1] = 1, ["-1"] = 2, a = 3 }) })
  end)

  it("puts raw text in as it is", function()
    assert.equal(" any\0thing ", encode(of(RAW, { " any\0thing " })))
    assert.equal('{"a":[1, 2],"b":3}', encode { a = of(RAW, { "[1, 2]" }), b = 3 })
    for _, gone in ipairs { {}, { 5 }, { false }, { a = "x" } } do
      fails("[1]: the raw JSON is gone", { of(RAW, gone) })
    end
  end)

  it("says nothing where it is another word or no word", function()
    for _, metatable in ipairs { STRANGE, WRONG } do
      assert.equal("{}", encode(of(metatable, {})))
      assert.equal("[1]", encode(of(metatable, { 1 })))
      assert.equal('{"a":1}', encode(of(metatable, { a = 1 })))
    end
    assert.equal('{"x":[]}', encode({ x = of({}, {}) }, { fields = { x = "array" } }))
  end)
end)

describe("a metatable with __unencoded", function()
  local ours = { __unencoded = { response = true, text = true, a = false } }

  it("names what is left out", function()
    assert.equal('{"id":1,"texts":2}', encode(of(ours, { id = 1, texts = 2, text = 3, response = print, a = 4 })))
    assert.equal("{}", encode(of(ours, { text = 1 })))
    assert.equal('{"x":[{"id":false}]}', encode { x = { of(ours, { id = false, response = {} }) } })
    assert.equal('{"response":{"text":1}}', encode { response = { text = 1 } })
  end)

  it("makes an object of the table", function()
    assert.equal('{"1":1}', encode(of(ours, { 1 })))
    assert.equal('{"x":{}}', encode({ x = of(ours, {}) }, { fields = { x = "array" } }))
    fails("value: a key is a boolean that cannot be a name", of(ours, { [true] = 1 }))
  end)

  it("says nothing where the metatable has a kind", function()
    local metatable = { __unencoded = { a = true } }
    assert.equal('{"a":1}', encode(of(metatable, { a = 1 }), { kinds = { [metatable] = "object" } }))
  end)
end)

describe("a metatable with __merged", function()
  local merging = { __merged = "extra", __unencoded = { extra = true, text = true } }

  it("names a member whose members stand beside the table's", function()
    assert.equal('{"b":1,"text":2,"z":[3]}',
      encode(of(merging, { b = 1, text = print, extra = { text = 2, z = { 3 } } })))
    assert.equal('{"extra":5}', encode(of(merging, { extra = { extra = 5 } })))
    assert.equal('{"b":1}', encode(of(merging, { b = 1, extra = {} })))
    assert.equal('{"list":[]}', encode(of(merging, { extra = { list = {} } }), { fields = { list = "array" } }))
    assert.equal('{"a":1,"b":2,"extra":{"b":2}}',
      encode(of({ __merged = "extra" }, { a = 1, extra = { b = 2 } })))
  end)

  it("says nothing where there is no such table", function()
    for _, extra in ipairs { "x", 5, false } do
      assert.equal('{"b":1}', encode(of(merging, { b = 1, extra = extra })))
    end
    assert.equal("[1]", encode(of({ __merged = "extra" }, { 1 })))
    assert.equal("[1]", encode(of({ __merged = true }, { 1 })))
  end)

  it("refuses a name that stands twice", function()
    fails("x: b is a key both of the table and of what stands beside it",
      { x = of(merging, { a = 0, b = 1, extra = { b = 2, c = 3 } }) })
    -- whatever comes after the two
    fails("value: 10 is a key both as a number and as a string",
      of(merging, { [10] = 1, ["10"] = 2, extra = { ["11"] = 3 } }))
  end)

  it("leaves the place of what cannot be encoded", function()
    fails("x.text[1]: a function has no JSON form", { x = of(merging, { extra = { text = { print } } }) })
  end)

  it("has names that are null where they stand in neither", function()
    local metatable = { __merged = "extra", __unencoded = merging.__unencoded,
      __nulls = { text = true, extra = true, a = true, b = true } }
    assert.equal('{"a":null,"b":1,"extra":null,"text":null}', encode(of(metatable, { b = 1, text = 2, extra = {} })))
    assert.equal('{"a":2,"b":null,"extra":null,"text":1}', encode(of(metatable, { extra = { text = 1, a = 2 } })))
  end)
end)

describe("a metatable with __nulls", function()
  local nulls = { __nulls = { a = true, b = true, [5] = true } }

  it("names what is null unless the table has it", function()
    assert.equal('{"a":null,"b":null}', encode(of(nulls, {})))
    assert.equal('{"a":1,"b":null,"c":2}', encode(of(nulls, { a = 1, c = 2 })))
    assert.equal('{"a":false,"b":0}', encode(of(nulls, { a = false, b = 0 })))
  end)

  it("makes an object of the table", function()
    assert.equal('{"1":1,"a":null,"b":null}', encode(of(nulls, { 1 })))
    assert.equal("{}", encode(of({ __nulls = {} }, {})))
    assert.equal('{"x":{}}', encode({ x = of({ __nulls = {} }, {}) }, { fields = { x = "array" } }))
  end)

  it("says nothing where it is no table", function()
    assert.equal("[1]", encode(of({ __nulls = true }, { 1 })))
    assert.equal('{"x":[]}', encode({ x = of({ __nulls = true }, {}) }, { fields = { x = "array" } }))
  end)
end)
