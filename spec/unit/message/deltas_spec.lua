-- What a delta brings, whatever dress it comes in.

local deltas = require "anthropic.message.deltas"
local json = require "anthropic.base.json"

-- What is brought, each as the API would send it.
local function brought(delta)
  local list, problem = deltas.read(delta)
  if not list then
    return nil, problem
  end
  local shown = {}
  for i, one in ipairs(list) do
    shown[i] = deltas.made(one.row, one.value)
  end
  return shown
end

local function text(value)
  return { type = "text_delta", text = value }
end

local function thinking(value)
  return { type = "thinking_delta", thinking = value }
end

local function input(value)
  return { type = "input_json_delta", partial_json = value }
end

local function signature(value)
  return { type = "signature_delta", signature = value }
end

local function citation(value)
  return { type = "citations_delta", citation = value }
end

-- { what, the delta, what it brings }
local READ = {
  { "text", text "a", { text "a" } },
  { "thinking", thinking "a", { thinking "a" } },
  { "a piece of an input", input "{", { input "{" } },
  { "a signature", signature "s", { signature "s" } },
  { "a citation", citation { a = 1 }, { citation { a = 1 } } },
  { "an empty text", text "", { text "" } },
  { "an empty piece of an input", input "", { input "" } },

  { "no type, text", { text = "a" }, { text "a" } },
  { "no type, thinking", { thinking = "a" }, { thinking "a" } },
  { "no type, a piece of an input", { partial_json = "{" }, { input "{" } },
  { "no type, a signature", { signature = "s" }, { signature "s" } },
  { "no type, a citation", { citation = { a = 1 } }, { citation { a = 1 } } },
  { "an empty type", { type = "", text = "a" }, { text "a" } },
  { "a type that is a number", { type = 5, text = "a" }, { text "a" } },
  { "a type without its ending", { type = "text", text = "a" }, { text "a" } },
  { "a type of thinking without its ending", { type = "thinking", thinking = "a" }, { thinking "a" } },
  { "a type of an input without its ending", { type = "input_json", partial_json = "{" }, { input "{" } },

  { "text as content", { type = "text_delta", content = "a" }, { text "a" } },
  { "text as content, beside an empty one", { type = "text_delta", text = "", content = "a" }, { text "a" } },
  { "thinking as text", { type = "thinking_delta", text = "a" }, { thinking "a" } },
  { "thinking as content", { type = "thinking_delta", content = "a" }, { thinking "a" } },
  { "an input under another name", { type = "input_json_delta", arguments = "{" }, { input "{" } },
  { "an input as an object", { type = "input_json_delta", partial_json = { a = 1 } }, { input '{"a":1}' } },
  { "an input under another name", { type = "input_json_delta", input = { a = 1 } }, { input '{"a":1}' } },
  { "an input that is empty", { type = "input_json_delta", input = json.object {} }, { input "{}" } },
  { "an input that is a number", { partial_json = 5 }, { input "5" } },
  { "text that is a number", text(5), { text "5" } },
  { "text that is a list", text { "a", { text = "b" } }, { text "ab" } },
  { "thinking that is a part", thinking { { type = "text", text = "a" } }, { thinking "a" } },
  { "a signature that is a number", signature(5), { signature "5" } },
  { "text that is an empty list", text {}, { text "" } },
  { "text that is false", text(false), { text "" } },

  { "nothing", {}, {} },
  { "a type alone", { type = "text_delta" }, {} },
  { "text that is null", text(json.null), {} },
  { "no type, text that is null", { text = json.null }, {} },
  { "a type, and members that say nothing", { type = "input_json_delta", index = false, foo = "" }, {} },

  { "text and a signature", { type = "text_delta", text = "a", signature = "s" }, { text "a", signature "s" } },
  { "thinking and its signature", { type = "thinking_delta", thinking = "a", signature = "s" },
    { thinking "a", signature "s" } },
  { "a signature and its thinking", { type = "signature_delta", thinking = "a", signature = "s" },
    { signature "s", thinking "a" } },
  { "all of it, without a type", { partial_json = "{", citation = 1, text = "a", signature = "s", thinking = "b" },
    { thinking "b", signature "s", text "a", citation(1), input "{" } },
  { "the type of one, the member of another", { type = "text_delta", thinking = "a" }, { thinking "a" } },
  { "the type of an input, and text", { type = "input_json_delta", text = "a" }, { text "a" } },
}

