--- Translates the other response shape of gateways: the chunks of a chat completion become the API's own events. A
--- whole completion is a single chunk.
--
-- completion_choice.lua makes the events of a choice.

local accumulator = require "anthropic.message.accumulator"
local budgets = require "anthropic.message.budget"
local completion_choice = require "anthropic.message.completion_choice"
local events = require "anthropic.message.events"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local parts = require "anthropic.message.parts"
local stop_reasons = require "anthropic.message.stop_reasons"
local token_counts = require "anthropic.message.token_counts"

local chat_completion = {}

local NATIVE = {
  message_start = true, message_delta = true, message_stop = true, message = true, ping = true, error = true,
  content_block_start = true, content_block_delta = true, content_block_stop = true,
}

-- The members of a choice that say something.
local OF_CHOICE = { "delta", "message", "text", "content", "tool_calls", "function_call", "finish_reason" }

-- The members of a choice that an object has; nil if it has none.
local function choice_in(object)
  local choice = {}
  for _, name in ipairs(OF_CHOICE) do
    choice[name] = object[name]
  end
  return next(choice) ~= nil and choice or nil
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
  return type(choices) == "table"
    and (object.type == nil or type(choices[1]) == "table" and choice_in(choices[1]) ~= nil)
end

-- --- events --------------------------------------------------------------------------------------

local COUNT_BYTES = 200 -- of a count's place, besides its name and its value

---@class anthropic.ChunkTranslator
---@field has_begun boolean something was understood: a text, a call, an end
---@field usage? table as the server counts
---@field weigh_usage fun(name: any, value: any, before: any) notes what `usage` holds
---@field budget anthropic.Budget counts what is kept until it becomes events
---@field own_word? string for the IDs of calls, if the completion has none
local Translator = {}
Translator.__index = Translator

--- A translator from the chunks of one stream to native events.
---@param budget? anthropic.Budget what is kept counts there; the caller checks the limit
---@return anthropic.ChunkTranslator
function chat_completion.translator(budget)
  budget = budget or budgets.new()
  local function weigh_usage(name, value, before)
    budget:replace(value, before)
    budget:take(before == nil and COUNT_BYTES + #tostring(name) or 0)
  end
  return setmetatable({
    choices = {}, order = {}, chunk = 0, has_begun = false, budget = budget, weigh_usage = weigh_usage,
  }, Translator)
end

local function note_usage(self, usage)
  self.usage = token_counts.hold(self.usage, usage, self.weigh_usage)
end

-- The choices of a chunk: a list, a single one, or the chunk itself.
local function choices_of(chunk)
  local choices = chunk.choices
  if type(choices) == "table" and next(choices) ~= nil then
    return choices[1] ~= nil and choices or { choices }
  end
  return { choice_in(chunk) }
end

-- The number of a choice: its index, if it has a valid one, else its place.
local function number_of(choice, position)
  local index = parts.index(choice.index)
  return index and index >= 0 and index % 1 == 0 and index or position - 1
end

local function choice_at(self, number)
  local choice = self.choices[number]
  if not choice then
    choice = completion_choice.new(number, self)
    self.choices[number] = choice
    self.order[#self.order + 1] = choice
  end
  return choice
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
    if part ~= json.null then
      if type(part) ~= "table" or part[1] ~= nil then
        return nil, "a choice is a " .. (type(part) == "table" and "list" or type(part))
      end
      choice_at(self, number_of(part, position)):add(part)
    end
  end
  return self.events
end

--- Whether a message has begun, even if it is empty so far.
---@return boolean
function Translator:has_choices()
  return self.order[1] ~= nil
end

--- The native events that the end mark stands for. Empty if nothing was understood.
---@return table[]|nil events
---@return string? problem
function Translator:finish()
  self.events = {}
  if self.has_begun and not self.choices[0] then
    return nil, "no choice has the index 0"
  elseif self.has_begun then
    for i = #self.order, 1, -1 do -- the first choice's end is the stream's
      self.order[i]:finish()
    end
  end
  return self.events
end

-- --- whole ---------------------------------------------------------------------------------------

local function has_calls(choice)
  local said = type(choice.message) == "table" and choice.message or choice
  return not (parts.is_empty(said.tool_calls) and parts.is_empty(said.function_call)) or type(said.content) == "table"
end

-- Whether the choices are one answer: GitHub Copilot has the text in one choice, which says that it ended for calls,
-- and the calls in others.
local function are_one(choices)
  local is_lacking, are_there = false, false
  for _, choice in ipairs(choices) do
    if parts.index(choice.index) ~= parts.index(choices[1].index) then
      return false
    end
    local has_some = has_calls(choice)
    are_there = are_there or has_some
    is_lacking = is_lacking
      or not has_some and stop_reasons.of(parts.word(choice.finish_reason), false) == "tool_use"
  end
  return is_lacking and are_there
end

-- A completion whose choices are numbered from 0: by their place, if no choice has the number 0, or two have the same.
local function numbered(object)
  local choices, whole, seen, is_clear = choices_of(object), json.copy(object), {}, true
  for i, choice in ipairs(choices) do
    if type(choice) ~= "table" then
      return object
    end
    local number = number_of(choice, i)
    is_clear, seen[number] = is_clear and not seen[number], true
  end
  local is_one = are_one(choices)
  if is_clear and seen[0] and not is_one then
    return object
  end
  whole.choices = {}
  for i, choice in ipairs(choices) do
    whole.choices[i] = json.copy(choice)
    whole.choices[i].index = is_one and 0 or i - 1
  end
  return whole
end

-- Completions without an ID -> the word in the IDs that are made for their calls: their events are made more than once.
local own_words = setmetatable({}, { __mode = "k" })

--- The native events that a whole chat completion stands for.
---@param object table decoded
---@return table[]|nil events
---@return string? problem why it cannot be read
function chat_completion.events(object)
  local translator = chat_completion.translator()
  if not parts.word(object.id) then
    own_words[object] = own_words[object] or parts.own_word()
    translator.own_word = own_words[object]
  end
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
