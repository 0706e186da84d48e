-- What core.json_encode returns of a request with long strings: a list of strings that make the text.

local encoder = require "spec.support.encoder"
local exhaustion = require "spec.support.exhaustion"

local encode, encode_request, of = encoder.encode, encoder.encode_request, encoder.of

local LONG = 256 * 1024

-- Whether the list holds the very string: a copy of a long one is another object.
local function holds(list, text)
  for _, segment in ipairs(list) do
    if ("%p"):format(segment) == ("%p"):format(text) then
      return true
    end
  end
  return false
end

describe("a long string of a request", function()
  it("is a segment of its own from 256 KiB on, the text around it is another", function()
    local text = ("x"):rep(LONG)
    assert.same({ '{"a":1,"b":"', text, '","c":[true]}' }, encode_request { a = 1, b = text, c = { true } })
    assert.equal("string", type(encode_request { b = text:sub(2) }))
    assert.same({ '"', text, '"' }, encode_request(text))
  end)

  it("is not copied", function()
    local text = ("x"):rep(LONG)
    if not pcall(string.format, "%p", "x") then
      pending "this Lua does not tell where a string is"
    end
    assert.is_true(holds(encode_request { text }, text))
  end)

  it("makes the text that it makes otherwise, wherever it stands", function()
    local one, two = ("a"):rep(LONG), ("b"):rep(LONG + 1)
    for _, value in ipairs {
      { one, two },
      { one, one },
      { [1] = { text = two, type = "text" }, [2] = "short", [3] = one },
      { deep = { { { one } } }, name = "\n" },
      { input = { data = one }, type = "tool_use" },
      of(encoder.OBJECT, { one }),
    } do
      local list = encode_request(value)
      assert.equal("table", type(list))
      assert.equal(encode(value), table.concat(list))
      for _, segment in ipairs(list) do
        assert.equal("string", type(segment))
      end
    end
  end)

  it("is copied where something in it is escaped, or is not ASCII", function()
    for _, odd in ipairs { "\n", '"', "\\", "\0", "\127\1", "\195\164", "\226\128\168" } do
      for _, text in ipairs { odd .. ("x"):rep(LONG), ("x"):rep(LONG) .. odd, ("x"):rep(LONG) .. odd .. "y" } do
        assert.equal(encode { text }, encode_request { text })
      end
    end
  end)

  it("is copied as a name, as raw JSON, and in what is no request", function()
    local text = ("x"):rep(LONG)
    assert.equal('{"' .. text .. '":1}', encode_request { [text] = 1 })
    assert.equal('"' .. text .. '"', encode_request(of(encoder.RAW, { '"' .. text .. '"' })))
    assert.equal('"' .. text .. '"', encode(text))
  end)

  it("does not hide what has no JSON form behind it", function()
    local text, message = encode_request { ("x"):rep(LONG), { a = print } }
    assert.is_nil(text)
    assert.equal("[2].a: a function has no JSON form", message)
  end)

  it("may come thousands of times", function()
    local text, all = ("x"):rep(LONG), {}
    for i = 1, 2000 do
      all[i] = text
    end
    local list = encode_request(all)
    assert.equal(4001, #list)
    assert.equal('["', list[1])
    assert.equal('","', list[3999])
    assert.equal('"]', list[4001])
  end)
end)

describe("where memory runs out, a request with a long string", function()
  it("raises, and holds nothing", function()
    if not exhaustion.is_possible "core" then
      pending "of this system has memory at all times"
    end
    local value = { "a", ("x"):rep(LONG), "b" }
    local expected = encode(value)
    assert.is_true(exhaustion.survive(function()
      return table.concat(encode_request(value)) == expected
    end) > 1)
  end)
end)
