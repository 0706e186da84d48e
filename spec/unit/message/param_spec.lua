-- What a request takes of an answer: which blocks, in which form, and for which host.

local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local param = require "anthropic.message.param"

local VENDOR, GATEWAY = "https://api.anthropic.com", "https://gateway.example/v1"

local function encoded(value)
  return value ~= nil and assert(json.encode(value)) or nil
end

-- The content that is sent of an answer's, as JSON; nil where nothing is left.
local function sent(content, fields, base_url)
  local answer = { type = "message", role = "assistant", content = content }
  for name, value in pairs(fields or {}) do
    answer[name] = value
  end
  local turn = param.of_message(message.new(answer), base_url)
  if turn then
    assert.equal("assistant", turn.role)
    assert.is_nil(getmetatable(turn))
    assert.is_nil(next(turn, next(turn, next(turn)))) -- role and content alone
  end
  return turn and encoded(turn.content)
end

-- { what, the content, what of it is sent }
local CONTENTS = {
  { "text", { { type = "text", text = "a" } }, '[{"text":"a","type":"text"}]' },
  { "text with blanks around it", { { type = "text", text = " a\n" } }, '[{"text":" a\\n","type":"text"}]' },
  { "text with citations", { { type = "text", text = "a", citations = { { n = 1 } } } },
    '[{"citations":[{"n":1}],"text":"a","type":"text"}]' },
  { "empty text", { { type = "text", text = "" } }, nil },
  { "blank text", { { type = "text", text = " \t\r\n\v\f" } }, nil },
  { "text that is missing", { { type = "text" } }, nil },
  { "text that is no text", { { type = "text", text = true } }, nil },
  { "text in another form", { { type = "text", text = { { text = "a" } } } }, '[{"text":"a","type":"text"}]' },
  { "empty text among blocks", { { type = "text", text = "" }, { type = "text", text = "a" },
    { type = "text", text = "\n" }, { type = "tool_use", id = "t", name = "f", input = {} } },
    '[{"text":"a","type":"text"},{"id":"t","input":{},"name":"f","type":"tool_use"}]' },

  { "signed thinking", { { type = "thinking", thinking = "a", signature = "s" } },
    '[{"signature":"s","thinking":"a","type":"thinking"}]' },
  { "signed thinking without any", { { type = "thinking", signature = "s" } },
    '[{"signature":"s","thinking":"","type":"thinking"}]' },
  { "signed thinking that is no text", { { type = "thinking", thinking = true, signature = "s" } },
    '[{"signature":"s","thinking":"","type":"thinking"}]' },
  { "unsigned thinking", { { type = "thinking", thinking = "a" } }, '[{"thinking":"a","type":"thinking"}]' },
  { "unsigned thinking with an empty signature", { { type = "thinking", thinking = "a", signature = "" } },
    '[{"signature":"","thinking":"a","type":"thinking"}]' },
  { "empty thinking", { { type = "thinking", thinking = "" } }, nil },
  { "blank thinking", { { type = "thinking", thinking = " \n" } }, nil },
  { "thinking that is missing", { { type = "thinking" } }, nil },
  { "redacted thinking", { { type = "redacted_thinking", data = "x" } },
    '[{"data":"x","type":"redacted_thinking"}]' },
  { "redacted thinking without any", { { type = "redacted_thinking" }, { type = "redacted_thinking", data = "" } },
    nil },

  { "a call", { { type = "tool_use", id = "t", name = "f", input = { b = 1 } } },
    '[{"id":"t","input":{"b":1},"name":"f","type":"tool_use"}]' },
  { "a call of the server's", { { type = "server_tool_use", id = "t", name = "f", input = { b = 1 } } },
    '[{"id":"t","input":{"b":1},"name":"f","type":"server_tool_use"}]' },
  { "a call of an MCP server's, by the name that it has there",
    { { type = "mcp_tool_use", id = "t", server_name = "s", name = "git/issues.list", input = { b = 1 } } },
    '[{"id":"t","input":{"b":1},"name":"git/issues.list","server_name":"s","type":"mcp_tool_use"}]' },
  { "a call of the caller's by a name that no tool has", { { type = "tool_use", id = "t", name = "a.b", input = {} } },
    '[{"id":"t","input":{},"name":"a_b","type":"tool_use"}]' },
  { "a call without an input", { { type = "tool_use", id = "t", name = "f" } },
    '[{"id":"t","input":{},"name":"f","type":"tool_use"}]' },
  { "an input that is null", { { type = "tool_use", id = "t", input = json.null } },
    '[{"id":"t","input":{},"name":"unnamed","type":"tool_use"}]' },
  { "an input that is an empty text", { { type = "tool_use", id = "t", input = "" } },
    '[{"id":"t","input":{},"name":"unnamed","type":"tool_use"}]' },
  { "an input that is the text of an object", { { type = "tool_use", id = "t", input = '{"b": 1, "a":2}' } },
    '[{"id":"t","input":{"b": 1, "a":2},"name":"unnamed","type":"tool_use"}]' },
  { "an input that is the text of a list", { { type = "tool_use", id = "t", input = "[1]" } },
    '[{"id":"t","input":{},"name":"unnamed","type":"tool_use"}]' },
  { "an input that is any text", { { type = "tool_use", id = "t", input = "Paris" } },
    '[{"id":"t","input":{},"name":"unnamed","type":"tool_use"}]' },
  { "an input that is a list", { { type = "tool_use", id = "t", input = { 1 } } },
    '[{"id":"t","input":{},"name":"unnamed","type":"tool_use"}]' },
  { "an input that is an empty list", { { type = "tool_use", id = "t", input = json.array {} } },
    '[{"id":"t","input":{},"name":"unnamed","type":"tool_use"}]' },
  { "an input that is a number", { { type = "tool_use", id = "t", input = 5 } },
    '[{"id":"t","input":{},"name":"unnamed","type":"tool_use"}]' },
  { "an input that is raw JSON", { { type = "tool_use", id = "t", input = json.raw '{"b": 1}' } },
    '[{"id":"t","input":{"b": 1},"name":"unnamed","type":"tool_use"}]' },
  { "a broken input", { { type = "tool_use", id = "t", input_json = '{"a":', input_error = "why" } },
    '[{"id":"t","input":{},"name":"unnamed","type":"tool_use"}]' },
  { "a call without an ID", { { type = "tool_use", name = "f" } },
    '[{"id":"call_msg_1_1","input":{},"name":"f","type":"tool_use"}]' },
  { "calls of one ID", { { type = "tool_use", id = "t" }, { type = "tool_use", id = "t" }, { type = "tool_use" } },
    '[{"id":"t","input":{},"name":"unnamed","type":"tool_use"}'
      .. ',{"id":"call_msg_1_1","input":{},"name":"unnamed","type":"tool_use"},'
      .. '{"id":"call_msg_1_2","input":{},"name":"unnamed","type":"tool_use"}]' },

  { "a block of a later API", { { type = "hologram", layers = { 1 }, text = "" } },
    '[{"layers":[1],"text":"","type":"hologram"}]' },
  { "a block whose type is told by its members", { { text = "a" } }, '[{"text":"a","type":"text"}]' },
  { "a block without a type", { { layers = 1 }, {} }, nil },
  { "a text among blocks", { "a", "" }, '[{"text":"a","type":"text"}]' },
  { "what is no block", { 5, true, { { type = "text", text = "a" } } }, nil },
  { "no blocks", {}, nil },
  { "no blocks in a list", json.array {}, nil },
}

