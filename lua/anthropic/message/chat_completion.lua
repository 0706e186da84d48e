--- The gateway's other response shape, translated: the chunks of a chat completion become the API's own events. A whole
--- one is a single chunk.
--
-- Every member of a choice is used, known to mean nothing (IGNORED), or handed on as an event of the type
-- `unknown_delta`, which the message keeps.

local accumulator = require "anthropic.message.accumulator"
local events = require "anthropic.message.events"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local parts = require "anthropic.message.parts"
local token_counts = require "anthropic.message.token_counts"
local tool_calls = require "anthropic.message.tool_calls"

local chat_completion = {}

-- Finish reasons, in lower case; any other stays.
local STOP_REASONS = {
  stop = "end_turn",
  eos = "end_turn",
  eos_token = "end_turn",
  length = "max_tokens",
  max_tokens = "max_tokens",
  tool_calls = "tool_use",
  function_call = "tool_use",
  content_filter = "refusal",
  safety = "refusal",
}

-- What a finish reason means nothing less than, where there are tool calls: some servers say "stop" then.
local IS_PLAIN_END = { end_turn = true, tool_use = true }

local IGNORED = {
  -- of a choice
  index = true, finish_reason = true, logprobs = true, usage = true, stop_reason = true, matched_stop = true,
  native_finish_reason = true, seed = true, token_ids = true, prompt_token_ids = true, content_filter_results = true,
  content_filter_result = true, avg_logprobs = true, safety_ratings = true,
  -- of a delta or a message
  role = true, name = true, type = true, id = true, object = true, obfuscation = true, provider_specific_fields = true,
  -- read by name
  delta = true, message = true, text = true, content = true, refusal = true, tool_calls = true, function_call = true,
  reasoning_content = true, reasoning = true, thinking = true, thinking_blocks = true, reasoning_details = true,
  reasoning_text = true,
}

-- Where servers put the thinking; more than one says the same. In the first two it may be signed.
local THINKING = {
  "thinking_blocks", "reasoning_details", "reasoning_content", "reasoning", "thinking", "reasoning_text",
}

local NATIVE = {
  message_start = true, message_delta = true, message_stop = true, message = true, ping = true, error = true,
  content_block_start = true, content_block_delta = true, content_block_stop = true,
}

local function is_choice(value)
  return type(value) == "table"
    and (value.delta or value.message or value.text or value.finish_reason) ~= nil
end

--- Whether a decoded object is a chat completion, or a chunk of one.
---@param object any
---@return boolean
function chat_completion.is(object)
  if type(object) ~= "table" or NATIVE[object.type] then
    return false
  elseif type(object.object) == "string" and object.object:find "^%a+[%._]completion" then
    return true
  end
  local choices = object.choices
  return type(choices) == "table" and (object.type == nil or is_choice(choices[1]))
end

-- --- events --------------------------------------------------------------------------------------

---@class anthropic.ChunkTranslator
---@field has_begun boolean something was understood: a text, a call, an end
---@field usage? table as the server counts
local Translator = {}
Translator.__index = Translator

--- A translator from the chunks of one stream to native events.
---@return anthropic.ChunkTranslator
function chat_completion.translator()
  return setmetatable({ choices = {}, order = {}, chunk = 0, has_begun = false }, Translator)
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
  self.has_begun = true
  local index = choice.next_index
  choice.next_index = index + 1
  emit(self, choice, { type = "content_block_start", index = index, content_block = block })
  return index
end

local function add_delta(self, choice, index, delta)
  emit(self, choice, { type = "content_block_delta", index = index, delta = delta })
end

-- A piece of the text or of the thinking; a block of the other kind ends first.
local function add_text(self, choice, kind, piece)
  if piece == "" then
    return
  end
  if not choice.open or choice.open.type ~= kind then
    close_block(self, choice)
    choice.open = { type = kind, index = open_block(self, choice, { type = kind, [kind] = "" }) }
  end
  add_delta(self, choice, choice.open.index, { type = kind .. "_delta", [kind] = piece })
end

