-- A message as a table: what makes one of an answer, its methods, and how it is sent.

local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local sent = require "spec.support.sent"

local function with(...)
  return message.new { role = "assistant", content = { ... } }
end

describe("an answer", function()
  for _, case in ipairs {
    { "nothing", nil, false },
    { "a string", "message", false },
    { "null", json.null, false },
    { "an empty table", {}, false },
    { "a message that says nothing", { type = "message", id = "x", model = "m" }, false },
    { "a message whose content is a number", { type = "message", content = 5 }, false },
    { "a message with a second block that is a number", { type = "message", content = { {}, 5 } }, false },
    { "a message with a block that is a list", { type = "message", content = { { {} } } }, false },
    { "content alone", { content = {} }, false },
    { "a role alone", { role = "assistant" }, false },
    { "content of the user", { role = "user", content = {} }, false },
    { "a message without content, and with no more than a role", { type = "message", role = "assistant" }, false },
    { "a message without content, but with a stop reason", { type = "message", stop_reason = "refusal" }, true },
    { "a message whose content is a string", { type = "message", content = "x" }, true },
    { "a message whose content is a block", { type = "message", content = { type = "text", text = "x" } }, true },
    { "a message with a block that is a string", { type = "message", content = { "x" } }, true },
    { "something else with content", { type = "completion", role = "user", content = {} }, false },
    { "a message by its type", { type = "message", content = {} }, true },
    { "a message by its role", { role = "assistant", content = {} }, true },
    { "a message by its role, of another type", { type = "other", role = "assistant", content = {} }, true },
    { "a message of the user by its type", { type = "message", role = "user", content = {} }, true },
    { "a message with blocks", { type = "message", content = { {}, { type = "text" } } }, true },
  } do
    it(("is %s a message: %s"):format(case[3] and "indeed" or "not", case[1]), function()
      assert.equal(case[3], message.of_answer(case[2]) ~= nil)
    end)
  end

  -- { what, the answer, the message }
  for _, case in ipairs {
    { "a type and a role", { content = "a", role = "assistant", type = "other" },
      { type = "message", role = "assistant", content = { { type = "text", text = "a" } } } },
    { "a role where it names none", { content = {}, role = 5, type = "message" },
      { type = "message", role = "assistant", content = {} } },
    { "the role that it names", { content = {}, role = "user", type = "message" },
      { type = "message", role = "user", content = {} } },
    { "content where it has none", { stop_reason = "refusal", type = "message" },
      { type = "message", role = "assistant", content = {}, stop_reason = "refusal" } },
    { "counts that are numbers", { content = {}, type = "message", usage = { input_tokens = "3", output_tokens = -1 } },
      { type = "message", role = "assistant", content = {}, usage = { input_tokens = 3 } } },
    { "no usage where that is none", { content = {}, type = "message", usage = 5 },
      { type = "message", role = "assistant", content = {} } },
    { "a reason in the API's words", { content = "a", type = "message", stop_reason = "stop" },
      { type = "message", role = "assistant", content = { { type = "text", text = "a" } }, stop_reason = "end_turn" } },
    { "a reason that fits its calls",
      { content = { { type = "tool_use", id = "t" } }, type = "message", stop_reason = "stop" },
      { type = "message", role = "assistant", content = { { type = "tool_use", id = "t", input = {} } },
        stop_reason = "tool_use" } },
    { "its own reason", { content = "a", type = "message", stop_reason = "later" },
      { type = "message", role = "assistant", content = { { type = "text", text = "a" } }, stop_reason = "later" } },
    { "calls that can be answered", { content = { { type = "tool_use", input = "" } }, type = "message", id = "m" },
      { type = "message", role = "assistant", id = "m",
        content = { { type = "tool_use", id = "call_m_1", input = {} } } } },
  } do
    it("is made a message with " .. case[1], function()
      local made = message.of_answer(case[2])
      assert.equal(case[2], made)
      assert.equal(assert(json.encode(case[3])), json.encode(made))
      assert.is_true(json.is_array(made.content))
    end)
  end
end)

