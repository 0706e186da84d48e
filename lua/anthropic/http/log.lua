--- Log records: what the client says of its work, to `on_log`, or to standard error as ANTHROPIC_LOG asks.
--
-- A record is a flat table. It holds no header and no secret; its strings are one line each, without control
-- characters, but for a traceback. Bodies are read on demand: `request_body` and `response_body` are functions that
-- return the text, its system prompts and base64 shortened, or with `true` the whole text.
--
--     anthropic.new { on_log = function(record)
--       if record.event == "request" then print(record.url, record.request_body()) end
--     end }

local json = require "anthropic.base.json"
local segments = require "anthropic.base.segments"
local printable = require "anthropic.base.printable"
local protected = require "anthropic.loop.protected"

---@class anthropic.LogRecord what `on_log` is told
---@field event "request"|"response"|"body"|"retry"|"error"|"done"|"tool" a request is sent; headers have come; a whole
---  body has come; another attempt follows; a request has failed; a request has ended, once for each; a tool of
---  messages.run raised an error, or returned what cannot be sent
---@field level "debug"|"info"|"warn"|"error" "debug" of "request" and "body", "info" of "response" and "done", "warn"
---  of "retry" and "tool", "error" of "error"
---@field attempt? integer number of the attempt, from 1; of "done": how many there were, 0 if nothing was sent;
---  absent of "tool"
---@field tag? any the option `tag`
---@field method? string absent of "tool"
---@field url? string of "request", and of all others without its query; absent of "tool"
---@field request_body? fun(whole?: boolean): string of "request", if it has a JSON body
---@field status? integer of the last answer or error; absent of "request" and "tool"
---@field request_id? string of the last answer or error; absent of "request" and "tool"
---@field seconds? number of "response": since the attempt began; of "retry": until the next attempt; of "done": of the
---  whole call
---@field bytes? integer of "body": its length; of "done": of the last answer's body, as they came over the wire
---@field outcome? "ok"|"error"|"closed" of "done": "closed" was cancelled, closed, or left to the garbage collector
---@field member? integer of "done": the pool's member that was asked last
---@field model? string of "done": as the answer calls it, else as the request does
---@field usage? anthropic.api.Usage of "done": the tokens, as far as they are known
---@field stop_reason? string of "done"
---@field timings? table<string, number|boolean> of "done": as in a response; of a stream also `first_text` and
---  `tokens_per_second`
---@field kind? anthropic.ErrorKind of "done": of its error
---@field type? string of "done": of its error
---@field response_body? fun(whole?: boolean): string of "body"
---@field error? string of "retry", "error", "done" and "tool": the error's words
---@field tool? string of "tool": the tool's name
---@field tool_use_id? string of "tool": the call's ID
---@field traceback? string of "tool": of what was raised, whole

local log = {}

local LEVELS = { off = 0, error = 1, warn = 2, info = 3, debug = 4 }
local LEVEL_OF_EVENT = {
  request = "debug", response = "info", body = "debug", retry = "warn", error = "error", done = "info", tool = "warn",
}

local SHOWN = 60 -- bytes of a shortened text
local SHORTEST_BASE64 = 200

