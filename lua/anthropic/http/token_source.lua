--- The source of a credential that is not a string: a function of the caller's, or a command.
--
--     local source = token_source.new("api_key", { command = { "op", "read", "op://vault/key" }, expires_in = 300 })
--     local token, err = source:get(exchange)
--     source:reject(token)                           -- the server did not take it
--
-- A credential with an end is remembered, and asked for again when little of its time is left: by one request, while
-- the others wait for its result. A function that names no end is asked for every attempt.

local package = package
local command = require "anthropic.loop.command"
local core = require "anthropic.base.core"
local credential_text = require "anthropic.http.credential_text"
local errors = require "anthropic.base.error"
local failures = require "anthropic.http.failures"
local loop = require "anthropic.loop"
local memory = require "anthropic.base.memory"
local printable = require "anthropic.base.printable"
local protected = require "anthropic.loop.protected"
local tables = require "anthropic.base.tables"
local waiting = require "anthropic.loop.waiting"

--- Called before each attempt: returns the credential, or nil and what is wrong. With a second value, the time when it
--- ends (seconds since the epoch), it is remembered. It may wait.
---@alias anthropic.TokenFunction fun(): string?, any

---@class anthropic.TokenCommand run without blocking the host
---@field command string[] its name and its arguments; its output, trimmed, is the credential
---@field expires_in? number seconds for which the output is used. Default: until the server refuses it

---@class anthropic.TokenSource
local TokenSource = {}
TokenSource.__index = TokenSource

local token_source = {}

-- A source is asked again when a tenth of the time is left, but at most so many seconds before the end.
local LARGEST_REST = 60
-- Seconds between two checks that the request that is waited for still exists.
local PATIENCE = 1

local MAIN = {} -- stands for the main coroutine where Lua has no value for it

local function invalid(self, words)
  return nil, errors.invalid_request(self.name .. ": " .. words)
end

-- --- the request that needs it ---------------------------------------------------------------------

local function has_ended(waiter)
  return waiter ~= nil and (waiter.closed or core.now() >= waiter.deadline)
end

local function broken_off(waiter)
  if not waiter.closed and core.now() >= waiter.deadline then
    return failures.error("total", "", nil, waiter.profile)
  end
  return errors.cancelled "the request was cancelled"
end

-- --- asking --------------------------------------------------------------------------------------

-- An error of another request keeps its kind; the request that needs the credential has not been sent.
local function wrapped(self, err)
  return nil, errors.new {
    kind = err.kind, message = self.name .. ": " .. tostring(err.message), type = err.type, status = err.status,
    timeout = err.timeout, retryable = err.retryable, unprocessed = true,
  }
end

-- Calls the caller's function. Returns nil and an error of the request if it raises.
local function call(f)
  local ok, value, second = protected.call(f)
  if ok then
    return value, second
  elseif memory.is_lack(value) then
    error(value, 0)
  elseif errors.is(value) or errors.of_caller(value) then
    return nil, value
  end
  return nil, errors.invalid_request("the function raised: " .. tostring(value))
end

local function ask_function(self, waiter)
  local value, second
  if self.is_own then
    value, second = self.given(waiter)
  elseif type(self.given) == "function" then
    value, second = call(self.given)
  else
    value, second = self.given.ask(self.is_refused, waiter)
  end
  if value ~= nil then
    return value, type(second) == "number" and second or nil
  elseif type(self.given) ~= "function" or self.is_own then
    if has_ended(waiter) then -- what it is told by is not what failed
      return nil, broken_off(waiter)
    end
  end
  local err = errors.is(second) and second or errors.of_caller(second)
  if err then
    return wrapped(self, err)
  end
  return invalid(self, "the function returned nothing" .. (second and ": " .. tostring(second) or ""))
end

-- Neither the arguments of a command nor what it writes is shown.
local function ask_command(self, waiter)
  local words, seconds = self.given.command, self.given.expires_in
  local name = ("the command %q"):format(printable.line(words[1]))
  local driver, refusal = waiting.check(waiter.option "loop")
  if not driver then
    return nil, refusal
  end
  local text, status, message = command.output(driver, words, waiter)
  if text and status == 0 then
    if text:find "%S" then
      return text, seconds and os.time() + seconds or math.huge
    end
    return invalid(self, name .. " wrote nothing")
  elseif waiting.is_refusal(status) then
    return nil, status
  elseif status == "unknown" then
    return invalid(self, name .. " ended, and nobody knows how")
  elseif text then
    return invalid(self, name .. (status < 0 and " was ended by signal " or " failed with status ") .. math.abs(status))
  elseif status == "too_large" then
    return invalid(self, name .. " wrote too much")
  elseif message then
    return invalid(self, name .. " cannot be run: " .. message)
  end
  return nil, broken_off(waiter)
