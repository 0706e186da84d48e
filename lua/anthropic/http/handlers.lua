--- Requests of `anthropic.http` that call back.

local body_reader = require "anthropic.http.body_reader"
local call = require "anthropic.http.call"
local callbacks = require "anthropic.loop.callbacks"
local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local options = require "anthropic.http.options"
local tables = require "anthropic.base.tables"

local handlers = {}

-- --- what has come as a whole --------------------------------------------------------------------

local function each_line(body, take)
  local first = 1
  while first <= #body do
    local last = body:find("\n", first, true) or #body + 1
    local line = body:sub(first, last - 1)
    if not take(line:sub(-1) == "\r" and last <= #body and line:sub(1, -2) or line) then
      return
    end
    first = last + 1
  end
end

local function each_event(body, take, limit)
  local decoder = core.sse(math.min(limit, options.LARGEST_SIZE))
  decoder:feed(body)
  local data, name, id = decoder:next()
  while data and take { event = name ~= "" and name or "message", data = data, id = id } do
    data, name, id = decoder:next()
  end
end

-- Much may have come at once: it is handed on in pieces, between which the host can have its turn.
local MOST_BYTES = 16384

local function each_piece(body, take)
  local first = 1
  while first <= #body and take(body:sub(first, first + MOST_BYTES - 1)) do
    first = first + MOST_BYTES
  end
end

-- Hands on the body of a refusal, which was read whole so that its words are available in any case.
local function hand_on(reader, given, body, back)
  if given.on_bytes then
    each_piece(body, function(bytes) return back(given.on_bytes, bytes) end)
  elseif given.on_line then
    each_line(body, function(line) return back(given.on_line, line) end)
  elseif given.on_event then
    local limit = options.event_limit(reader.exchange.option)
    each_event(body, function(event) return back(given.on_event, event) end, limit)
  end
end

-- --- reading -------------------------------------------------------------------------------------

local PIECES = { on_line = "next_line", on_event = "next_event", on_bytes = "read" }

-- The reader's method for the body, and the handler.
local function way_of(given)
  for name, method in pairs(PIECES) do
    if given[name] then
      return method, given[name]
    end
  end
end

local function read_whole(reader, request, sink)
  local response, err = call.read(reader.exchange, reader.response, request, sink)
  if not response then
    return body_reader.fail(reader, err)
  end
  return response
end

-- What `on_done` gets after a cancel.
local function cancelled(reader)
  reader:close()
  return nil, reader.err or errors.cancelled "the request was cancelled"
end

local function deliver(reader, request, sink, given, back)
  local response = reader.response
  local method, on_piece = way_of(given)
  if not back(given.on_response, response) then
    return cancelled(reader)
  elseif not method or response.status < 200 or response.status >= 300 then
    local whole, err = read_whole(reader, request, sink)
    if whole and method then
      hand_on(reader, given, whole.body, back)
    end
    if whole and not back() then
      return cancelled(reader)
    end
    return whole, err
  end
  local most = method == "read" and MOST_BYTES or nil
  local piece, err = reader[method](reader, most)
  while piece and back(on_piece, piece) do
    piece, err = reader[method](reader, most)
  end
  if not back() then
    return cancelled(reader)
  elseif err then
    return nil, err
  end
  return response
end

--- Sends a request that calls back. It is prepared now: later changes of the caller's tables have no effect.
---@param request anthropic.http.Request checked
---@param given anthropic.http.Handlers checked
---@return anthropic.Task handle
function handlers.start(request, given)
  local sink
  request, given = tables.copy(request), tables.copy(given)
  local open = callbacks.prepared(function()
    local made, second = call.prepare(request)
    if not made then
      return nil, second
    end
    sink = second
    return function() return body_reader.open(made) end
  end)
  local function done(...)
    if sink then
      sink:close()
    end
    if given.on_done then
      given.on_done(...)
    end
  end
  return callbacks.start(request.loop, done, open, function(reader, back)
    return deliver(reader, request, sink, given, back)
  end)
end

return handlers
