--- Runs commands in the host's way; the host goes on meanwhile.
--
--     local output, status = command.output(driver, { "op", "read", "op://vault/key" }, waiter)

local core = require "anthropic.base.core"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"
local waiting = require "anthropic.loop.waiting"

local command = {}

-- Seconds between two looks for a command's end: once it has written all, and if nothing reports news.
local SOON, SELDOM = 0.005, 0.5

local hides_status = false -- whether the host hides it from every caller; see with_status

-- A command that a script of the shell runs as "$@".
local function by_shell(script, arguments)
  local words = { "/bin/sh", "-c", script, "sh" }
  for _, word in ipairs(arguments) do
    words[#words + 1] = word
  end
  return words
end

--- A command without its standard error.
---@param arguments string[]
---@return string[]
function command.quietly(arguments)
  return by_shell('exec "$@" 2>/dev/null', arguments)
end

--- A command that writes its exit status behind its output. If the host ignores SIGCHLD, or collects all children
--- itself, there is no other way to get the status.
---@param arguments string[]
---@return string[]
function command.with_status(arguments)
  return by_shell([["$@"; printf '\n%d' "$?"]], arguments)
end

--- Splits the output of such a command from its status.
---@param text string
---@return string|nil output nil if the status is missing, as the shell itself was ended
---@return integer? status
function command.split_status(text)
  local output, number = text:match "^(.*)\n(%d+)$"
  return output, tonumber(number)
end

-- Starts a command in the host's way, or by the core loop, which watches its output.
local function start(driver, arguments, on_news)
  local process, message
  if driver.run then
    process, message = driver.run(arguments, on_news)
  end
  if not process and not message then
    process, message = loop.core():run(arguments)
  end
  return process, message
end

local function await(self)
  while true do
    self.waiter.was_called = false
    local text, status = self.process:output()
    if text or status == "too_large" then
      return text, status
    end
    loop.on_news(self.process, self.on_news)
    local ok, reason = waiting.wait(self.driver, self.waiter, status == "soon" and SOON or SELDOM)
    if not ok or self.waiter.closed or core.now() >= self.waiter.deadline then
      return nil, reason or "cancelled"
    end
  end
end

local function close(self)
  loop.on_news(self.process, nil)
  self.process:close()
end

local function run(driver, arguments, waiter)
  local function on_news()
    waiter.was_called = true
    loop.after(0, function() loop.wake(waiter) end) -- a coroutine may not be able to go on here
  end
  local process, message = start(driver, arguments, on_news)
  if not process then
    return nil, nil, message
  end
  return protected.finally_around(await, close, {
    driver = driver, waiter = waiter, process = process, on_news = on_news,
  })
end

--- Runs a command to its end; once more if the host turns out to hide its status.
---@param driver table of the calling code
---@param arguments string[] its name and its arguments
---@param waiter table what waits for the command, like an exchange: its `closed` and `deadline` end the wait
---@return string|nil output nil, and "cancelled", "too_large", or an error if the calling code cannot wait; nil, nil
--- and words: it could not be run
---@return integer|string|anthropic.Error|nil status its exit status; negative: the signal that ended it; "unknown"
---@return string? message
function command.output(driver, arguments, waiter)
  if driver.run or not hides_status then
    local text, status, message = run(driver, arguments, waiter)
    if status ~= "unknown" then
      return text, status, message
    end
    hides_status = true
  end
  local text, status, message = run(driver, command.with_status(arguments), waiter)
  local output, number = command.split_status(text or "")
  if output then
    return output, number
  end
  return text, status, message
end

return command
