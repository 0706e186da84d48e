--- A scriptable local server for tests, in a process of its own: it plays scripted
--- answers (messages, streams, errors, delays, cuts, resets) and records requests.
--- The server needs LuaSocket; the test itself needs plain Lua on a POSIX system.
---
---     local testing = require "anthropic.testing"
---     local server = testing.server { script = {
---       testing.error { status = 529, retry_after = 0 },
---       testing.stream { text = "Hello!", delay_between = 0.01 },
---     } }
---     local client = anthropic.new { base_url = server.url, api_key = "test" }
---     ...
---     assert(server:requests()[1].json.model == "claude-sonnet-5-5")
---     server:stop()

local answers = require "anthropic.testing.answers"
local completions = require "anthropic.testing.completions"
local json = require "anthropic.testing.json"
local process = require "anthropic.testing.process"
local script = require "anthropic.testing.script"
local serialize = require "anthropic.testing.serialize"

local testing = {
  message = answers.message,
  stream = answers.stream,
  error = answers.error,
  completion = completions.completion,
  completion_stream = completions.completion_stream,
  array = json.array,
  null = json.null,
}

---@class anthropic.testing.Server
---@field url string such as "http://127.0.0.1:40123"
---@field port integer
---@field pid integer the server's process
local Server = {}
Server.__index = Server

local log_head_bytes = 26 -- "%012d %012d\n"

local option_types = {
  script = "table or string", on_end = "string", lua = "string", port = "number",
  lifetime = "number", max_record_bytes = "number", start_timeout = "number",
}

local function check_options(options)
  if type(options) ~= "table" then
    error("anthropic.testing: a table of options expected", 0)
  end
  for name, value in pairs(options) do
    local expected = option_types[name]
    if not expected then
      error("anthropic.testing: no such option: " .. tostring(name), 0)
    elseif not expected:find(type(value), 1, true) then
      error("anthropic.testing: " .. name .. ": " .. expected .. " expected, got " .. type(value), 0)
    end
  end
end

