--- One choice of a chat completion: its pieces become the events of a message of its own.
--
--     local choice = completion_choice.new(0, shared)
--     choice:add { delta = { content = "Hi" } }
--     choice:finish()
--
-- Every member of a choice, of a call and of a part of the thinking is used, known to mean nothing, or handed
-- on as an event of the type `unknown_delta`, which the message keeps.

local blocks = require "anthropic.message.completion_blocks"
local budgets = require "anthropic.message.budget"
local calls = require "anthropic.message.completion_calls"
local heard_text = require "anthropic.message.heard_text"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local stop_reasons = require "anthropic.message.stop_reasons"
local tables = require "anthropic.base.tables"
local thoughts = require "anthropic.message.completion_thinking"
local token_counts = require "anthropic.message.token_counts"
local tool_calls = require "anthropic.message.tool_calls"

---@class anthropic.CompletionChoice
---@field number integer
---@field shared anthropic.ChunkTranslator what all choices of a completion have in common
local Choice = {}
Choice.__index = Choice

local completion_choice = {}

-- Members of a choice, a delta or a message that say nothing.
local SAY_NOTHING = {
  index = true, finish_reason = true, logprobs = true, usage = true, stop_reason = true, matched_stop = true,
  native_finish_reason = true, seed = true, token_ids = true, prompt_token_ids = true, content_filter_results = true,
  content_filter_result = true, avg_logprobs = true, safety_ratings = true,
  role = true, name = true, type = true, id = true, object = true, obfuscation = true, -- of a delta or a message
}

-- The kinds of things that the other members say.
local KIND_OF = {
  text = "text", content = "text", refusal = "text", tool_calls = "calls", function_call = "calls",
  reasoning_content = "thinking", reasoning = "thinking", thinking = "thinking", thinking_blocks = "thinking",
  reasoning_details = "thinking", reasoning_text = "thinking",
}

local OF_CHOICE = tables.merge(tables.merge({ delta = true, message = true, provider_specific_fields = true }, KIND_OF),
  SAY_NOTHING)

-- The members of a part of the content that are read, or that say nothing.
local OF_CONTENT = {
  type = true, id = true, index = true, role = true, text = true, thinking = true, signature = true, refusal = true,
  logprobs = true,
}

-- The same where the part is a text alone: the signature is not that of thinking.
local OF_TEXT = tables.copy(OF_CONTENT)
OF_TEXT.signature = nil

-- Adds a server's own fields, which may repeat what is beside them. Some servers send the same fields with each chunk.
local function add_own_fields(self, given)
  if type(given) == "table" then
    local known = tables.copy(SAY_NOTHING)
    for name, kind in pairs(KIND_OF) do
      known[name] = self.said[kind]
    end
    given = parts.others(given, known)
  end
  local text = not parts.is_empty(given) and json.encode(given) or nil
  if text == nil or text ~= self.own_fields then
    self.own_fields = text or self.own_fields
    blocks.add_unknown(self, "provider_specific_fields", given)
  end
end

local function add_unknown_members(self, object)
  local unknown = parts.others(object, OF_CHOICE)
  for _, name in ipairs(unknown and tables.sorted_keys(unknown, tables.is_before_as_text) or {}) do
    blocks.add_unknown(self, tostring(name), unknown[name])
  end
  if object.provider_specific_fields ~= nil then
    add_own_fields(self, object.provider_specific_fields)
  end
end

-- --- pieces --------------------------------------------------------------------------------------

-- The text of a part that is only text; nil if it is something else.
local function plain_text_of(part)
  if type(part) ~= "table" then
    return parts.text_of(part)
  end
  local is_plain = not thoughts.is_part(part) and parts.is_empty(part.thinking) and parts.is_empty(part.refusal)
  return is_plain and part.text ~= nil and parts.text_of(part.text) or nil
end

-- Parts of the content that are calls.
local CALLS = tables.set { "tool_use", "tool_call", "function_call", "function" }

local function add_part(self, part, takes_calls)
  if thoughts.is_part(part) then
    return thoughts.add(self, part)
  elseif takes_calls and CALLS[part.type] then
    return calls.add(self, part)
  elseif part.thinking == nil and part.refusal == nil then
    return blocks.keep(self, "content", part)
  end
  thoughts.add(self, { thinking = part.thinking, signature = part.signature })
  blocks.add_text(self, "text", parts.text_of(part.text))
  self.is_refused = self.is_refused or not parts.is_empty(part.refusal)
  blocks.add_text(self, "text", parts.text_of(part.refusal))
  blocks.keep(self, "content", parts.others(part, OF_CONTENT))