describe("the message of several choices", function()
  it("is the first, with each among its choices", function()
    local first, second = with { type = "text", text = "a" }, with { type = "text", text = "b" }
    local whole = message.of_choices { first, second }
    assert.equal(first, whole)
    assert.equal(2, #whole.choices)
    assert.are_not.equal(first, whole.choices[1])
    assert.equal("a", whole.choices[1]:text())
    assert.equal(first.content, whole.choices[1].content)
    assert.equal(second, whole.choices[2])
    assert.is_nil(whole.choices[1].choices)
  end)

  it("is the one that there is", function()
    local only = with { type = "text", text = "a" }
    assert.equal(only, message.of_choices { only })
    assert.is_nil(only.choices)
  end)
end)

describe("a message", function()
  it("is the table that it is made of", function()
    local fields = { id = "x", content = { { type = "text", text = "a" } } }
    local content = fields.content
    assert.equal(fields, message.new(fields))
    assert.equal(content, fields.content)
    assert.equal("x", fields.id)
  end)

  it("has a list for its content where it is made without", function()
    for _, content in ipairs { false, "x", 5 } do
      assert.equal('{"content":[]}', json.encode(message.new { content = content }))
    end
    assert.equal('{"content":[]}', json.encode(message.new {}))
  end)

  it("is sent as its role and content alone", function()
    local made = message.new {
      id = "x", type = "message", role = "assistant", model = "m", content = { { type = "text", text = "a" } },
      usage = {}, stop_reason = "end_turn", text = "its own",
    }
    made.response, made.raw = { f = print }, {}
    assert.equal('{"content":[{"text":"a","type":"text"}],"role":"assistant"}', sent(made))
  end)

  it("is sent so also where it is a table that was stored, and others as they are", function()
    local content = { { type = "text", text = "a" } }
    assert.equal('{"content":[{"text":"a","type":"text"}],"role":"assistant"}',
      sent { id = "x", type = "message", role = "assistant", content = content, usage = {} })
    assert.equal('{"content":[{"text":"a","type":"text"}],"id":"x","role":"user"}',
      sent { id = "x", role = "user", content = content })
    assert.equal('{"content":"Hi","role":"user"}', sent { role = "user", content = "Hi" })
    assert.equal('"x"', sent "x")
    assert.equal('{"a": 1}', sent(json.raw '{"a": 1}'))
  end)

  it("is encoded whole, but for what is not the answer's", function()
    local fields = json.decode_answer('{"id":"x","type":"message","role":"assistant","model":"m","content":[],'
      .. '"stop_sequence":null,"usage":{"a":null,"input_tokens":1},"new":{"b":[]}}')
    local made = message.new(fields)
    made.response, made.raw, made.choices = { f = print }, { f = print }, { f = print }
    made.parsed, made.parse_error = { f = print }, print
    local whole = '{"content":[],"id":"x","model":"m","new":{"b":[]},"role":"assistant","stop_sequence":null,'
      .. '"type":"message","usage":{"a":null,"input_tokens":1}}'
    assert.equal(whole, json.encode(made))
    assert.equal(whole, json.encode(json.copy(made)))
    assert.equal(whole, json.encode(json.decode(whole)))
    made.stop_sequence = "y"
    assert.truthy(json.encode(made):find('"stop_sequence":"y"', 1, true))
  end)

  it("encodes such fields with all digits, until they are changed", function()
    local text = '{"content":[],"id":"x","raw":12345678901234567890,"response":1e400,"text":0.1234567890123456789}'
    local made = message.new(json.decode_answer(text))
    assert.equal(text, json.encode(made))
    made.extra.response = 5
    assert.equal((text:gsub("1e400", "5")), json.encode(made))
  end)

  it("has fields of the answer in extra that would hide something, and encodes them at their place", function()
    local text = '{"choices":[],"content":[],"extra":{"a":1},"id":"x","parse_error":"e","parsed":5,"raw":"r",'
      .. '"response":{"b":[]},"text":"t","thinking":null,"tool_uses":false}'
    local made = message.new(json.decode_answer(text))
    assert.equal("", made:text())
    assert.equal("", made:thinking())
    assert.same({}, made:tool_uses())
    for _, name in ipairs { "choices", "parse_error", "parsed", "raw", "response" } do
      assert.is_nil(made[name])
      assert.is_not_nil(made.extra[name])
    end
    assert.equal("t", made.extra.text)
    assert.is_false(made.extra.tool_uses)
    assert.equal(1, made.extra.extra.a)
    made.response, made.raw, made.choices = { f = print }, {}, {}
    assert.equal(text, json.encode(made))
    assert.is_nil(message.new({ id = "x" }).extra)
    assert.is_nil(message.new({}).unknown)
  end)

  it("has the fields of the answer at their place, and no others, in a table of its own", function()
    local made = message.new { id = "x", content = {}, text = "t", raw = "r" }
    made.response, made.raw, made.choices, made.parsed, made.parse_error = {}, {}, {}, {}, "e"
    local fields = message.fields_of(made)
    assert.same({ id = "x", content = {}, text = "t", raw = "r" }, fields)
    assert.is_nil(getmetatable(fields))
    fields.id = "y"
    assert.equal("x", made.id)
    assert.same({ content = {} }, message.fields_of(message.new {}))
  end)

  it("can be had as a request takes it", function()
    local made = with({ type = "text", text = "" }, { type = "text", text = "a" })
    assert.equal('{"content":[{"text":"a","type":"text"}],"role":"assistant"}', json.encode(made:to_param()))
    assert.is_nil(with({ type = "text", text = "" }):to_param())
  end)

  it("cannot be had so where a block is missing among its content, which says so", function()
    local made = with({ type = "text", text = "a" }, { type = "text", text = "b" })
    made.content[1] = nil
    local turn, err = made:to_param()
    assert.is_nil(turn)
    assert.same({ "invalid_request", "content[1]: missing" }, { err.kind, err.message })
    assert.is_nil(select(2, with({ type = "text", text = "" }):to_param()))
  end)

  it("has methods that read on behind a missing block", function()
    for hole = 1, 3 do
      local made = with({ type = "text", text = "a" }, { type = "thinking", thinking = "b" },
        { type = "text", text = "c" }, { type = "tool_use", id = "t" })
      made.content[hole] = nil
      assert.equal(({ "c", "ac", "a" })[hole], made:text())
      assert.equal(hole == 2 and "" or "b", made:thinking())
      assert.equal("t", made:tool_uses()[1].id)
    end
  end)

  it("is made of a message that is one as it is", function()
    local made = with { type = "text", text = "a" }
    made.response = { status = 200 }
    assert.equal(made, message.new(made))
    assert.equal(200, message.new(json.copy(made)).response.status)
  end)
end)

describe("a message's text and thinking", function()
  for kind, other in pairs { text = "thinking", thinking = "text" } do
    local function block(text)
      return { type = kind, [kind] = text }
    end

    it("are empty strings where there are none: " .. kind, function()
      for _, made in ipairs {
        with(), with({ type = other, [other] = "a" }), with({ type = kind }), with(block(5)), with({ [kind] = "a" }),
        with({ type = other, [other] = "a", [kind] = "b" }), with({}),
      } do
        assert.equal("", made[kind](made))
      end
    end)

    it("are the blocks joined without a separator: " .. kind, function()
      for _, case in ipairs {
        { "a", with(block "a") },
        { "", with(block "") },
        { "ab", with(block "a", block "b") },
        { "abc", with(block "a", { type = other, [other] = "x" }, block "b", block(5), block "", block "c") },
      } do
        assert.equal(case[1], case[2][kind](case[2]))
      end
    end)
  end

  it("are what the blocks say now", function()
    local made = with { type = "text", text = "a" }
    assert.equal("a", made:text())
    made.content[1].text = "b"
    assert.equal("b", made:text())
  end)
end)

describe("a message's tool uses", function()
  it("are none where there are none", function()
    assert.same({}, with():tool_uses())
    assert.same({}, with({ type = "text" }, { type = "server_tool_use" }, { type = "mcp_tool_use" }, {}):tool_uses())
  end)

  it("are the blocks themselves, in order, but for the server's own", function()
    local first, second = { type = "tool_use", id = "a" }, { type = "tool_use", id = "b" }
    local uses = with({ type = "text" }, first, { type = "server_tool_use" }, second):tool_uses()
    assert.equal(2, #uses)
    assert.equal(first, uses[1])
    assert.equal(second, uses[2])
  end)

  it("are those behind the last fallback", function()
    local call, fallback = { type = "tool_use", id = "b" }, { type = "fallback" }
    local uses = with({ type = "tool_use", id = "a" }, fallback, { type = "text" }, call):tool_uses()
    assert.equal(1, #uses)
    assert.equal(call, uses[1])
    assert.same({}, with(call, fallback, { type = "text" }):tool_uses())
  end)

  it("are a list of the caller's own", function()
    local made = with { type = "tool_use" }
    made:tool_uses()[1] = nil
    assert.equal(1, #made:tool_uses())
  end)
end)