describe("an answer's content in a request", function()
  for _, case in ipairs(CONTENTS) do
    it("is what the API accepts of " .. case[1], function()
      assert.equal(case[3], (sent(case[2], { id = "msg_1" })))
    end)
  end

  it("may be a text, one block or missing where the answer is a plain table", function()
    assert.equal('{"content":[{"text":"a","type":"text"}],"role":"assistant"}',
      encoded(param.of_message { type = "message", role = "assistant", content = "a" }))
    assert.equal('{"content":[{"text":"a","type":"text"}],"role":"user"}',
      encoded(param.of_message { type = "message", role = "user", content = { type = "text", text = "a" } }))
    for _, content in ipairs { "", json.null, 5, false } do
      assert.is_nil(param.of_message { type = "message", role = "assistant", content = content })
    end
    assert.is_nil(param.of_message { type = "message", role = "assistant" })
  end)

  it("has what is raw as it is", function()
    local text = json.raw '{"type": "text", "text": "b"}'
    local list, empty = json.raw '[{"type": "text"}]', json.raw '""'
    for _, make in ipairs { message.new, function(answer) return answer end } do
      local function content_of(content)
        return encoded(param.of_message(make { type = "message", role = "assistant", content = content }).content)
      end
      assert.equal('[{"text":"a","type":"text"},{"type": "text", "text": "b"}]',
        content_of { { type = "text", text = "a" }, text })
      assert.equal('[[{"type": "text"}]]', content_of { list })
      for _, whole in ipairs { text, list, empty } do
        assert.equal(encoded(whole), content_of(whole))
      end
    end
  end)

  it("always has a role that the API knows", function()
    for _, role in ipairs { "", 5, json.null, false, "model", "Assistant" } do
      assert.equal("assistant", param.of_message({ role = role, content = "a" }).role)
    end
    assert.equal("assistant", param.of_message({ content = "a" }).role)
    assert.equal("user", param.of_message({ role = "user", content = "a" }).role)
  end)

  it("puts nothing into the model's mouth that somebody else said", function()
    for _, role in ipairs { "user", "system", "developer", "tool" } do
      assert.equal(role, param.of_message({ type = "message", role = role, content = "a" }).role)
    end
  end)

  it("is copied, but for inputs, which keep their text", function()
    local answer = json.decode_answer('{"type":"message","role":"assistant","content":['
      .. '{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{"n": 12345678901234567890}}]}')
    local turn = param.of_message(answer)
    assert.are_not.equal(answer.content[1], turn.content[1])
    assert.equal(answer.content[2].input, turn.content[2].input)
    assert.truthy(encoded(turn):find('"input":{"n": 12345678901234567890}', 1, true))
    turn.content[1].text, turn.content[2].name = "b", "g"
    assert.equal("a", answer.content[1].text)
    assert.equal("f", answer.content[2].name)
  end)

  it("leaves the answer as it was", function()
    local content = {
      { type = "text", text = "" }, { type = "thinking", signature = "s" },
      { type = "tool_use", input_json = "{", input_error = "why" },
    }
    local answer = { id = "m", role = "assistant", content = content }
    param.of_message(answer)
    assert.same({ id = "m", role = "assistant", content = {
      { type = "text", text = "" }, { type = "thinking", signature = "s" },
      { type = "tool_use", input_json = "{", input_error = "why" },
    } }, answer)
  end)

  it("is the same of what is sent", function()
    for _, case in ipairs(CONTENTS) do
      if case[3] then
        local turn = json.decode_answer('{"role":"assistant","content":' .. case[3] .. "}")
        assert.equal(case[3], encoded(param.of_message(turn).content))
      end
    end
  end)
end)

