local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local hosted = require "spec.support.hosted"
local raw_client = require "spec.support.raw_client"
local testing = require "anthropic.testing"

local eventually = raw_client.eventually

describe("the convenience layer", function()
  local server, client

  local function serve(script)
    server = hosted.server { script = script or { testing.message { text = "Hi" } } }
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

  -- The same where tasks wait: stock Lua 5.1 cannot inside a generic `for`.
  local function collect_in_task(next_text)
    local pieces, piece = {}, next_text()
    while piece do
      pieces[#pieces + 1] = piece
      piece = next_text()
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

    it("streams its text under a scheduler to who calls the iterator", function()
      serve { testing.stream { text = "one two three", delay_between = 0.01 } }
      local chat, pieces = client:chat(), nil
      anthropic.run(function()
        pieces = collect_in_task(chat:stream "Count.")
      end)
      assert.equal("one two three", table.concat(pieces))
      assert.equal(2, #chat.messages)
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

    it("keeps every turn where tasks say some at the same time", function()
      serve { routes = {
        { body_contains = "One?", answers = { testing.message { text = "one", delay = 0.05 } } },
        { body_contains = "Two?", answers = { testing.stream { text = "two words" } } },
      } }
      local chat = client:chat()
      anthropic.run(function()
        local first = anthropic.spawn(chat.say, chat, "One?")
        local second = anthropic.spawn(collect_in_task, chat:stream "Two?")
        assert.equal("one", (first:join()))
        assert(second:join())
      end)
      local said = {}
      for i, message in ipairs(chat.messages) do
        said[i] = type(message.content) == "string" and message.content or message:text()
      end
      table.sort(said)
      assert.same({ "One?", "Two?", "one", "two words" }, said)
      assert.same({ "user", "assistant", "user", "assistant" }, {
        chat.messages[1].role, chat.messages[2].role, chat.messages[3].role, chat.messages[4].role,
      })
    end)

    it("keeps every turn where tasks stream some at the same time", function()
      local routes = {}
      for _, name in ipairs { "One", "Two", "Three" } do
        table.insert(routes, { body_contains = name, answers = {
          testing.stream { text = name:lower() .. " and more words", delay_between = 0.01 },
        } })
      end
      serve { routes = routes }
      local chat = client:chat()
      local function stream(prompt, pause)
        local next_text = chat:stream(prompt)
        local piece = next_text()
        while piece do
          anthropic.sleep(pause)
          piece = next_text()
        end
      end
      anthropic.run(function()
        local tasks = { anthropic.spawn(stream, "One", 0.02), anthropic.spawn(stream, "Two", 0) }
        anthropic.sleep(0.015)
        tasks[3] = anthropic.spawn(stream, "Three", 0.01)
        for _, task in ipairs(tasks) do
          assert.is_nil(select(2, task:join()))
        end
      end)
      assert.equal(6, #chat.messages)
      local said = {}
      for i = 1, 5, 2 do
        assert.equal(chat.messages[i].content:lower() .. " and more words", chat.messages[i + 1]:text())
        said[chat.messages[i].content] = true
      end
      assert.same({ One = true, Two = true, Three = true }, said)
    end)

    it("keeps what a task has left early where others say turns meanwhile", function()
      serve { routes = {
        { body_contains = "Two?", answers = { testing.message { text = "two" } } },
        { answers = { testing.stream { text = "one more word" } } },
      } }
      local chat = client:chat()
      anthropic.run(function()
        local task = anthropic.spawn(function()
          chat:stream "One?"()
          anthropic.sleep(0.05)
        end)
        anthropic.sleep(0.02)
        assert(chat:say "Two?")
        assert.equal(2, #chat.messages)
        task:join()
      end)
      assert(chat:say "Two? Again.")
      assert.same({ user "One?", assistant "one", user "Two? Again." },
        { chat.messages[3], chat.messages[4], chat.messages[5] })
      assert.equal(6, #chat.messages)
    end)

    it("adds a turn to the history that was put in its place meanwhile", function()
      serve { testing.message { text = "one" } }
      local chat, put
      chat = client:chat { messages = { user "old", assistant "older" }, on_event = function()
        chat.messages = put
      end }
      put = { user "new", assistant "newer" }
      assert(chat:say "One?")
      assert.same({ "new", "newer", "One?" }, {
        chat.messages[1].content, chat.messages[2].content, chat.messages[3].content,
      })
      assert.equal("one", chat.messages[4]:text())
      put = nil
      assert(chat:say "Two?")
      assert.equal(6, #chat.messages)
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

    it("does not remember an answer that was refused, said and streamed, but what the user said", function()
      serve { testing.message { text = "I", stop_reason = "refusal" },
        testing.stream { text = "I", stop_reason = "refusal" }, testing.message { text = "Hi" } }
      local chat = client:chat()
      local said, message = chat:say "1"
      assert.same({ "I", "refusal" }, { said, message.stop_reason })
      assert.same({ "I" }, collect(chat:stream "2"))
      assert(chat:say "3")
      assert.equal(body_of({}, user "1", user "2", user "3"), bodies()[3])
    end)
  end)

  describe("a conversation with tools", function()
    local ran

    local function weather(run)
      return anthropic.tool { name = "weather", run = run or function(input)
        ran[#ran + 1] = input.city
        return "sunny in " .. input.city
      end }
    end

    local function asks(kind, city, words)
      local call = { name = "weather", id = "t_" .. city, input = { city = city } }
      return testing[kind] { text = words, tool_uses = { call } }
    end

    local function use(city)
      return { type = "tool_use", id = "t_" .. city, name = "weather", input = { city = city } }
    end

    local function result(city)
      return { type = "tool_result", tool_use_id = "t_" .. city, content = "sunny in " .. city }
    end

    -- The messages of a request, decoded.
    local function messages_of(number)
      return server:requests()[number].json.messages
    end

    before_each(function() ran = {} end)

    for _, kind in ipairs { "message", "stream" } do
      it("runs them and keeps the whole history: " .. kind, function()
        serve { asks(kind, "Paris", "Let me see."), asks(kind, "Rome"), testing[kind] { text = "Sunny, both." },
          testing[kind] { text = "Goodbye." } }
        local chat = client:chat { tools = { weather() }, max_turns = 5 }
        local function say(prompt)
          return kind == "message" and (chat:say(prompt)) or table.concat(collect(chat:stream(prompt)))
        end
        assert.equal(kind == "message" and "Sunny, both." or "Let me see.Sunny, both.", say "Paris and Rome?")
        assert.same({ "Paris", "Rome" }, ran)
        assert.equal("Goodbye.", say "Thanks.")
        assert.same({
          user "Paris and Rome?",
          assistant { text "Let me see.", use "Paris" }, user { result "Paris" },
          assistant { use "Rome" }, user { result "Rome" },
          assistant { text "Sunny, both." },
          user "Thanks.",
        }, messages_of(4))
        assert.equal(8, #chat.messages)
        local requests = server:requests()
        assert.equal(4, #requests)
        assert.is_nil(requests[1].json.max_turns)
        assert.equal(kind == "stream" or nil, requests[1].json.stream)
        -- byte for byte
        assert.is_truthy(requests[4].body:find(requests[3].body:match '"messages":%[(.*)%],"model"', 1, true))
      end)

      it("asks the hooks, and stops at max_turns: " .. kind, function()
        serve { asks(kind, "Paris"), asks(kind, "Rome"), asks(kind, "Oslo"), testing[kind] { text = "Hm." } }
        local turns, events = 0, 0
        local chat = client:chat {
          tools = { weather() }, max_turns = 2,
          on_tool_use = function(call) return call.input.city ~= "Paris", "not there" end,
          on_turn = function() turns = turns + 1 end,
          on_event = kind == "stream" and function() events = events + 1 end or nil,
        }
        if kind == "message" then
          local said, message, run = chat:say "Weather?"
          assert.equal("", said)
          assert.equal("tool_use", message.stop_reason)
          assert.equal("max_turns", run.stopped)
        else
          assert.same({}, collect(chat:stream "Weather?"))
          assert.is_true(events > 10)
        end
        assert.same({ "Rome" }, ran)
        assert.equal(2, turns)
        assert.equal("not there", messages_of(2)[3].content[1].content)
        assert.equal(2, #server:requests())
        assert.same(result "Rome", chat.messages[5].content[1])
        -- and goes on from there
        chat.messages[#chat.messages + 1] = { role = "system", content = {
          { type = "tool_removal", tool = { type = "tool_reference", name = "weather" } },
        } }
        if kind == "message" then
          assert(chat:say "And now?")
        else
          assert.same({ "Hm." }, collect(chat:stream "And now?"))
        end
        assert.same({ "Rome" }, ran)
        assert.is_true(messages_of(4)[9].content[1].is_error)
      end)

      it("leaves the history as it was where a later turn fails: " .. kind, function()
        serve { testing[kind] { text = "Hi." }, asks(kind, "Paris"), testing.error { status = 500, message = "no" },
          testing[kind] { text = "Fine." } }
        local chat = client:chat { tools = { weather() } }
        assert(chat:say "Hello.")
        local history = chat.messages
        local err, _
        if kind == "message" then
          _, err = chat:say "Weather?"
        else
          _, err = pcall(collect, chat:stream "Weather?")
        end
        assert.equal(500, err.status)
        assert.equal(1, #err.run.turns)
        assert.same({ "Paris" }, ran)
        assert.equal(history, chat.messages)
        assert.equal(2, #history)
        assert.equal("Fine.", (chat:say "And now?"))
        assert.same({ user "Hello.", assistant { text "Hi." }, user "And now?" }, messages_of(4))
      end)

      it("leaves the history as it was where a hook raises: " .. kind, function()
        serve { asks(kind, "Paris"), testing[kind] { text = "Fine." } }
        local chat = client:chat { tools = { weather() }, on_tool_use = function() error("mine", 0) end }
        local ok, err = pcall(function()
          if kind == "message" then
            chat:say "Weather?"
          else
            collect(chat:stream "Weather?")
          end
        end)
        assert.same({ false, "mine" }, { ok, err })
        assert.same({}, ran)
        assert.equal(0, #chat.messages)
        assert(chat:say "And now?")
        assert.same({ user "And now?" }, messages_of(2))
      end)

      it("runs them at the same time under the scheduler: " .. kind, function()
        serve { testing[kind] { tool_uses = {
          { name = "weather", id = "1", input = { wait = 0.03 } }, { name = "weather", id = "2", input = { wait = 0 } },
        } }, testing[kind] { text = "Done." } }
        local order = {}
        anthropic.run(function()
          local chat = client:chat { tools = { weather(function(input, call)
            anthropic.sleep(input.wait)
            order[#order + 1] = call.id
          end) } }
          if kind == "message" then
            assert.equal("Done.", (chat:say "Go."))
          elseif rawget(_G, "jit") or _VERSION ~= "Lua 5.1" then -- whose iterators cannot wait
            assert.same({ "Done." }, collect(chat:stream "Go."))
          else
            assert(chat:say "Go.")
          end
        end)
        assert.same({ "2", "1" }, order)
      end)
    end

    it("tells on_log of a tool that raises, said or streamed", function()
      serve { asks("message", "Paris"), testing.message { text = "a" }, asks("stream", "Rome"),
        testing.stream { text = "b" } }
      local words = {}
      local chat = client:chat { tools = { weather(function(input) error("none in " .. input.city) end) } }
      local options = { on_log = function(record)
        words[#words + 1] = record.event == "tool" and record.error or nil
      end }
      assert.equal("a", (chat:say("1", options)))
      assert.same({ "b" }, collect(chat:stream("2", options)))
      assert.equal(2, #words)
      assert.matches("chat_spec.lua:%d+: none in Paris$", words[1])
      assert.equal("none in Paris", messages_of(2)[3].content[1].content)
      assert.equal("none in Rome", messages_of(4)[7].content[1].content)
    end)

    it("runs a tool once, also where its answer is read to the end again", function()
      serve { asks("stream", "Paris", "Wait."), testing.stream { text = "Done." } }
      local chat = client:chat { tools = { weather() } }
      local iterate = chat:stream "Weather?"
      assert.same({ "Wait.", "Done." }, collect(iterate))
      assert.is_nil(iterate())
      assert.same({ "Paris" }, ran)
      assert.equal(4, #chat.messages)
      assert.equal(2, #server:requests())
    end)

    it("remembers a run that is left early as far as it came, with what tools have done", function()
      serve { asks("stream", "Paris", "Wait. "), testing.stream { text = "one two three" },
        testing.message { text = "b" } }
      local chat = client:chat { tools = { weather() } }
      for piece in chat:stream "Weather?" do
        if piece == "one" then
          break
        end
      end
      assert.equal(0, #chat.messages)
      assert.equal("b", (chat:say "And?"))
      assert.same({ user "Weather?", assistant { text "Wait. ", use "Paris" }, user { result "Paris" },
        assistant "one", user "And?" }, messages_of(3))
    end)

    it("runs no tool of an answer that is left early", function()
      serve { asks("stream", "Paris", "Wait."), testing.message { text = "b" } }
      local chat = client:chat { tools = { weather() } }
      local iterate = chat:stream "Weather?"
      assert.equal("Wait.", iterate())
      assert.equal("b", (chat:say "And?"))
      assert.same({}, ran)
      assert.same({ user "Weather?", assistant "Wait.", user "And?" }, messages_of(2))
      local ok, err = pcall(iterate)
      assert.is_false(ok)
      assert.equal("cancelled", err.kind)
    end)

    it("does not double the history where turns that change it overlap", function()
      for _, keeps in ipairs { "everything", "a copy", "a summary" } do
        serve { routes = {
          { body_contains = "One?", answers = { testing.message { text = "one", delay = 0.05 } } },
          { body_contains = "Two?", answers = { testing.message { text = "two" } } },
        } }
        local chat = client:chat { messages = { user "old", assistant "older" }, before_turn = function(run)
          local last = run.messages[#run.messages]
          local copied = { role = last.role, content = last.content }
          return keeps == "everything" and { user "short", last } or keeps == "a copy" and { user "short", copied }
            or { user("short " .. last.content) }
        end }
        anthropic.run(function()
          local tasks = { anthropic.spawn(chat.say, chat, "One?"), anthropic.spawn(chat.say, chat, "Two?") }
          assert(tasks[1]:join())
          assert(tasks[2]:join())
        end)
        local said = {}
        for i, message in ipairs(chat.messages) do
          said[i] = type(message.content) == "string" and message.content or message:text()
        end
        assert.same(keeps == "a summary" and { "short Two?", "two", "One?", "one" }
          or { "short", "Two?", "two", "One?", "one" }, said)
        client:close()
        server:stop()
      end
    end)

    local BETAS = { "inline-tools-2026-09-15" }

    for _, betas in ipairs { false, BETAS } do
      for _, method in ipairs { "say", "stream" } do
        it("keeps what on_turn changed: " .. method .. (betas and ", told by messages" or ""), function()
          local function calls(name)
            return testing.stream { tool_uses = { { name = name, id = "t_" .. name } } }
          end
          local done = testing.stream { text = "done" }
          serve { calls "look", done, calls "go", calls "look", calls "swim", done, calls "swim", done }
          local function tool(name)
            return anthropic.tool { name = name, run = function() return name .. " ran" end }
          end
          local results, turns = {}, 0
          local chat = client:chat { betas = betas or nil, tools = { tool "look" }, on_turn = function(turn)
            turns = turns + 1
            results[#results + 1] = turn.results[1] and turn.results[1].content
            if turns == 1 then
              return { add_tools = { tool "go" }, remove_tools = { "look" } }
            elseif turns == 2 or turns == 3 then -- the last turn of what was said, and the first of the next
              return { add_tools = { tool(turns == 2 and "run" or "swim") } }
            end
          end }
          for _, prompt in ipairs { "one", "two", "three" } do
            if prompt == "three" then
              chat.messages = { user "A summary.", assistant "Yes." }
            end
            if method == "say" then
              assert(chat:say(prompt))
            else
              collect_in_task(chat:stream(prompt))
            end
          end
          assert.same({ "look ran", "go ran", 'no tool named "look" can be run', "swim ran", "swim ran" }, results)
          local names = {}
          for i, tool_sent in ipairs(server:requests()[7].json.tools) do
            names[i] = tool_sent.name
          end
          assert.same(betas and { "look" } or { "go", "run", "swim" }, names)
          local told = messages_of(7)[4]
          assert.equal(betas and 4 or nil, told and #told.content)
        end)
      end
    end

    it("forgets what a turn changed that failed, and keeps what another one changed meanwhile", function()
      local function tool(name)
        return anthropic.tool { name = name, run = function() return name .. " ran" end }
      end
      serve { routes = {
        { body_contains = "Fail", answers = { asks("message", "Rome"), testing.error { status = 400 } } },
        { body_contains = "Slow", answers = { testing.message { text = "slow", delay = 0.05 } } },
        { body_contains = "Quick", answers = { testing.message { text = "quick" }, testing.message { text = "end" } } },
      } }
      local chat
      chat = client:chat { tools = { tool "a" }, on_turn = function(turn, run)
        local last = turn.message:text()
        if run.messages[1].content == "Fail" and #chat.messages == 0 then
          return { add_tools = { tool "b" } }
        elseif last == "quick" then
          return { add_tools = { tool "c" } }
        end
      end }
      assert.is_nil((chat:say "Fail"))
      anthropic.run(function()
        local tasks = { anthropic.spawn(chat.say, chat, "Slow"), anthropic.spawn(chat.say, chat, "Quick") }
        assert(tasks[1]:join())
        assert(tasks[2]:join())
      end)
      chat.messages = {}
      assert.equal("end", (chat:say "Quick"))
      local names = {}
      for i, each in ipairs(server:requests()[5].json.tools) do
        names[i] = each.name
      end
      assert.same({ "a", "c" }, names)
    end)

    it("keeps what on_turn changed in an answer that was left, though the history was changed behind it", function()
      serve { asks("stream", "Paris", "Wait."), testing.stream { text = "one two" }, testing.message { text = "b" } }
      local history = { user "old", assistant "older" }
      local chat = client:chat { messages = history, tools = { weather() }, on_turn = function()
        return { remove_tools = { "weather" } }
      end }
      for piece in chat:stream "Weather?" do
        if piece == "one" then
          break
        end
      end
      chat.messages = {}
      assert.equal("b", (chat:say "And?"))
      assert.same({ user "And?" }, messages_of(3))
      assert.equal(0, #server:requests()[3].json.tools)
    end)

    it("leaves tools without a function to the caller", function()
      serve { asks("message", "Paris"), testing.message { text = "Sunny." } }
      local chat = client:chat { tools = { { name = "weather", input_schema = { type = "object" } } } }
      assert.equal("", (chat:say "Weather?"))
      assert.equal("weather", chat.messages[2]:tool_uses()[1].name)
      assert.equal("Sunny.", (chat:say { result "Paris" }))
      local mixed = client:chat { tools = { weather(), { name = "other", input_schema = {} } } }
      local answer, err = mixed:say "Weather?"
      assert.is_nil(answer)
      assert.equal("tools[2]: has no `run` function; make it with anthropic.tool", err.message)
      local ok, raised = pcall(mixed.stream, mixed, "Weather?")
      assert.same({ false, err.message }, { ok, raised.message })
    end)

    it("goes on after a pause where a hook of a run is given, and leaves a refusal out", function()
      serve { testing.message { text = "Let me see.", stop_reason = "pause_turn" }, testing.message { text = "Done." },
        testing.message { text = "I", stop_reason = "refusal" } }
      local chat = client:chat { tools = { { type = "web_search_20250305", name = "web_search" } }, max_turns = 3 }
      assert.equal("Done.", (chat:say "Search."))
      assert.equal(3, #chat.messages)
      local said, message, run = chat:say "More."
      assert.same({ "I", "refusal", "refusal" }, { said, message.stop_reason, run.stopped })
      assert.equal(4, #chat.messages)
    end)

    it("is run for a single question, too", function()
      serve { asks("message", "Paris"), testing.message { text = "Sunny." } }
      local said, message, run = client:ask("Weather?", { tools = { weather() } })
      assert.equal("Sunny.", said)
      assert.equal("end_turn", message.stop_reason)
      assert.equal(2, #run.turns)
      assert.same({ "Paris" }, ran)
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

    it("undoes nothing that is changed in the history behind it, and is left out then", function()
      for name, change in pairs {
        cleared = function(messages)
          for i = #messages, 1, -1 do
            messages[i] = nil
          end
        end,
        edited = function(messages) messages[1] = user "0, edited" end,
        appended = function(messages) messages[#messages + 1] = user "own" end,
      } do
        serve { testing.message { text = "a" }, slow_answer(), testing.message { text = "b" } }
        local chat = client:chat()
        assert(chat:say "0")
        assert.equal("one", leave_after_one(chat))
        change(chat.messages)
        local expected = {}
        for i, message in ipairs(chat.messages) do
          expected[i] = message
        end
        assert(chat:say "2")
        expected[#expected + 1] = user "2"
        for i, message in ipairs(expected) do
          assert.same(message, chat.messages[i], name)
        end
        assert.equal(#expected + 1, #chat.messages)
        assert.equal(#expected, #server:requests()[3].json.messages)
        client:close()
        server:stop()
      end
    end)

    it("goes behind what was changed in the history, where it is read to its end", function()
      serve { testing.message { text = "a" }, testing.stream { text = "one two" } }
      local chat = client:chat()
      assert(chat:say "0")
      local iterate = chat:stream "1"
      iterate()
      chat.messages[1], chat.messages[2] = user "own", nil
      collect(iterate)
      assert.same({ user "own", user "1" }, { chat.messages[1], chat.messages[2] })
      assert.equal("one two", chat.messages[3]:text())
      assert.equal(3, #chat.messages)
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
      assert.matches("params.messages: table expected, got string$",
        message_of(client.chat, client, { messages = "x" }))
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
