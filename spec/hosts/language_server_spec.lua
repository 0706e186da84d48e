-- What an editor shows of the library: EmmyLua's language server, with the repository's own configuration and with
-- that of a plugin, as doc/how-to/install.md has it.

local background = require "spec.support.background"
local directories = require "spec.support.directory"
local language_server = require "spec.support.language_server"

-- A row: what is written, what is offered behind it, and what is not; what follows it.
local OFFERED = {
  { "anthropic.", { "new", "tool", "run", "spawn", "encode", "null", "version", "http", "reader", "pool" }, {} },
  { "anthropic.http.", { "request", "open" }, {} },
  { "client.", { "messages", "models", "files", "beta", "usage" }, {} },
  { "client:", { "ask", "chat", "close", "request", "with_options" }, { "exchange", "observe", "option", "wait" } },
  { "client.messages.", { "create", "stream", "parse", "run", "map", "count_tokens", "batches" }, {} },
  { "message:", { "text", "thinking", "tool_uses", "to_param" }, { "next", "text_deltas" } },
  { "message.", { "content", "stop_reason", "usage" }, {} },
  { "stream:", { "next", "text_deltas", "message", "close" }, { "tool_uses" } },
  { "streamed:", { "next", "text_deltas", "message", "close" }, { "tool_uses" } },
  { "err.", { "kind", "status", "message", "partial" }, {} },
  { "handle:", { "cancel", "snapshot" }, { "next" } },
  { "with_options:", { "next" }, { "cancel" } },
  { 'client.messages.create { model = "m", ', { "max_tokens", "messages", "tools" }, {}, " }\n" },
}

local BEGIN = [[
local anthropic = require "anthropic"
local client = anthropic.new { api_key = "k" }
local params = { model = "m", max_tokens = 9, messages = {} } ---@type anthropic.MessageParams
local message, err = client.messages.create { model = "m", max_tokens = 9, messages = {} }
local stream = client.messages.create { model = "m", max_tokens = 9, messages = {}, stream = true }
local streamed = client.messages.stream(params)
local handle = client.messages.stream(params, { on_text = print })
local with_options = client.messages.stream(params, { max_retries = 0 })
assert(message and err and stream and streamed and handle and with_options)
]]

-- A line, and what is said of it.
local WRONG = {
  ['client.messages.create { model = "m", max_tokens = "many", messages = {} }'] = "assign-type-mismatch",
  ["print(err.kin)"] = "undefined-field",
}
local RIGHT = {
  "print(message:text(), err.kind, stream:next())",
  "for text in streamed:text_deltas() do print(text:len()) end",
  'print(anthropic.http.request { url = "http://host" }, anthropic.pool { members = { client } }:ask("Why?"))',
  "print(anthropic.reader { status = 200 }:next(), anthropic.limiter.new(), anthropic.loop.names())",
  "print(client.models.list(), client:ask { model = 'm', max_tokens = 9, prompt = 'Why?' })",
}

describe("EmmyLua's language server", function()
  local program, reason = language_server.find()
  if not program then
    it("is run", function() pending(reason) end)
    return
  end
  local here = background.absolute ""

  local function as_the_repository(folder)
    folder:run(("cp -r '%s/lua' '%s/types' '%s/.luarc.json' ."):format(here, here, here))
  end

  local function as_a_plugin(folder)
    folder:write(".luarc.json", ('{ "workspace.library": ["%s/lua", "%s/types"] }'):format(here, here))
  end

  for name, prepare in pairs {
    ["with the repository's own configuration"] = as_the_repository,
    ["in a plugin that names the library's two folders"] = as_a_plugin,
  } do
    describe(name, function()
      local folder, session

      setup(function()
        folder = directories.new()
        prepare(folder)
        session = language_server.start(folder.root)
      end)

      teardown(function()
        session:stop()
        folder:remove()
      end)

      for i, case in ipairs(OFFERED) do
        it("completes " .. case[1], function()
          session:open("offered" .. i .. ".lua", BEGIN .. case[1] .. (case[4] or "\n"))
          local offered = session:completions(BEGIN .. case[1])
          for _, expected in ipairs(case[2]) do
            assert.is_true(offered[expected], expected)
          end
          for _, unexpected in ipairs(case[3]) do
            assert.is_nil(offered[unexpected], unexpected)
          end
        end)
      end

      it("finds what is wrong, and nothing in what is right", function()
        for line, code in pairs(WRONG) do
          session:open(code .. ".lua", BEGIN .. line .. "\n")
          local found
          repeat -- nothing while it still reads
            found = session:diagnostics()
          until found[1]
          assert.equal(code, found[1][1], line)
        end
        for i, line in ipairs(RIGHT) do
          session:open("right" .. i .. ".lua", BEGIN .. line .. "\n")
          assert.same({}, session:diagnostics(), line)
        end
      end)
    end)
  end
end)
