--- The Messages API for Lua.
--
--     local anthropic = require "anthropic"
--     local client = anthropic.new()  -- ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL, or options
--     local message = assert(client.messages.create {
--       model = "claude-sonnet-5-5", max_tokens = 1024,
--       messages = { { role = "user", content = "Hello" } },
--     })
--     print(message:text())

local load = require

-- The two halves are compared first. (On Lua 5.1 the second `require` of a module that failed to load names no reason.)
local function require(name)
  load "anthropic.base.core"
  return load("anthropic.base.lazy").require(name)
end

---@class anthropic
---@field null any JSON's null: `nil` leaves a field out, `anthropic.null` sends it
---@field version string of this library: "major.minor.patch"
---@field chat_completion anthropic.chat_completion
---@field health anthropic.health
---@field http anthropic.http
---@field limiter anthropic.limiter
---@field loop anthropic.loop
---@field mcp anthropic.mcp
---@field memory_tool anthropic.memory_tool
---@field pool anthropic.pool
---@field reader anthropic.reader
---@field sse anthropic.sse
---@field testing anthropic.testing
---@field webhooks anthropic.webhooks
local anthropic = {}

---@class anthropic.Options the options of a client, or of one request: the last argument of a method
---@field api_key? string|anthropic.TokenFunction|anthropic.TokenCommand sent as `x-api-key`, or as `auth` says.
---  Default: $ANTHROPIC_API_KEY
---@field auth_token? string|anthropic.TokenFunction|anthropic.TokenCommand sent as a bearer token. Excludes `api_key`.
---  Default: $ANTHROPIC_AUTH_TOKEN, if there is no API key
---@field profile? string of the vendor's tools, in place of a key. Without any of them: $ANTHROPIC_PROFILE, the
---  environment's workload identity federation, or the active profile
---@field auth? "x-api-key"|"bearer" how `api_key` is sent. Default: "x-api-key" to anthropic.com, else "bearer"
---@field base_url? string where the server is: https://host, with a path if it has one, without a query. It may end in
---  `/v1` or `/v1/messages`: "https://host", "https://host/v1" and "https://host/v1/messages" send a message to the
---  same address. Default: $ANTHROPIC_BASE_URL, else "https://api.anthropic.com"
---@field platform? "anthropic"|"bedrock"|"bedrock_mantle"|"aws"|"vertex"|"foundry"|"google_cloud" where Claude is
---  served. Another one than "anthropic" has a base URL, a credential and variables of its own. Default: "anthropic"
---@field region? string of "bedrock", "bedrock_mantle", "aws" ($AWS_REGION, else $AWS_DEFAULT_REGION, else that of the
---  AWS profile) and "vertex" ($CLOUD_ML_REGION)
---@field project_id? string of "vertex" ($ANTHROPIC_VERTEX_PROJECT_ID) and "google_cloud"
---  ($ANTHROPIC_GOOGLE_CLOUD_PROJECT, else $GOOGLE_CLOUD_PROJECT); else that of the credentials
---@field resource? string of "foundry". Excludes `base_url`. Default: $ANTHROPIC_FOUNDRY_RESOURCE
---@field workspace_id? string of "aws" ($ANTHROPIC_AWS_WORKSPACE_ID) and "google_cloud"
---  ($ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID)
---@field location? string of "google_cloud". Default: $ANTHROPIC_GOOGLE_CLOUD_LOCATION, else "global"
---@field aws_access_key_id? string to sign with, together with the next one. Default: $AWS_ACCESS_KEY_ID, else by a
---  profile, a container's or an instance's address
---@field aws_secret_access_key? string
---@field aws_session_token? string of temporary keys
---@field aws_profile? string of ~/.aws/credentials and ~/.aws/config. Default: $AWS_PROFILE, else "default"
---@field model? string of requests that name none. No model is built in. Default: $ANTHROPIC_MODEL
---@field api_version? string sent as `anthropic-version`. Default: "2023-06-01"
---@field betas? string[] sent as `anthropic-beta`; those of a request are added to the client's
---@field headers? table<string, string|false> further headers; `false` removes a default. Those of a request are added
---  to the client's. $ANTHROPIC_CUSTOM_HEADERS has more, a line of `name: value` for each
---@field max_retries? integer how often a failed attempt is repeated; 0: never. Default: 2
---@field retry? "safe"|"always" "safe": an attempt is not repeated if the server may have acted on it. Default: by
---  the method; see [resources](resources.md)
---@field timeout? number|anthropic.Timeouts seconds; a number is the total. Default: see anthropic.Timeouts
---@field proxy? string URL of a proxy: `http://`, `https://`, `socks4://`, `socks4a://`, `socks5://` or `socks5h://`,
---  then `user:password@` if it asks for them, then host and port. "" uses none. Default: $https_proxy (or
---  $HTTPS_PROXY), for http:// URLs $http_proxy, else $all_proxy (or $ALL_PROXY); not for the hosts in $no_proxy
---@field ca_file? string path of a PEM file: the certificate authorities to trust. Default: the system's
---@field ca_path? string path of a directory of such files, prepared by `c_rehash`. Default: the system's
---@field certificate_file? string path of the client's own certificate (PEM), if the server asks for one
---@field key_file? string path of that certificate's key. Default: it is in the same file
---@field unix_socket? string path of a socket to connect to
---@field max_idle? number seconds after which an idle connection is not used again; libcurl counts whole ones. Default:
---  libcurl's, 118
---@field insecure? boolean true accepts any certificate. Default: false
---@field http_version? "1.1"|"2" "2" is asked for over TLS only. Default: "1.1"
---@field max_event_bytes? integer bytes in one event of a stream, or in one line of a batch's results. Default:
---  33554432 (32 MiB)
---@field max_response_bytes? integer bytes that one exchange holds in memory. Default: 67108864 (64 MiB)
---@field max_download_bytes? integer bytes of a download to a file if no length is announced. Default: 1073741824
---  (1 GiB)
---@field loop? string|anthropic.Driver how to wait: the name of a driver, or a driver; see [loop](loop.md). Default:
---  found by the host
---@field on_interrupt? "retry"|"continue" what to do when a stream is interrupted after its first content. "retry":
---  send the request again, if no part of the answer was read. "continue": ask for the rest of the text. Default: an
---  error
---@field middleware? anthropic.Middleware[] functions around every attempt, the first outermost; see
---  anthropic.Middleware. Those of a request replace the client's
---@field on_retry? fun(info: anthropic.RetryInfo) called before each wait for another attempt
---@field on_log? fun(record: anthropic.LogRecord) called for every event of the client's work. Without it
---  $ANTHROPIC_LOG (`debug`, `info`, `warn`, `error` or `off`) prints the records from that level on to standard error
---@field limiter? anthropic.RequestLimiter|false asked for each attempt whether and when it may go out; see
---  [limiter](limiter.md). Default: only `map` waits; false: nothing does
---@field tag? any shown in log records, and to middleware and a limiter: to tell requests apart

