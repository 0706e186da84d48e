--- The Messages API for Lua.
--
--     local anthropic = require "anthropic"
--     local client = anthropic.new()  -- ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL, or options
--     local message = assert(client.messages.create {
--       model = "claude-sonnet-5-5", max_tokens = 1024,
--       messages = { { role = "user", content = "Hello" } },
--     })
--     print(message:text())

local anthropic = {}

---@class anthropic.Options
---@field api_key? string|fun(): string?, any asked anew for each attempt [ANTHROPIC_API_KEY]
---@field auth_token? string|fun(): string?, any sent as a bearer token [ANTHROPIC_AUTH_TOKEN]
---@field auth? "x-api-key"|"bearer" of the API key; default x-api-key to anthropic.com, else bearer
---@field base_url? string default "https://api.anthropic.com" [ANTHROPIC_BASE_URL]; it may end in /v1 or /v1/messages
---@field model? string of requests that name none; no model is built in [ANTHROPIC_MODEL]
---@field api_version? string default "2023-06-01"
---@field betas? string[] for the `anthropic-beta` header
---@field headers? table<string, string|false> further headers; false removes a default [ANTHROPIC_CUSTOM_HEADERS]
---@field max_retries? integer default 2
---@field retry? "safe"|"always" whether what the server may have acted on is sent again; default by method
---@field timeout? number|anthropic.Timeouts seconds; a number is the total
---@field proxy? string URL; default by libcurl from the environment
---@field ca_file? string
---@field ca_path? string
---@field certificate_file? string of the client, PEM, where the server asks for one
---@field key_file? string of that certificate; default: it is in the same file
---@field unix_socket? string path of the socket to connect to
---@field insecure? boolean accept any certificate; default false
---@field http_version? "1.1"|"2" default "1.1"
---@field max_event_bytes? integer most bytes in one event of a stream, default 32 MiB
---@field max_response_bytes? integer most bytes that one exchange holds in memory, default 64 MiB
---@field max_download_bytes? integer most bytes of a download to a file where no length is announced, default 1 GiB
---@field loop? string|table a driver's name, or a driver; default: found by the host
---@field on_interrupt? "retry"|"continue" what to do about an answer that breaks off after its first content: ask
---  again if nobody has seen a part of it, or ask for the rest of its text; default: an error
---@field on_retry? fun(info: anthropic.RetryInfo) before each wait
---@field on_log? fun(record: table) every event of the client's work [ANTHROPIC_LOG: debug, info, warn, error]

---@class anthropic.RetryInfo
---@field attempt integer that failed
---@field max_retries integer
---@field error anthropic.Error
---@field delay number seconds until the next attempt

---@class anthropic.Timeouts seconds; false: none
---@field connect? number|false default 30
---@field first_byte? number|false until the response's headers, default 600
---@field idle? number|false between two bytes, default 300
---@field total? number|false for everything, retries included; default none

local json

-- The parts are loaded when they are first needed.
local function get_json()
  json = json or require "anthropic.base.json"
  return json
end

--- Makes a client. Raises only on a wrong option.
---@param options? anthropic.Options
---@return anthropic.Client
function anthropic.new(options)
  local client = require("anthropic.client").new(options)
  return client -- no tail call: an error about the options blames the caller's line
end

--- Marks a table as a JSON array, also when it is empty.
---@param t table
---@return table t
function anthropic.array(t)
  return get_json().array(t)
end

--- Marks a table as a JSON object, also when its keys are numbers.
---@param t table
---@return table t
function anthropic.object(t)
  return get_json().object(t)
end

--- A value that is sent as the JSON text given.
---@param text string valid JSON
---@return any
function anthropic.raw(text)
  return get_json().raw(text)
end

--- Defines a tool for the `tools` of `client.messages.run`. Raises where a field is of a wrong type.
---@param fields anthropic.ToolFields name, description, input_schema, run(input, call), and what else is sent
---@return anthropic.Tool
function anthropic.tool(fields)
  local tool = require("anthropic.helpers.tools").tool(fields) -- no tail call: it blames the caller of this
  return tool
