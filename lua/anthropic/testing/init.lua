--- A scriptable local server for tests, in a process of its own: it plays scripted
--- answers (messages, streams, errors, delays, cuts, resets) and records requests.
--- The server needs LuaSocket; the test itself needs plain Lua.
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

---@class anthropic.testing
---@field null any JSON's null in a body
local testing = { null = json.null }

--- Returns an answer with a whole message.
---@param fields anthropic.testing.MessageFields
---@return anthropic.testing.Answer answer
testing.message = answers.message

--- Returns an answer with the events of a streamed message, in the order in which the API sends them.
---@param fields anthropic.testing.StreamFields
---@return anthropic.testing.Answer answer
testing.stream = answers.stream

--- Returns an answer with an API error.
---@param fields anthropic.testing.ErrorFields
---@return anthropic.testing.Answer answer
testing.error = answers.error

--- Returns an answer with a whole chat completion, as gateways send it.
---@param fields anthropic.testing.CompletionFields
---@return anthropic.testing.Answer answer
testing.completion = completions.completion

--- Returns an answer with the chunks of a streamed chat completion. Usage comes with the last chunk.
---@param fields anthropic.testing.CompletionStreamFields
---@return anthropic.testing.Answer answer
testing.completion_stream = completions.completion_stream

--- Marks a table of a body as a JSON array, also when it is empty.
---@param t table
---@return table t the same table
testing.array = json.array

---@class anthropic.testing.Server
---@field url string such as "http://127.0.0.1:40123": a client's `base_url`
---@field port integer of 127.0.0.1
---@field pid integer of the server's process; 0 on Windows
local Server = {}
Server.__index = Server

local log_head_bytes = 26 -- "%012d %012d\n"

local option_types = {
  script = "table or string", on_end = "string", lua = "string", port = "number",
  lifetime = "number", max_record_bytes = "number", start_timeout = "number",
}

local function expect_table(options)
  if type(options) ~= "table" then
    error("anthropic.testing: a table of options expected", 0)
  end
end

local function check_options(options)
  expect_table(options)
  for name, value in pairs(options) do
    local expected = option_types[name]
    if not expected then
      error("anthropic.testing: no such option: " .. tostring(name), 0)
    elseif not expected:find(type(value), 1, true) then
      error("anthropic.testing: " .. name .. ": " .. expected .. " expected, got " .. type(value), 0)
    elseif name == "port" and (value < 0 or value > 65535 or value % 1 ~= 0) then
      error("anthropic.testing: port: a whole number up to 65535 expected, got " .. value, 0)
    end
  end
end

---@class anthropic.testing.ServerOptions
---@field script anthropic.testing.Answer|anthropic.testing.Answer[]|anthropic.testing.Routes|"demo" one answer; a list:
---  the n-th request gets the n-th answer; answers by route; or "demo": a friendly answer to every message
---@field on_end? "repeat"|"error" what follows the last answer: that answer again, or a 500. Default: "repeat"
---@field port? integer Default: a free one
---@field lifetime? number seconds after which the server ends by itself. Default: 600
---@field max_record_bytes? integer bytes of a request's body that are recorded. Default: 67108864 (64 MiB)
---@field start_timeout? number seconds that the server may take to start. Default: 10
---@field lua? string the interpreter that runs the server. Default: the one that runs the test

--- Starts a server on 127.0.0.1, in a process of its own. Raises an error where the script is wrong, or the server
--- cannot start (the error has the server's own words).
---@param options anthropic.testing.ServerOptions
---@return anthropic.testing.Server server
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

---@class anthropic.testing.Request
---@field method string such as "POST"
---@field target string the path with its query, as it was sent
---@field path string without the query
---@field query string without the "?"; "" where it is missing
---@field headers table<string, string> names in lower case; of several with one name the last
---@field raw_headers string[][] pairs of name and value, as they were sent
---@field body string exact bytes; the beginning of a body above `max_record_bytes`
---@field body_bytes integer length of the body
---@field json any the decoded body, where lua-cjson is installed and the body is JSON
---@field connection integer number of its connection, from 1
---@field number integer of the request, from 1
---@field time number seconds since the server's start
---@field closed_early? boolean true where the client closed before it had the whole answer
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
  local log = server.child and io.open(server.child.log, "rb")
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

--- Returns the requests so far, in the order in which they were complete.
---@return anthropic.testing.Request[] requests
function Server:requests()
  read_log(self)
  local list = {}
  for index, request in ipairs(self.records) do
    list[index] = request
  end
  return list
end

--- Returns how many connections there have been, and how many are open now.
---@return { opened: integer, open: integer } connections
function Server:connections()
  read_log(self)
  return { opened = self.opened, open = self.open }
end

--- Ends the server and waits until it is gone. The requests stay readable. A variable with `<close>` and the garbage
--- collector call it as well.
function Server:stop()
  local child = self.child
  if child then
    child:stop()
    read_log(self)
    self.child, self.open = nil, 0
    child:remove()
  end
end

Server.__gc = Server.stop
Server.__close = Server.stop

--- Writes what a client sends and gets to a file from now on, without credentials:
--- every attempt, streams with their pieces and pauses. `recorder:stop()` ends it. What the file held before is gone.
--- Raises an error where the file cannot be written, or the client is being recorded already.
---@param client anthropic.Client
---@param path string of the file
---@return anthropic.testing.Recorder recorder
function testing.record(client, path)
  return require("anthropic.testing.recording").record(client, path)
end

---@class anthropic.testing.ReplayOptions: anthropic.testing.ServerOptions those of testing.server without `script`, and
---  these
---@field in_order? boolean true: the n-th request gets the n-th answer, whatever it asks. Default: false
---@field speed? number 1: pauses as they were; 2: half as long. Default: no pauses

--- Starts a server that plays a recording. A request that equals a recorded one in method, path, query and body gets
--- its answers, in their order; an upload may send other bytes.
---@param path string of the file
---@param options? anthropic.testing.ReplayOptions
---@return anthropic.testing.Server server
function testing.replay(path, options)
  local of_server, of_recording = {}, {}
  if options ~= nil then
    expect_table(options)
  end
  for name, value in pairs(options or {}) do
    local target = (name == "in_order" or name == "speed") and of_recording or of_server
    target[name] = value
  end
  of_server.script = require("anthropic.testing.recording").script(path, of_recording)
  return testing.server(of_server)
end

--- Runs a server in this process, prints its URL on the first line, and does not return: a command for the shell.
---
---     lua -e 'require("anthropic.testing").main()' -- --port 8080 --script answers.lua --lifetime 60
---
--- `--port N` is a port of 127.0.0.1 (default: a free one). `--script FILE` names a Lua file that returns the script,
--- as `testing.server` takes it (default: "demo"). `--lifetime S` ends the server after S seconds (default: never).
---@param arguments? string[] Default: the command line's (Lua 5.1 has none for `-e`)
function testing.main(arguments)
  require "anthropic.testing.command"(arguments)
end

return testing
