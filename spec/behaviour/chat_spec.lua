local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local raw_client = require "spec.support.raw_client"
local testing = require "anthropic.testing"

local eventually = raw_client.eventually

describe("the convenience layer", function()
  local server, client

  local function serve(script)
    server = testing.server { script = script or { testing.message { text = "Hi" } } }
    client = anthropic.new { base_url = server.url, api_key = "test", max_retries = 0, model = "the-clients" }
  end

  local function bodies()
    local list = {}
    for i, request in ipairs(server:requests()) do
      list[i] = request.body
    end
    return list
  end

  -- What a request's body must be: the parameters and messages given, defaults filled in.
  local function body_of(params, ...)
    local whole = { model = "the-clients", max_tokens = 4096, messages = { ... } }
    for name, value in pairs(params) do
      whole[name] = value
    end
    return assert(json.encode(whole))
  end

  local function user(content)
    return { role = "user", content = content }
  end

  local function assistant(content)
    return { role = "assistant", content = content }
  end

  local function text(words)
    return { type = "text", text = words }
  end

  local function collect(iterator)
    local pieces = {}
    for piece in iterator do
      pieces[#pieces + 1] = piece
    end
    return pieces
  end

  after_each(function()
    client:close()
    server:stop()
  end)

  describe("ask", function()
    it("gives the text and the message", function()
      serve()
      local answer, message = client:ask "Hello"
      assert.equal("Hi", answer)
      assert.equal("end_turn", message.stop_reason)
      assert.same({ body_of({}, user "Hello") }, bodies())
    end)

    it("takes blocks and further parameters, and leaves both as they were", function()
      serve()
      local prompt = { text "What is this?", { type = "image", source = { type = "url", url = "u" } } }
      local params = { model = "m", max_tokens = 7, system = "Be brief.", stop_sequences = {} }
      assert(client:ask(prompt, params))
      assert.same({ body_of(params, user(prompt)) }, bodies())
      assert.is_nil(params.messages)
      assert.equal(2, #prompt)
    end)

    it("gives the error of a failure", function()
      serve { testing.error { status = 400, message = "bad" } }
      local answer, err = client:ask "Hello"
      assert.is_nil(answer)
      assert.equal("bad", err.message)
    end)

    it("gives an empty text where there is none", function()
      serve { testing.message { tool_uses = { { name = "f" } } } }
      local answer, message = client:ask "Hello"
      assert.equal("", answer)
      assert.equal("f", message:tool_uses()[1].name)
    end)

    it("is whole also where a stream was asked for", function()
      serve()
      assert.equal("Hi", (client:ask("Hello", { stream = true })))
    end)
  end)

  describe("a conversation", function()
    it("says each turn after the ones before", function()
      serve { testing.message { text = "Hello, Ada." }, testing.message { text = "Ada." } }
      local chat = client:chat { system = "Be brief.", max_tokens = 50 }
      assert.equal("Hello, Ada.", (chat:say "My name is Ada."))
      local answer, message = chat:say "What is my name?"
      assert.equal("Ada.", answer)
      assert.equal("Ada.", message:text())
      local params = { system = "Be brief.", max_tokens = 50 }
      assert.same({
        body_of(params, user "My name is Ada."),
        body_of(params, user "My name is Ada.", assistant { text "Hello, Ada." }, user "What is my name?"),
      }, bodies())
      assert.equal(4, #chat.messages)
      assert.equal(message, chat.messages[4])
    end)

    it("keeps thinking and signatures, said and streamed", function()
      serve {
        testing.message { thinking = "想", signature = "s1==", text = "a" },
        testing.stream { thinking = "Hmm, well.", signature = "s2==", text = "b c" },
        testing.message { text = "d" },
      }
      local chat = client:chat()
      assert(chat:say "1")
      assert.equal("b c", table.concat(collect(chat:stream "2")))
      assert(chat:say "3")
      assert.equal(body_of({},
        user "1",
        assistant { { type = "thinking", thinking = "想", signature = "s1==" }, text "a" },
        user "2",
        assistant { { type = "thinking", thinking = "Hmm, well.", signature = "s2==" }, text "b c" },
        user "3"), bodies()[3])
    end)

    it("sends a tool's input as it came, and takes its result as blocks", function()
      serve {
        testing.stream { text = "Let me see.", tool_uses = { { name = "f", id = "t1", input_json = '{"x": [ ]}' } } },
        testing.message { text = "Done." },
      }
      local chat = client:chat()
      for _ in chat:stream "Use the tool." do end -- luacheck: ignore
      local use = chat.messages[2]:tool_uses()[1]
      local result = { { type = "tool_result", tool_use_id = use.id, content = "42" } }
      assert.equal("Done.", (chat:say(result)))
      assert.equal('{"max_tokens":4096,"messages":[{"content":"Use the tool.","role":"user"},{"content":['
        .. '{"text":"Let me see.","type":"text"},{"id":"t1","input":{"x": [ ]},"name":"f","type":"tool_use"}],'
        .. '"role":"assistant"},{"content":[{"content":"42","tool_use_id":"t1","type":"tool_result"}],'
        .. '"role":"user"}],"model":"the-clients"}', bodies()[2])
    end)

    it("streams its text in pieces", function()
      serve { testing.stream { text = "one two three" } }
      local chat = client:chat()
      assert.same({ "one", " two", " three" }, collect(chat:stream "Count."))
      assert.equal("one two three", chat.messages[2]:text())
      assert.equal(body_of({ stream = true }, user "Count."), bodies()[1])
    end)

    it("remembers a streamed turn once", function()
      serve { testing.stream { text = "one" } }
      local chat = client:chat()
      local iterate = chat:stream "Count."
      assert.equal("one", iterate())
      assert.equal(0, #chat.messages)
      assert.is_nil(iterate())
      assert.equal(2, #chat.messages)
      assert.is_nil(iterate())
      assert.equal(2, #chat.messages)
    end)

    it("begins with the history it is given, and leaves that as it was", function()
      serve()
      local history = { user "1", assistant "2" }
      local params = { messages = history, temperature = 0.5 }
      local chat = client:chat(params)
      assert(chat:say "3")
      assert.equal(body_of({ temperature = 0.5 }, user "1", assistant "2", user "3"), bodies()[1])
      assert.equal(2, #history)
      assert.equal(history, params.messages)
      assert.equal(4, #chat.messages)
    end)

    it("lets its history be changed between turns", function()
      serve()
      local chat = client:chat()
      assert(chat:say "1")
      chat.messages = {}
      assert(chat:say "2")
      table.remove(chat.messages)
      assert(chat:say "3")
      assert.equal(body_of({}, user "2"), bodies()[2])
      assert.equal(body_of({}, user "2", user "3"), bodies()[3])
    end)

    it("is apart from other ones, and from changes to its parameters", function()
      serve()
      local params = { system = "A" }
      local first, second = client:chat(params), client:chat(params)
      params.system = "B"
      assert(first:say "1")
      assert(second:say "2")
      assert.same({ body_of({ system = "A" }, user "1"), body_of({ system = "A" }, user "2") }, bodies())
    end)

    it("takes options for one turn", function()
      serve()
      local chat = client:chat()
      assert(chat:say("1", { headers = { ["X-Turn"] = "1" } }))
      assert(chat:say "2")
      assert.equal("1", server:requests()[1].headers["x-turn"])
      assert.is_nil(server:requests()[2].headers["x-turn"])
    end)

    it("keeps its model and limit where they are given", function()
      serve()
      assert(client:chat({ model = "m", max_tokens = 9 }):say "1")
      assert.equal(body_of({ model = "m", max_tokens = 9 }, user "1"), bodies()[1])
    end)

    it("does not remember an answer without content, which no later request may have", function()
      serve { { body = { id = "m", type = "message", role = "assistant", content = testing.array {},
                           stop_reason = "end_turn", usage = { input_tokens = 1, output_tokens = 0 } } },
                testing.message { text = "Hi" } }
      local chat = client:chat()
      assert.equal("", (chat:say "1"))
      assert.equal("Hi", (chat:say "2"))
      assert.equal(body_of({}, user "1", user "2"), bodies()[2])
    end)
  end)

  describe("a turn that fails", function()
    it("leaves the history as it was", function()
      serve { testing.message { text = "a" }, testing.error { status = 500 }, testing.message { text = "b" } }
      local chat = client:chat()
      assert(chat:say "1")
      local history = chat.messages
      local answer, err = chat:say "2"
      assert.is_nil(answer)
      assert.equal("api", err.kind)
      assert.equal(history, chat.messages)
      assert.equal(2, #history)
      assert(chat:say "3")
      assert.equal(body_of({}, user "1", assistant { text "a" }, user "3"), bodies()[3])
    end)

    it("raises where its stream does not begin", function()
      serve { testing.error { status = 529 }, testing.message { text = "b" } }
      local chat = client:chat()
      local ok, err = pcall(chat.stream, chat, "1")
      assert.is_false(ok)
      assert.equal(529, err.status)
      assert(chat:say "2")
      assert.equal(body_of({}, user "2"), bodies()[2])
    end)

    it("leaves the history as it was where its stream breaks off", function()
      serve {
        testing.stream { text = "one two three", error = { type = "overloaded_error", message = "Overloaded" } },
        testing.message { text = "b" },
      }
      local chat = client:chat()
      local pieces = {}
      local ok, err = pcall(function()
        for piece in chat:stream "1" do
          pieces[#pieces + 1] = piece
        end
      end)
      assert.is_false(ok)
      assert.equal("overloaded_error", err.type)
      assert.equal("one two three", table.concat(pieces))
      assert.equal(0, #chat.messages)
      assert(chat:say "2")
      assert.equal(body_of({}, user "2"), bodies()[2])
    end)
  end)

  describe("an answer that is left early", function()
    -- Nothing comes for long after the first piece of its text.
    local function slow_answer()
      local answer = testing.stream { text = "one two three", thinking = "Hm.", signature = "s" }
      for i, event in ipairs(answer.events) do
        if event.data.delta and event.data.delta.type == "text_delta" then
          answer.events[i + 1].delay = 30
          return answer
        end
      end
    end

    local function leave_after_one(chat)
      for piece in chat:stream "1" do
        if piece then
          return piece
        end
      end
    end

    it("is remembered as far as it came, and no more of it is read", function()
      serve { slow_answer(), testing.message { text = "b" } }
      local chat = client:chat()
      assert.equal("one", leave_after_one(chat))
      assert.equal(0, #chat.messages)
      assert(chat:say "2")
      assert.equal(body_of({}, user "1", assistant "one", user "2"), bodies()[2])
      assert.equal(4, #chat.messages)
      assert.is_true(eventually(function()
        return server:requests()[1].closed_early
      end))
    end)

    it("is not remembered where there was no text yet", function()
      serve { slow_answer(), testing.message { text = "b" } }
      local chat = client:chat()
      chat:stream "1"
      assert(chat:say "2")
      assert.equal(body_of({}, user "2"), bodies()[2])
    end)

    it("cannot be gone on with once the next turn was said", function()
      serve { slow_answer(), testing.message { text = "b" } }
      local chat = client:chat()
      local iterate = chat:stream "1"
      iterate()
      assert(chat:say "2")
      local ok, err = pcall(iterate)
      assert.is_false(ok)
      assert.equal("cancelled", err.kind)
      assert.equal(4, #chat.messages)
    end)

    it("can be gone on with before that", function()
      serve { testing.stream { text = "one two" } }
      local chat = client:chat()
      local iterate = chat:stream "1"
      for _ in iterate do
        if #chat.messages == 0 then
          break
        end
      end
      assert.same({ " two" }, collect(iterate))
      assert.equal("one two", chat.messages[2]:text())
    end)
  end)

  describe("a wrong argument", function()
    local function message_of(f, ...)
      local ok, message = pcall(f, ...)
      assert.is_false(ok)
      assert.is_string(message)
      return message
    end

    it("raises at once, before anything is sent", function()
      serve()
      local chat = client:chat()
      for _, prompt in ipairs { 5, true, print } do
        assert.truthy(message_of(client.ask, client, prompt):find("blocks expected, got " .. type(prompt), 1, true))
        assert.truthy(message_of(chat.say, chat, prompt):find("blocks expected, got", 1, true))
        assert.truthy(message_of(chat.stream, chat, prompt):find("blocks expected, got", 1, true))
      end
      message_of(chat.say, chat)
      message_of(client.ask, client)
      assert.truthy(message_of(client.ask, client, "Hi", "m"):find("params: table expected, got string", 1, true))
      assert.truthy(message_of(client.chat, client, 5):find("params: table expected, got number", 1, true))
      message_of(chat.say, chat, "Hi", { no_such_option = 1 })
      assert.same({}, bodies())
      assert.same({}, chat.messages)
    end)

    it("is blamed on the caller", function()
      serve()
      local function caller() client:chat():say(5) end
      assert.truthy(message_of(caller):find("chat_spec.lua", 1, true))
    end)

    it("in the parameters is an error", function()
      serve()
      local answer, err = client:ask("Hi", { model = 5 })
      assert.is_nil(answer)
      assert.equal("invalid_request", err.kind)
      local chat = client:chat { messages = { "not a message" } }
      answer, err = chat:say "Hi"
      assert.is_nil(answer)
      assert.equal("messages[1]: table expected, got string", err.message)
      assert.equal(1, #chat.messages)
    end)
  end)
end)
