-- An exchange for a stream that needs no server: its body comes in the pieces given.
--
--     local stream = stream_module.new(fake_exchange { "data: {", "}\n\n" })

local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"

local MAX_EVENT_BYTES = 32 * 1024 * 1024

local Exchange = {}
Exchange.__index = Exchange

local Transfer = {}
Transfer.__index = Transfer

-- As a transfer's: nil, "again" where more has to come first.
function Transfer:event()
  local data, name = self.decoder:event()
  if data or name ~= "again" then
    return data, name
  end
  self.next_piece = self.next_piece + 1
  local piece = self.pieces[self.next_piece]
  if not piece then
    return nil, "done"
  end
  self.decoder:feed(piece)
  return nil, "again"
end

-- As a transfer's, of which all has come.
function Transfer:form()
  local line = table.concat(self.pieces):match "%S.*"
  if not line then
    return nil, "done"
  end
  local name = line:match "^[%a]*"
  local is_field = name == "" or name == "data" or name == "event" or name == "id" or name == "retry"
  return line:find "^[{%[]" and "json" or is_field and line:find "^%a*:" and "events" or "text"
end

function Transfer.rest() end

-- As a transfer's where no event ever goes on with the run.
function Transfer.follow() end
Transfer.next_event, Transfer.next_text, Transfer.skip_deltas = Transfer.event, Transfer.event, Transfer.event

function Exchange.wait()
  return true
end

function Exchange:read_form()
  return (self.transfer:form())
end

function Exchange:read_body()
  return table.concat(self.transfer.pieces)
end

function Exchange.failure()
  return nil
end

function Exchange.describe(_, err)
  return err
end

function Exchange.redact(text)
  return text
end

function Exchange.option(name)
  return name == "max_event_bytes" and MAX_EVENT_BYTES or nil
end

function Exchange:fail(err)
  self.failed = true
  err.attempts = 1
  return err
end

function Exchange:recover(err)
  return nil, self:fail(err)
end

function Exchange:count()
  self.counted = (self.counted or 0) + 1
end

function Exchange:finish(complete)
  self.finished = true
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

function Exchange:close()
  self.closed = true
end

function Exchange.api_error(_, body)
  local answer = json.decode_answer(body)
  local inner = type(answer) == "table" and answer.error or answer
  inner = type(inner) == "table" and inner or {}
  return errors.new { kind = "api", type = parts.word(inner.type), message = parts.word(inner.message) }
end

---@param pieces string[]
---@return table exchange
return function(pieces)
  return setmetatable({
    attempt_began = core.now(),
    response = { status = 200, headers = { ["content-type"] = "text/event-stream" }, attempts = 1 },
    transfer = setmetatable({
      decoder = core.fed(200, MAX_EVENT_BYTES, MAX_EVENT_BYTES), pieces = pieces, next_piece = 0,
    }, Transfer),
  }, Exchange)
end
