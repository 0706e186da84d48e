local budgets = require "anthropic.message.budget"
local deltas = require "anthropic.message.deltas"
local heard_text = require "anthropic.message.heard_text"
local json = require "anthropic.base.json"
local native_block = require "anthropic.message.native_block"

local function row_of(name)
  for _, row in ipairs(deltas.ROWS) do
    if row.type == name then
      return row
    end
  end
end

local TEXT, SIGNATURE, INPUT = row_of "text_delta", row_of "signature_delta", row_of "input_json_delta"

describe("a block", function()
  it("is told with its type, a call with its ID and name", function()
    for _, content in ipairs {
      { type = "text" }, { type = "later" }, { type = "tool_use", id = "t", name = "f" },
      { type = "server_tool_use", id = "t", name = "f" },
    } do
      assert.is_true(native_block.is_told(content))
    end
    for _, content in ipairs {
      {}, { text = "a" }, { type = "tool_use" }, { type = "tool_use", id = "t" }, { type = "tool_use", name = "f" },
      { type = "tool_use", id = "", name = "f" }, { type = "mcp_tool_use", id = "t", name = json.null },
    } do
      assert.is_false(native_block.is_told(content))
    end
  end)

  it("has the content that waits, and later the one that has begun", function()
    local waits, begun = { text = "a" }, { text = "b" }
    assert.equal(waits, native_block.content_of { pending = { content_block = waits }, content = begun })
    assert.equal(begun, native_block.content_of { content = begun })
  end)

  it("can be meant by what says nothing else of type, ID and name", function()
    local block = { given_id = "t", content = { type = "tool_use", id = "t", name = "f" } }
    for _, content in ipairs {
      {}, { id = "t" }, { name = "f", type = "tool_use" }, { id = "", name = json.null }, { text = "x" },
    } do
      assert.is_true(native_block.is_same(block, content))
    end
    for _, content in ipairs { { id = "u" }, { name = "g" }, { type = "text" } } do
      assert.is_false(native_block.is_same(block, content))
    end
    assert.is_true(native_block.is_same({ pending = { content_block = {} } }, { type = "text", id = "t", name = "f" }))
  end)

  it("whose ID was made up can be meant by any, where the input beside it is the one that came", function()
    local block = { content = { type = "tool_use", id = "call_1", name = "f", input = json.object {} } }
    assert.is_true(native_block.is_same(block, { id = "t" }))
    assert.is_true(native_block.is_same(block, { id = "t", input = { a = 1 } }))
    block.heard = heard_text.new(budgets.new())
    block.heard:add '{ "a": 1 }'
    for _, input in ipairs { json.object {}, { a = 1 }, '{"a":1}', '{ "a": 1 }' } do
      assert.is_true(native_block.is_same(block, { id = "t", input = input }))
    end
    for _, input in ipairs { { a = 2 }, { 1 }, '{"a":', "5" } do
      assert.is_false(native_block.is_same(block, { id = "t", input = input }))
    end
    assert.is_true(native_block.is_same(block, { input = { a = 2 } }))
    block.heard:add(("x"):rep(70000))
    assert.is_false(native_block.is_same(block, { id = "t", input = { a = 1 } }))
  end)

  describe("of which more is said", function()
    local function rest_of(row, begun, said, brought)
      return native_block.rest_of({ content = { [row.grows] = begun }, brought = brought or {} }, row,
        { [row.grows] = said })
    end

    it("lacks what its text has not", function()
      assert.equal("abc", rest_of(TEXT, "", "abc"))
      assert.equal("abc", rest_of(TEXT, nil, "abc"))
      assert.equal("bc", rest_of(TEXT, "a", "abc"))
      assert.equal("abc", rest_of(TEXT, "b", "abc"))
      assert.is_nil(rest_of(TEXT, "abc", "abc"))
    end)

    it("lacks nothing where nothing is said, or deltas brought it", function()
      for _, said in pairs { "", json.null, 5, { "a" } } do
        assert.is_nil(rest_of(TEXT, "", said))
      end
      assert.is_nil(rest_of(TEXT, "", nil))
      assert.is_nil(rest_of(TEXT, "", "abc", { text_delta = true }))
      assert.equal("abc", rest_of(TEXT, "", "abc", { signature_delta = true }))
    end)

    it("lacks all of a signature, which does not grow", function()
      assert.equal("abc", rest_of(SIGNATURE, "a", "abc"))
      assert.is_nil(rest_of(SIGNATURE, "abc", "abc"))
    end)

    it("lacks an input that it has nothing of", function()
      assert.equal('{"a":1}', rest_of(INPUT, json.object {}, { a = 1 }))
      assert.equal('{"a":1}', rest_of(INPUT, nil, { a = 1 }))
      assert.equal('{"a":', rest_of(INPUT, json.object {}, '{"a":'))
      assert.is_nil(rest_of(INPUT, { b = 2 }, { a = 1 }))
      assert.is_nil(rest_of(INPUT, {}, {}))
    end)
  end)
end)