local function add_signature(self, choice, signature)
  if parts.word(signature) and choice.open and choice.open.type == "thinking" then
    choice.open.signature = signature
    add_delta(self, choice, choice.open.index, { type = "signature_delta", signature = signature })
  end
end

-- A part of the thinking. One that is signed anew is a block of its own. Whether it had any text.
local function add_thought(self, choice, part)
  if part.type == "redacted_thinking" and parts.word(part.data) then
    close_block(self, choice)
    choice.open = { index = open_block(self, choice, { type = part.type, data = part.data }) }
    return true
  end
  local text, signature = parts.text_of(part.thinking or part), parts.word(part.signature)
  local signed = choice.open and choice.open.signature
  if text ~= "" and signature and signed and signature ~= signed then
    close_block(self, choice)
  end
  add_text(self, choice, "thinking", text)
  add_signature(self, choice, signature)
  if text == "" and parts.word(part.data) then -- encrypted
    emit(self, choice, { type = "unknown_delta", delta = { reasoning = part } })
  end
  return text ~= ""
end

-- What has no form in the API's events, and is not understood.
local function add_unknown(self, choice, name, value)
  if not parts.is_empty(value) then
    emit(self, choice, { type = "unknown_delta", delta = { [name] = value } })
  end
end

local function add_unknown_members(self, choice, object)
  for name, value in pairs(object) do
    if not IGNORED[name] then
      add_unknown(self, choice, name, value)
    end
  end
end

-- --- pieces --------------------------------------------------------------------------------------

local function add_thinking(self, choice, piece)
  for _, name in ipairs(THINKING) do
    local value, has_text = piece[name], false
    if type(value) ~= "table" or value[1] == nil then
      value = { value }
    end
    for _, part in ipairs(value) do
      part = type(part) == "table" and part or { thinking = part }
      has_text = add_thought(self, choice, part) or has_text
    end
    if has_text then
      return
    end
  end
end

local function is_thinking(part)
  local kind = parts.word(part.type) or ""
  return kind:find("thinking", 1, true) or kind:find("reasoning", 1, true) or part.thinking ~= nil
end

-- The text of a part that is nothing else; nil where it is.
local function plain_text_of(part)
  if type(part) ~= "table" then
    return parts.text_of(part)
  end
  return part.text ~= nil and part.refusal == nil and not is_thinking(part) and parts.text_of(part.text) or nil
end

local function add_part(self, choice, part)
  if is_thinking(part) then
    add_thought(self, choice, part)
  elseif part.refusal ~= nil then
    choice.is_refused = choice.is_refused or not parts.is_empty(part.refusal)
    add_text(self, choice, "text", parts.text_of(part.refusal))
  else
    add_unknown(self, choice, "content", part)
  end
end