end

-- What a part has beside its text, which may be an object itself.
local function keep_beside(self, part)
  if type(part) == "table" then
    local text = part.text
    blocks.keep(self, "content", parts.others(part, OF_TEXT))
    local is_object = type(text) == "table" and text[1] == nil
    blocks.keep(self, "content", is_object and parts.others(text, thoughts.MEMBERS) or nil)
  end
end

local function list_of(value)
  return type(value) == "table" and value[1] ~= nil and value or { value }
end

-- Content is a text, a part, or a list of both. `takes_calls`: calls among it are nowhere else.
local function add_content(self, content, takes_calls)
  if type(content) == "boolean" then
    return blocks.keep(self, "content", content)
  elseif type(content) ~= "table" then
    return blocks.add_text(self, "text", parts.text_of(content))
  end
  local texts = {}
  for _, part in ipairs(list_of(content)) do
    local text = plain_text_of(part)
    if text then
      texts[#texts + 1] = text
      keep_beside(self, part)
    else
      blocks.add_text(self, "text", table.concat(texts))
      texts = {}
      add_part(self, part, takes_calls)
    end
  end
  blocks.add_text(self, "text", table.concat(texts))
end

-- The kinds of things that a delta, a message, or a choice itself says.
local KINDS = {
  thinking = thoughts.add_all,
  text = function(self, piece, keeps_calls)
    add_content(self, parts.is_empty(piece.content) and piece.text or piece.content,
      not keeps_calls and parts.is_empty(piece.tool_calls) and parts.is_empty(piece.function_call))
    self.is_refused = self.is_refused or not parts.is_empty(piece.refusal)
    blocks.add_text(self, "text", parts.text_of(piece.refusal))
  end,
  calls = function(self, piece)
    if not parts.is_empty(piece.tool_calls) then
      calls.add_all(self, piece.tool_calls)
    end
    if tool_calls.has(piece.tool_calls, piece.function_call) then -- once more, for older clients
      return
    elseif type(piece.function_call) == "table" then
      calls.add(self, { index = "function_call", ["function"] = piece.function_call })
    else
      blocks.add_unknown(self, "function_call", piece.function_call)
    end
  end,
}

-- --- what a message says once more ---------------------------------------------------------------

-- Adds the rest of a text that had not come. A text that does not go on with what came is kept.
local function add_rest(self, kind, name, text)
  local heard = self.heard[kind]
  local rest = heard:rest(text)
  if rest then
    blocks.add_text(self, kind, rest)
  elseif not heard:may_hold(text) then
    blocks.keep_once(self, name, text)
  end
end

-- Adds thinking that is not shown. No answer ends with thinking: if something else has come since, it has no place.
local function add_late_thought(self, part)
  local has_place = self.next_index == 0 or self.open and self.open.type ~= "text"
  if not self.kept[part.data] and has_place then
    thoughts.add(self, part)
  elseif not self.kept[part.data] then
    blocks.keep_once(self, "reasoning", part)
  end
end

-- The events of a piece as if nothing had come before it, in parts: its text and its thinking, calls among its content,
-- and all else.
local function divide(self, kind, piece)
  local shared = { events = {}, chunk = 0 }
  local again = completion_choice.new(self.number, shared)
  KINDS[kind](again, piece, true)
  self.is_refused = self.is_refused or again.is_refused
  local takes_calls = parts.is_empty(piece.tool_calls) and parts.is_empty(piece.function_call)
  local text, thinking, called, others = {}, {}, {}, {}
  others[1] = again.hidden and { signature = again.hidden } or nil
  for _, event in ipairs(shared.events) do
    local said = event.delta or event.content_block or {}
    local part = event.type == "unknown_delta" and said.content
    if takes_calls and type(part) == "table" and CALLS[part.type] then
      called[#called + 1] = part
    elseif event.type == "unknown_delta" or said.type == "redacted_thinking" or said.type == "signature_delta" then
      others[#others + 1] = said
    elseif event.type == "content_block_delta" then
      text[#text + 1], thinking[#thinking + 1] = said.text, said.thinking
    end
  end
  return table.concat(text), table.concat(thinking), called, others
end

-- Adds what had not come of one kind, if a message says it once more.
local function add_rest_of(self, kind, piece)
  if kind == "calls" then
    local called = type(piece.function_call) == "table" and { ["function"] = piece.function_call } or nil
    return calls.add_rest_of_all(self, parts.is_empty(piece.tool_calls) and called or piece.tool_calls or {})
  end
  local text, thinking, called, others = divide(self, kind, piece)
  add_rest(self, "thinking", "reasoning", thinking)
  for _, said in ipairs(others) do
    if said.type == "redacted_thinking" then
      add_late_thought(self, said)
    elseif said.signature then
      blocks.add_late_signature(self, said.signature)
    else
      local name, value = next(said)
      blocks.keep_once(self, name, value)
    end
  end
  add_rest(self, "text", "content", text)
  calls.add_rest_of_all(self, called)
end

-- Takes in a piece, without the kinds that were `said`; of those that it repeats, the rest. Notes the kinds it says.
local function add_piece(self, piece, said, repeats)
  for _, kind in ipairs { "thinking", "text", "calls" } do
    local before = #self.shared.events + self.call_pieces
    if not said[kind] and repeats[kind] then
      add_rest_of(self, kind, piece)
    elseif not said[kind] then
      KINDS[kind](self, piece)
      said[kind] = #self.shared.events + self.call_pieces > before or nil
    end
  end
end

local function as_piece(value)
  return type(value) == "table" and value[1] == nil and value or { content = value }
end

-- --- the choice ----------------------------------------------------------------------------------

--- Makes a choice, and begins its message.
---@param number integer
---@param shared anthropic.ChunkTranslator
---@return anthropic.CompletionChoice
function completion_choice.new(number, shared)
  local budget = shared.budget or budgets.new()
  local self = setmetatable({
    number = number,
    shared = shared,
    id = shared.id, model = shared.model, -- as its message begins
    next_index = 0,
    open = nil, -- the block of text or thinking that goes on
    thought = nil, -- the last block of thinking
    hidden = nil, -- the signature of thinking that has no block
    heard = { text = heard_text.new(budget), thinking = heard_text.new(budget) },
    calls = tool_calls.new(budget), call_pieces = 0, begun_calls = 0,
    ids = parts.answer_ids(shared.own_word),
    budget = budget,
    kept = {},
    own_fields = nil, -- its last provider_specific_fields, as JSON
    in_deltas = {}, said = {}, -- the kinds of things that deltas have said, and that all have
  }, Choice)
  blocks.emit(self, {
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
  return self
end

--- Takes in what a chunk says of the choice: as `delta`, as `message`, or bare. The later of these, and a message after
--- deltas, repeat what the earlier ones said.
---@param part table
function Choice:add(part)
  local delta, whole = as_piece(part.delta), as_piece(part.message)
  local said = {}
  add_piece(self, delta, said, {})
  for kind in pairs(said) do
    self.in_deltas[kind] = true
  end
  add_piece(self, whole, said, self.in_deltas)
  add_piece(self, part, said, {})
  tables.merge(self.said, said)
  local shared = self.shared
  for _, piece in ipairs { delta, whole, part } do
    add_unknown_members(self, piece)
    shared.usage = token_counts.hold(shared.usage, piece.usage, shared.weigh_usage)
    self.finish_reason = parts.word(piece.finish_reason) or self.finish_reason
  end
  shared.has_begun = shared.has_begun or self.finish_reason ~= nil
end

--- Ends the message.
function Choice:finish()
  blocks.close(self)
  calls.finish(self)
  blocks.add_unknown(self, "reasoning", blocks.rest(self))
  blocks.emit(self, {
    type = "message_delta",
    delta = {
      stop_reason = self.is_refused and "refusal" or stop_reasons.of(self.finish_reason, self.begun_calls > 0),
      id = not self.id and self.shared.id or nil, -- if the first chunk did not say it
      model = not self.model and self.shared.model or nil,
    },
    usage = token_counts.of_completion(self.shared.usage) or {},
  })
  blocks.emit(self, { type = "message_stop" })
end

return completion_choice