local function shorten(text)
  if #text <= SHOWN then
    return text
  end
  local shown = text:sub(1, SHOWN):gsub("[\192-\255][\128-\191]*$", "") -- no half character
  return ("%s... (%d bytes)"):format(shown, #text)
end

local function is_base64(text)
  return #text >= SHORTEST_BASE64 and text:gsub("^data:[%w/+.-]+;base64,", ""):find "^[%w+/_-]+=*$" ~= nil
end

-- A text is redacted before it is cut: the beginning of a secret would not be found.
local function shortened(value, redact, in_system)
  if type(value) == "string" then
    return (in_system or is_base64(value)) and shorten(redact(value)) or value
  elseif type(value) ~= "table" or value == json.null then
    return value
  end
  local copy = json.copy(value)
  in_system = in_system or value.role == "system"
  for name, member in pairs(value) do
    copy[name] = shortened(member, redact, in_system or name == "system")
  end
  return copy
end

--- A body for a record: a function that returns it.
---@param exchange anthropic.Exchange
---@param body? string|string[] see segments.lua
---@param is_broken_off? boolean
---@return nil|fun(whole?: boolean): string
function log.body(exchange, body, is_broken_off)
  local redact = exchange.redact
  return body and function(whole)
    local text = segments.text(body)
    local value = not whole and json.decode(text)
    return redact(type(value) == "table" and json.encode(shortened(value, redact)) or text, nil, is_broken_off)
  end
end

--- Adds to a record what identifies the request and its answer.
---@param exchange anthropic.Exchange
---@param record table
---@param err? anthropic.Error that came in place of an answer
---@return table record
function log.of_exchange(exchange, record, err)
  local response = exchange.response or {}
  record.method, record.url = exchange.spec().method, exchange.url and exchange.url()
  record.status = err and err.status or response.status
  record.request_id = err and err.request_id or response.request_id
  return record
end

local function make_printable(record)
  for name, value in pairs(record) do
    record[name] = type(value) == "string" and printable.line(value) or value
  end
end

-- The members of a record's tables that its line shows.
local SHOWN_OF = {
  usage = { "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens" },
  timings = { "first_byte", "first_text" },
}
local IN_A_LINE = { string = true, number = true, boolean = true }

local function line(record)
  local shown, names = {}, {}
  for name, value in pairs(record) do
    if name ~= "level" and name ~= "event" and IN_A_LINE[type(value)] then
      shown[name] = value
    end
    for _, member in ipairs(type(value) == "table" and SHOWN_OF[name] or {}) do
      shown[member] = type(value[member]) == "number" and value[member] or nil
    end
  end
  for name in pairs(shown) do
    names[#names + 1] = name
  end
  table.sort(names)
  local words = { "anthropic", record.level, record.event }
  for _, name in ipairs(names) do
    words[#words + 1] = name .. "=" .. printable.line(tostring(shown[name]))
  end
  return table.concat(words, " ") .. "\n"
end

local refused = {} -- set of words that are no levels, each reported once

local function level_of(wanted)
  local level = LEVELS[wanted:lower()]
  if not level and not refused[wanted] then
    refused[wanted] = true
    io.stderr:write(("anthropic warn log: ANTHROPIC_LOG is %s, which is not one of debug, info, warn, error, off: "
      .. "taken as info\n"):format(('"%s"'):format(printable.line(wanted))))
  end
  return level or LEVELS.info
end

local function is_wanted(option, event)
  local wanted = option "log_level"
  return option "on_log" ~= nil or wanted ~= nil and LEVELS[LEVEL_OF_EVENT[event]] <= level_of(wanted)
end

-- `exchange`: the one that the event belongs to, if any.
local function hand_out(option, event, record, exchange)
  record.event, record.level, record.tag = event, LEVEL_OF_EVENT[event], option "tag"
  local on_log = option "on_log"
  if on_log and exchange then
    protected.call_for(exchange, on_log, record)
  elseif on_log then
    on_log(record)
  else
    io.stderr:write(line(record))
  end
end

--- Writes the record of an exchange's event, if it is wanted.
---@param exchange anthropic.Exchange
---@param event "request"|"response"|"body"|"retry"|"error"|"done"
---@param describe fun(exchange: anthropic.Exchange, ...): table makes the record, if it is wanted
---@param ... any
function log.write(exchange, event, describe, ...)
  if exchange.profile.is_logged and is_wanted(exchange.option, event) then
    local record = describe(exchange, ...)
    make_printable(record)
    record.attempt = exchange.attempts
    hand_out(exchange.option, event, record, exchange)
  end
end

--- Returns the function that writes records of events that belong to no exchange.
---@param option fun(name: string): any as the client's options hold
---@return fun(event: "tool", record: table)
function log.teller(option)
  return function(event, record)
    if is_wanted(option, event) then
      local traceback = record.traceback -- is of several lines
      make_printable(record)
      record.traceback = traceback
      hand_out(option, event, record)
    end
  end
end

return log
