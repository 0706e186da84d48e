-- Attacks, and what comes of each: played through the public API against a server of our own. `came` is what 0.1.0 made
-- of it.
--
--     attacks.play()     -- a table, as Markdown

local anthropic = require "anthropic"
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local attacks = {}

local params, unpack = service.params, rawget(table, "unpack") or rawget(_G, "unpack")
local SECRET = "t0ps3cret-0123456789"
local QUICK = { first_byte = 0.2 }
local HELLO = testing.message { text = "Hello!" }
local MADE = { body = { id = "made" } }

-- --- what came of a request, in words ------------------------------------------------------------

local function times(count)
  return count == 1 and "1 request" or count .. " requests"
end

-- A result, or the kind of the error with its status.
local function ending(value, err)
  if value then
    return "the answer"
  end
  return ("`%s`%s"):format(err.kind, err.status and " " .. err.status or "")
end

-- What came of a script's answers, and how many requests arrived.
local function asked(ask, script, options)
  local server = service.serve(script)
  local all = { max_retries = 2 }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local value, err = ask(service.client(server, all), server)
  return ("%s, %s"):format(ending(value, err), times(#server:requests())), err or value, server
end

local function create(client)
  return client.messages.create(params())
end

local function create_batch(client)
  return client.messages.batches.create { requests = {} }
end

-- The second of two requests, the first of which leaves a connection to use again.
local function second(ask)
  return function(client)
    assert(create(client))
    anthropic.sleep(0.15)
    return ask(client)
  end
end

local function answer_of(text)
  local body = '{"type":"message","role":"assistant","content":[{"type":"text","text":"' .. text .. '"}]}'
  return ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body)
end

-- After an answer, bytes that nobody asked for; and an answer on any other connection.
local function unasked(bytes)
  local answer = answer_of "First"
  local _, message = asked(second(create), {
    { raw = answer .. bytes, splits = { #answer }, delay_between = 0.01, keep_open = true },
    HELLO,
  }, { max_retries = 0 })
  if message.text then
    return message:text() == "Hello!" and "the answer, by a new connection" or "what nobody asked for, as the answer"
  end
  return ending(nil, message)
end

local function by_http2(...)
  local directory = assert(certificates.make())
  local server = child.start("spec/support/http2_server.lua", directory .. "/here.crt", directory .. "/here.key", ...)
  local attempts = 0
  local value, err = create_batch(service.client(nil, {
    base_url = "https://127.0.0.1:" .. server.port, ca_file = directory .. "/ca.crt", http_version = "2",
    max_retries = 2,
    on_log = function(record) attempts = math.max(attempts, record.attempt or 0) end,
  }))
  local _, count = server:log():gsub(" HTTP/", "")
  server:stop()
  certificates.remove(directory)
  return ("%s, %s, %d counted"):format(ending(value, err), times(count), attempts)
end

-- How a text shows the secret.
local function shown(text)
  if text:find(SECRET, 1, true) then
    return "printed"
  end
  local name = text:match "%$[%u_]+" or text:match "%[redacted%]"
  return name and ("`%s`"):format(name) or "left out"
end

local function to_curl(options, query)
  local _, err = asked(function(client)
    return client:request { method = "GET", path = "/v1/models", query = query }
  end, { status = 400 }, options)
  return shown(err:to_curl())
end

-- --- tools ---------------------------------------------------------------------------------------

-- Which of two tools ran for a call where a hook refuses "delete", and what the model was told.
local function called(block, fields, run)
  local ran, server = "none", service.serve { testing.message { content = { {
    type = "tool_use", id = "1", name = block.name, input = {}, toolset_name = block.toolset_name,
  } } }, HELLO }
  local function tool(name)
    return anthropic.tool { name = name, run = run or function() ran = "`" .. name .. "`" end }
  end
  local all = params {
    tools = { tool "delete", tool "read" },
    on_tool_use = function(call) return call.name ~= "delete" end,
  }
  for name, value in pairs(fields or {}) do
    all[name] = value
  end
  local ok, message, err = pcall(service.client(server, { on_log = function() end }).messages.run, all)
  if not ok or not message then
    return "the run ends: " .. (ok and ending(nil, err) or "it raises")
  end
  local sent = server:requests()[2].json
  return ran, sent.messages[#sent.messages].content[1], sent
end

local function what_ran(...)
  local ran, result = called(...)
  return result and ("%s runs%s"):format(ran, result.is_error and ", `is_error`" or "") or ran
end

local function told(run)
  local ran, result = called({ name = "read" }, nil, run)
  if not result then
    return ran
  end
  local has_path = tostring(result.content):find "%.lua:%d" ~= nil
  return (result.is_error and "`is_error`, " or "") .. (has_path and "with this machine's path" or "the run goes on")
end

-- --- the attacks ---------------------------------------------------------------------------------

local function redirect(location)
  return { status = 307, headers = { Location = location } }
end

local ROWS = {
  { "**Money**" },
  { "a batch is created, its answer is lost", "sent 3 times: made and billed again", function()
    return (asked(create_batch, { { close = true }, { close = true }, MADE }))
  end },
  { "a file is uploaded, 500 comes", "sent again: kept twice", function()
    return (asked(function(client)
      return client.files.upload { file = { data = "x", filename = "x" } }
    end, { { status = 500, headers = { ["retry-after-ms"] = 1 } }, MADE }))
  end },
  { "a session's event is sent, no answer comes in time", "sent again: the user's turn stands twice", function()
    return (asked(function(client)
      return client.beta.sessions.events.send("s", { events = {} })
    end, { { hang = true }, MADE }, { timeout = QUICK }))
  end },
  { "`max_retries = 0`, a kept connection ends before the answer", "sent twice by libcurl, 1 counted",
    function()
      local words, err = asked(second(create), { HELLO, { close = true }, HELLO }, { max_retries = 0 })
      return ("%s, %d counted"):format(words:gsub("2 requests", "sent once"), err.attempts or err.response.attempts)
    end },
  { "an answer that nobody asked for waits on a kept connection", "it is the next request's answer", function()
    return unasked(answer_of "Unasked")
  end },
  { "a stray line end waits on a kept connection", '`connection` (`Received HTTP/0.9`)', function()
    return unasked "\r\n"
  end },
  { "a 408 comes while a connection is idle", "`api` 408", function()
    return unasked "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
  end },
  { "a garbled status line", "`connection`, 1 request", function()
    return (asked(create, { { raw = "HTTP/1.1 abc OK\r\n\r\n" }, HELLO }))
  end },
  { "HTTP/2: a server refuses the stream of a batch", "the answer, 2 requests, 1 counted", function()
    return by_http2("refuse", "answer")
  end },
  { "HTTP/2: a server goes away, the batch unprocessed", "the answer, 2 requests, 2 counted", function()
    return by_http2("away", "answer")
  end },
  { "HTTP/2: a server goes away, the batch perhaps processed", "the answer, 2 requests, 2 counted", function()
    return by_http2("gone", "answer")
  end },

  { "**Silence**" },
  { "a filter is a table: `created_at = { gte = ... }`", "dropped: the whole list comes", function()
    local _, _, server = asked(function(client)
      return client.beta.agents.list { created_at = { gte = "2026" } }
    end, { body = { data = testing.array {} } })
    return "asked for: `" .. (server:requests()[1].target:match "%?(.*)" or "") .. "`"
  end },
  { "a filter that a query cannot express: `{ gte = null }`", "dropped", function()
    local words, err = asked(function(client)
      return client.beta.agents.list { created_at = { gte = anthropic.null } }
    end, MADE)
    return words .. (err.message and ", `" .. err.message:match "^[^:]*" .. "`" or "")
  end },
  { "`parse` with a free-form `{ type = \"object\" }`", "sent: it admits `{}` alone", function()
    return (asked(function(client)
      return client.messages.parse(params { schema = {
        type = "object", properties = { meta = { type = "object" } },
      } })
    end, HELLO))
  end },
  { "`parse` with `enum` without `type`, which the API takes", "`invalid_request`", function()
    return (asked(function(client)
      return client.messages.parse(params { schema = {
        type = "object", properties = { a = { enum = { "x" } } },
      } })
    end, testing.message { text = '{"a":"x"}' }))
  end },
  { "307 to another place of the same server", "`api` 307, 1 request", function()
    return (asked(create, { redirect "/moved", HELLO }))
  end },
  { "307 to another server", "`api` 307, names one place", function()
    local _, err, server = asked(create, { redirect "http://127.0.0.1:1/x", HELLO })
    local is_named = err.message:find(server.url .. "/v1/messages", 1, true) and err.message:find ":1/x"
    return ending(nil, err) .. (is_named and ", names both places" or ", names one place")
  end },
  { "307 in a circle", "`api` 307, 1 request", function()
    return (asked(create, redirect "/v1/messages"))
  end },

  { "**Secrets**" },
  { "`to_curl` of a request with a header of the caller's", "printed", function()
    return to_curl { headers = { ["X-Team"] = SECRET } }
  end },
  { "`to_curl` of a key in a query", "printed", function() return to_curl({}, { key = SECRET }) end },
  { "`to_curl` of a proxy's password, without a scheme", "printed", function()
    return to_curl { proxy = "user:" .. SECRET .. "@127.0.0.1:1", max_retries = 0 }
  end },
  { "a key in a query, in a log", "printed", function()
    local urls = {}
    asked(function(client)
      return client:request { method = "GET", path = "/v1/models", query = { key = SECRET } }
    end, MADE, { on_log = function(record) urls[#urls + 1] = record.url end })
    return shown(table.concat(urls))
  end },
  { "a key in a query, in a recording", "printed", function()
    local path = os.tmpname()
    asked(function(client)
      testing.record(client, path)
      return client:request { method = "GET", path = "/v1/models", query = { key = SECRET } }
    end, MADE)
    local file = assert(io.open(path, "rb"))
    local text = file:read "*a"
    file:close()
    os.remove(path)
    return shown(text)
  end },
  { "a server sends the key back as a type, with `\\u0038` for 8", "`err.type` holds it", function()
    local _, err = asked(create, { status = 400, body = '{"type":"error","error":{"type":"'
      .. SECRET:gsub("8", "\\u0038") .. '","message":"no"}}' }, { api_key = SECRET })
    return shown(err.type)
  end },
  { "an error's type with control characters", "the terminal gets them", function()
    local _, err = asked(create, { status = 400, body = '{"error":{"type":"a\\u001b[2J\\u202eb","message":"no"}}' })
    return tostring(err):find "[%c\226]" and "the terminal gets them" or "blanks"
  end },
  { "a gateway's own key in `headers`, the vendor's in the environment", "both are sent", function()
    service.environment { ANTHROPIC_API_KEY = "sk-ant-environment" }
    local server = service.serve(HELLO)
    local client = anthropic.new { base_url = server.url, headers = { ["X-Gateway-Key"] = SECRET } }
    assert(create(client))
    client:close()
    service.environment {}
    local sent = server:requests()[1].headers
    return (sent.authorization or sent["x-api-key"]) and "both are sent" or "the gateway's own is sent"
  end },

  { "**Tools**: a hook refuses `delete`" },
  { "a call of `x` with `toolset_name = \"delete\"`", "`delete` runs", function()
    return what_ran { name = "x", toolset_name = "delete" }
  end },
  { "a call of `x` with `toolset_name = \"\"`", "`delete`, the first tool, runs", function()
    return what_ran { name = "x", toolset_name = "" }
  end },
  { "a call of `x` with `toolset_name = 5`", "the run ends: it raises", function()
    return what_ran { name = "x", toolset_name = 5 }
  end },
  { "a call of a tool that was withdrawn (`tool_removal`)", "`read` runs", function()
    return what_ran({ name = "read" }, { messages = { { role = "user", content = "go" }, { role = "system", content = {
      { type = "tool_removal", tool = { type = "tool_reference", name = "read" } },
    } } } })
  end },
  { "a tool raises", "`is_error`, with this machine's path", function() return told(function() error "no" end) end },
  { "a tool raises a value whose `tostring` raises", "the run ends: it raises", function()
    return told(function() error(setmetatable({}, { __tostring = function() error "no" end })) end)
  end },
  { "a tool returns a table that raises when it is read", "the run ends: it raises", function()
    return told(function() return setmetatable({}, { __index = error, __pairs = error, __len = error }) end)
  end },
  { "the caller's `container` is a text, the answer names another", "the other one is sent", function()
    local answer = testing.message { tool_uses = { { name = "read", id = "1", input = {} } } }
    answer.body.container = { id = "another", expires_at = "2026-01-01T00:00:00Z" }
    local server = service.serve { answer, HELLO }
    assert(service.client(server).messages.run(params {
      tools = { anthropic.tool { name = "read", run = function() end } }, container = "mine",
    }))
    return server:requests()[2].json.container == "mine" and "the caller's is sent" or "the other one is sent"
  end },
  { "`client:chat { tools = ... }`, a call comes", "no tool runs", function()
    local ran = false
    asked(function(client)
      return client:chat({ model = "m", max_tokens = 9, tools = {
        anthropic.tool { name = "read", run = function() ran = true end },
      } }):say "Hello"
    end, { testing.message { tool_uses = { { name = "read", id = "1", input = {} } } }, HELLO })
    return ran and "its tool runs" or "no tool runs"
  end },
}

--- Plays each attack; the table as Markdown.
---@return string
function attacks.play()
  local lines = { "| the attack | what came (0.1.0) | what comes now |", "|---|---|---|" }
  for _, row in ipairs(ROWS) do
    local name, came, play = unpack(row)
    service.environment {}
    local ok, now = pcall(play or function() return "" end)
    service.clear()
    lines[#lines + 1] = ("| %s | %s | %s |"):format(name, came or "", ok and now or "it raises: " .. tostring(now))
  end
  return table.concat(lines, "\n")
end

return attacks