end

local function as_error(value, message)
  if value == nil and message then
    return nil, require("anthropic.base.error").invalid_request(message)
  end
  return value
end

--- Writes JSON as requests are written: keys sorted, numbers exact. A Message is written whole, to be stored,
--- logged or relayed: all that the server sent.
---@param value any
---@return string|nil
---@return anthropic.Error? err its message names the path
function anthropic.encode(value)
  return as_error(get_json().encode(value))
end

--- Reads JSON: integers, `[]`, `{}` and null (as anthropic.null) are kept apart. What comes of it is encoded as equal
--- JSON: numbers keep their digits, and the `input` of an object whose `type` is tool_use, server_tool_use or
--- mcp_tool_use keeps its text, until they are changed.
---@param text string
---@return any
---@return anthropic.Error?
function anthropic.decode(text)
  return as_error(get_json().decode(text))
end

local function check_source(name, source, fields)
  if type(source) ~= "string" and type(source) ~= "table" then
    error(("anthropic.%s: source: string or table expected, got %s"):format(name, type(source)), 3)
  elseif fields ~= nil and type(fields) ~= "table" then
    error(("anthropic.%s: fields: table expected, got %s"):format(name, type(fields)), 3)
  end
end

---@class anthropic.Source one of path, data, url and file_id; further fields go into the block
---@field path? string of a file
---@field data? string the file's bytes
---@field url? string
---@field file_id? string of an uploaded file
---@field media_type? string default: found by the content

--- Makes an image block of a JPEG, PNG, GIF or WebP file.
---@param source string|anthropic.Source a path, an http(s) URL, or a table
---@param fields? table further fields of the block, such as cache_control
---@return table|nil block
---@return anthropic.Error? err names the path
function anthropic.image(source, fields)
  check_source("image", source, fields)
  return require("anthropic.message.content").image(source, fields)
end

--- Makes a document block of a PDF or of a UTF-8 text.
---@param source string|anthropic.Source a path, an http(s) URL (of a PDF), or a table
---@param fields? table further fields of the block: title, context, citations, cache_control
---@return table|nil block
---@return anthropic.Error? err names the path
function anthropic.document(source, fields)
  check_source("document", source, fields)
  return require("anthropic.message.content").document(source, fields)
end

--- Runs a function in a coroutine until it and all that it spawned have ended: in the host's way, and
--- in a plain program by the built-in scheduler. What nobody joined and failed is raised.
---@param f function called with the further arguments
---@return any ... the results of f
function anthropic.run(f, ...)
  return require("anthropic.loop.task").run(f, ...)
end

--- Starts another coroutine: inside `anthropic.run`, and in a host that runs several by itself.
---@param f function called with the further arguments
---@return anthropic.Task
function anthropic.spawn(f, ...)
  return require("anthropic.loop.task").spawn(f, ...)
end

--- Waits in the host's way.
---@param seconds number
---@return true|nil
---@return anthropic.Error? err when the task was cancelled, or the calling code cannot wait
function anthropic.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds then
    error("anthropic.sleep: number of seconds expected", 2)
  end
  local tasks = require "anthropic.loop.task"
  local ok, reason = tasks.sleep(seconds)
  if ok then
    return true
  elseif tasks.is_refusal(reason) then
    return nil, reason
  end
  return nil, require("anthropic.base.error").cancelled "the task was cancelled"
end

--- The seconds of a clock that only goes forward, to measure how long something takes.
---@return number
function anthropic.now()
  return require("anthropic.core").now()
end

--- What is loaded when it is first looked at.
local LAZY = {
  http = function() return require "anthropic.http" end,
  null = function() return get_json().null end,
  version = function() return require "anthropic.version" end,
}

return setmetatable(anthropic, {
  __index = function(_, name)
    local value = LAZY[name] and LAZY[name]()
    anthropic[name] = value
    return value
  end,
})
