--- Writes messages and their events in the shape of a chat completion, which message/chat_completion.lua reads.
--
--     local encoder = completion_writer.encoder { include_usage = true }
--     for _, chunk in ipairs(encoder:feed(event)) do ... end
--
-- Text, thinking (`reasoning_content`; signed or redacted also as `thinking_blocks`), calls, the reason to stop and the
-- tokens have a place there. Other blocks, such as a server's tools, and citations are written to
-- `provider_specific_fields`.

local call_writer = require "anthropic.message.completion_call_writer"
local choices = require "anthropic.message.completion_choice_writer"
local events = require "anthropic.message.events"
local json = require "anthropic.base.json"
local messages = require "anthropic.message.message"
local parts = require "anthropic.message.parts"
local stop_reasons = require "anthropic.message.stop_reasons"
local tables = require "anthropic.base.tables"
local token_counts = require "anthropic.message.token_counts"

local completion_writer = {}

-- --- the encoder ---------------------------------------------------------------------------------

---@class anthropic.CompletionEncoder
local Encoder = {}
Encoder.__index = Encoder
Encoder.__name = "anthropic.CompletionEncoder"

---@class anthropic.CompletionEncoderOptions
---@field id? string of the chunks. Default: the message's
---@field model? string as the chunks name it. Default: as the message does
---@field created? integer seconds since the epoch. Default: now
---@field include_usage? boolean a last chunk with the tokens, as `stream_options.include_usage` asks. Default: false
---@field index? integer of the choice. Default: 0

--- Makes an encoder of the events of one stream.
---@param given? anthropic.CompletionEncoderOptions
---@return anthropic.CompletionEncoder
function completion_writer.encoder(given)
  given = given or {}
  return setmetatable({
    id = given.id,
    model = given.model,
    created = given.created or os.time(),
    include_usage = given.include_usage or false,
    index = given.index or 0,
    choices = {},
    chunks = nil, -- of the present call
    is_over = false,
  }, Encoder)
end

---@private
function Encoder:chunk(list, usage)
  return {
    id = self.id or "",
    object = "chat.completion.chunk",
    created = self.created,
    model = self.model or "",
    choices = list,
    usage = self.include_usage and (usage or json.null) or nil,
  }
end

local function note_message(self, event)
  local message = event.type == "message_start" and event.message
  if type(message) == "table" then
    self.id = self.id or parts.word(message.id)
    self.model = self.model or parts.word(message.model)
  end
end

--- Returns the chunks that an event stands for.
---@param event table of the API
---@return table[] chunks often one; empty if the event has no counterpart. An `error` event is `{ error = ... }`
function Encoder:feed(event)
  if type(event) ~= "table" then
    error("encoder:feed: table expected, got " .. type(event), 2)
  end
  self.chunks = json.array {}
  if self.is_over then
    return self.chunks
  end
  local number = parts.index(events.choice_of(event)) or 0
  self.choices[number] = self.choices[number] or choices.new(self, self.index + number)
  note_message(self, event)
  self.choices[number]:feed(event)
  return self.chunks
end

--- Returns what follows the events: the chunk that says why the answer ended, if it was not returned yet, and the
--- tokens, if they were asked for. Then comes `data: [DONE]`.
---@return table[] chunks empty after an error, and when it was called before
function Encoder:finish()
  self.chunks = json.array {}
  if self.is_over then
    return self.chunks
  end
  self.is_over = true
  local first = self.choices[0]
  if first and first.reason then
    first:stop()
  end
  if self.include_usage then
    local usage = token_counts.to_completion(first and first.usage) or token_counts.to_completion { input_tokens = 0 }
    table.insert(self.chunks, self:chunk(json.array {}, usage))
  end
  return self.chunks
end

-- --- whole ---------------------------------------------------------------------------------------

