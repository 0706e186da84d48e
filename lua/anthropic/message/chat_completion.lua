--- The gateway's other response shape, translated: a chat completion becomes a message, its chunks
--- become the API's own events.

local json = require "anthropic.base.json"
local message = require "anthropic.message.message"

local chat_completion = {}

local STOP_REASONS = {
  stop = "end_turn",
  length = "max_tokens",
  tool_calls = "tool_use",
  function_call = "tool_use",
  content_filter = "refusal",
}

local function stop_reason(finish_reason)
  return STOP_REASONS[finish_reason] or finish_reason
end

-- A chat completion counts cached tokens among the prompt's, the API counts them apart.
local function usage(foreign)
  if type(foreign) ~= "table" then
    return nil
  end
  local prompt = type(foreign.prompt_tokens_details) == "table" and foreign.prompt_tokens_details or {}
  local output = type(foreign.completion_tokens_details) == "table" and foreign.completion_tokens_details
    or {}
  local input = tonumber(foreign.prompt_tokens)
  local cached = tonumber(prompt.cached_tokens)
  local thinking = tonumber(output.reasoning_tokens)
  return {
    input_tokens = input and input - (cached or 0),
    output_tokens = tonumber(foreign.completion_tokens),
    cache_read_input_tokens = cached,
    output_tokens_details = thinking and { thinking_tokens = thinking } or nil,
  }
end

