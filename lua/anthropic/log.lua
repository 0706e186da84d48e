--- What the client tells of its work: to `on_log`, or to standard error as ANTHROPIC_LOG asks.
--
-- A record is a flat table: `level`, `event` ("request", "response", "retry", "error"), `attempt`,
-- and what belongs to the event. No record holds a header, a body or a credential.

local log = {}

local LEVELS = { off = 0, error = 1, warn = 2, info = 3, debug = 4 }
local LEVEL_OF_EVENT = { request = "debug", response = "info", retry = "warn", error = "error" }

local function line(record)
  local names = {}
  for name in pairs(record) do
    if name ~= "level" and name ~= "event" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  local words = { "anthropic", record.level, record.event }
  for _, name in ipairs(names) do
    words[#words + 1] = name .. "=" .. tostring(record[name])
  end
  return table.concat(words, " ") .. "\n"
end

--- Tells of an event of an exchange.
---@param exchange anthropic.Exchange
---@param event "request"|"response"|"retry"|"error"
---@param record table becomes the record
function log.write(exchange, event, record)
  local on_log = exchange.option "on_log"
  local wanted = LEVELS[(exchange.option "log_level" or "off"):lower()] or LEVELS.info
  local level = LEVEL_OF_EVENT[event]
  if not on_log and LEVELS[level] > wanted then
    return
  end
  record.event, record.level, record.attempt = event, level, exchange.attempts
  if on_log then
    on_log(record)
  else
    io.stderr:write(line(record))
  end
end

return log
