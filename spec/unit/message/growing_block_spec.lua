-- A block alone. What blocks make of a message is accumulator_spec.lua's.

local budgets = require "anthropic.message.budget"
local growing_block = require "anthropic.message.growing_block"
local json = require "anthropic.base.json"

local function begin(block, bytes)
  return growing_block.new(block, budgets.new(bytes))
end

describe("a growing block", function()
  it("is what its start brought, and then what its deltas add", function()
    local entry = begin { type = "text", text = "Hel" }
    assert.same({ type = "text", text = "Hel" }, entry:copy())
    assert.is_true(entry:add { type = "text_delta", text = "lo" })
    local before = entry:copy()
    assert.is_true(entry:add { type = "text_delta", text = "!" })
    assert.is_true(entry:add { type = "citations_delta", citation = { url = "u" } })
    assert.same({ type = "text", text = "Hello" }, before)
    entry:close()
    assert.equal('{"citations":[{"url":"u"}],"text":"Hello!","type":"text"}', json.encode(entry.block))
  end)

  it("has a list of citations, whatever its start brought, so that it can be sent", function()
    for _, case in ipairs {
      { json.array {}, '[{"url":"u"}]' }, { json.object {}, '[{"url":"u"}]' }, { json.null, '[{"url":"u"}]' },
      { "", '[{"url":"u"}]' }, { { { url = "a" } }, '[{"url":"a"},{"url":"u"}]' },
      { { url = "a" }, '[{"url":"a"},{"url":"u"}]' }, { "a", '[{"url":"u"}]' },
    } do
      local entry = begin { type = "text", text = "", citations = case[1] }
      entry:add { type = "citations_delta", citation = { url = "u" } }
      assert.equal(case[2], json.encode(entry:copy().citations))
      entry:close()
      assert.equal(case[2], json.encode(entry.block.citations))
    end
  end)

  it("says which deltas are malformed, and which have no place in it", function()
    local entry = begin { type = "thinking", thinking = "" }
    assert.is_false(entry:add { type = "thinking_delta" })
    assert.is_false(entry:add { type = "signature_delta", signature = 1 })
    assert.is_false(entry:add { type = "input_json_delta" })
    assert.is_nil(entry:add { type = "later_delta", words = "x" })
    assert.is_true(begin({ type = "later" }):add { type = "later_delta", words = "x" })
  end)

  it("takes of its budget what it holds", function()
    local entry = begin({ type = "text", text = "" }, 5000)
    for _ = 1, 3 do
      entry:add { type = "text_delta", text = ("x"):rep(1000) }
    end
    assert.is_false(entry.budget:is_exceeded())
    entry:add { type = "text_delta", text = ("x"):rep(1000) }
    assert.is_true(entry.budget:is_exceeded())
  end)

  it("reads its input at its end, and again where it went on", function()
    local entry = begin { type = "tool_use", input = {} }
    entry:add { type = "input_json_delta", partial_json = '{"a":1' }
    assert.equal('{"a":1', entry:copy().input_json)
    entry:close()
    assert.is_string(entry.block.input_error)
    entry:add { type = "input_json_delta", partial_json = "}" }
    entry:close()
    assert.same({ a = 1 }, entry.block.input)
    assert.is_nil(entry.block.input_error)
  end)

  it("has an input once where a server writes an empty object before it, or all of it again", function()
    for _, case in ipairs {
      { '{"a":1}', "{}", '{"a":1}' }, { '{"a":1}', " { } ", '{"a"', ":1}" }, { '{"a":1}', '{"a":1}', '{"a": 1}' },
      { '{"a":1}', "{}", '{"a":1}', '{"a":1}' }, { '{"a":null}', '{"a":null}', '{"a":null}' }, { "{}", "{}", "{}" },
    } do
      local entry = begin { type = "tool_use", input = json.object {} }
      for i = 2, #case do
        entry:add { type = "input_json_delta", partial_json = case[i] }
      end
      entry:close()
      assert.equal(case[1], json.encode(entry.block.input))
      assert.is_nil(entry.block.input_error)
      assert.is_nil(entry.block.input_json)
    end
    for _, broken in ipairs { '{"a":1}{"a":2}', '{"a":1}{}', '{}{"a"', "{}x", '{}"x"', ("{}"):rep(9) } do
      local entry = begin { type = "tool_use", input = json.object {} }
      entry:add { type = "input_json_delta", partial_json = broken }
      entry:close()
      assert.equal(broken, entry.block.input_json)
      assert.is_nil(entry.block.input)
    end
  end)

  it("stays broken where its start brought what is, and its pieces say nothing", function()
    for _, piece in ipairs { "", "{}", "null" } do
      local entry = begin { type = "tool_use", input_json = '{"a"', input_error = "broken" }
      entry:add { type = "input_json_delta", partial_json = piece }
      entry:close()
      assert.same({ nil, '{"a"', "broken" }, { entry.block.input, entry.block.input_json, entry.block.input_error })
    end
    local entry = begin { type = "tool_use", input_json = '{"a"', input_error = "broken" }
    entry:add { type = "input_json_delta", partial_json = '{"a":1}' }
    entry:close()
    assert.same({ type = "tool_use", input = { a = 1 } }, entry.block)
  end)

  it("is filled up by a start that is repeated", function()
    local entry = begin { type = "tool_use", id = "", input = {} }
    entry:begin_again { type = "tool_use", id = "toolu_1", name = "f" }
    entry:begin_again { type = "tool_use", id = "other" }
    assert.equal("toolu_1", entry.block.id)
    assert.equal("f", entry.block.name)
  end)

  it("has the pieces of a text once a delta has begun it", function()
    local entry = begin { type = "text", text = "" }
    assert.is_nil(entry:pieces_of "text_delta")
    entry:add { type = "text_delta", text = "A" }
    assert.equal("A", entry:pieces_of("text_delta")[1])
    assert.is_nil(entry:pieces_of "thinking_delta")
    assert.is_nil(entry:pieces_of "citations_delta")
    entry:close()
    assert.is_nil(entry:pieces_of "text_delta")
  end)

  it("is of the type that its delta belongs to, where its start did not come", function()
    for delta, kind in pairs {
      text_delta = "text", thinking_delta = "thinking", signature_delta = "thinking", input_json_delta = "tool_use",
      citations_delta = "text", later_delta = "later", odd = "odd",
    } do
      assert.equal(kind, growing_block.type_of(delta))
    end
  end)
end)
