-- What is loaded before the first request, so that a frame of a game need not. Each case is a process of its own, where
-- nothing more can be loaded after anthropic.preload, or where `require` and `package` are gone then, as in a sandbox
-- that lends them to a trusted module.

local child = require "spec.support.child"
local testing = require "anthropic.testing"

local PROGRAM = [[
  local anthropic = require "anthropic"
  anthropic.preload()
  %s
  local client_url = "%s"
  local client = anthropic.new { base_url = client_url, api_key = "k", max_retries = 0 }
  local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
  local function text(message, err)
    return message and message:text() or tostring(err)
  end
  io.write((function() %s end)())
]]

local AFTERWARDS = {
  ["has loaded all that %s needs"] = [[
    local searchers = rawget(package, "searchers") or rawget(package, "loaders")
    while searchers[2] do
      table.remove(searchers)
    end]],
  ["has %s work in a sandbox, without `require` and `package`"] = "require, package = nil, nil",
}

describe("anthropic.preload", function()
  local server

  setup(function()
    server = testing.server { script = { routes = {
      { path = "/no/v1/messages", answers = { testing.error { status = 529 } } },
      { path = "/tool/v1/messages", answers = {
        testing.message { tool_uses = { { id = "t", name = "add", input = { a = 1 } } } },
        testing.message { text = "Hello" },
      } },
      { path = "/json/v1/messages", answers = { testing.message { text = '{"a":1}' } } },
      { path = "/v1/messages", body_contains = '"stream":true', answers = { testing.stream { text = "Hello" } } },
      { path = "/v1/messages", answers = { testing.message { text = "Hello" } } },
    } } }
  end)

  teardown(function()
    server:stop()
  end)

  local CASES = {
    { "a message", "", "return text(client.messages.create(params))", "Hello" },
    { "a stream", "", "return text(client.messages.stream(params):message())", "Hello" },
    { "a stream in a task", "", [[return anthropic.run(function()
      return text(client.messages.stream(params):message())
    end)]], "Hello" },
    { "a stream with callbacks", "", [[
      local got
      client.messages.stream(params, { loop = "blocking", on_done = function(...) got = text(...) end })
      return got]], "Hello" },
    { "a chat", "", [[return (client:chat { model = "m", max_tokens = 9 }:say "Hello")]], "Hello" },
    { "a tool", "/tool", [[
      local add = anthropic.tool { name = "add", input_schema = { type = "object" }, run = function() return "2" end }
      params.tools = { add }
      return text(client.messages.run(params))]], "Hello" },
    { "a structured output", "/json", [[
      params.schema = { type = "object", properties = { a = { type = "integer" } } }
      return tostring(assert(client.messages.parse(params)).parsed.a)]], "1" },
    { "an error", "/no", "return text(client.messages.create(params))",
      "anthropic: api error 529 overloaded_error: an error of the testing server (req_test_error)" },
    { "a request of anthropic.http", "", [[
      local http = anthropic.http
      local reader = http.open { url = client_url .. "/v1/messages", body = '{"stream":true}' }
      local count, done = 0, 0
      for _ in reader:events() do
        count = count + 1
      end
      http.request({ url = client_url .. "/v1/messages", body = "{}" }, { on_done = function() done = done + 1 end })
      return http.request { url = client_url .. "/v1/messages", body = "{}" }.status .. " " .. count .. " " .. done]],
      "200 7 1" },
    { "a pool", "", [[
      return text(anthropic.pool { members = { client } }.messages.create(params))]], "Hello" },
    { "a platform", "", [[
      local elsewhere = anthropic.new { platform = "foundry", api_key = "k", base_url = client_url, max_retries = 0 }
      return text(elsewhere.messages.create(params))]], "Hello" },
    { "a reader", "", [[
      local reader = anthropic.reader { status = 529 }
      reader:feed "{}"
      return select(2, reader:finish()).kind]], "api" },
    { "an image", "", [[return anthropic.image { data = "GIF89a" }.source.media_type]], "image/gif" },
  }

  for _, case in ipairs(CASES) do
    for name, afterwards in pairs(AFTERWARDS) do
      it(name:format(case[1]), function()
        assert.equal(case[4], (child.output(PROGRAM:format(afterwards, server.url .. case[2], case[3]))))
      end)
    end
  end

  -- A host's driver is loaded in its host, and that of frames where it is chosen.
  it("loads every file but those of other hosts and of tests", function()
    assert.equal("", (child.output [[
      local rockspec = {}
      local file = assert(io.open("anthropic-scm-1.rockspec"))
      local chunk = (rawget(_G, "loadstring") or load)(file:read "*a")
      file:close()
      if rawget(_G, "setfenv") then
        setfenv(chunk, rockspec)
        chunk()
      else
        load(string.dump(chunk), "rockspec", "b", rockspec)()
      end
      require("anthropic").preload()
      for name in pairs(rockspec.build.modules) do
        local is_left = name:find "^anthropic%.loop%." or name:find "^anthropic%.testing"
        if not (is_left or package.loaded[name] or package.loaded[name .. ".init"]) then
          io.write(name, "\n")
        end
      end]]))
  end)

  it("can be called again, and from a client's own modules", function()
    assert.equal("twice", child.output [[
      local anthropic = require "anthropic"
      anthropic.preload()
      anthropic.preload()
      io.write "twice"]])
  end)
end)

describe("the first request of a process", function()
  local server

  setup(function()
    server = testing.server { script = { routes = {
      { path = "/no/v1/messages", answers = { testing.error { status = 529, type = "overloaded_error" } } },
      { path = "/v1/messages", answers = { testing.message { text = "Hello" } } },
    } } }
  end)

  teardown(function()
    server:stop()
  end)

  local function run(program)
    return (child.output(([[
      local anthropic = require "anthropic"
      local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
      local function ask(url)
        return anthropic.new({ base_url = url, api_key = "k", max_retries = 0 }).messages.create(params)
      end
      local function seal() -- as if no descriptor were left
        local searchers = rawget(package, "searchers") or rawget(package, "loaders")
        while searchers[2] do
          table.remove(searchers)
        end
      end
      local url = "%s"
      ]] .. program):format(server.url)))
  end

  it("loads nothing that a stream or another shape of answer needs", function()
    assert.equal("", run [[
      assert(ask(url))
      for _, name in ipairs {
        "stream", "stream.source", "message.accumulator", "message.chat_completion", "message.native_events",
        "http.middleware", "http.drafts", "http.token_source", "http.profiles", "helpers.concurrent",
      } do
        if package.loaded["anthropic." .. name] then
          io.write(name, " ")
        end
      end]])
  end)

  it("may fail", function()
    assert.equal("api overloaded_error 529", run [[
      local _, err = ask(url .. "/no")
      io.write(err.kind, " ", err.type, " ", err.status)]])
  end)

  it("has loaded what failures need", function()
    assert.equal("api connection", run [[
      assert(ask(url))
      seal()
      local _, refusal = ask(url .. "/no")
      local _, failure = ask "http://127.0.0.1:1"
      io.write(refusal.kind, " ", failure.kind)]])
  end)

  it("is not sent where what reads its stream cannot be loaded", function()
    local before = #server:requests()
    assert.equal("module 'anthropic.stream'", run [[
      local create = anthropic.new({ base_url = url, api_key = "k" }).messages.create
      seal()
      params.stream = true
      io.write((select(2, pcall(create, params)):match "module 'anthropic.stream'"))]])
    assert.equal(before, #server:requests())
  end)
end)
