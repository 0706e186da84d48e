local chat = require "anthropic.client.chat"
local json = require "anthropic.base.json"

-- A client whose methods answer as the spec says, and keep what they were given.
local function played_client()
  local client = { messages = {}, sent = {} }
  local function answer(kind)
    return function(params, options)
      client.sent[#client.sent + 1] = { kind = kind, params = params, options = options }
      local given = table.remove(client.answers, 1)
      if given.err then
        return nil, given.err
      end
      return given
    end
  end
  client.messages.create, client.messages.stream = answer "create", answer "stream"
  client.answers = {}
  return client
end

local function message_of(text, content)
  return {
    role = "assistant",
    content = content or { { type = "text", text = text } },
    text = function() return text end,
  }
end

-- A stream that brings the pieces given; an `err` among them is raised.
local function stream_of(pieces, message)
  local place, so_far = 0, ""
  local stream = { closed = 0 }
  local function next_piece()
    place = place + 1
    local piece = pieces[place]
    if type(piece) == "table" then
      return nil, piece
    end
    so_far = so_far .. (piece or "")
    return piece
  end
  function stream.next()
    local piece, err = next_piece()
    return piece and { type = "content_block_delta", delta = { type = "text_delta", text = piece } }, err
  end
  function stream.text_deltas()
    return function()
      local piece, err = next_piece()
      if err then
        error(err, 0)
      end
      return piece
    end
  end
  function stream.message() return message or message_of(so_far) end
  function stream.snapshot() return message_of(so_far) end
  function stream.close() stream.closed = stream.closed + 1 end
  return stream
end

local function user(content)
  return { role = "user", content = content }
end

local function raised_by(f)
  local ok, err = pcall(f)
  assert.is_false(ok)
  return err
end

local client

before_each(function() client = played_client() end)

-- What the n-th request sent, without its messages.
local function fields_of(n)
  local fields = {}
  for name, value in pairs(client.sent[n].params) do
    fields[name] = name ~= "messages" and value or nil
  end
  return fields
end

local function messages_of(n)
  return client.sent[n].params.messages
end

local WRONG_PROMPTS = { 5, true, print }

describe("a question", function()
  it("is sent as the user's, with a limit, and its answer is the text and the message", function()
    local message = message_of "Blue."
    client.answers = { message }
    local text, whole = chat.ask(client, "Why?")
    assert.equal("Blue.", text)
    assert.equal(message, whole)
    assert.equal("create", client.sent[1].kind)
    assert.same({ user "Why?" }, messages_of(1))
    assert.same({ max_tokens = 4096 }, fields_of(1)) -- messages.create knows the model
  end)

  it("may be of blocks, with parameters over the defaults, which are left as they were", function()
    client.answers = { message_of "x" }
    local blocks = { { type = "text", text = "Why?" } }
    local params = { model = "m", max_tokens = 1, system = "s", stream = true }
    chat.ask(client, blocks, params)
    assert.same({ user(blocks) }, messages_of(1))
    assert.same({ model = "m", max_tokens = 1, system = "s" }, fields_of(1))
    assert.same({ model = "m", max_tokens = 1, system = "s", stream = true }, params)
  end)

  it("is sent behind a history, which is left as it was", function()
    client.answers = { message_of "x" }
    local history = { user "one", { role = "assistant", content = "two" } }
    chat.ask(client, "Why?", { messages = history })
    assert.same({ user "one", { role = "assistant", content = "two" }, user "Why?" }, messages_of(1))
    assert.equal(2, #history)
  end)

  it("is not sent where its history is no list", function()
    local text, err = chat.ask(client, "Why?", { messages = { user "one", nil, user "three" } })
    assert.is_nil(text)
    assert.equal("invalid_request", err.kind)
    assert.equal("messages[2]: missing", err.message)
    local function ask() -- as Client:ask
      local answer = chat.ask(client, "Why?", { messages = "one" })
      return answer
    end
    local line = debug.getinfo(ask, "S").linedefined + 1
    assert.equal(("spec/unit/client/chat_spec.lua:%d: params.messages: table expected, got string"):format(line),
      raised_by(function() ask() end))
    assert.same({}, client.sent)
  end)

  it("gives the error of a failure", function()
    local err = {}
    client.answers = { { err = err } }
    local text, told = chat.ask(client, "Why?")
    assert.is_nil(text)
    assert.equal(err, told)
  end)

  it("of a wrong type raises, blames the caller of the method, and nothing is sent", function()
    local function ask(...) -- as Client:ask
      local text = chat.ask(client, ...)
      return text
    end
    local line = debug.getinfo(ask, "S").linedefined + 1
    for _, wrong in ipairs(WRONG_PROMPTS) do
      assert.equal(("spec/unit/client/chat_spec.lua:%d: a string or a list of content blocks expected, got %s")
        :format(line, type(wrong)), raised_by(function() ask(wrong) end))
    end
    assert.matches("^spec/unit/client/chat_spec.lua:%d+: a string or a list of content blocks expected, got nil$",
      raised_by(function() ask() end))
    for _, wrong in ipairs { "text", 5, false } do
      assert.equal(("spec/unit/client/chat_spec.lua:%d: params: table expected, got %s"):format(line, type(wrong)),
        raised_by(function() ask("Why?", wrong) end))
    end
    assert.matches("params: table expected, got anthropic.raw$", raised_by(function() ask("Why?", json.raw "{}") end))
    assert.same({}, client.sent)
  end)
end)

describe("a conversation", function()
  it("blames the caller for wrong options of a turn, and sends nothing", function()
    local talk = chat.new(client)
    for _, method in ipairs { "say", "stream" } do
      local function take_turn(options)
        local result = talk[method](talk, "Why?", options)
        return result
      end
      local line = debug.getinfo(take_turn, "S").linedefined + 1
      for _, wrong in ipairs { { bad = 1 }, { max_retries = "two" }, "text" } do
        assert.matches("^spec/unit/client/chat_spec.lua:" .. line .. ": .*option", raised_by(function()
          take_turn(wrong)
        end))
      end
    end
    assert.same({}, client.sent)
    assert.same({}, talk.messages)
  end)

  it("begins with nothing, or with the history given, which is left as it was", function()
    assert.same({}, chat.new(client).messages)
    local history = { user "one", { role = "assistant", content = "two" } }
    local params = { messages = history, model = "m" }
    client.answers = { message_of "four" }
    local talk = chat.new(client, params)
    assert.equal("four", (talk:say "three"))
    assert.equal(2, #history)
    assert.equal(history, params.messages)
    assert.equal(4, #talk.messages)
    assert.equal(history[1], messages_of(1)[1])
  end)

  it("says each turn after the ones before, and keeps whole answers", function()
    local first, second = message_of "1.", message_of "2."
    client.answers = { first, second }
    local talk = chat.new(client, { system = "s" })
    local text, message = talk:say "one"
    assert.equal("1.", text)
    assert.equal(first, message)
    assert.equal("2.", (talk:say { { type = "text", text = "two" } }))
    assert.same({ user "one", first, user { { type = "text", text = "two" } }, second }, talk.messages)
    assert.equal(first, messages_of(2)[2])
    for n = 1, 2 do
      assert.same({ system = "s", max_tokens = 4096 }, fields_of(n))
    end
  end)

  it("gives options on for a single turn", function()
    local options = {}
    client.answers = { message_of "1", stream_of { "2" }, message_of "3" }
    local talk = chat.new(client)
    talk:say("one", options)
    talk:stream("two", options)
    talk:say "three"
    assert.equal(options, client.sent[1].options)
    assert.equal(options, client.sent[2].options)
    assert.is_nil(client.sent[3].options)
  end)

  it("never sends a `stream` of its parameters", function()
    client.answers = { message_of "1", stream_of {} }
    local talk = chat.new(client, { stream = true })
    talk:say "one"
    talk:stream "two"
    assert.is_nil(fields_of(1).stream)
    assert.is_nil(fields_of(2).stream)
  end)

  it("does not remember an answer without content, but what the user said", function()
    client.answers = { message_of("", {}), message_of "2" }
    local talk = chat.new(client)
    assert.equal("", (talk:say "one"))
    assert.same({ user "one" }, talk.messages)
    talk:say "two"
    assert.same({ user "one", user "two" }, { messages_of(2)[1], messages_of(2)[2] })
  end)

  it("is as it was where a turn fails", function()
    local err = {}
    client.answers = { message_of "1", { err = err }, { err = err } }
    local talk = chat.new(client)
    talk:say "one"
    local before = talk.messages
    local text, told = talk:say "two"
    assert.is_nil(text)
    assert.equal(err, told)
    assert.equal(before, talk.messages)
    assert.equal(2, #talk.messages)
    assert.equal(err, raised_by(function() talk:stream "three" end))
    assert.equal(2, #talk.messages)
  end)

  it("raises what a stream's beginning gives, a text with no position added", function()
    client.answers = { { err = "words" } }
    assert.equal("words", raised_by(function() chat.new(client):stream "one" end))
  end)

  it("raises for a prompt or parameters of a wrong type, and blames the caller", function()
    client.answers = { stream_of { "a", "b" } }
    local talk = chat.new(client)
    local answer = talk:stream "one"
    answer()
    local position = "^spec/unit/client/chat_spec%.lua:%d+: "
    for _, wrong in ipairs(WRONG_PROMPTS) do
      local words = position .. "a string or a list of content blocks expected, got " .. type(wrong) .. "$"
      assert.matches(words, raised_by(function() talk:say(wrong) end))
      assert.matches(words, raised_by(function() talk:stream(wrong) end))
    end
    assert.matches(position .. "params: table expected, got string$", raised_by(function()
      local function new() -- as Client:chat
        local made = chat.new(client, "text")
        return made
      end
      new()
    end))
    assert.equal(1, #client.sent)
    assert.equal("b", answer()) -- the open answer is not disturbed
  end)
end)

describe("a streamed turn", function()
  local talk

  before_each(function() talk = chat.new(client) end)

  local function collect(answer)
    local pieces = {}
    local piece = answer()
    while piece do
      pieces[#pieces + 1] = piece
      piece = answer()
    end
    return pieces
  end

  it("brings its text in pieces, and is remembered once, whole, at its end", function()
    local message = message_of "Hello!"
    client.answers = { stream_of({ "Hel", "lo", "!" }, message), message_of "2" }
    local answer = talk:stream "one"
    assert.equal("stream", client.sent[1].kind)
    assert.same({}, talk.messages)
    assert.same({ "Hel", "lo", "!" }, collect(answer))
    assert.same({ user "one", message }, talk.messages)
    assert.is_nil(answer())
    assert.equal(2, #talk.messages)
    talk:say "two"
    assert.equal(4, #talk.messages)
  end)

  it("is not remembered where its message has no content", function()
    client.answers = { stream_of({}, message_of("", {})) }
    assert.same({}, collect(talk:stream "one"))
    assert.same({ user "one" }, talk.messages)
  end)

  it("that breaks off raises, leaves the history as it was, and is not settled later", function()
    local err = {}
    local stream = stream_of { "Hel", err }
    client.answers = { stream, message_of "2" }
    local answer = talk:stream "one"
    assert.equal("Hel", answer())
    assert.equal(err, raised_by(answer))
    assert.same({}, talk.messages)
    talk:say "two"
    assert.equal(0, stream.closed)
    assert.same({ user "two" }, { talk.messages[1] })
    assert.equal(2, #talk.messages)
  end)

  describe("that is left early", function()
    it("is closed by the next turn and remembered as far as it came, without blanks at its end", function()
      local stream = stream_of { "Hel", "lo ", "\n\t", "never" }
      client.answers = { stream, message_of "2" }
      local answer = talk:stream "one"
      for _ = 1, 3 do
        answer()
      end
      talk:say "two"
      assert.equal(1, stream.closed)
      assert.same({ user "one", { role = "assistant", content = "Hello" }, user "two" },
        { messages_of(2)[1], messages_of(2)[2], messages_of(2)[3] })
      assert.equal(4, #talk.messages)
    end)

    it("keeps the blanks inside and before its text", function()
      client.answers = { stream_of { " a \n b " }, stream_of {} }
      talk:stream "one"()
      talk:stream "two"
      assert.same({ role = "assistant", content = " a \n b" }, talk.messages[2])
    end)

    it("is closed and not remembered where there was no text yet, or blanks alone", function()
      for _, pieces in ipairs { { "never" }, { " \n", "never" } } do
        local stream = stream_of(pieces)
        client.answers = { stream, message_of "2" }
        local own = chat.new(client)
        local answer = own:stream "one"
        if pieces[2] then
          answer()
        end
        own:say "two"
        assert.equal(1, stream.closed)
        assert.same(user "two", own.messages[1])
        assert.equal(2, #own.messages)
      end
    end)

    it("can be gone on with before the next turn", function()
      client.answers = { stream_of { "a", "b" } }
      local answer = talk:stream "one"
      answer()
      assert.same({ "b" }, collect(answer))
      assert.equal(2, #talk.messages)
    end)

    it("adds nothing more once the next turn was said, whatever is still read of it", function()
      client.answers = { stream_of { "a", "b" }, message_of "2", stream_of { "c", "d" } }
      local answer = talk:stream "one"
      answer()
      talk:say "two"
      assert.same({ "b" }, collect(answer))
      assert.equal(4, #talk.messages)
      local other = talk:stream "three"
      other()
      assert.is_nil(answer())
      assert.same({ "d" }, collect(other))
      assert.equal(6, #talk.messages)
    end)

    it("is settled before a turn that then fails", function()
      client.answers = { stream_of { "a", "b" }, { err = {} } }
      talk:stream "one"()
      talk:say "two"
      assert.same({ user "one", { role = "assistant", content = "a" } }, talk.messages)
    end)
  end)

  it("is apart from other conversations, and from later changes to the parameters", function()
    local params = { model = "m" }
    local one = chat.new(client, params)
    params.model = "other"
    client.answers = { message_of "1", message_of "2" }
    one:say "one"
    talk:say "two"
    assert.equal("m", fields_of(1).model)
    assert.equal(2, #one.messages)
    assert.same({ user "two" }, { messages_of(2)[1] })
  end)

  it("has a history that may be changed between turns", function()
    client.answers = { message_of "1", message_of "2" }
    talk:say "one"
    talk.messages = { user "instead" }
    talk:say "two"
    assert.same({ user "instead", user "two" }, { messages_of(2)[1], messages_of(2)[2] })
    table.remove(talk.messages)
    assert.equal(2, #talk.messages)
  end)

  it("refuses a history that is no list, and leaves it", function()
    for words, history in pairs {
      ["messages[2]: missing"] = { user "one", nil, user "three" },
      ["messages: a list expected, got a table with the key n"] = { n = 1 },
      ["messages: a list expected, got string"] = "one",
      ["messages: a list expected, got nil"] = false,
    } do
      talk.messages = history or nil
      local text, err = talk:say "next"
      assert.is_nil(text)
      assert.equal("invalid_request", err.kind)
      assert.equal(words, err.message)
      assert.equal(words, raised_by(function() talk:stream "next" end).message)
      assert.equal(history or nil, talk.messages)
    end
    assert.equal(0, #client.sent)
  end)
end)