--- Starts a server on 127.0.0.1. Raises an error where the script is wrong or the
--- server cannot start (the error has the server's own words).
---
--- The script is a list of answers (the n-th request gets the n-th), one answer,
--- `{ routes = { { method=, path=, target=, match=, body=, body_contains=,
--- body_match=, answers=, on_end= }, ... } }` (the first route that fits; `target` is
--- the path with its query; `match` and `body_match` are Lua patterns, `match` of the
--- target, `body_match` one or a list that must all be found), or `"demo"`.
---
--- An answer: `status` (200), `reason`, `headers` (a table, or a list of pairs;
--- they replace the defaults, false removes one), `request_id`, `interim` (a list
--- of 1xx statuses sent before); one of `body` (a string, or a table sent as JSON),
--- `events` (a list of `{ event=, data=, id=, delay= }`, of `{ raw=, delay= }` and of
--- strings sent as they are) and `raw` (the whole response; then `keep_open` keeps the connection);
--- `framing` "length", "chunked" or "close"; `chunk_bytes` or `splits` (offsets) cut
--- the body into writes of their own; `repeats` sends the body that often, so that a large one
--- takes no memory; `delay` before the answer and `delay_between`
--- its pieces, in seconds; and the faults `close`, `reset` or `hang` in place of an
--- answer, `cut_after`, `reset_after` or `hang_after` that many bytes of the body,
--- `cut_headers` after that many bytes of the head.
---
--- A peer that shuts down only its sending side counts as gone.
---@param options table `script` (required), `on_end` ("repeat", the default: the last
---  answer again; "error": a 500), `lua` (the interpreter), `port` (default: any),
---  `lifetime` in seconds (600), `max_record_bytes` of a body (64 MiB),
---  `start_timeout` in seconds (10)
---@return anthropic.testing.Server
function testing.server(options)
  check_options(options)
  local settings = serialize.dump({
    plan = script.prepare(options.script, options.on_end),
    port = options.port,
    lifetime = options.lifetime or 600,
    max_record_bytes = options.max_record_bytes,
  }, "settings")
  local child = process.start(settings, options.lua, options.start_timeout or 10)
  return setmetatable({
    url = string.format("http://127.0.0.1:%d", child.port),
    port = child.port,
    pid = child.pid,
    child = child,
    log_offset = 0,
    records = {},
    opened = 0,
    open = 0,
  }, Server)
end

--- A request; its `json` is decoded when it is asked for, where lua-cjson is there.
local Request = {}

function Request.__index(request, name)
  if name == "json" then
    local found, cjson = pcall(require, "cjson")
    local ok, value = pcall(found and cjson.decode or error, request.body)
    return ok and value or nil
  end
end

local log_entries = {
  open = function(server)
    server.opened, server.open = server.opened + 1, server.open + 1
  end,
  close = function(server)
    server.open = server.open - 1
  end,
  request = function(server, entry, body)
    entry.kind, entry.body = nil, body
    server.records[#server.records + 1] = setmetatable(entry, Request)
  end,
  closed_early = function(server, entry)
    server.records[entry.number].closed_early = true
  end,
}

--- Takes in what the server has written to its log since the last time.
local function read_log(server)
  local log = server.child and io.open(server.child.directory .. "/log", "rb")
  if not log then
    return
  end
  log:seek("set", server.log_offset)
  while true do
    local head = log:read(log_head_bytes)
    local data_bytes, body_bytes = (head or ""):match("^(%d+) (%d+)\n$")
    local length = data_bytes and data_bytes + body_bytes
    local bytes = length and log:read(length)
    if not bytes or #bytes < length then
      break
    end
    local entry = serialize.load(bytes:sub(1, tonumber(data_bytes)))
    log_entries[entry.kind](server, entry, bytes:sub(data_bytes + 1))
    server.log_offset = server.log_offset + log_head_bytes + length
  end
  log:close()
end

--- The requests so far, in the order in which they were complete: `method`, `target`,
--- `path`, `query`, `headers` (lower-case names, the last of a name), `raw_headers`
--- (a list of pairs as sent), `body` (exact bytes; its beginning where it is over
--- `max_record_bytes`), `body_bytes` (its length), `json` (where lua-cjson is there),
--- `connection` and `number` (from 1), `time` (seconds since the server's start),
--- `closed_early` (true where the peer closed before it had the whole answer).
---@return table[]
function Server:requests()
  read_log(self)
  local list = {}
  for index, request in ipairs(self.records) do
    list[index] = request
  end
  return list
end

--- How many connections there have been, and how many are open now.
---@return { opened: integer, open: integer }
function Server:connections()
  read_log(self)
  return { opened = self.opened, open = self.open }
end

--- Ends the server and waits until it is gone. What it recorded stays readable.
function Server:stop()
  local child = self.child
  if child then
    process.stop(child)
    read_log(self)
    self.child, self.open = nil, 0
    process.remove(child)
  end
end

Server.__gc = Server.stop
Server.__close = Server.stop

--- Writes what a client sends and gets to a file from now on, without credentials:
--- every attempt, streams with their pieces and pauses. `recorder:stop()` ends it.
---@param client anthropic.Client
---@param path string
---@return anthropic.testing.Recorder
function testing.record(client, path)
  return require("anthropic.testing.recording").record(client, path)
end

--- Starts a server that plays a recording.
---
--- A request that is like a recorded one in method, path, query and body gets its
--- answers in their order.
---@param path string
---@param options? table `in_order` (true: the n-th request gets the n-th answer,
---  whatever it is), `speed` (1: pauses as they were, 2: half as long; default:
---  none), and those of `testing.server`
---@return anthropic.testing.Server
function testing.replay(path, options)
  local of_server, of_recording = {}, {}
  for name, value in pairs(options or {}) do
    local target = (name == "in_order" or name == "speed") and of_recording or of_server
    target[name] = value
  end
  of_server.script = require("anthropic.testing.recording").script(path, of_recording)
  return testing.server(of_server)
end

--- The command: runs a server in this process, prints its URL on the first line,
--- and does not return.
---
---     lua -e 'require("anthropic.testing").main()' -- --port 8080 --lifetime 60
---@param arguments? string[] default: the command line's (Lua 5.1 has none for `-e`)
function testing.main(arguments)
  require "anthropic.testing.command"(arguments)
end

return testing
