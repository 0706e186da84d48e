--- Records what a client sends and gets, and makes a script of it that a testing
--- server plays: statuses, headers, bodies with the pieces they came in, and how
--- an exchange broke off. No request header is written, and nothing secret: `$NAME`
--- stands for it in the path and the query, "[redacted]" in the body.
---
---     local recorder = recording.record(client, "hello.recording")
---     client.messages.create { ... }
---     recorder:stop()
---     local script = recording.script("hello.recording")
---
--- The file is a first line, then for each attempt its length and its data, as
--- `serialize` writes it. It is complete after every attempt.

local serialize = require "anthropic.testing.serialize"

local recording = {}

local FIRST_LINE = "anthropic recording 1\n"

-- Header fields of the connection, of what was unpacked on the way, and those with secrets.
local NOT_KEPT = {
  connection = true, ["content-encoding"] = true, ["content-length"] = true, ["keep-alive"] = true,
  ["set-cookie"] = true, ["transfer-encoding"] = true,
}

-- The path and query below the base URL, which may name the API's version too.
local function target_of(url, base_url)
  local base = base_url:match("^%s*(.-)%s*$"):gsub("/+$", "")
  base = base:match "^(.+)/v1$" or base:match "^(.+)/v1/messages$" or base
  if url:sub(1, #base) == base and url:find("^[/?]", #base + 1) then
    return url:sub(#base + 1)
  end
  return url:match("^%a+://[^/?]*(.*)$")
end

-- A redirect that was followed leads to a place of the server that plays it.
local function header_list(exchange, request)
  local redact = exchange.redact
  local list, present = {}, {}
  for line in exchange.transfer:headers():gmatch("[^\r\n]+") do
    local name, value = line:match("^([^:%s]+):[ \t]*(.*)$")
    if name and not NOT_KEPT[name:lower()] then
      local place = exchange.redirects_to and name:lower() == "location"
      value = place and target_of(exchange.redirects_to(), request.base_url) or value:match("^.*[^ \t]") or ""
      list[#list + 1] = { redact(name), redact(value) }
      present[name:lower()] = true
    end
  end
  for _, name in ipairs { "content-type", "request-id" } do -- a server's own, if they are missing
    if not present[name] then
      list[#list + 1] = { name, false }
    end
  end
  return list
end

--- The pieces of the body, a quoted credential made unreadable in its place.
local function pieces_of(exchange)
  local pieces, bytes = exchange.transfer:pieces(), {}
  for i, piece in ipairs(pieces) do
    bytes[i] = piece[2]
  end
  local body = exchange.redact(table.concat(bytes), function(found)
    return ("*"):rep(#found)
  end)
  local start = 0
  for i, piece in ipairs(pieces) do
    piece[2] = body:sub(start + 1, start + #bytes[i])
    start = start + #bytes[i]
  end
  return pieces, #body
end

-- How the testing server ends an answer as this one ended; nil: in order.
local function fault_of(exchange, body_bytes)
  local transfer = exchange.transfer
  local failure = transfer:failure()
  if exchange.complete or transfer:done() and not failure then
    return nil
  end
  local hangs = failure == "connect" or failure == "first_byte" or failure == "idle" or failure == "total"
  if not exchange.response then
    return hangs and "hang" or "close", true
  end
  return hangs and "hang_after" or "cut_after", body_bytes
end

local function answer_of(exchange, request)
  local pieces, body_bytes = pieces_of(exchange)
  local fault, extent = fault_of(exchange, body_bytes)
  local answer = { events = {}, framing = "chunked" }
  if fault then
    answer[fault] = extent
  end
  if exchange.response then
    local block = exchange.transfer:headers()
    answer.status = exchange.response.status
    answer.headers = header_list(exchange, request)
    if not fault and block:lower():find("\ncontent-length:", 1, true) then
      answer.framing = "length"
    end
  end
  local before = 0
  for i, piece in ipairs(pieces) do
    local pause = math.max(0, piece[1] - before)
    before = piece[1]
    if i == 1 then
      answer.delay = pause
    end
    answer.events[i] = { raw = piece[2], delay = i > 1 and pause or nil }
  end
  return answer
end

-- A pattern for Lua that a text alone matches.
local function literal(text)
  return (text:gsub("[^%w%z]", "%%%0"):gsub("%z", "%%z"))
end

-- The text as a pattern, anything in the place of what was secret.
local function pattern_of(text, anything)
  local pieces = { literal(text:match "^[^$]*") }
  for rest in text:gmatch "%$[%u%d_]*([^$]*)" do
    pieces[#pieces + 1] = anything .. literal(rest)
  end
  return table.concat(pieces)
end

-- A pattern for a target in which something secret stood; nil for another one.
local function match_of(target)
  if not target:find("$", 1, true) then
    return nil
  end
  local path, query = target:match "^([^?]*)(.*)$"
  return "^" .. pattern_of(path, "[^/?]*") .. pattern_of(query, "[^&]*") .. "$"
end

-- Patterns that are found in a body in which something secret stood.
local function body_match_of(body)
  local patterns, position = {}, 1
  while position <= #body do
    local first, last = body:find("[redacted]", position, true)
    local piece = body:sub(position, (first or 0) - 1)
    patterns[#patterns + 1] = piece ~= "" and literal(piece) or nil
    position = last and last + 1 or #body + 1
  end
  return patterns
end

local function check_path(path)
  if type(path) ~= "string" then
    error("anthropic.testing: path: string expected, got " .. type(path), 0)
  end
end

---@class anthropic.testing.Recorder made by testing.record
local Recorder = {}
Recorder.__index = Recorder

--- Writes every attempt of the client's requests to the file from now on, once it
--- has ended. What the file held before is gone. Raises an error where the file
--- cannot be written, and where another recorder has the client, or one that shares
--- its exchanges (client:with_options).
---@param client anthropic.Client
---@param path string
---@return anthropic.testing.Recorder
function recording.record(client, path)
  check_path(path)
  if type(client) ~= "table" or not client.observe then
    error("anthropic.testing: a client expected, got " .. type(client), 0)
  elseif client:observer() then
    error("anthropic.testing: the client is being recorded already: stop that recorder first", 0)
  end
  local file, message = io.open(path, "wb")
  if not file then
    error("anthropic.testing: " .. message, 0)
  end
  file:write(FIRST_LINE)
  file:flush()
  local function observer(exchange)
    local request = exchange.request()
    local data = serialize.dump({
      method = request.method,
      target = target_of(request.url, request.base_url),
      body = request.body or "",
      is_redacted = request.is_redacted,
      is_upload = request.parts ~= nil,
      answer = answer_of(exchange, request),
    }, "recording")
    file:write(string.format("%d\n", #data), data, "\n")
    file:flush()
  end
  client:observe(observer)
  return setmetatable({ client = client, file = file, observer = observer }, Recorder)
end

--- Ends the recording. The file is complete without it.
function Recorder:stop()
  if self.file then
    if self.client:observer() == self.observer then
      self.client:observe(nil)
    end
    self.file:close()
    self.file = nil
  end
end

Recorder.__close = Recorder.stop

local function read(path)
  check_path(path)
  local file, message = io.open(path, "rb")
  if not file then
    error("anthropic.testing: " .. message, 0)
  end
  local text
  text, message = file:read("*a")
  file:close()
  if not text then
    error("anthropic.testing: " .. path .. ": " .. tostring(message), 0)
  elseif text:sub(1, #FIRST_LINE) ~= FIRST_LINE then
    error("anthropic.testing: " .. path .. ": not a recording", 0)
  end
  local exchanges, position = {}, #FIRST_LINE + 1
  while true do
    local length, first = text:match("^(%d+)\n()", position)
    local after = length and first + tonumber(length)
    if not after or after > #text then -- what the recorder was writing when its process died
      return exchanges
    end
    exchanges[#exchanges + 1] = serialize.load(text:sub(first, after - 1))
    position = after + 1
  end
end

-- `speed`: how many times as fast as it was; false: without pauses.
local function set_pace(answer, speed)
  answer.delay = speed and answer.delay and answer.delay / speed or nil
  for _, event in ipairs(answer.events) do
    event.delay = speed and event.delay and event.delay / speed or nil
  end
end

local function routes_of(exchanges)
  local routes, by_request = {}, {}
  for _, exchange in ipairs(exchanges) do
    -- The bytes of a form are not written, and never the same twice.
    local body = not exchange.is_upload and exchange.body or nil
    local key = table.concat({ exchange.method, exchange.target, body or "form" }, "\n")
    local route = by_request[key]
    if not route then
      local match = match_of(exchange.target)
      route = {
        method = exchange.method,
        target = not match and exchange.target or nil,
        match = match,
        body = not exchange.is_redacted and body or nil,
        body_match = exchange.is_redacted and body and body_match_of(body) or nil,
        answers = {},
      }
      by_request[key] = route
      routes[#routes + 1] = route
    end
    table.insert(route.answers, exchange.answer)
  end
  return { routes = routes }
end

--- A script for `testing.server`: a request that is like a recorded one in method,
--- path, query and body gets its answers in their order. Raises an error where the
--- file is no recording.
---@param path string
---@param options? { in_order?: boolean, speed?: number } `in_order`: the n-th request
---  gets the n-th answer, whatever it is; `speed`: pauses as they were (1), or that
---  many times as short; default: none
---@return table
function recording.script(path, options)
  options = options or {}
  local exchanges = read(path)
  if #exchanges == 0 then
    error("anthropic.testing: " .. path .. ": nothing was recorded", 0)
  end
  local answers = {}
  for i, exchange in ipairs(exchanges) do
    set_pace(exchange.answer, options.speed)
    answers[i] = exchange.answer
  end
  return options.in_order and answers or routes_of(exchanges)
end

return recording
