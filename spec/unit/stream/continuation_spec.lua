-- What is asked for to go on with an answer that broke off, and how the rest joins what came.

local continuation = require "anthropic.stream.continuation"
local json = require "anthropic.base.json"

local function text(words, fields)
  local block = fields or {}
  block.type, block.text = "text", words
  return block
end

local function params(fields)
  local whole = { model = "m", messages = { { role = "user", content = "Hello" } } }
  for name, value in pairs(fields or {}) do
    whole[name] = value
  end
  return whole
end

describe("the parameters that ask for the rest", function()
  describe("are none", function()
    for _, case in ipairs {
      { "with thinking", { thinking = { type = "enabled", budget_tokens = 1024 } } },
      { "with thinking of a kind that is not known", { thinking = {} } },
      { "with an output format", { output_format = { type = "json_schema" } } },
      { "with an output format in output_config", { output_config = { format = { type = "json_schema" } } } },
      { "with messages that are raw JSON", { messages = json.raw "[]" } },
    } do
      it(case[1], function()
        assert.is_nil(continuation.params(params(case[2]), { text "Hel" }))
      end)
    end

    for _, case in ipairs {
      { "thinking", { { type = "thinking", thinking = "hm" }, text "Hel" } },
      { "a tool call", { text "Hel", { type = "tool_use", id = "a", name = "f" } } },
      { "a block of a later API", { { type = "later", text = "Hel" } } },
      { "citations", { text("Hel", { citations = { { type = "char_location" } } }) } },
      { "citations in the last block", { text "a", text("b", { citations = { {} } }) } },
    } do
      it("after " .. case[1], function()
        assert.is_nil(continuation.params(params(), case[2]))
      end)
    end
  end)

  describe("are there", function()
    for _, case in ipairs {
      { "with thinking turned off", { thinking = { type = "disabled" } } },
      { "with thinking that is no table", { thinking = json.null } },
      { "with an output_config without a format", { output_config = { effort = "low" } } },
      { "with an output_config that is no table", { output_config = json.null } },
    } do
      it(case[1], function()
        local asked = continuation.params(params(case[2]), { text "Hel" })
        assert.equal("Hel", asked.messages[2].content[1].text)
      end)
    end

    it("with citations of which there are none", function()
      local asked = continuation.params(params(), { text("Hel", { citations = {} }) })
      assert.same({ role = "assistant", content = { { type = "text", text = "Hel" } } }, asked.messages[2])
    end)
  end)

  it("are those of the request with the answer as its last message", function()
    local given = params { max_tokens = 9, system = "Be brief.", temperature = 0 }
    local asked = continuation.params(given, { text "Hel" })
    assert.same({
      model = "m", max_tokens = 9, system = "Be brief.", temperature = 0,
      messages = {
        { role = "user", content = "Hello" },
        { role = "assistant", content = { { type = "text", text = "Hel" } } },
      },
    }, asked)
    assert.equal(given.messages[1], asked.messages[1])
  end)

  it("leave the caller's as they are", function()
    local given, content = params(), { text "Hel \n", text " " }
    continuation.params(given, content)
    assert.same(params(), given)
    assert.same({ text "Hel \n", text " " }, content)
  end)

  it("are the same again where nothing but white space came", function()
    for _, content in ipairs { {}, { text "" }, { text " \n" }, { text " ", text "\t\r\n" }, { { type = "text" } } } do
      local given = params { max_tokens = 9 }
      local asked = continuation.params(given, content)
      assert.same(given, asked)
      assert.are_not.equal(given, asked)
      assert.equal(given.messages, asked.messages)
    end
  end)

  describe("end without white space:", function()
    for _, case in ipairs {
      { "at the end of the last block", { "a b \n\t" }, { "a b" } },
      { "a whole block of it", { "a ", " \n" }, { "a" } },
      { "several of them", { "a", " ", "", "\n" }, { "a" } },
      { "not inside", { " a ", " b " }, { " a ", " b" } },
      { "blocks inside that hold nothing are left out", { "", "a", "", "b" }, { "a", "b" } },
      { "blocks inside that hold white space are kept", { "a", " ", "b" }, { "a", " ", "b" } },
    } do
      it(case[1], function()
        local content = {}
        for i, words in ipairs(case[2]) do
          content[i] = text(words)
        end
        local asked = {}
        for i, block in ipairs(continuation.params(params(), content).messages[2].content) do
          assert.equal("text", block.type)
          asked[i] = block.text
        end
        assert.same(case[3], asked)
      end)
    end
  end)
end)