describe("thinking without a signature", function()
  -- { who sent it, who is asked, whether it is sent }
  local HOSTS = {
    { nil, nil, true },
    { nil, GATEWAY, true },
    { nil, VENDOR, false },
    { GATEWAY, nil, true },
    { GATEWAY, GATEWAY, true },
    { GATEWAY, "https://gateway.example/another/path", true },
    { GATEWAY, "https://other.example/v1", false },
    { GATEWAY, "http://gateway.example/v1", false },
    { GATEWAY, VENDOR, false },
    { VENDOR, nil, false },
    { VENDOR, VENDOR, false },
    { VENDOR, GATEWAY, false },
  }
  for _, case in ipairs(HOSTS) do
    it(("of %s is %s to %s"):format(case[1] or "nobody known", case[3] and "sent" or "not sent",
      case[2] or "whoever it came from"), function()
      local answer = message.new {
        role = "assistant", content = { { type = "thinking", thinking = "a" }, { type = "text", text = "b" } },
      }
      if case[1] then
        param.note_sender(answer, case[1])
      end
      assert.equal(case[3] and 2 or 1, #param.of_message(answer, case[2]).content)
      answer.content[1].signature = "s"
      assert.equal(2, #param.of_message(answer, case[2]).content)
    end)
  end

  it("does not keep the answer that it stands in", function()
    local alive = setmetatable({}, { __mode = "k" })
    do
      local answer = message.new {}
      param.note_sender(answer, GATEWAY)
      alive[answer] = true
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(alive))
  end)
end)

describe("a request's messages", function()
  local function answer(content, fields)
    local made = { id = "msg_1", type = "message", role = "assistant", model = "m", content = content, usage = {} }
    for name, value in pairs(fields or {}) do
      made[name] = value
    end
    return made
  end

  local TEXT = { { type = "text", text = "a" } }

  it("have each answer as a request takes it, and the others as they are", function()
    local question, other = { role = "user", content = "" }, { role = "assistant", content = "b" }
    local given = { question, message.new(answer(TEXT)), other, answer(TEXT) }
    local list = param.list(given, GATEWAY)
    assert.equal(4, #list)
    assert.equal(question, list[1])
    assert.equal('{"content":[{"text":"a","type":"text"}],"role":"assistant"}', encoded(list[2]))
    assert.equal(other, list[3])
    assert.equal('{"content":[{"text":"a","type":"text"}],"role":"assistant"}', encoded(list[4]))
    assert.equal("msg_1", given[4].id)
  end)

  it("have a Message as a request takes it, whatever a server called its type", function()
    local given = message.new { type = "answer", id = "msg_1", content = json.array { { type = "text", text = "a" } } }
    assert.equal('[{"content":[{"text":"a","type":"text"}],"role":"assistant"}]',
      encoded(param.list(json.array { given }, GATEWAY)))
  end)

  it("leave out an answer of which nothing is left", function()
    local first, last = { role = "user", content = "a" }, { role = "user", content = "b" }
    assert.same({ first, last }, param.list({ first, answer { { type = "text", text = "" } }, last }, GATEWAY))
    assert.equal("[]", encoded(param.list(json.array { answer {} }, GATEWAY)))
  end)

  it("refuse an answer whose blocks have a hole, with the position", function()
    local text = { type = "text", text = "b" }
    local with_hole = json.array { [1] = text, [3] = text }
    for _, content in ipairs { { [2] = text }, with_hole, { [2] = "a", type = "text" } } do
      local list, problem = param.list({ { role = "user", content = "x" }, answer(content) }, VENDOR)
      assert.is_nil(list)
      assert.matches("^messages%[2%]%.content", problem)
    end
    local turn, problem = param.of_message(answer { [2] = { type = "text", text = "a" } })
    assert.is_nil(turn)
    assert.equal("content[1]: missing", problem)
  end)

  it("know who is asked", function()
    local thinking = { { type = "thinking", thinking = "a" } }
    assert.equal(1, #param.list({ answer(thinking) }, GATEWAY))
    assert.equal(0, #param.list({ answer(thinking) }, VENDOR))
  end)

  it("are the same where there is no answer among them", function()
    for _, given in ipairs {
      {}, { { role = "user", content = "" } }, { answer(TEXT, { role = json.null }) }, { answer(TEXT, { role = "" }) },
      { answer(TEXT, { type = "other" }) }, { "text", 5, false, { answer(TEXT) } }, json.raw "[]", "text", 5,
    } do
      assert.equal(given, param.list(given, GATEWAY))
    end
    assert.is_nil(param.list(nil, GATEWAY))
  end)

  it("have the IDs of calls as the vendor takes them, and others as they came", function()
    local function turns()
      return json.array {
        { role = "user", content = "q" },
        answer { { type = "tool_use", id = "functions.f:0", name = "f", input = { a = 1 } } },
        { role = "user", content = json.array {
          json.raw '{"type":"text","text":"r"}', { type = "tool_result", tool_use_id = "functions.f:0", content = "r" },
          { type = "text", text = "functions.f:0" },
        } },
        { role = "assistant", content = json.array {
          { type = "tool_use", id = "toolu_1-A", name = "f", input = {} },
          { type = "server_tool_use", id = "s.1", name = "web_search", input = {} },
        } },
      }
    end
    local given = turns()
    local list = param.list(given, VENDOR)
    assert.equal('{"content":[{"id":"functions_2Ef_3A0","input":{"a":1},"name":"f","type":"tool_use"}],'
      .. '"role":"assistant"}', encoded(list[2]))
    assert.equal('{"content":[{"type":"text","text":"r"},'
      .. '{"content":"r","tool_use_id":"functions_2Ef_3A0","type":"tool_result"},'
      .. '{"text":"functions.f:0","type":"text"}],"role":"user"}', encoded(list[3]))
    assert.equal(given[1], list[1])
    assert.equal(given[4], list[4])
    assert.equal(encoded(turns()), encoded(given))
    for _, url in ipairs { GATEWAY, "https://anthropic.com.example" } do
      assert.matches('"id":"functions.f:0"', encoded(param.list(turns(), url)), 1, true)
    end
    for _, odd in ipairs { { role = "user" }, { role = "user", content = json.null }, "x", json.null,
      { role = "user", content = { "x", false, { type = "tool_result" }, { type = "tool_result", tool_use_id = 5 } } },
    } do
      assert.equal(odd, param.list({ odd }, VENDOR)[1])
    end
  end)

  it("stay a list in the way that they are one", function()
    local list = param.list(json.array { answer(TEXT) }, GATEWAY)
    assert.equal(getmetatable(json.array {}), getmetatable(list))
  end)

  it("may hold what is no table", function()
    local list = param.list({ "text", answer(TEXT), 5 }, GATEWAY)
    assert.equal('["text",{"content":[{"text":"a","type":"text"}],"role":"assistant"},5]', encoded(list))
  end)
end)