-- Content is a text, a part, or a list of both.
local function add_content(self, choice, content)
  if type(content) == "boolean" then
    return add_unknown(self, choice, "content", content)
  elseif type(content) ~= "table" then
    return add_text(self, choice, "text", parts.text_of(content))
  end
  local texts = {}
  for _, part in ipairs(content[1] ~= nil and content or { content }) do
    local text = plain_text_of(part)
    if text then
      texts[#texts + 1] = text
    else
      add_text(self, choice, "text", table.concat(texts))
      texts = {}
      add_part(self, choice, part)
    end
  end
  add_text(self, choice, "text", table.concat(texts))
end

-- A call's block begins when its name and ID are known, at the latest with the first of its arguments.
local function begin_call(self, choice, call)
  close_block(self, choice)
  choice.begun_calls = choice.begun_calls + 1
  call.id = parts.call_id(choice.ids, call.id, self.id)
  call.told = call.name
  call.index = open_block(self, choice, {
    type = "tool_use", id = call.id, name = call.name, input = json.object {},
  })
end

local function add_call(self, choice, piece)
  local said = tool_calls.read(piece)
  if not (said.id or said.name) and said.arguments == "" then
    return
  end
  self.has_begun, choice.call_pieces = true, choice.call_pieces + 1
  local call = choice.calls:take(said, self.chunk)
  if not call.index and (call.id and call.name or said.arguments ~= "") then
    begin_call(self, choice, call)
  elseif call.index and call.name ~= call.told then -- a name that comes after arguments
    call.told = call.name
    emit(self, choice, {
      type = "content_block_start",
      index = call.index,
      content_block = { type = "tool_use", id = call.id, name = call.name, input = json.object {} },
    })
  end
  if said.arguments ~= "" then
    add_delta(self, choice, call.index, { type = "input_json_delta", partial_json = said.arguments })
  end
end

local function add_calls(self, choice, calls)
  if type(calls) ~= "table" then
    return add_unknown(self, choice, "tool_calls", calls)
  end
  for _, call in ipairs(calls[1] ~= nil and calls or { calls }) do
    if type(call) == "table" then
      add_call(self, choice, call)
    else
      add_unknown(self, choice, "tool_calls", call)
    end
  end
end

-- The kinds of things that a delta, a message, or a choice itself says.
local KINDS = {
  thinking = add_thinking,
  text = function(self, choice, piece)
    add_content(self, choice, parts.is_empty(piece.content) and piece.text or piece.content)
    choice.is_refused = choice.is_refused or not parts.is_empty(piece.refusal)
    add_text(self, choice, "text", parts.text_of(piece.refusal))
  end,
  calls = function(self, choice, piece)
    if not parts.is_empty(piece.tool_calls) then
      add_calls(self, choice, piece.tool_calls)
    end
    if type(piece.function_call) == "table" then
      add_call(self, choice, { index = "function_call", ["function"] = piece.function_call })
    else
      add_unknown(self, choice, "function_call", piece.function_call)
    end
  end,
}

-- Takes in what a piece says, but for the kinds that were `said` or that it repeats; notes those that it says.
local function add_piece(self, choice, piece, said, repeats)
  for _, kind in ipairs { "thinking", "text", "calls" } do
    local before = #self.events + choice.call_pieces
    if not said[kind] and not repeats[kind] then
      KINDS[kind](self, choice, piece)
      said[kind] = #self.events + choice.call_pieces > before or nil
    end
  end
end

local function begin_message(self, choice)
  choice.id, choice.model = self.id, self.model
  emit(self, choice, {
    type = "message_start",
    message = {
      id = self.id,
      type = "message",
      role = "assistant",
      model = self.model,
      content = json.array {},
      usage = {},
    },
  })
end

local function as_piece(value)
  return type(value) == "table" and value[1] == nil and value or { content = value }
end

local function note_usage(self, usage)
  self.usage = token_counts.merge(self.usage, usage)
end

-- A choice brings a piece as `delta`, as `message`, or bare. The later of them, and a message after deltas, repeat what
-- the earlier said.
local function add_choice(self, part, position)
  local index = parts.index(part.index) or position - 1
  local choice = self.choices[index]
  if not choice then
    choice = { index = index, next_index = 0, calls = tool_calls.new(), begun_calls = 0, call_pieces = 0, ids = {},
      in_deltas = {} }
    self.choices[index] = choice
    self.order[#self.order + 1] = choice
    begin_message(self, choice)
  end
  local delta, whole = as_piece(part.delta), as_piece(part.message)
  local said = {}
  add_piece(self, choice, delta, said, {})
  for kind in pairs(said) do
    choice.in_deltas[kind] = true
  end
  add_piece(self, choice, whole, said, choice.in_deltas)
  add_piece(self, choice, part, said, {})
  for _, piece in ipairs { delta, whole, part } do
    add_unknown_members(self, choice, piece)
    note_usage(self, piece.usage)
    choice.finish_reason = parts.word(piece.finish_reason) or choice.finish_reason
  end
  self.has_begun = self.has_begun or choice.finish_reason ~= nil
end

-- The choices of a chunk: a list, one alone, or the chunk itself.
local function choices_of(chunk)
  local choices = chunk.choices
  if type(choices) == "table" and next(choices) ~= nil then
    return choices[1] ~= nil and choices or { choices }
  elseif is_choice(chunk) then
    return { { delta = chunk.delta, message = chunk.message, text = chunk.text, finish_reason = chunk.finish_reason } }
  end
  return {}
end

--- The native events that a chunk stands for.
---@param chunk table decoded
---@param raw? table the chunk as `event.raw` shows it
---@return table[]|nil events
---@return string? problem why the chunk cannot be read
function Translator:feed(chunk, raw)
  self.events, self.raw, self.chunk = {}, raw or chunk, self.chunk + 1
  self.id = self.id or parts.word(chunk.id)
  self.model = self.model or parts.word(chunk.model)
  note_usage(self, type(chunk.x_groq) == "table" and chunk.x_groq.usage)
  note_usage(self, chunk.usage)
  for position, part in ipairs(choices_of(chunk)) do
    if type(part) ~= "table" then
      return nil, "a choice is a " .. type(part)
    end
    add_choice(self, part, position)
  end
  return self.events
end

local function stop_reason(choice)
  local reason = choice.finish_reason
  reason = reason and STOP_REASONS[reason:lower()] or reason
  if choice.is_refused then
    return "refusal"
  elseif choice.begun_calls > 0 and (reason == nil or IS_PLAIN_END[reason]) then
    return "tool_use"
  end
  return reason
end

local function finish_choice(self, choice)
  close_block(self, choice)
  for _, call in ipairs(choice.calls.list) do
    if not call.index then
      begin_call(self, choice, call)
    end
    emit(self, choice, { type = "content_block_stop", index = call.index })
  end
  emit(self, choice, {
    type = "message_delta",
    delta = {
      stop_reason = stop_reason(choice),
      id = not choice.id and self.id or nil, -- where the first chunk did not say
      model = not choice.model and self.model or nil,
    },
    usage = token_counts.of_completion(self.usage) or {},
  })
  emit(self, choice, { type = "message_stop" })
end

--- The native events that the end mark stands for. Empty where nothing was understood.
---@return table[]|nil events
---@return string? problem
function Translator:finish()
  self.events = {}
  if self.has_begun and not self.choices[0] then
    return nil, "no choice has the index 0"
  elseif self.has_begun then
    for i = #self.order, 1, -1 do -- the first choice's end is the stream's
      finish_choice(self, self.order[i])
    end
  end
  return self.events
end

-- --- whole ---------------------------------------------------------------------------------------

-- A completion whose choices are counted from 0: by their place, where none of them is 0.
local function numbered(object)
  local choices, whole = choices_of(object), json.copy(object)
  whole.choices = {}
  for i, choice in ipairs(choices) do
    if type(choice) ~= "table" or (parts.index(choice.index) or i - 1) == 0 then
      return object
    end
    whole.choices[i] = json.copy(choice)
    whole.choices[i].index = i - 1
  end
  return whole
end

--- The native events that a whole chat completion stands for.
---@param object table decoded
---@return table[]|nil events
---@return string? problem why it cannot be read
function chat_completion.events(object)
  local translator = chat_completion.translator()
  local all, problem = translator:feed(numbered(object), object)
  local last
  if all then
    last, problem = translator:finish()
  end
  if not last then
    return nil, problem
  end
  for _, event in ipairs(last) do
    all[#all + 1] = event
  end
  if not translator.has_begun then
    return nil, "nothing in it was understood"
  end
  return all
end

--- The message that a chat completion stands for, with the object itself in `raw`.
---@param object table decoded
---@return anthropic.Message|nil message
---@return string? problem why it cannot be read
function chat_completion.to_message(object)
  local all, problem = chat_completion.events(object)
  if not all then
    return nil, problem
  end
  local accumulators, numbers = {}, {}
  for _, event in ipairs(all) do
    local number = events.choice_of(event)
    if not accumulators[number] then
      accumulators[number] = accumulator.new()
      numbers[#numbers + 1] = number
    end
    accumulators[number]:add(event)
  end
  table.sort(numbers)
  local choices = {}
  for i, number in ipairs(numbers) do
    choices[i] = accumulators[number]:finish()
  end
  local whole = message.of_choices(choices)
  whole.raw = object
  return whole
end

return chat_completion