-- Content is a string, or a list of parts with text.
local function text_of(content)
  if type(content) ~= "table" then
    return type(content) == "string" and content or ""
  end
  local pieces = {}
  for _, part in ipairs(content) do
    pieces[#pieces + 1] = type(part) == "table" and type(part.text) == "string" and part.text or nil
  end
  return table.concat(pieces)
end

local function reasoning_of(part)
  local text = part.reasoning_content or part.reasoning
  return type(text) == "string" and text or ""
end

local function is_refused(part)
  return type(part.refusal) == "string" and part.refusal ~= ""
end

--- Whether a decoded object is a chat completion, or a chunk of one.
function chat_completion.is(object)
  return type(object) == "table" and object.type == nil and type(object.choices) == "table"
end

-- --- whole ---------------------------------------------------------------------------------------

local function tool_use(call, position)
  local called = type(call["function"]) == "table" and call["function"] or {}
  local block = { type = "tool_use", id = call.id or "call_" .. position, name = called.name }
  local arguments = called.arguments
  if type(arguments) == "table" then
    arguments = json.encode(arguments)
  end
  json.tool_input(block, type(arguments) == "string" and arguments or "")
  return block
end

local function message_of_choice(object, choice)
  local part = type(choice.message) == "table" and choice.message or {}
  local content = json.array {}
  local reasoning = reasoning_of(part)
  if reasoning ~= "" then
    content[#content + 1] = json.unsent { type = "thinking", thinking = reasoning }
  end
  local text = text_of(part.content) .. text_of(part.refusal)
  if text ~= "" then
    content[#content + 1] = { type = "text", text = text }
  end
  for i, call in ipairs(type(part.tool_calls) == "table" and part.tool_calls or {}) do
    content[#content + 1] = type(call) == "table" and tool_use(call, i) or nil
  end
  return message.new {
    id = object.id,
    type = "message",
    role = "assistant",
    model = object.model,
    content = content,
    stop_reason = is_refused(part) and "refusal" or stop_reason(choice.finish_reason),
    usage = usage(object.usage) or {},
  }
end

--- The message that a chat completion stands for, with the object itself in `raw`.
---@param object table decoded
---@return anthropic.Message|nil message nil when it holds no choice
function chat_completion.to_message(object)
  local choices = {}
  for i, choice in ipairs(object.choices) do
    if type(choice) ~= "table" then
      return nil
    end
    choices[i] = message_of_choice(object, choice)
  end
  local first = object.choices[1] and message_of_choice(object, object.choices[1])
  if first then
    first.raw = object
    first.choices = #choices > 1 and choices or nil
  end
  return first
end

-- --- streamed ------------------------------------------------------------------------------------

---@class anthropic.ChunkTranslator
local Translator = {}
Translator.__index = Translator

--- A translator from the chunks of one stream to native events.
function chat_completion.translator()
  return setmetatable({ choices = {}, order = {} }, Translator)
end

local function emit(self, choice, event)
  event.raw = self.raw
  if choice.index ~= 0 then
    event.choice = choice.index
  end
  self.events[#self.events + 1] = event
end

local function close_block(self, choice)
  if choice.open then
    emit(self, choice, { type = "content_block_stop", index = choice.open.index })
    choice.open = nil
  end
end

local function open_block(self, choice, block)
  local open = { index = choice.next_index, type = block.type }
  choice.next_index = choice.next_index + 1
  emit(self, choice, { type = "content_block_start", index = open.index, content_block = block })
  return open
end

local function begin_choice(self, index, chunk)
  local choice = { index = index, next_index = 0, calls = {}, call_order = {} }
  self.choices[index] = choice
  self.order[#self.order + 1] = choice
  emit(self, choice, {
    type = "message_start",
    message = {
      id = chunk.id,
      type = "message",
      role = "assistant",
      model = chunk.model,
      content = json.array {},
      usage = {},
    },
  })
  return choice
end

-- A piece of the text or of the thinking; a block of the other kind ends first.
local function grow(self, choice, kind, piece)
  if piece == "" then
    return
  end
  if not choice.open or choice.open.type ~= kind then
    close_block(self, choice)
    local block = { type = kind, [kind] = "" }
    choice.open = open_block(self, choice, kind == "thinking" and json.unsent(block) or block)
  end
  emit(self, choice, {
    type = "content_block_delta",
    index = choice.open.index,
    delta = { type = kind .. "_delta", [kind] = piece },
  })
end

-- Calls are told apart by their index; a server that leaves it out starts each with its ID.
local function find_call(choice, piece)
  if piece.index ~= nil then
    return choice.calls[piece.index], piece.index
  elseif piece.id == nil then
    return choice.call_order[#choice.call_order]
  end
  return choice.calls[piece.id], piece.id
end

local function grow_call(self, choice, piece)
  local called = type(piece["function"]) == "table" and piece["function"] or {}
  local open, key = find_call(choice, piece)
  if not open then
    close_block(self, choice)
    open = open_block(self, choice, {
      type = "tool_use",
      id = piece.id or "call_" .. #choice.call_order + 1,
      name = called.name,
      input = json.object {},
    })
    choice.call_order[#choice.call_order + 1] = open
    choice.calls[key or #choice.call_order] = open
  end
  if type(called.arguments) == "string" and called.arguments ~= "" then
    emit(self, choice, {
      type = "content_block_delta",
      index = open.index,
      delta = { type = "input_json_delta", partial_json = called.arguments },
    })
  end
end

local function feed_choice(self, chunk, part)
  local index = type(part.index) == "number" and part.index or 0
  local choice = self.choices[index] or begin_choice(self, index, chunk)
  local delta = type(part.delta) == "table" and part.delta or {}
  grow(self, choice, "thinking", reasoning_of(delta))
  grow(self, choice, "text", text_of(delta.content))
  grow(self, choice, "text", text_of(delta.refusal))
  choice.refused = choice.refused or is_refused(delta)
  for _, call in ipairs(type(delta.tool_calls) == "table" and delta.tool_calls or {}) do
    if type(call) == "table" then
      grow_call(self, choice, call)
    end
  end
  choice.finish_reason = part.finish_reason or choice.finish_reason
end

--- The native events that a chunk stands for.
---@param chunk table decoded
---@param raw? table the chunk as `event.raw` shows it
---@return table[]
function Translator:feed(chunk, raw)
  self.events = {}
  self.raw = raw or chunk
  self.usage = usage(chunk.usage) or self.usage
  for _, part in ipairs(type(chunk.choices) == "table" and chunk.choices or {}) do
    if type(part) == "table" then
      feed_choice(self, chunk, part)
    end
  end
  return self.events
end

--- The native events that the end mark stands for. Empty when no choice was finished.
---@return table[]
function Translator:finish()
  self.events = {}
  for i = #self.order, 1, -1 do -- the first choice's end is the stream's
    local choice = self.order[i]
    close_block(self, choice)
    for _, open in ipairs(choice.call_order) do
      emit(self, choice, { type = "content_block_stop", index = open.index })
    end
    emit(self, choice, {
      type = "message_delta",
      delta = { stop_reason = choice.refused and "refusal" or stop_reason(choice.finish_reason) },
      usage = self.usage or {},
    })
    emit(self, choice, { type = "message_stop" })
  end
  return self.events
end

return chat_completion
