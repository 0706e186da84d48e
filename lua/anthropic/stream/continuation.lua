--- Continuing an interrupted answer: how to ask for its rest, and how the rest joins what came. Used
--- with `on_interrupt = "continue"`.
--
-- The API goes on with text when the last message is the assistant's own. It does not go on with
-- thinking, tool inputs, citations or structured output, nor when asked to think: such an answer is
-- not continued. Nor does it take text that ends in white space, so that is left out of the request
-- and, if it comes again, out of the rest.

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local tables = require "anthropic.base.tables"

local continuation = {}

local function is_plain_text(content)
  for _, block in ipairs(content) do
    if block.type ~= "text" or not parts.is_empty(block.citations) then
      return false
    end
  end
  return true
end

local function thinks(params)
  return type(params.thinking) == "table" and params.thinking.type ~= "disabled"
end

local function has_format(params)
  return params.output_format ~= nil or type(params.output_config) == "table" and params.output_config.format ~= nil
end

-- The blocks up to the last character that is no white space.
local function trimmed(content)
  local texts = {}
  for _, block in ipairs(content) do
    texts[#texts + 1] = parts.word(block.text)
  end
  while texts[1] do
    local last = parts.without_space_behind(texts[#texts])
    texts[#texts] = parts.word(last)
    if last ~= "" then
      break
    end
  end
  local blocks = {}
  for i, text in ipairs(texts) do
    blocks[i] = { type = "text", text = text }
  end
  return blocks
end

--- The parameters that ask for the rest; nil if it cannot be asked for.
---@param params table those of the interrupted request
---@param content table[] what came of the answer
---@return table?
function continuation.params(params, content)
  if json.is_raw(params.messages) or thinks(params) or has_format(params) or not is_plain_text(content) then
    return nil
  end
  local whole = json.merge({}, params)
  local blocks = trimmed(content)
  if blocks[1] then
    whole.messages = {}
    for i, message in ipairs(params.messages) do
      whole.messages[i] = message
    end
    table.insert(whole.messages, { role = "assistant", content = blocks })
  end
  return whole
end

---@class anthropic.Continuation
local Continuation = {}
Continuation.__index = Continuation

--- Joins the events of the rest to what came.
---@param last { index: integer, closed?: boolean }|nil the last block that came
---@param content table[] what came
---@param on_start fun(message: table) called with the message that the rest begins with
---@return anthropic.Continuation
function continuation.new(last, content, on_start)
  local text = last and parts.word(content[#content].text) or ""
  return setmetatable({
    on_start = on_start,
    index = last and last.index,
    is_open = last ~= nil and not last.closed,
    offset = last and last.index + 1 or 0,
    blank = text:sub(#parts.without_space_behind(text) + 1), -- may come again
    repeated = 0, -- bytes of it that have come again
  }, Continuation)
end

--- Whether events are passed on as they come.
---@return boolean
function Continuation:is_joined()
  return not self.is_open and self.offset == 0 and self.blank == ""
end

-- The text without the white space that was there before.
local function without_repetition(self, text)
  local blank, first = self.blank, self.repeated + 1
  local left = #blank - self.repeated
  if #text < left and blank:sub(first, self.repeated + #text) == text then
    self.repeated = self.repeated + #text
    return ""
  end
  self.blank, self.repeated = "", 0
  return #text >= left and text:sub(1, left) == blank:sub(first) and text:sub(left + 1) or text
end

local function copy(event, index)
  local whole = tables.copy(event)
  whole.index = index
  return whole
end

local function text_delta(index, text)
  return text ~= "" and { type = "content_block_delta", index = index, delta = { type = "text_delta", text = text } }
    or nil
end

local function start(self, event)
  local block = type(event.content_block) == "table" and event.content_block or {}
  self.blank = block.type == "text" and self.blank or ""
  if not self.is_open then
    return { copy(event, event.index + self.offset) }
  end
  self.is_open = false
  if block.type == "text" then
    self.offset = self.index - event.index
    return { text_delta(self.index, without_repetition(self, parts.word(block.text) or "")) }
  end
  return { { type = "content_block_stop", index = self.index }, copy(event, event.index + self.offset) }
end

--- Takes an event of the rest.
---@param event table
---@return table[] events that take its place
function Continuation:join(event)
  if event.type == "message_start" then
    self.on_start(type(event.message) == "table" and event.message or {})
    return {}
  elseif event.type == "content_block_start" then
    return start(self, event)
  elseif type(event.index) ~= "number" then
    return { event }
  end
  local index = event.index + self.offset
  local delta = event.delta
  if self.blank ~= "" and type(delta) == "table" and delta.type == "text_delta" then
    return { text_delta(index, without_repetition(self, delta.text)) }
  end
  return { copy(event, index) }
end

return continuation