describe("the parameters that ask for the rest, after blocks that say odd things,", function()
  it("are of what is text", function()
    for _, odd in ipairs { 5, true, {}, "" } do
      local asked = continuation.params(params(), { text "Hel", text(odd), text "lo \n", text(odd), text " " })
      assert.same({ text "Hel", text "lo" }, asked.messages[2].content)
    end
  end)

  it("are none where citations are what they cannot be", function()
    assert.is_nil(continuation.params(params(), { text("a", { citations = 5 }) }))
  end)
end)

describe("the rest", function()
  local function start(index, block)
    return { type = "content_block_start", index = index, content_block = block }
  end

  local function delta(index, words)
    return { type = "content_block_delta", index = index, delta = { type = "text_delta", text = words } }
  end

  local function stop(index)
    return { type = "content_block_stop", index = index }
  end

  local function joiner(last, words, on_start)
    local content = {}
    for i = 1, last and last.index + 1 or 0 do
      content[i] = text(words)
    end
    return continuation.new(last, content, on_start or function() end)
  end

  -- What all the events become.
  local function join(joined, events)
    local all = {}
    for _, event in ipairs(events) do
      for _, replacement in ipairs(joined:join(event)) do
        all[#all + 1] = replacement
      end
    end
    return all
  end

  it("hands the message that it begins with on", function()
    local given = {}
    local joined = joiner(nil, "", function(message)
      given[#given + 1] = message
    end)
    local usage = { input_tokens = 3 }
    assert.same({}, joined:join { type = "message_start", message = { usage = usage } })
    assert.equal(usage, given[1].usage)
    assert.same({}, joined:join { type = "message_start", message = "none" })
    assert.same({}, joined:join { type = "message_start" })
    assert.same({ {}, {} }, { given[2], given[3] })
  end)

  it("passes on what concerns no block", function()
    local joined = joiner({ index = 2 }, "a ")
    for _, event in ipairs {
      { type = "ping" }, { type = "message_delta", delta = {} }, { type = "message_stop" },
      { type = "later", index = "1" },
      { type = "content_block_delta", delta = { type = "text_delta", text = " " } },
    } do
      local events = joined:join(event)
      assert.equal(1, #events)
      assert.equal(event, events[1])
    end
  end)

  it("goes on with the last block where that is open", function()
    local joined = joiner({ index = 0 }, "Hel")
    assert.same({ delta(0, "lo"), stop(0) }, join(joined, { start(0, text ""), delta(0, "lo"), stop(0) }))
  end)

  it("goes on with the last block by its own number", function()
    local joined = joiner({ index = 2 }, "Hel")
    assert.same({ delta(2, "lo"), stop(2), start(3, text ""), delta(3, "x") },
      join(joined, { start(0, text ""), delta(0, "lo"), stop(0), start(1, text ""), delta(1, "x") }))
  end)

  it("goes on with the last block whatever number its first one has", function()
    local joined = joiner({ index = 2 }, "Hel")
    assert.same({ delta(2, "lo"), stop(2), start(3, text "") },
      join(joined, { start(1, text ""), delta(1, "lo"), stop(1), start(2, text "") }))
  end)

  it("numbers its blocks from where the last one ended", function()
    local joined = joiner({ index = 1, closed = true }, "Hello")
    local block = text ""
    local events = join(joined, { start(0, block), delta(0, "x"), stop(0), start(1, block), stop(1) })
    assert.same({ start(2, block), delta(2, "x"), stop(2), start(3, block), stop(3) }, events)
    assert.equal(block, events[1].content_block)
  end)

  it("keeps its numbers where nothing had come", function()
    local joined = joiner(nil)
    assert.same({ start(0, text ""), delta(0, "x") }, join(joined, { start(0, text ""), delta(0, "x") }))
  end)

  it("leaves the events themselves as they are", function()
    local joined = joiner({ index = 0, closed = true }, "Hello")
    local given = { start(0, text ""), delta(0, "x"), stop(0) }
    join(joined, given)
    assert.same({ start(0, text ""), delta(0, "x"), stop(0) }, given)
  end)

  it("closes the open block before one of another kind", function()
    local joined = joiner({ index = 1 }, "Hel")
    local tool = { type = "tool_use", id = "a", name = "f", input = {} }
    assert.same({ stop(1), start(2, tool), stop(2) }, join(joined, { start(0, tool), stop(0) }))
    assert.same({ start(3, text "") }, joined:join(start(1, text "")))
  end)

  it("closes the open block before one that is malformed", function()
    local joined = joiner({ index = 0 }, "Hel")
    assert.same({ stop(0), start(1) }, joined:join(start(0)))
  end)

  it("brings the text that its first block starts with", function()
    local joined = joiner({ index = 0 }, "Hel ")
    assert.same({ delta(0, "lo") }, joined:join(start(0, text " lo")))
    assert.same({ delta(0, " there") }, joined:join(delta(0, " there")))
    assert.same({}, joiner({ index = 0 }, "Hel"):join(start(0, { type = "text" })))
  end)

  describe("brings white space that came before", function()
    for _, case in ipairs {
      { "once", " \n", { " \nlo" }, { "lo" } },
      { "in pieces", " \n\t", { " ", "\n", "\tlo" }, { "lo" } },
      { "in pieces alone", " \n", { " ", "\n", " lo" }, { " lo" } },
      { "and more of it", " ", { "  lo" }, { " lo" } },
      { "never where it does not come again", " \n", { "lo", " \nx" }, { "lo", " \nx" } },
      { "whole where it comes otherwise", " \n", { "\n lo" }, { "\n lo" } },
      { "whole where it differs later on", " \n", { " ", "lo" }, { "lo" } },
      { "after pieces without any", " ", { "", " lo" }, { "lo" } },
      { "as it is where there was none", "", { " lo" }, { " lo" } },
    } do
      it(case[1], function()
        local joined = joiner({ index = 0 }, "Hel" .. case[2])
        local events = { start(0, text "") }
        for _, piece in ipairs(case[3]) do
          events[#events + 1] = delta(0, piece)
        end
        local pieces = {}
        for i, event in ipairs(join(joined, events)) do
          assert.equal(0, event.index)
          assert.equal("text_delta", event.delta.type)
          pieces[i] = event.delta.text
        end
        assert.same(case[4], pieces)
      end)
    end

    it("also in a block of its own", function()
      local joined = joiner({ index = 0, closed = true }, "Hello ")
      assert.same({ start(1, text ""), delta(1, "x") }, join(joined, { start(0, text ""), delta(0, " x") }))
    end)

    it("but takes none from a block of another kind, nor after it", function()
      local joined = joiner({ index = 0, closed = true }, "Hello ")
      local thinking = { type = "thinking", thinking = "" }
      joined:join(start(0, thinking))
      assert.same({ start(2, text ""), delta(2, " x") }, join(joined, { start(1, text ""), delta(1, " x") }))
    end)

    it("but takes none from a delta of another kind", function()
      local joined = joiner({ index = 0 }, "Hel ")
      joined:join(start(0, text ""))
      local citation = { type = "content_block_delta", index = 0, delta = { type = "citations_delta", citation = {} } }
      assert.same({ citation }, joined:join(citation))
      local odd = { type = "content_block_delta", index = 0, delta = " " }
      assert.same({ odd }, joined:join(odd))
      assert.same({ delta(0, "x") }, joined:join(delta(0, " x")))
    end)
  end)

  it("keeps white space where the last block holds no text", function()
    local joined = continuation.new({ index = 0, closed = true }, { { type = "tool_use" } }, function() end)
    assert.same({ start(1, text ""), delta(1, " x") }, join(joined, { start(0, text ""), delta(0, " x") }))
  end)

  it("begins with a block whose text is none", function()
    for _, odd in ipairs { 5, true, {} } do
      local joined = joiner({ index = 0 }, "Hel \n")
      assert.same({}, joined:join(start(0, { type = "text", text = odd })))
      assert.same({}, joined:join(delta(0, " ")))
      assert.same({ delta(0, "lo") }, joined:join(delta(0, "\nlo")))
    end
  end)

  describe("is passed on as it comes", function()
    it("where nothing had come", function()
      assert.is_true(joiner(nil):is_joined())
    end)

    it("once the first block goes on, and nothing can come again", function()
      local joined = joiner({ index = 0 }, "Hel ")
      assert.is_false(joined:is_joined())
      joined:join(start(0, text ""))
      assert.is_false(joined:is_joined())
      joined:join(delta(0, "lo"))
      assert.is_true(joined:is_joined())
    end)

    it("not while the last block is open", function()
      local joined = joiner({ index = 0 }, "Hel")
      assert.is_false(joined:is_joined())
      joined:join(start(0, text ""))
      assert.is_true(joined:is_joined())
    end)

    it("never where blocks have other numbers", function()
      local joined = joiner({ index = 0, closed = true }, "Hello")
      assert.is_false(joined:is_joined())
      joined:join(start(0, text ""))
      joined:join(delta(0, "x"))
      assert.is_false(joined:is_joined())
    end)
  end)
end)