-- { what, the delta, why it cannot be read, or nil where its type is unknown }
local UNREAD = {
  { "a type of a later API", { type = "hologram_delta", text = "a" }, nil },
  { "no type and nothing known", { layers = 1 }, nil },
  { "text that is true", text(true), "text_delta: text is a boolean" },
  { "text that is an object without any", text { layers = 1 }, "text_delta: text is a table" },
  { "thinking that is true", { thinking = true }, "thinking_delta: thinking is a boolean" },
  { "a signature that is true", signature(true), "signature_delta: signature is a boolean" },
  { "content that is true", { type = "text_delta", content = true }, "text_delta: content is a boolean" },
  { "one of two", { text = "a", thinking = true }, "thinking_delta: thinking is a boolean" },
  { "the other of two", { thinking = "a", text = true }, "text_delta: text is a boolean" },
  { "text elsewhere", { type = "text_delta", words = "a" }, "text_delta: text is missing" },
  { "an input elsewhere", { type = "input_json_delta", json = "{}" }, "input_json_delta: partial_json is missing" },
}

describe("a delta", function()
  for _, case in ipairs(READ) do
    it("is read: " .. case[1], function()
      assert.same(case[3], brought(case[2]))
    end)
  end

  for _, case in ipairs(UNREAD) do
    it("is not read: " .. case[1], function()
      local list, problem = deltas.read(case[2])
      assert.is_nil(list)
      assert.equal(case[3], problem)
    end)
  end

  it("stays as it was", function()
    local delta = { type = "thinking_delta", text = { "a" }, signature = "s" }
    deltas.read(delta)
    assert.same({ type = "thinking_delta", text = { "a" }, signature = "s" }, delta)
  end)

  it("is told from one that the API would not send so", function()
    local row = deltas.OF_TYPE.text_delta
    assert.is_true(deltas.is_made(text "a", row, "a"))
    assert.is_true(deltas.is_made({ type = "text_delta", text = "a", extra = 1 }, row, "a"))
    for _, delta in ipairs {
      text "b", { text = "a" }, { type = "text", text = "a" }, { type = "text_delta", content = "a" }, "a", 5,
    } do
      assert.is_false(deltas.is_made(delta, row, "a"))
    end
    assert.is_false(deltas.is_made(nil, row, "a"))
  end)

  it("is made of a mere text for the block that it is of", function()
    for kind, made in pairs {
      text = text "a", thinking = thinking "a", tool_use = input "a", server_tool_use = input "a",
      redacted_thinking = text "a", hologram = text "a",
    } do
      assert.same(made, deltas.of_text("a", kind))
    end
    assert.same(text "a", deltas.of_text("a", nil))
  end)
end)

describe("a block", function()
  for _, case in ipairs {
    -- type, and whether it takes text, thinking, pieces of an input
    { "text", true, false, false },
    { "thinking", false, true, false },
    { "redacted_thinking", false, false, false },
    { "tool_use", false, false, true },
    { "server_tool_use", false, false, true },
    { "mcp_tool_use", false, false, true },
    { "hologram", false, false, true },
    { nil, true, true, true },
  } do
    it("takes deltas of its kind: " .. tostring(case[1]), function()
      assert.same({ case[2], case[3], case[4] }, {
        deltas.suits(case[1], "text"), deltas.suits(case[1], "thinking"), deltas.suits(case[1], "tool_use"),
      })
    end)
  end

  it("of a kind begins empty", function()
    assert.equal('{"text":"","type":"text"}', json.encode(deltas.empty_block "text"))
    assert.equal('{"thinking":"","type":"thinking"}', json.encode(deltas.empty_block "thinking"))
    assert.equal('{"input":{},"type":"tool_use"}', json.encode(deltas.empty_block "tool_use"))
  end)
end)

describe("the rows of deltas", function()
  it("say what grows, and what a block is there for", function()
    local shown = {}
    for i, row in ipairs(deltas.ROWS) do
      shown[i] = ("%s %s %s %s"):format(row.type, row.kind, tostring(row.grows), tostring(row.is_content))
    end
    assert.same({
      "thinking_delta thinking thinking true", "signature_delta thinking signature nil", "text_delta text text true",
      "citations_delta text nil nil", "input_json_delta tool_use input true",
    }, shown)
  end)
end)
