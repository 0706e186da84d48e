-- The calls of plenary.curl on anthropic.http: put this file into a plugin, and require it in plenary.curl's place.
--
--     local curl = require "my_plugin.plenary_curl"
--     local job = curl.post(url, { headers = headers, body = json, stream = on_line, callback = on_end })
--     job:shutdown()
--
-- What differs: the key is in no list of processes, a cancelled request ends at once and calls nothing more, redirects
-- take no secret to another server, the names of headers stay as they are but for "_", and what this file does not know
-- is refused, not passed over.

local http = require "anthropic.http"

local curl = {}

local REDIRECTS = 10
local BLOCKING_SECONDS = 10 -- of calls without callback and stream

local function fail(words, ...)
  error("plenary_curl: " .. words:format(...), 0)
end

local function escape(text)
  return (tostring(text):gsub("[^%w%-._~]", function(char)
    return ("%%%02X"):format(char:byte())
  end))
end

-- A table as name=value&name=value, in the order of the names.
local function pairs_of(values, escaped)
  local names, words = {}, {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    words[i] = name .. "=" .. escaped(values[name])
  end
  return table.concat(words, "&")
end

local function is_file(text)
  local file = not text:find "[%c{]" and io.open(text, "rb")
  if file then
    local is_regular = file:read(0) ~= nil or file:seek "end" == 0
    file:close()
    return is_regular
  end
  return false
end

-- --- curl's own words ----------------------------------------------------------------------------

local function seconds_of(request, name, value)
  request.timeout = request.timeout or {}
  request.timeout[name] = tonumber(value) or fail("%s: a number of seconds expected", name)
end

local function add_line(request, line)
  local name, value = line:match "^([^:]+):[ \t]*(.*)$"
  if not name then
    fail("header %q: a name and a value expected", line)
  end
  request.headers[name] = value
end

-- A header, or those of a file.
local function add_header(request, word)
  if word:sub(1, 1) ~= "@" then
    return add_line(request, word)
  end
  for line in io.lines(word:sub(2)) do
    add_line(request, line)
  end
end

local function nothing() end

-- Word -> what it does to the request; with a value where the function takes one.
local FLAGS = {
  ["--no-buffer"] = nothing, ["-N"] = nothing, ["--silent"] = nothing, ["-s"] = nothing, ["--show-error"] = nothing,
  ["-S"] = nothing, ["--location"] = nothing, ["-L"] = nothing, ["--tcp-nodelay"] = nothing, ["-i"] = nothing,
  ["--no-compressed"] = nothing, ["--http1.1"] = nothing, ["--retry-connrefused"] = nothing,
  ["--retry-all-errors"] = nothing,
  ["--compressed"] = function(request) request.headers["Accept-Encoding"] = "gzip" end,
  ["--http2"] = function(request) request.http_version = "2" end,
  ["--insecure"] = function(request) request.insecure = true end,
  ["-k"] = function(request) request.insecure = true end,
  ["--fail"] = function(_, handling) handling.fails = true end,
  ["-f"] = function(_, handling) handling.fails = true end,
  ["--fail-with-body"] = function(_, handling) handling.fails = true end,
}

local function set(name)
  return function(request, value) request[name] = value end
end

local VALUES = {
  ["--connect-timeout"] = function(request, value) seconds_of(request, "connect", value) end,
  ["--max-time"] = function(request, value) seconds_of(request, "total", value) end,
  ["-m"] = function(request, value) seconds_of(request, "total", value) end,
  ["--retry"] = function(request, value) request.max_retries = tonumber(value) end,
  ["--retry-delay"] = nothing, ["--retry-max-time"] = nothing, ["--keepalive-time"] = nothing,
  ["--max-redirs"] = function(request, value) request.redirects = tonumber(value) end,
  ["--header"] = add_header,
  ["-H"] = add_header,
  ["--user-agent"] = function(request, value) request.headers["User-Agent"] = value end,
  ["-A"] = function(request, value) request.headers["User-Agent"] = value end,
  ["--proxy"] = set "proxy", ["-x"] = set "proxy", ["--cacert"] = set "ca_file", ["--capath"] = set "ca_path",
  ["--cert"] = set "certificate_file", ["-E"] = set "certificate_file", ["--key"] = set "key_file",
  ["--unix-socket"] = set "unix_socket", ["--request"] = set "method", ["-X"] = set "method",
  ["--data-raw"] = set "body",
}

local function take_raw(request, handling, words)
  words = type(words) == "string" and { words } or words
  local i = 1
  while i <= #words do
    local word, value = tostring(words[i]), nil
    if word:find "^%-%-[%w.-]+=" then
      word, value = word:match "^(%-%-[%w.-]+)=(.*)$"
    end
    if FLAGS[word] then
      FLAGS[word](request, handling)
    elseif VALUES[word] then
      if not value then
        i = i + 1
        value = words[i] ~= nil and tostring(words[i]) or fail("raw %q: a value expected", word)
      end
      VALUES[word](request, value)
    else
      fail("raw %q is not known here", word)
    end
    i = i + 1
  end
end

-- --- plenary's options ---------------------------------------------------------------------------

local function take_body(request, opts)
  local body = opts.body
  if type(body) == "string" and is_file(body) then
    request.body_file = body
  elseif type(body) == "string" then
    request.body = body
  elseif type(body) == "table" then
    request.body = pairs_of(body, tostring)
  end
  request.body = opts.raw_body or request.body
  request.body_file = opts.in_file or request.body_file
  if opts.data then
    request.body = pairs_of(opts.data, tostring)
  end
  for name, value in pairs(opts.form or {}) do
    request.multipart = request.multipart or {}
    local path = tostring(value):match "^@(.*)$"
    table.insert(request.multipart, { name = name, path = path, data = not path and tostring(value) or nil })
  end
end

local function take_auth(request, auth)
  if type(auth) == "table" then
    local user, password = next(auth)
    auth = user .. ":" .. password
  end
  local user, password = auth:match "^([^:]*):?(.*)$"
  request.url = request.url:gsub("^(%a+://)", function(scheme)
    return scheme .. escape(user) .. ":" .. escape(password) .. "@"
  end)
end

local VERSIONS = { ["HTTP/1.1"] = "1.1", ["HTTP/2"] = "2" }

-- `sync` says to plenary nothing, and plugins write it.
local KNOWN = {}
for name in ([[
  url method headers body raw_body in_file data form query auth accept http_version insecure proxy compressed output
  raw timeout callback stream on_error dump dry_run sync
]]):gmatch "%S+" do
  KNOWN[name] = true
end

local function request_of(opts)
  for name in pairs(opts) do
    if not KNOWN[name] then
      fail("the option %q is not known here", tostring(name))
    end
  end
  if type(opts.url) ~= "string" then
    fail "url: string expected"
  elseif opts.dry_run then
    fail "dry_run: there is no command line"
  end
  local request = {
    url = opts.url:find "^%a+://" and opts.url or "http://" .. opts.url, -- as curl takes it
    method = opts.method and opts.method:upper() or nil, headers = {}, redirects = REDIRECTS,
    insecure = opts.insecure, proxy = opts.proxy, path = opts.output,
  }
  if opts.query then
    request.url = request.url .. "?" .. pairs_of(opts.query, escape)
  end
  for name, value in pairs(opts.headers or {}) do
    request.headers[name:gsub("_", "-")] = tostring(value)
  end
  request.headers.Accept = opts.accept
  if opts.compressed then
    request.headers["Accept-Encoding"] = "gzip"
  end
  if opts.http_version then
    request.http_version = VERSIONS[opts.http_version] or fail("http_version %q", tostring(opts.http_version))
  end
  take_body(request, opts)
  if opts.auth then
    take_auth(request, opts.auth)
  end
  local handling = {}
  take_raw(request, handling, opts.raw or {})
  return request, handling
end

-- --- what comes back -----------------------------------------------------------------------------

local function write_dump(dump, response)
  local path = type(dump) == "table" and dump[2] or dump
  local file = assert(io.open(path, "wb"))
  file:write("HTTP/1.1 ", response.status, "\r\n", table.concat(response.header_lines, "\r\n"), "\r\n\r\n")
  file:close()
end

local function output_of(response, body, opts)
  if opts.dump then
    write_dump(opts.dump, response)
  end
  return { status = response.status, headers = response.header_lines, body = body or response.body or "", exit = 0 }
end

-- Failures as plenary tells them: to on_error, or raised.
local function report(opts, exit, stderr)
  local method = (opts.method or "get"):lower()
  local message = ("%s %s - curl error exit_code=%d stderr=%s"):format(method, opts.url, exit, stderr)
  if not opts.on_error then
    error(message, 0)
  end
  return opts.on_error { message = message, stderr = stderr, exit = exit }
end

local function finish(opts, handling, response, body, err)
  if err then
    return report(opts, err:exit_code(), tostring(err))
  elseif handling.fails and response.status >= 400 then
    return report(opts, 22, "The requested URL returned error: " .. response.status)
  end
  local output = output_of(response, body, opts)
  if opts.callback then
    return opts.callback(output)
  end
  return output
end

local Job = {}
Job.__index = Job

--- Ends the request. Nothing is called after it; with the code 0, of a caller that has what it wants, the callback gets
--- what has come.
function Job:shutdown(code)
  if self.is_shutdown then
    return
  end
  self.is_shutdown = true
  if self.task then
    self.task:cancel()
  end
  if code == 0 and self.response then
    self.finish(self.response)
  end
end

--- Whether it has ended, or was ended.
function Job:is_closing()
  return self.is_shutdown
end

local function start(request, handling, opts)
  local job, lines = setmetatable({ is_shutdown = false }, Job), opts.stream and {}
  function job.finish(response, err)
    finish(opts, handling, response, lines and table.concat(lines, "\n"), err)
  end
  local handlers = {
    on_response = function(response)
      job.response = response
    end,
    on_done = function(response, err)
      if not job.is_shutdown then
        job.is_shutdown = true
        job.finish(response, err)
      end
    end,
  }
  if lines then
    function handlers.on_line(line)
      if not job.is_shutdown then -- in a plain program the task is there when all is over
        lines[#lines + 1] = line
        opts.stream(nil, line, job)
      end
    end
  end
  job.task = http.request(request, handlers)
  return job
end

--- Sends what plenary.curl's `request` takes.
function curl.request(opts)
  local request, handling = request_of(opts)
  if opts.callback or opts.stream then
    if opts.timeout then -- plenary keeps it for blocking calls
      seconds_of(request, "total", opts.timeout / 1000)
    end
    return start(request, handling, opts)
  end
  seconds_of(request, "total", opts.timeout and opts.timeout / 1000 or BLOCKING_SECONDS)
  local response, err = http.request(request)
  return finish(opts, handling, response, nil, err)
end

for _, method in ipairs { "get", "post", "put", "patch", "delete", "head" } do
  curl[method] = function(url, opts)
    local given = { method = method }
    for name, value in pairs(type(url) == "table" and url or opts or {}) do
      given[name] = value
    end
    given.url = type(url) == "string" and url or given.url
    return curl.request(given)
  end
end

return curl