---@class anthropic.RetryInfo what `on_retry` is told
---@field attempt integer number of the attempt that failed, from 1
---@field max_retries integer the option
---@field error anthropic.Error why the attempt failed
---@field delay number seconds until the next attempt

---@class anthropic.Timeouts in seconds; `false` turns one off. When one runs out, the error's `timeout` names it
---@field connect? number|false until the connection stands, TLS included. Default: 30
---@field first_byte? number|false until the response's headers have come. Default: 600
---@field idle? number|false between two pieces of the response. Default: 300
---@field total? number|false for the whole request, retries and the reading of a stream included. Default: false

local json

-- The parts are loaded when they are first needed.
local function get_json()
  json = json or require "anthropic.base.json"
  return json
end

--- Makes a client. Sends nothing. Raises only on a wrong option; the error names the nearest right one.
---@param options? anthropic.Options
---@return anthropic.Client client
function anthropic.new(options)
  local client = require("anthropic.client").new(options)
  return client -- no tail call: an error about the options blames the caller's line
end

--- Marks a table as a JSON array, also when it is empty.
---@param t table
---@return table t the same table
function anthropic.array(t)
  return get_json().array(t)
end

--- Marks a table as a JSON object, also when its keys are numbers.
---@param t table
---@return table t the same table
function anthropic.object(t)
  return get_json().object(t)
end

--- Makes a value that stands for a JSON text: it is sent exactly as it is.
---@param text string valid JSON
---@return any value
function anthropic.raw(text)
  return get_json().raw(text)
end

