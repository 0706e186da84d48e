--- A run on a message thread of the API's: what the server holds is not sent again.
--
-- The caller asks for one by `thread = { type = "create" }`, or goes on with one by `previous_message_id`. Each request
-- goes on from the last answer, with the messages that the server lacks; `system` and `tools` stay those of the thread.
-- If they or the history were changed, in place too, or if the server has lost the thread, a new thread is made of the
-- whole history, if that is known here: it is not if the thread was begun elsewhere. If the server cannot keep the
-- conversation at all, the run goes on without a thread.

local core = require "anthropic.base.core"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local tables = require "anthropic.base.tables"

local message_thread = {}

local BETA = "message-threads-2026-08-12"

-- What the server takes from the thread, and refuses beside it.
local OF_THREAD = { "system", "tools" }

-- What an error's `error_code` says of a thread.
local LOST = { thread_not_found = true, thread_already_continued = true, thread_continue_in_flight = true }
local UNSUPPORTED = "thread_unsupported_request"

--- The thread of a run; nil if the caller asks for none.
---@param request table changed: the beta is added
---@return table?
function message_thread.of(request)
  local asked = request.thread
  if type(asked) ~= "table" or json.is_raw(asked) or asked == json.null then
    return nil
  end
  local betas = tables.copy(type(request.betas) == "table" and request.betas or nil)
  if not tables.set(betas)[BETA] then
    betas[#betas + 1] = BETA
  end
  request.betas = betas
  -- What was before a thread that the caller goes on with is not known here.
  return { held = {}, previous_id = parts.word(asked.previous_message_id), is_whole = asked.type == "create" }
end

--- By what a value is known again, whichever table it is. What cannot be sent is like all such.
---@param value any
---@return string|false
function message_thread.print_of(value)
  local text = json.encode(value)
  return text and core.sha256(text) or false
end

local function known(value)
  return { value = value, print = message_thread.print_of(value) }
end

-- Of a thread that was begun elsewhere none can be made anew: there what was changed in place stays as it was.
local function is_same(self, one, other)
  return one.print == other.print or not self.is_whole and one.value == other.value
end

local function all_known(messages)
  local list = {}
  for i, message in ipairs(messages) do
    list[i] = known(message)
  end
  return list
end

-- Whether the history, as it is to be sent, begins with what the server holds.
local function holds(self)
  for i, held in ipairs(self.held) do
    local sent = self.sent[i]
    if not sent or not is_same(self, held, sent) then
      return false
    end
  end
  return true
end

local function behind(messages, count)
  local rest = json.array {}
  for i = count + 1, #messages do
    rest[#rest + 1] = messages[i]
  end
  return rest
end

local function of_thread(request)
  local made_with = {}
  for _, name in ipairs(OF_THREAD) do
    made_with[name] = known(request[name])
  end
  return made_with
end

local function is_changed(self, request)
  local asked = of_thread(request)
  for _, name in ipairs(OF_THREAD) do
    if not is_same(self, self.made_with[name], asked[name]) then
      return true
    end
  end
  return false
end

local function begin(self, request)
  self.previous_id, self.held, self.is_whole = nil, {}, true
  self.made_with = of_thread(request)
  return tables.merge(json.merge({}, request), { thread = { type = "create" } })
end

local function go_on(self, request)
  local whole = json.merge({}, request)
  for _, name in ipairs(OF_THREAD) do
    whole[name] = nil
  end
  whole.thread = { type = "continue", previous_message_id = self.previous_id }
  whole.messages = behind(request.messages, #self.held)
  return whole
end

--- The request that goes on with the thread.
---@param self table
---@param request table with the whole history
---@return table|nil
---@return string? problem
function message_thread.request(self, request)
  if self.is_off then -- for the rest of the run
    local whole = json.merge({}, request)
    whole.thread, self.sent = nil, {}
    return whole
  end
  self.made_with = self.made_with or of_thread(request)
  self.sent = all_known(request.messages)
  if not self.previous_id or not holds(self) then
    return begin(self, request)
  elseif not is_changed(self, request) then
    return go_on(self, request)
  elseif self.is_whole then
    return begin(self, request)
  end
  return nil, "the tools of a thread that was begun elsewhere cannot be changed without a beta for that"
end

local function is_of_fallback(message)
  local iterations = type(message.usage) == "table" and message.usage.iterations
  for _, iteration in ipairs(type(iterations) == "table" and iterations or {}) do
    if type(iteration) == "table" and iteration.type == "fallback_message" then
      return true
    end
  end
  return false
end

--- Notes what the server holds after an answer.
---@param self table
---@param messages table[] the history; the answer follows what was sent, if it has content
---@param message anthropic.Message
---@param print string|false its print as it came
function message_thread.note(self, messages, message, print)
  local is_kept = not self.is_whole or message.stop_reason ~= "refusal" and not is_of_fallback(message)
  self.previous_id = is_kept and parts.word(message.id) or nil
  self.held = self.sent
  if messages[#self.held + 1] == message then
    self.held[#self.held + 1] = { value = message, print = print }
  end
end

--- Whether a request is to be sent once more after an error, in another way.
---@param self table
---@param err anthropic.Error
---@return boolean
function message_thread.recovers(self, err)
  local code = type(err.details) == "table" and err.details.error_code
  if self.is_off or not self.is_whole then
    return false
  elseif LOST[code] and self.previous_id then
    self.is_off = self.was_lost
    self.previous_id, self.was_lost = nil, true
    return true
  end
  self.is_off = code == UNSUPPORTED
  return self.is_off
end

return message_thread