end

local function remember(self, value, expires_at)
  local left = expires_at - os.time()
  self.value, self.due = value, expires_at - math.min(LARGEST_REST, left / 10)
end

-- Whether an error concerns only the request that asks: it has ended, or cannot wait.
local function is_own(err, waiter)
  local task = waiting.current()
  return err.kind == "cancelled" or err.timeout == "total" or waiting.is_refusal(err)
    or task ~= nil and task.is_cancelled or has_ended(waiter)
end

-- A copy of an error for each request: what becomes of the request is noted in its error.
local function copy_of(err)
  return err and errors.new(tables.copy(err))
end

local function fetch(self, flight, waiter)
  local is_command = type(self.given) == "table" and self.given.command
  local ask = is_command and ask_command or ask_function
  local value, second = ask(self, waiter)
  local err = value == nil and second or nil
  if not err then
    value, err = self.check(self.name, value)
  end
  if err then
    flight.err = not is_own(err, waiter) and copy_of(err) or nil
    return nil, err
  end
  self.is_plain, self.is_refused = second == nil, false
  if second then
    remember(self, value, second)
    flight.value = value
  end
  return value
end

-- --- one for all ---------------------------------------------------------------------------------

local Flight = {}
Flight.__index = Flight

-- Whether the request that asks is gone.
local function is_lost(flight)
  return flight.owner ~= MAIN and coroutine.status(flight.owner) == "dead"
end

local function land(flight)
  local source = flight.source
  if source.flight == flight then
    source.flight = nil
  end
  for waiter in pairs(flight.waiting) do
    waiter.was_called = true
    loop.wake(waiter)
  end
end

-- Asks once for all requests that come meanwhile.
local function take_off(self, waiter)
  local flight = setmetatable({ source = self, owner = protected.running() or MAIN, waiting = {} }, Flight)
  self.flight = flight
  return protected.finally_around(function()
    return fetch(self, flight, waiter)
  end, land, flight)
end

-- Waits for the request that asks. nil, nil: it has no result for others.
local function await(self, flight, waiter)
  flight.waiting[waiter] = true
  local ok, reason = true, nil
  while ok and self.flight == flight and not has_ended(waiter) and not is_lost(flight) do
    waiter.was_called = false
    ok, reason = waiting.wait(waiter.option "loop", waiter, math.min(PATIENCE, waiter.deadline - core.now()))
  end
  flight.waiting[waiter] = nil
  waiter.was_called = false
  if waiting.is_refusal(reason) then
    return nil, reason
  elseif not ok or has_ended(waiter) then
    return nil, broken_off(waiter)
  end
  return flight.value, copy_of(flight.err)
end

-- Whether what waits lets nothing else go on, so that it would wait for ever.
local function is_blocking(waiter)
  local option, task = waiter.option "loop", waiting.current()
  local driver = option == nil and task and task.driver or loop.driver(option)
  return driver == package.loaded["anthropic.loop.blocking"]
end

--- The credential. Waits in the host's way.
---@param waiter? table the exchange that needs it; nil: nothing can be waited for
---@return string|nil
---@return anthropic.Error?
function TokenSource:get(waiter)
  local value, err
  while not value and not err do
    local flight = self.flight
    if self.value and os.time() < self.due then
      return self.value
    elseif self.is_plain then
      return fetch(self, {}, waiter)
    elseif not flight or is_lost(flight) then
      return take_off(self, waiter)
    elseif flight.owner == (protected.running() or MAIN) then
      return invalid(self, "the function sends a request that needs what it is to return")
    elseif not waiter or is_blocking(waiter) then
      return fetch(self, {}, waiter)
    end
    value, err = await(self, flight, waiter)
  end
  return value, err
end

--- The server has refused a credential: it is not used again.
---@param value string
function TokenSource:reject(value)
  if self.value == value then
    self.value, self.is_refused = nil, true
  end
end

--- A source of credentials.
---@param name string of the option
---@param given function|anthropic.TokenCommand|{ name: string, ask: fun(is_refused: boolean, waiter?: table): string?,
--- any } `ask` is told whether the server has refused what it returned before, and which exchange waits
---@param check? fun(name: string, value: any): any, anthropic.Error? of values that are no strings, from a function of
---  the library's own, which is called with the exchange
---@return anthropic.TokenSource
function token_source.new(name, given, check)
  return setmetatable({
    name = type(given) == "table" and given.name or name,
    given = given,
    check = check or credential_text.check,
    is_own = check ~= nil,
    is_refused = false,
    is_plain = false, -- it is a function that names no end
    value = nil, -- what is remembered
    due = nil, -- when it is asked again, in seconds of os.time
    flight = nil, -- of the request that asks
  }, TokenSource)
end

return token_source
