-- The other response shape: what a chat completion, and each chunk of one, stands for.

local budgets = require "anthropic.message.budget"
local chat_completion = require "anthropic.message.chat_completion"
local json = require "anthropic.base.json"

-- Tables as they are, without what marks them.
local function plain(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for name, member in pairs(value) do
    copy[name] = plain(member)
  end
  return copy
end

local function completion(choices, fields)
  local object = { id = "chat_1", model = "m", choices = choices }
  for name, value in pairs(fields or {}) do
    object[name] = value
  end
  return object
end

-- The message of a completion with one choice.
local function message_of(part, choice)
  choice = choice or {}
  choice.message = part
  return chat_completion.to_message(completion { choice })
end

local function call(fields)
  return { id = fields.id, ["function"] = { name = fields.name, arguments = fields.arguments }, index = fields.index }
end

local STOP_REASONS = {
  { "stop", "end_turn" }, { "length", "max_tokens" }, { "tool_calls", "tool_use" }, { "function_call", "tool_use" },
  { "content_filter", "refusal" }, { "of_a_later_gateway", "of_a_later_gateway" }, { nil, nil },
}

-- What a completion counts, and what that is.
local USAGES = {
  { "not there", nil, {} },
  { "a string", "many", {} },
  { "an empty table", {}, {} },
  { "tokens of both sides", { prompt_tokens = 10, completion_tokens = 3, total_tokens = 13 },
    { input_tokens = 10, output_tokens = 3 } },
  { "only of the prompt", { prompt_tokens = 10 }, { input_tokens = 10 } },
  { "only of the answer", { completion_tokens = 3 }, { output_tokens = 3 } },
  { "digits in strings", { prompt_tokens = "10", completion_tokens = "3" }, { input_tokens = 10, output_tokens = 3 } },
  { "words", { prompt_tokens = "many", completion_tokens = "few" }, {} },
  { "cached tokens, part of the prompt's", { prompt_tokens = 10, prompt_tokens_details = { cached_tokens = 4 } },
    { input_tokens = 6, cache_read_input_tokens = 4 } },
  { "no cached tokens", { prompt_tokens = 10, prompt_tokens_details = { cached_tokens = 0 } },
    { input_tokens = 10, cache_read_input_tokens = 0 } },
  { "cached tokens alone", { prompt_tokens_details = { cached_tokens = 4 } }, { cache_read_input_tokens = 4 } },
  { "details that are none", { prompt_tokens = 1, prompt_tokens_details = "x", completion_tokens_details = 5 },
    { input_tokens = 1 } },
  { "thinking, part of the answer's",
    { completion_tokens = 9, completion_tokens_details = { reasoning_tokens = 5 } },
    { output_tokens = 9, output_tokens_details = { thinking_tokens = 5 } } },
  { "no thinking", { completion_tokens = 9, completion_tokens_details = { reasoning_tokens = 0 } },
    { output_tokens = 9, output_tokens_details = { thinking_tokens = 0 } } },
  { "thinking in words", { completion_tokens = 9, completion_tokens_details = { reasoning_tokens = "much" } },
    { output_tokens = 9 } },
}

-- Content in its forms, and the pieces that come of it: of text, and what is not understood.
local CONTENTS = {
  { "not there", nil, {} },
  { "a string", "abc", { "abc" } },
  { "an empty string", "", {} },
  { "a number", 5, { "5" } },
  { "a number with many digits", 0.1, { "0.1" } },
  { "true", true, { { content = true } } },
  { "false", false, {} },
  { "an empty list", {}, {} },
  { "one part", { type = "text", text = "a" }, { "a" } },
  { "parts with text", { { type = "text", text = "a" }, { type = "text", text = "b" } }, { "ab" } },
  { "a part whose text is an object", { { type = "text", text = { value = "a" } } }, { "a" } },
  { "a part without text", { { type = "text", text = "" } }, {} },
  { "parts of other kinds between", { { text = "a" }, { type = "image" }, 7, "x", { text = 5 }, { text = "b" } },
    { "a", { content = { type = "image" } }, "7x5b" } },
  { "a part of a later API", { { type = "hologram", text = "a" }, { type = "hologram", layers = 1 } },
    { "a", { content = { type = "hologram", layers = 1 } } } },
}

-- The text of pieces.
local function text_in(pieces)
  local texts = {}
  for _, piece in ipairs(pieces) do
    texts[#texts + 1] = type(piece) == "string" and piece or nil
  end
  return table.concat(texts)
end

describe("a chat completion", function()
  it("is no event and no message of the API, whatever is in it", function()
    for _, kind in ipairs {
      "message_start", "message_delta", "message_stop", "message", "ping", "error", "content_block_start",
      "content_block_delta", "content_block_stop",
    } do
      assert.is_false(chat_completion.is { type = kind, choices = { { delta = {} } }, object = "chat.completion" })
    end
  end)

  for _, case in ipairs {
    { "a table with a list of choices", { choices = {} }, true },
    { "a table with choices and more", { id = "x", object = "chat.completion.chunk", choices = { {} } }, true },
    { "a table that calls itself one", { object = "chat.completion" }, true },
    { "a table that calls itself a chunk of one", { object = "chat.completion.chunk", choices = "x" }, true },
    { "a table that calls itself a completion of text", { object = "text_completion" }, true },
    { "a table of any type whose first choice is one", { type = "x", choices = { { delta = {} } } }, true },
    { "a table of any type whose first choice is a message", { type = "x", choices = { { message = "a" } } }, true },
    { "a table of any type whose first choice is a text", { type = "x", choices = { { text = "" } } }, true },
    { "a table of any type whose first choice has content", { type = "x", choices = { { content = "" } } }, true },
    { "a table of any type whose first choice has calls", { type = "x", choices = { { tool_calls = {} } } }, true },
    { "a table of any type whose first choice has a call", { type = "x", choices = { { function_call = {} } } }, true },
    { "a table of any type whose first choice has ended", { type = "x", choices = { { finish_reason = "x" } } }, true },
    { "no table of any type whose first choice is none", { type = "x", choices = { {}, { delta = {} } } }, false },
    { "no table of any type whose choices are none", { type = "x", choices = { "x" } }, false },
    { "no table that calls itself something else", { object = "list", data = {} }, false },
    { "no table that calls itself a list of completions", { object = "list.of.completions" }, false },
    { "no table whose choices are none", { choices = "x" }, false },
    { "no table without choices", { id = "x" }, false },
    { "no string", "choices", false },
    { "no null", json.null, false },
    { "no nothing", nil, false },
  } do
    it("is " .. case[1], function()
      assert.equal(case[3], chat_completion.is(case[2]))
    end)
  end
end)

describe("the message of a chat completion", function()
  it("is none where any choice is none", function()
    assert.is_nil(chat_completion.to_message(completion {}))
    assert.is_nil(chat_completion.to_message(completion { 5 }))
    assert.is_nil(chat_completion.to_message(completion { { message = { content = "a" } }, "x" }))
    assert.is_nil(chat_completion.to_message(completion { x = {} }))
  end)

  it("has the API's fields", function()
    local object = completion({ { index = 0, message = { role = "x", content = "a" }, finish_reason = "stop" } },
      { usage = { prompt_tokens = 1, completion_tokens = 2 } })
    local message = chat_completion.to_message(object)
    assert.equal(object, message.raw)
    message.raw = nil
    assert.same({
      id = "chat_1", type = "message", role = "assistant", model = "m", content = { { type = "text", text = "a" } },
      stop_reason = "end_turn", usage = { input_tokens = 1, output_tokens = 2 },
    }, plain(message))
    assert.equal("a", message:text())
  end)

  it("has no content where the choice has ended without any", function()
    for _, part in ipairs { false, {}, { content = "" }, { role = "assistant" } } do
      local message = message_of(part or nil, { finish_reason = "stop" })
      assert.same({}, plain(message.content))
      assert.same({}, message.usage)
    end
  end)

  it("is missing where nothing in it was understood", function()
    for _, part in ipairs { false, {}, { content = "" }, { role = "assistant" }, { hologram = "x" } } do
      local message, problem = message_of(part or nil)
      assert.is_nil(message)
      assert.equal("nothing in it was understood", problem)
    end
  end)

  it("has the text of a message that is a text itself", function()
    assert.equal("x", message_of("x"):text())
  end)

  for _, case in ipairs(CONTENTS) do
    it("has the content's text where that is " .. case[1], function()
      local message = message_of({ content = case[2] }, { finish_reason = "stop" })
      local text = text_in(case[3])
      assert.equal(text, message:text())
      assert.equal(text == "" and 0 or 1, #message.content)
    end)
  end

  it("keeps what it does not understand", function()
    local message = message_of({ content = { "a", { type = "image", url = "u" } }, audio = { id = "x" } },
      { grade = 5 })
    assert.equal("a", message:text())
    assert.same({
      { delta = { content = { type = "image", url = "u" } } }, { delta = { audio = { id = "x" } } },
      { delta = { grade = 5 } },
    }, message.unknown_deltas)
  end)

  for _, case in ipairs(STOP_REASONS) do
    it(("has a stop reason: %s is %s"):format(tostring(case[1]), tostring(case[2])), function()
      assert.equal(case[2], message_of({ content = "a" }, { finish_reason = case[1] }).stop_reason)
    end)
  end

  for _, case in ipairs(USAGES) do
    it("has the usage where that is " .. case[1], function()
      local message = chat_completion.to_message(completion({ { finish_reason = "stop" } }, { usage = case[2] }))
      assert.same(case[3], message.usage)
    end)
  end

  for _, case in ipairs {
    { "in reasoning_content", { reasoning_content = "a" }, "a" },
    { "in reasoning", { reasoning = "a" }, "a" },
    { "in both, once", { reasoning_content = "a", reasoning = "b" }, "a" },
    { "empty", { reasoning_content = "" }, "" },
    { "in neither", {}, "" },
    { "a list", { reasoning_content = { "a" } }, "a" },
    { "a list of parts", { reasoning = { { text = "a" }, { text = "b" } } }, "ab" },
    { "a table", { reasoning = { content = "a" } }, "a" },
    { "a number", { reasoning = 5 }, "5" },
    { "empty in one, there in the other", { reasoning_content = "", reasoning = "a" }, "a" },
    { "in details", { reasoning_details = { { type = "reasoning.summary", summary = "a" } } }, "a" },
    { "in blocks", { thinking_blocks = { { type = "thinking", thinking = "a" } } }, "a" },
  } do
    it("has the reasoning as thinking: " .. case[1], function()
      case[2].content = "x"
      local message = message_of(case[2])
      assert.equal(case[3], message:thinking())
      assert.equal(case[3] == "" and 1 or 2, #message.content)
      assert.equal("text", message.content[#message.content].type)
    end)
  end

  for _, case in ipairs {
    { "a string", "No.", "xNo.", "refusal" },
    { "an empty string", "", "x", "end_turn" },
    { "not there", nil, "x", "end_turn" },
    { "a number", 5, "x5", "refusal" },
    { "a list of parts", { { text = "No." } }, "xNo.", "refusal" },
    { "an empty list", {}, "x", "end_turn" },
  } do
    it("has the refusal, where it is " .. case[1], function()
      local message = message_of({ content = "x", refusal = case[2] }, { finish_reason = "stop" })
      assert.equal(case[3], message:text())
      assert.equal(case[4], message.stop_reason)
      assert.equal(1, #message.content)
    end)
  end

  describe("with tool calls", function()
    it("has them after the thinking and the text, in order", function()
      local message = message_of {
        reasoning = "r", content = "t",
        tool_calls = { call { id = "a", name = "f", arguments = '{"x": 1}' }, call { id = "b", name = "g" } },
      }
      local kinds = {}
      for i, block in ipairs(message.content) do
        kinds[i] = block.type
      end
      assert.same({ "thinking", "text", "tool_use", "tool_use" }, kinds)
      assert.same({ type = "tool_use", id = "a", name = "f", input = { x = 1 } }, plain(message.content[3]))
      assert.same({ type = "tool_use", id = "b", name = "g", input = {} }, plain(message.content[4]))
      assert.equal('{"id":"a","input":{"x": 1},"name":"f","type":"tool_use"}', json.encode(message.content[3]))
    end)

    for _, case in ipairs {
      { "text", '{"x": [1 ]}', '{"x": [1 ]}' },
      { "a table", { x = { 1 } }, '{"x":[1]}' },
      { "an empty text", "", "{}" },
      { "missing", nil, "{}" },
      { "a number", 5, "5" },
      { "a table that JSON cannot say", { f = print }, "{}" },
    } do
      it("has their arguments where they are " .. case[1], function()
        local message = message_of { tool_calls = { call { id = "a", name = "f", arguments = case[2] } } }
        assert.equal('{"id":"a","input":' .. case[3] .. ',"name":"f","type":"tool_use"}',
          json.encode(message.content[1]))
      end)
    end

    it("has broken arguments as they came", function()
      local block = message_of { tool_calls = { call { id = "a", name = "f", arguments = '{"x":' } } }.content[1]
      assert.is_nil(block.input)
      assert.equal('{"x":', block.input_json)
      assert.matches("end of the text", block.input_error)
    end)

    it("makes an ID of the message's for those without one, and for those that have another's", function()
      local message = message_of { tool_calls = {
        call { name = "f", arguments = "{}" }, call { name = "g", id = "b" }, call { name = "h", id = "b" },
        call { name = "i" },
      } }
      local ids = {}
      for _, block in ipairs(message.content) do
        ids[block.name] = block.id
      end
      assert.same({ f = "call_chat_1_1", g = "b", h = "call_chat_1_2", i = "call_chat_1_3" }, ids)
    end)

    it("leaves out what is no call, and keeps a call without a function", function()
      local message = message_of { tool_calls = { 5, "x", { id = "a" }, { id = "b", ["function"] = "f" } } }
      assert.same({
        { type = "tool_use", id = "a", input = {} }, { type = "tool_use", id = "b", name = "f", input = {} },
      }, plain(message.content))
      assert.same({ { delta = { tool_calls = 5 } }, { delta = { tool_calls = "x" } } }, message.unknown_deltas)
    end)

    it("has none where the calls are none", function()
      for _, calls in ipairs { "x", {}, { call {} } } do
        assert.same({}, plain(message_of({ tool_calls = calls }, { finish_reason = "stop" }).content))
      end
    end)
  end)

  it("has one for each of several choices, and is the first", function()
    local object = completion {
      { message = { content = "a" }, finish_reason = "stop" },
      { message = { content = "b" }, finish_reason = "length" },
    }
    local message = chat_completion.to_message(object)
    assert.equal("a", message:text())
    assert.equal(2, #message.choices)
    assert.equal("a", message.choices[1]:text())
    assert.equal("b", message.choices[2]:text())
    assert.equal("end_turn", message.choices[1].stop_reason)
    assert.equal("max_tokens", message.choices[2].stop_reason)
    assert.equal(object, message.raw)
  end)

  it("has them in their order, whatever the order they come in", function()
    local message = chat_completion.to_message(completion {
      { index = 2, message = { content = "c" } }, { index = "0", message = { content = "a" } },
      { index = 1, message = { content = "b" } },
    })
    assert.equal("a", message:text())
    assert.equal("abc", message.choices[1]:text() .. message.choices[2]:text() .. message.choices[3]:text())
  end)

  it("counts them by their place where none of them is the first", function()
    local object = completion { { index = 1, message = { content = "a" } }, { index = 2, message = { content = "b" } } }
    local message = chat_completion.to_message(object)
    assert.equal("a", message:text())
    assert.equal("b", message.choices[2]:text())
    assert.equal(object, message.raw)
    assert.equal(1, object.choices[1].index)
    message = chat_completion.to_message(completion { { index = 5, message = { content = "a" } } })
    assert.equal("a", message:text())
    assert.is_nil(message.choices)
  end)

  it("counts them by their place where two of them have one index", function()
    for _, index in ipairs { 0, 1 } do
      local message = chat_completion.to_message(completion {
        { index = index, message = { content = "a" } }, { index = index, message = { content = "b" } },
      })
      assert.equal("a", message:text())
      assert.equal("b", message.choices[2]:text())
    end
  end)

  it("is one answer where one choice ended for calls that stand in others", function()
    local function called(id)
      return { id = id, type = "function", ["function"] = { name = "f", arguments = "{}" } }
    end
    for _, index in ipairs { json.null, 0 } do
      local function choice(said)
        return { index = index, finish_reason = "tool_calls", message = said }
      end
      local object = completion {
        choice { role = "assistant", content = "I look." }, choice { role = "assistant", tool_calls = { called "a" } },
        choice { role = "assistant", content = json.null, tool_calls = { called "b" } },
      }
      local message = chat_completion.to_message(object)
      assert.is_nil(message.choices)
      assert.same({ "I look.", "tool_use" }, { message:text(), message.stop_reason })
      assert.same({ "a", "b" }, { message:tool_uses()[1].id, message:tool_uses()[2].id })
      assert.equal(index, object.choices[1].index)
      for _, others in ipairs {
        { { content = "a" }, { content = "b" } }, { { tool_calls = { called "a" } }, { tool_calls = { called "b" } } },
      } do
        assert.equal(2, #chat_completion.to_message(completion { choice(others[1]), choice(others[2]) }).choices)
      end
    end
    local numbered = { { index = 0, finish_reason = "tool_calls", message = { content = "a" } },
      { index = 1, finish_reason = "tool_calls", message = { tool_calls = { called "a" } } } }
    assert.equal(2, #chat_completion.to_message(completion(numbered)).choices)
  end)

  it("counts those without an index by their place", function()
    for _, index in ipairs { "x", "nan", {}, json.null, 2 ^ 60 } do
      local message = chat_completion.to_message(completion {
        { index = index, message = { content = "a" } }, { index = index, message = { content = "b" } },
      })
      assert.equal("a", message:text())
      assert.equal("b", message.choices[2]:text())
    end
  end)

  it("is that of a choice that stands alone, or of the object itself", function()
    for _, object in ipairs {
      { choices = { message = { content = "a" } } }, { message = { content = "a" } },
      { choices = {}, delta = { content = "a" } }, { choices = "x", text = "a" }, { content = "a" },
      { choices = {}, message = { content = "a" }, finish_reason = "length" },
    } do
      local message = chat_completion.to_message(object)
      assert.equal("a", message:text())
      assert.equal(object.finish_reason and "max_tokens", message.stop_reason)
    end
    assert.is_nil(chat_completion.to_message { message = "" })
  end)

  it("has no choices where there is one", function()
    assert.is_nil(message_of({ content = "a" }).choices)
  end)
end)

-- --- streamed --------------------------------------------------------------------------------------------

local function chunk(delta, fields)
  fields = fields or {}
  return {
    id = "chat_1", model = "m", usage = fields.usage,
    choices = { { index = fields.index or 0, delta = delta, finish_reason = fields.finish_reason } },
  }
end

-- Events as plain tables, without what they were made of.
local function shown(events)
  local list = plain(events)
  for _, event in ipairs(list) do
    event.raw = nil
  end
  return list
end

-- The events of all chunks but the start of the first choice, and the translator.
local function translate(...)
  local translator, all = chat_completion.translator(), {}
  for _, piece in ipairs { ... } do
    for _, event in ipairs(translator:feed(piece)) do
      all[#all + 1] = event
    end
  end
  assert.equal("message_start", table.remove(all, 1).type)
  return shown(all), translator
end

local function start(index, block)
  return { type = "content_block_start", index = index, content_block = block }
end

local function stop(index)
  return { type = "content_block_stop", index = index }
end

local function text(index, piece)
  return { type = "content_block_delta", index = index, delta = { type = "text_delta", text = piece } }
end

local function thinking(index, piece)
  return { type = "content_block_delta", index = index, delta = { type = "thinking_delta", thinking = piece } }
end

local function input(index, piece)
  return { type = "content_block_delta", index = index, delta = { type = "input_json_delta", partial_json = piece } }
end

local function tool(index, id, name)
  return start(index, { type = "tool_use", id = id, name = name, input = {} })
end

local function unknown(delta)
  return { type = "unknown_delta", delta = delta }
end

local TEXT, THINKING = { type = "text", text = "" }, { type = "thinking", thinking = "" }

local function calls(...)
  return chunk { tool_calls = { ... } }
end

describe("the first chunk of a choice", function()
  it("begins its message", function()
    assert.same({ {
      type = "message_start",
      message = { id = "chat_1", type = "message", role = "assistant", model = "m", content = {}, usage = {} },
    } }, shown(chat_completion.translator():feed(chunk {})))
  end)

  it("begins it with content that is a list", function()
    assert.equal("[]", json.encode(chat_completion.translator():feed(chunk {})[1].message.content))
  end)

  it("may say nothing of itself", function()
    for _, part in ipairs { {}, { delta = "" }, { delta = {}, index = "y" } } do
      local events = chat_completion.translator():feed { choices = { part } }
      assert.equal(1, #events)
      assert.equal("message_start", events[1].type)
      assert.is_nil(events[1].choice)
    end
  end)

  it("comes once", function()
    assert.same({}, (translate(chunk {}, chunk {}, chunk { role = "assistant" })))
  end)
end)

describe("a chunk", function()
  it("stands for nothing where it has no choice", function()
    local translator = chat_completion.translator()
    for _, piece in ipairs { {}, { choices = {} }, { choices = "x" } } do
      assert.same({}, translator:feed(piece))
    end
    for _, choice in ipairs { 5, "x", true } do
      local events, problem = translator:feed { choices = { choice } }
      assert.is_nil(events)
      assert.equal("a choice is a " .. type(choice), problem)
    end
    assert.same({ nil, "a choice is a list" }, { translator:feed { choices = { { { delta = {} } } } } })
    assert.is_table(translator:feed { choices = { json.array {} } })
    assert.same({}, translator:finish())
  end)

  it("has nothing in a choice that is null", function()
    local list = { json.null, { index = 0, delta = { content = "a" }, finish_reason = "stop" }, json.null }
    assert.equal("a", chat_completion.to_message({ choices = list }):text())
    assert.same({}, chat_completion.translator():feed { choices = { json.null } })
  end)

  it("is in each event that it stands for, or what is given in its place", function()
    local translator = chat_completion.translator()
    local first, second, raw = chunk { content = "a" }, chunk { content = "b" }, {}
    for _, event in ipairs(translator:feed(first)) do
      assert.equal(first, event.raw)
    end
    local events = translator:feed(second, raw)
    assert.equal(1, #events)
    assert.equal(raw, events[1].raw)
    for _, event in ipairs(translator:finish()) do
      assert.equal(raw, event.raw)
    end
  end)

  for _, case in ipairs(CONTENTS) do
    it("brings the content's text where that is " .. case[1], function()
      local expected = {}
      for _, piece in ipairs(case[3]) do
        if type(piece) == "table" then
          expected[#expected + 1] = unknown(piece)
        else
          expected[#expected + 1] = #expected == 0 and start(0, TEXT) or nil
          expected[#expected + 1] = text(0, piece)
        end
      end
      assert.same(expected, (translate(chunk { content = case[2] })))
    end)
  end

  it("goes on with the text", function()
    assert.same({ start(0, TEXT), text(0, "a"), text(0, "b") },
      (translate(chunk { content = "a" }, chunk { content = "" }, chunk { content = "b" })))
  end)

  it("brings reasoning as thinking", function()
    for _, name in ipairs { "reasoning_content", "reasoning" } do
      assert.same({ start(0, THINKING), thinking(0, "a"), thinking(0, "b") },
        (translate(chunk { [name] = "a" }, chunk { [name] = "b" })))
    end
  end)

  it("ends the thinking where text begins, and the other way", function()
    assert.same({
      start(0, THINKING), thinking(0, "a"), stop(0), start(1, TEXT), text(1, "b"), stop(1),
      start(2, THINKING), thinking(2, "c"),
    }, (translate(chunk { reasoning = "a" }, chunk { content = "b" }, chunk { reasoning = "c" })))
  end)

  it("has the thinking first, then the text, the refusal and the calls", function()
    assert.same({
      start(0, THINKING), thinking(0, "a"), stop(0), start(1, TEXT), text(1, "b"), text(1, "c"), stop(1),
      tool(2, "t", "f"), input(2, "[]"),
    }, (translate(chunk {
      tool_calls = { call { id = "t", name = "f", arguments = "[]" } }, refusal = "c", content = "b", reasoning = "a",
    })))
  end)
end)

describe("a chunk's tool calls", function()
  it("are none where they are none", function()
    assert.same({ unknown { tool_calls = "x" } }, (translate(chunk { tool_calls = "x" })))
    assert.same({ unknown { tool_calls = 5 }, unknown { tool_calls = "x" } },
      (translate(chunk { tool_calls = { 5, "x", {} } })))
    assert.same({ unknown { function_call = "x" } }, (translate(chunk { function_call = "x" })))
    assert.same({}, (translate(chunk { tool_calls = {}, function_call = "" })))
  end)

  it("begin a block each, with an input that is an object", function()
    local translator = chat_completion.translator()
    local events = translator:feed(calls(call { id = "a", name = "f", index = 0 }))
    assert.equal('{"id":"a","input":{},"name":"f","type":"tool_use"}', json.encode(events[2].content_block))
  end)

  for _, case in ipairs {
    { "empty", "" }, { "missing", nil }, { "an empty table", {} }, { "true", true },
  } do
    it("bring no input where the arguments are " .. case[1], function()
      assert.same({ tool(0, "a", "f") }, (translate(calls(call { id = "a", name = "f", arguments = case[2] }))))
    end)
  end

  for _, case in ipairs { { "a number", 5, "5" }, { "a table", { a = 1 }, '{"a":1}' } } do
    it("bring their input as a text where the arguments are " .. case[1], function()
      assert.same({ tool(0, "a", "f"), input(0, case[3]) },
        (translate(calls(call { id = "a", name = "f", arguments = case[2] }))))
    end)
  end

  it("begin with the first of their arguments where they have no name yet, and again with the name", function()
    assert.same({
      tool(0, "a"), input(0, "{"), tool(0, "a", "f"), input(0, "}"), tool(1, "b", "g"), input(1, "1"),
    }, (translate(
      calls(call { id = "a", arguments = "{" }), calls(call { name = "f" }),
      calls(call { name = "f", arguments = "}" }),
      calls { id = "b", ["function"] = "g" }, calls(call { arguments = "1" }))))
  end)

  it("begin at the end where nothing more is said of them", function()
    local events, translator = translate(calls({ index = 0, id = "a" }, call { index = 1, name = "g" }))
    assert.same({}, events)
    assert.same({
      tool(0, "a"), stop(0), tool(1, "call_chat_1_1", "g"), stop(1),
      { type = "message_delta", delta = { stop_reason = "tool_use" }, usage = {} }, { type = "message_stop" },
    }, shown(translator:finish()))
  end)

  it("are told apart by their index", function()
    assert.same({ tool(0, "a", "f"), input(0, "1"), tool(1, "b", "g"), input(1, "2"), input(0, "3"), input(1, "4") },
      (translate(
        calls(call { index = 0, id = "a", name = "f", arguments = "1" }),
        calls(call { index = 1, id = "b", name = "g", arguments = "2" }),
        calls(call { index = 0, arguments = "3" }, call { index = 1, id = "b", arguments = "4" }))))
  end)

  it("of one index are one, also where the ID is another", function()
    assert.same({ tool(0, "a", "f"), input(0, "1"), input(0, "2") }, (translate(
      calls(call { index = 3, id = "a", name = "f", arguments = "1" }),
      calls(call { index = 3, id = "b", arguments = "2" }))))
  end)

  it("are told apart by their ID where they have no index", function()
    assert.same({ tool(0, "a", "f"), input(0, "1"), tool(1, "b", "g"), input(1, "2"), input(0, "3") }, (translate(
      calls(call { id = "a", name = "f", arguments = "1" }),
      calls(call { id = "b", name = "g", arguments = "2" }),
      calls(call { id = "a", arguments = "3" }))))
  end)

  it("go on with the last one where they have neither", function()
    assert.same({ tool(0, "a", "f"), tool(1, "b", "g"), input(1, "1"), input(1, "2") }, (translate(
      calls(call { id = "a", name = "f" }, call { id = "b", name = "g" }),
      calls(call { arguments = "1" }), calls(call { arguments = "2" }))))
  end)

  it("are named by their place where they have no ID", function()
    assert.same({ tool(0, "call_chat_1_1", "f"), input(0, "1"), input(0, "2") }, (translate(
      calls(call { name = "f", arguments = "1" }), calls(call { arguments = "2" }))))
    assert.same({
      tool(0, "call_chat_1_1", "f"), input(0, "2"), tool(1, "b", "g"), tool(2, "call_chat_1_2", "h"), input(2, "3"),
      input(1, "1"),
    }, (translate(
      calls(call { index = 0, name = "f", arguments = "2" }, call { index = 1, id = "b", name = "g" },
        call { index = 2, name = "h", arguments = "3" }, call { index = 1, arguments = "1" }))))
  end)

  it("end the text before them, and text may follow", function()
    assert.same({
      start(0, TEXT), text(0, "a"), stop(0), tool(1, "t", "f"), start(2, TEXT), text(2, "b"), input(1, "1"),
      text(2, "c"), stop(2), tool(3, "u", "g"),
    }, (translate(
      chunk { content = "a" }, calls(call { index = 0, id = "t", name = "f" }), chunk { content = "b" },
      calls(call { index = 0, arguments = "1" }), chunk { content = "c" },
      calls(call { index = 1, id = "u", name = "g" }))))
  end)
end)

describe("the end of a chat completion's stream", function()
  local function ending(...)
    local _, translator = translate(...)
    return shown(translator:finish())
  end

  local function message_delta(stop_reason, usage, choice)
    return { type = "message_delta", delta = { stop_reason = stop_reason }, usage = usage or {}, choice = choice }
  end

  it("ends the message", function()
    assert.same({ message_delta "end_turn", { type = "message_stop" } }, ending(chunk({}, { finish_reason = "stop" })))
    assert.same({ stop(0), message_delta(), { type = "message_stop" } }, ending(chunk { content = "a" }))
  end)

  it("ends nothing where nothing was understood", function()
    assert.same({}, ending(chunk {}))
    assert.same({}, ending(chunk { role = "assistant", content = "" }, chunk { hologram = 1 }))
  end)

  it("ends the block that is open, then the calls in their order", function()
    assert.same({ stop(0), message_delta(), { type = "message_stop" } }, ending(chunk { content = "a" }))
    assert.same({ stop(2), stop(0), stop(1), message_delta "tool_use", { type = "message_stop" } },
      ending(calls(call { id = "a", name = "f" }, call { id = "b", name = "g" }),
        chunk({ content = "x" }, { finish_reason = "tool_calls" })))
  end)

  for _, case in ipairs(STOP_REASONS) do
    it(("has the stop reason: %s is %s"):format(tostring(case[1]), tostring(case[2])), function()
      assert.same(message_delta(case[2]), ending(chunk({ content = "a" }, { finish_reason = case[1] }))[2])
    end)
  end

  it("has the last stop reason that came", function()
    assert.same(message_delta "max_tokens", ending(
      chunk({}, { finish_reason = "stop" }), chunk({}, { finish_reason = "length" }), chunk {})[1])
  end)

  it("has a refusal for its stop reason once one came", function()
    for _, later in ipairs { chunk { refusal = "" }, chunk {}, chunk { content = "x" } } do
      local events = ending(chunk { refusal = "No." }, later, chunk({}, { finish_reason = "stop" }))
      assert.same(message_delta "refusal", events[2])
    end
    assert.same(message_delta "end_turn", ending(chunk({ refusal = "" }, { finish_reason = "stop" }))[1])
  end)

  for _, case in ipairs(USAGES) do
    it("has the usage where that is " .. case[1], function()
      assert.same(message_delta(nil, case[3]), ending(chunk({ content = "a" }, { usage = case[2] }))[2])
    end)
  end

  it("has the last usage that came, also in a chunk without choices", function()
    local done = chunk({}, { finish_reason = "stop" })
    assert.same({ input_tokens = 5 }, ending(done, { x_groq = { usage = { prompt_tokens = 5 } } })[1].usage)
    assert.same({ input_tokens = 6 }, ending(done, { x_groq = { usage = { prompt_tokens = 5 } },
      usage = { prompt_tokens = 6 } }, { x_groq = "x" })[1].usage)
    assert.same({ input_tokens = 6, cache_read_input_tokens = 4 }, ending(done, { usage = { prompt_tokens = 10 } },
      { usage = { prompt_tokens = 10, prompt_tokens_details = { cached_tokens = 4 } } })[1].usage)
    assert.same({ input_tokens = 2 }, ending(chunk({}, { usage = { prompt_tokens = 1 } }),
      { choices = {}, usage = { prompt_tokens = 2 } }, done)[1].usage)
    assert.same({ input_tokens = 3 }, ending(done, { usage = { prompt_tokens = 3 } })[1].usage)
  end)
end)

describe("several choices in one stream", function()
  local function marked(event, choice)
    event.choice = choice
    return event
  end

  it("are marked with their number, but for the first", function()
    local events = shown(chat_completion.translator():feed {
      choices = { { index = 0, delta = { content = "a" } }, { index = 1, delta = { content = "b" } } },
    })
    local choices = {}
    for i, event in ipairs(events) do
      choices[i] = ("%s %s"):format(event.type, tostring(event.choice))
    end
    assert.same({
      "message_start nil", "content_block_start nil", "content_block_delta nil",
      "message_start 1", "content_block_start 1", "content_block_delta 1",
    }, choices)
  end)

  it("have blocks and calls of their own", function()
    assert.same({
      start(0, TEXT), text(0, "a"),
      marked({ type = "message_start", message = {
        id = "chat_1", type = "message", role = "assistant", model = "m", content = {}, usage = {},
      } }, 2),
      marked(tool(0, "t", "f"), 2), text(0, "b"), marked(input(0, "1"), 2),
    }, (translate(
      chunk { content = "a" },
      chunk({ tool_calls = { call { index = 0, id = "t", name = "f" } } }, { index = 2 }),
      chunk { content = "b" },
      chunk({ tool_calls = { call { index = 0, arguments = "1" } } }, { index = 2 }))))
  end)

  it("end in the other order, each with its own reason, and the first one's end is the last", function()
    local _, translator = translate(
      chunk({ content = "a" }, { finish_reason = "stop" }),
      chunk({ content = "b" }, { index = 1, finish_reason = "length", usage = { prompt_tokens = 1 } }))
    assert.same({
      marked(stop(0), 1),
      marked({ type = "message_delta", delta = { stop_reason = "max_tokens" }, usage = { input_tokens = 1 } }, 1),
      marked({ type = "message_stop" }, 1),
      stop(0), { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { input_tokens = 1 } },
      { type = "message_stop" },
    }, shown(translator:finish()))
  end)

  for name, chunks in pairs {
    ["counts under new names"] = function(i) return chunk({ content = "" }, { usage = { ["count_" .. i] = 1 } }) end,
    ["calls without a name"] = function(i) return chunk { tool_calls = { call { index = i, id = "call_" .. i } } } end,
    ["calls under new indices"] = function(i)
      return chunk { tool_calls = { call { index = "index_" .. i, id = "t" } } }
    end,
  } do
    it("weigh what is kept until the end: " .. name, function()
      local budget = budgets.new(20000)
      local translator = chat_completion.translator(budget)
      for i = 1, 1000 do
        assert(translator:feed(chunks(i)))
      end
      assert.is_true(budget:is_exceeded())
    end)
  end

  it("share nothing with another stream", function()
    translate(chunk { content = "a" })
    assert.same({}, chat_completion.translator():finish())
  end)
end)