-- What each block adds to the message, by its type; a block of another type is kept.
local BLOCKS = {
  text = function(made, block)
    table.insert(made.texts, parts.word(block.text) or "")
    for _, citation in ipairs(type(block.citations) == "table" and block.citations or {}) do
      table.insert(made.citations, citation)
    end
  end,
  thinking = function(made, block)
    local thought, signature = parts.word(block.thinking) or "", parts.word(block.signature)
    table.insert(made.thoughts, thought)
    table.insert(made.thinking_blocks, { type = "thinking", thinking = thought, signature = signature })
    made.has_blocks = made.has_blocks or signature ~= nil
  end,
  redacted_thinking = function(made, block)
    table.insert(made.thinking_blocks, { type = block.type, data = block.data })
    made.has_blocks = true
  end,
  tool_use = function(made, block)
    table.insert(made.called, block)
  end,
  fallback = function(made, block) -- the calls before it are of a model that gave up: they need no answer
    for _, called in ipairs(made.called) do
      table.insert(made.blocks, called)
    end
    made.called = {}
    table.insert(made.blocks, block)
  end,
}

local function calls_of(blocks)
  local calls = json.array {}
  for i, block in ipairs(blocks) do
    calls[i] = tables.merge(tables.copy(call_writer.beside(block)), {
      id = block.id,
      type = "function",
      ["function"] = { name = block.name, arguments = parts.input_text(block) },
    })
  end
  return calls
end

local function list_or_nil(list)
  return list[1] ~= nil and list or nil
end

-- The parts of content; in a message from elsewhere they may be anything, even a list with holes.
local function list_of(content)
  if parts.is_empty(content) then
    return {}
  end
  local items = type(content) == "table" and not json.is_raw(content) and tables.items(content) or {}
  return items[1] ~= nil and items or { content }
end

local function is_object(value)
  return type(value) == "table" and not json.is_array(value)
end

-- What a server sent and no block can say.
local function deltas_of(message)
  local deltas = json.array {}
  for _, kept in ipairs(type(message.unknown_deltas) == "table" and message.unknown_deltas or {}) do
    deltas[#deltas + 1] = is_object(kept) and is_object(kept.delta) and kept.delta or nil
  end
  return deltas
end

local function assistant_of(message)
  local made = {
    texts = {}, thoughts = {}, thinking_blocks = json.array {}, called = {}, citations = json.array {},
    blocks = json.array {},
  }
  for _, value in ipairs(list_of(message.content)) do
    local block = parts.block(value)
    local add = block and BLOCKS[block.type]
    if add then
      add(made, block)
    else
      table.insert(made.blocks, block or value)
    end
  end
  local text, thinking = table.concat(made.texts), table.concat(made.thoughts)
  local others = {
    blocks = list_or_nil(made.blocks),
    citations = list_or_nil(made.citations),
    deltas = list_or_nil(deltas_of(message)),
  }
  return {
    role = "assistant",
    content = (text ~= "" or not made.called[1]) and text or json.null,
    refusal = json.null,
    reasoning_content = thinking ~= "" and thinking or nil,
    thinking_blocks = made.has_blocks and made.thinking_blocks or nil, -- all: their reader reads nothing else
    tool_calls = list_or_nil(calls_of(made.called)),
    provider_specific_fields = next(others) and others or nil,
  }
end

-- The choices of a message. A stored one has none: its field `choices` is its server's.
local function all_choices(message)
  return messages.is(message) and message.choices or { message }
end

--- A message as a chat completion.
---@param message table an anthropic.Message, or one that was stored
---@return table
function completion_writer.from_message(message)
  local written = json.array {}
  for i, choice in ipairs(all_choices(message)) do
    local said = assistant_of(choice)
    written[i] = {
      index = i - 1,
      message = said,
      finish_reason = stop_reasons.to_completion(choice.stop_reason, said.tool_calls ~= nil),
      logprobs = json.null,
    }
  end
  return {
    id = parts.word(message.id) or "",
    object = "chat.completion",
    created = os.time(),
    model = parts.word(message.model) or "",
    choices = written,
    usage = token_counts.to_completion(message.usage),
  }
end

return completion_writer
