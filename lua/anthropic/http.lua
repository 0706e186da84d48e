--- The transport alone, for every provider: no credential, no header and no base URL of ours.
--
--     local http = require "anthropic.http"
--     local response = assert(http.request { url = "http://localhost:11434/api/tags" })
--     print(response.status, response.body)
--
--     local task = http.request({ url = url, headers = headers, body = json }, {
--       on_event = function(event) print(event.data) end,
--       on_done = function(response, err) print(response and response.status or err) end,
--     })
--     task:cancel()
--
--     local reader = assert(http.open { url = url, headers = headers, body = json })
--     for line in reader:lines() do print(line) end

local require = require("anthropic.base.lazy").require

---@class anthropic.http
local http = {}

---@class anthropic.http.Request
---@field url string http:// or https://; a user name and a password in it are sent as Basic authorization
---@field method? string default GET, with a body POST
---@field headers? table<string, string|number|false> as they are sent; false removes one of libcurl's, such as Accept.
---  A `Content-Length` can only be the body's, and a `Transfer-Encoding` only `chunked`, with a body
---@field body? string
---@field body_file? string path of a file that is the body
---@field multipart? anthropic.http.Part[] the parts of a form
---@field path? string the answer goes to this file, if it is a success: by a temporary name, once all of it has come
---@field redirects? integer how many are followed; default 0. What is secret in `headers` goes to no other server
---@field secret_headers? string[] names of headers that are secret, besides those that look like it
---@field max_retries? integer default 0; after responses of 408, 409, 429 and from 500 on as well
---@field timeout? number|anthropic.Timeouts seconds; a number is the total
---@field proxy? string URL; default by libcurl from the environment
---@field ca_file? string
---@field ca_path? string
---@field certificate_file? string of the client, PEM
---@field key_file? string of that certificate; default: it is in the same file
---@field unix_socket? string path of the socket to connect to
---@field max_idle? number seconds after which an idle connection is not used again; libcurl counts whole ones. Default:
---  libcurl's, 118
---@field insecure? boolean accept any certificate; default false
---@field http_version? "1.1"|"2" default "1.1"
---@field max_event_bytes? integer most bytes in one event or line, default 32 MiB
---@field max_response_bytes? integer most bytes that are held in memory, default 64 MiB
---@field max_download_bytes? integer most bytes of a file if no length is announced, default 1 GiB
---@field on_retry? fun(info: anthropic.RetryInfo) before each wait
---@field loop? string|table a driver's name, or a driver; default: found by the host

---@class anthropic.http.Part a field of a form, or a file: of data with a filename, or of a path
---@field name string
---@field data? string|number|boolean
---@field path? string
---@field filename? string default: the path's last part
---@field content_type? string default: by the end of the filename

---@class anthropic.http.Response of every status
---@field status integer
---@field headers table<string, string> names in lower case, looked up regardless of case
---@field header_lines string[] "Name: value" as they came
---@field url string that answered, after redirects
---@field body? string nil before it has come, and of a success that went to a file or to a handler
---@field attempts integer how often a request was sent, for redirects too
---@field timings table<string, number|boolean> seconds since the start, and `reused`

---@class anthropic.http.Handlers at most one of on_line, on_event and on_bytes, none of them with `path`
---@field on_response? fun(response: anthropic.http.Response) once, before the body
---@field on_line? fun(line: string) each line, without its end
---@field on_event? fun(event: anthropic.sse.Event) each event; a body that is not an event stream is an error
---@field on_bytes? fun(bytes: string) the bytes as they come
---@field on_done? fun(response: anthropic.http.Response?, err: anthropic.Error?) once and last, whatever happens

local call

local function get_call()
  call = call or require "anthropic.http.call"
  return call
end

--- Sends a request: waits for the whole answer in the host's way, or with handlers returns at once. Raises only on a
--- field or a handler that does not exist, or of a wrong type.
---@param request anthropic.http.Request
---@param handlers? anthropic.http.Handlers
---@return anthropic.http.Response|anthropic.Task|nil result with handlers a task, which can be cancelled
---@return anthropic.Error? err no answer came, or it was interrupted: then `response` and `body` have what came
function http.request(request, handlers)
  get_call().check(request, 2)
  if handlers == nil then
    return call.run(request)
  end
  call.check_handlers(handlers, request, 2)
  return require("anthropic.http.handlers").start(request, handlers)
end

--- Sends a request and returns when the headers of the answer have come.
---@param request anthropic.http.Request without `path`
---@return anthropic.http.Reader|nil
---@return anthropic.Error?
function http.open(request)
  get_call().check(request, 2)
  if request.path ~= nil then
    error("http.open: path: the reader takes the answer", 2)
  end
  local made, err = call.prepare(request)
  if not made then
    return nil, err
  end
  return require("anthropic.http.body_reader").open(made)
end

return http