--- Defines a tool for the `tools` of `client.messages.run`. Raises if a field is of a wrong type.
---@param fields anthropic.ToolFields
---@return anthropic.Tool tool
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
---@param value any a table, string, number, boolean or anthropic.null
---@return string|nil json
---@return anthropic.Error? err of kind "invalid_request"; its message names the path of what JSON cannot say
function anthropic.encode(value)
  return as_error(get_json().encode(value))
end

--- Reads JSON: integers, `[]`, `{}` and null (as anthropic.null) are kept apart. The result encodes as equal JSON.
--- Numbers keep their digits, and the `input` of an object whose `type` is tool_use, server_tool_use or mcp_tool_use
--- keeps its text, until they are changed.
---@param text string JSON
---@return any value
---@return anthropic.Error? err of kind "invalid_request", if the text is not JSON
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

---@class anthropic.Source one of `path`, `data`, `url` and `file_id`; further fields go into the block
---@field path? string of a file
---@field data? string the file's bytes
---@field url? string http(s) address that the server fetches
---@field file_id? string ID of an uploaded file
---@field media_type? string such as "image/png". Default: found by the content

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
--- in a plain program by the built-in scheduler. The error of a task that failed and was not joined is raised.
---@param f function called with the further arguments
---@return any ... the results of `f`
function anthropic.run(f, ...)
  return require("anthropic.loop.task").run(f, ...)
end

--- Starts another coroutine: inside `anthropic.run`, and in a host that runs several by itself.
---@param f function called with the further arguments
---@return anthropic.Task task
function anthropic.spawn(f, ...)
  return require("anthropic.loop.task").spawn(f, ...)
end

--- Waits in the host's way.
---@param seconds number
---@return true|nil ok
---@return anthropic.Error? err when the task was cancelled, or the calling code cannot wait
function anthropic.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds then
    error("anthropic.sleep: number of seconds expected", 2)
  end
  local waiting = require "anthropic.loop.waiting"
  local ok, reason = waiting.sleep(seconds)
  if ok then
    return true
  elseif waiting.is_refusal(reason) then
    return nil, reason
  end
  return nil, require("anthropic.base.error").cancelled "the task was cancelled"
end

-- Modules that are loaded when they are first needed, and that load the rest. A host's driver is not among them.
local PARTS = {
  "api.endpoint", "api.resources", "base.memory", "chat_completion", "client", "client.chat", "client.messages",
  "client.pool", "health", "helpers.batches", "helpers.batches.results", "helpers.batches.run",
  "helpers.structured_output", "helpers.tool_runner", "helpers.tools", "http", "http.body_reader", "http.call",
  "http.curl_command", "http.handlers", "http.login", "limiter", "loop.scheduler", "loop.task", "mcp", "memory_tool",
  "message.content", "platforms.aws", "platforms.aws_credentials", "platforms.aws_region", "platforms.bedrock",
  "platforms.bedrock_mantle", "platforms.foundry", "platforms.google_cloud", "platforms.google_project",
  "platforms.google_token", "platforms.replacing", "platforms.signing", "platforms.vertex", "pool", "reader", "sse",
  "version", "webhooks",
}

--- Loads all that a request of any kind can load, and makes the core loop: for a game's loading screen, and for a
--- sandbox that lends `require`. `anthropic.testing` is not loaded.
function anthropic.preload()
  for _, name in ipairs(PARTS) do
    require("anthropic." .. name)
  end
  require("anthropic.base.lazy").load()
  get_json().library()
  local loop = require "anthropic.loop"
  loop.core():fd()
  loop.driver()
end

--- Returns the seconds of a clock that only goes forward, to measure how long something takes.
---@return number seconds
function anthropic.now()
  return require("anthropic.base.core").now()
end

--- Members that are loaded when they are first read.
local LAZY = {
  http = function() return require "anthropic.http" end,
  null = function() return get_json().null end,
}
local PUBLIC = {
  "chat_completion", "health", "http", "limiter", "loop", "mcp", "memory_tool", "pool", "reader", "sse", "testing",
  "version", "webhooks",
}
for _, name in ipairs(PUBLIC) do
  LAZY[name] = function() return load("anthropic." .. name) end
end

setmetatable(anthropic, {
  __index = function(_, name)
    local value = LAZY[name] and LAZY[name]()
    anthropic[name] = value
    return value
  end,
})

return anthropic
