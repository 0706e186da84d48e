-- An exchange for a stream that plays a script: what its transfer returns, what comes of each wait and of each
-- failure. It notes what it is asked for.
--
--     local exchange = scripted_exchange {
--       forms = { { nil, "again" } },                   -- then "events"
--       events = { { "{...}", "" }, { nil, "again" } }, -- then nil, "done"
--       rest = { "{...}", "" },                         -- what lacks its empty line at the end
--       body = "{...}",                                 -- of an answer that is no stream
--       waits = { { nil, err } },                       -- then true
--       recoveries = { { events = { ... } } },          -- attempts that follow; then there is none
--       options = { on_interrupt = "retry" },
--     }
--
-- Also of a script, and of each of its recoveries: `response` (else 200 and its number's request ID) and `failure`,
-- what its transfer ended with. A recovery that has `err` instead fails by that; `final` is the error that is told
-- where no recovery is left, else the one that was to be recovered from.

local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local Transfer = {}
Transfer.__index = Transfer

local function reads(name)
  return function(self)
    self.asked[#self.asked + 1] = name
    self.position = self.position + 1
    local item = self.events[self.position]
    if item then
      return item[1], item[2]
    end
    return nil, "done"
  end
end

for _, name in ipairs { "event", "next_event", "next_text", "skip_deltas" } do
  Transfer[name] = reads(name)
end

function Transfer:form()
  local form = table.remove(self.forms, 1) or { "events" }
  return form[1], form[2]
end

function Transfer:rest()
  return self.left[1], self.left[2]
end

function Transfer:follow(run)
  self.followed = run
end

local Exchange = {}
Exchange.__index = Exchange

local function begin(self, script)
  self.attempts = self.attempts + 1
  self.script = script
  self.attempt_began = core.now()
  self.transfer = setmetatable({
    forms = script.forms or {}, events = script.events or {}, left = script.rest or {}, position = 0, asked = {},
  }, Transfer)
  self.response = script.response or {
    status = 200, headers = { ["content-type"] = "text/event-stream" }, request_id = "req_" .. self.attempts,
  }
end

function Exchange:wait()
  self.waited = self.waited + 1
  local wait = self.waits[self.waited]
  if type(wait) == "function" then
    return wait(self)
  elseif wait then
    return unpack(wait, 1, 2)
  end
  return true
end

function Exchange:read_body()
  return self.script.body, self.script.failure
end

function Exchange:failure()
  return self.script.failure
end

function Exchange.describe(_, err)
  err.is_described = true
  return err
end

function Exchange.redact(text)
  return text and "redacted " .. text
end

function Exchange.api_error(_, body)
  local answer = json.decode_answer(body)
  local inner = type(answer) == "table" and type(answer.error) == "table" and answer.error or {}
  return errors.new { kind = "api", type = inner.type, message = inner.message or "no words", body = body }
end

function Exchange:fail(err)
  if not err.history then
    err.attempts, err.history = self.attempts, { "attempt " .. self.attempts }
    self.failed[#self.failed + 1] = err
  end
  return err
end

function Exchange:recover(err)
  self.recovered[#self.recovered + 1] = err
  if self.recoveries[self.recovery + 1] then
    self.recovery = self.recovery + 1
    return true
  end
  return nil, self.final and self:fail(self.final) or self:fail(err)
end

function Exchange:run(read)
  local script = self.recoveries[self.recovery]
  if script.err then
    return nil, self:fail(script.err)
  end
  begin(self, script)
  return not read or read(self)
end

function Exchange:count(fields)
  self.counted[#self.counted + 1] = fields
end

function Exchange:finish(complete)
  self.finished = self.finished + 1
  self.response.timings = {}
  if complete then
    complete(self.response.timings)
  end
  return true
end

function Exchange.note() end

function Exchange:response_so_far()
  return self.response
end

function Exchange:set_body(body)
  self.bodies[#self.bodies + 1] = body
end

function Exchange:close()
  self.closed = (self.closed or 0) + 1
end

---@param script table
---@return table exchange
return function(script)
  local options = script.options or {}
  options.max_event_bytes = options.max_event_bytes or 1000
  local self = setmetatable({
    attempts = 0, recovery = 0, waited = 0, finished = 0,
    waits = script.waits or {}, recoveries = script.recoveries or {}, final = script.final,
    counted = {}, recovered = {}, failed = {}, bodies = {},
    option = function(name)
      return options[name]
    end,
  }, Exchange)
  begin(self, script)
  return self
end
