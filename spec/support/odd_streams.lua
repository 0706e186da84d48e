-- Streams of chance, as servers send them that leave out, repeat and mix up what they can, and what they say all the
-- same.
--
--     local payloads, said = odd_streams.native(7)   -- a list for streams.of, and { thinking, text, inputs }
--     local payloads, said = odd_streams.chat(7)
--
-- The same seed gives the same stream on every Lua.

local json = require "anthropic.base.json"

local odd_streams = {}

local Chance = {}
Chance.__index = Chance

local function chance(seed)
  local self = setmetatable({ state = seed * 7919 % 2147483646 + 1 }, Chance)
  for _ = 1, 5 do
    self:number(2)
  end
  return self
end

function Chance:number(most)
  self.state = self.state * 16807 % 2147483647
  return math.floor(self.state / 2147483647 * most) + 1
end

function Chance:is(percent)
  return self:number(100) <= percent
end

function Chance:one(list)
  return list[self:number(#list)]
end

-- --- what is said --------------------------------------------------------------------------------

local WORDS = { "a", "Hello, ", "\"quoted\" ", "é", "嗯", "😀", "\n", " x ", "{", "}", "\\", "0", "</p>" }

local function text(self)
  local words = { "w" }
  for i = 2, self:number(9) do
    words[i] = self:one(WORDS)
  end
  return table.concat(words)
end

local function input(self)
  local members = {}
  for i = 1, self:number(4) - 1 do
    members[i] = ('"%s":%s'):format(self:one { "a", "b", "c", "d" } .. i,
      self:one { "1", "null", "[]", "{}", '"x"', "-0.5", '{"e":[1,"}{"]}', "true" })
  end
  return "{" .. table.concat(members, self:one { ",", ", " }) .. "}"
end

-- A text in pieces, some of them empty, none with half a character.
local function pieces_of(self, whole)
  local pieces, from = {}, 1
  while from <= #whole do
    local to = math.min(#whole, from + self:number(6) - 1)
    while to < #whole and whole:byte(to + 1) >= 0x80 and whole:byte(to + 1) < 0xC0 do
      to = to + 1
    end
    pieces[#pieces + 1] = whole:sub(from, to)
    pieces[#pieces + 1] = self:is(10) and "" or nil
    from = to + 1
  end
  return pieces
end

-- --- native --------------------------------------------------------------------------------------

local DELTAS = {
  text = { "text_delta", "text" }, thinking = { "thinking_delta", "thinking" },
  tool_use = { "input_json_delta", "partial_json" },
}

local function block(self, kind, number)
  if kind == "tool_use" then
    return { kind = kind, whole = input(self), id = "toolu_" .. number, name = self:one { "f", "g" } }
  end
  return { kind = kind, whole = text(self), signature = kind == "thinking" and self:is(50) and "s" .. number or nil }
end

local function start_content(self, made)
  if made.kind == "tool_use" then
    return {
      type = "tool_use", id = made.id, name = made.name,
      input = self:one { json.object {}, json.object {}, json.array {}, "", json.null },
    }
  elseif made.has_start and self:is(10) then
    return self:one { json.null, json.object {}, { [made.kind] = "" } }
  end
  return { type = made.kind, [made.kind] = self:one { "", "", json.null } }
end

local function delta_of(self, made, piece)
  local kind, member = DELTAS[made.kind][1], DELTAS[made.kind][2]
  local dress = self:number(20)
  if dress == 1 then
    return { [member] = piece }
  elseif dress == 2 and made.is_told then
    return piece
  elseif dress == 3 and made.kind == "thinking" then
    return { type = kind, text = piece }
  elseif dress == 4 then
    return { type = made.kind == "tool_use" and "input_json" or made.kind, [member] = piece }
  end
  made.is_told = made.is_told or piece ~= ""
  return { type = kind, [member] = piece }
end

-- The events of a block, in order.
local function block_events(self, made, must_start, must_stop)
  local events = {}
  made.has_start = must_start or not self:is(10)
  local content = start_content(self, made)
  made.has_type = type(content) == "table" and content.type ~= nil
  made.is_told = made.has_start and made.has_type
  local pieces = pieces_of(self, made.whole)
  if made.has_start then
    if made.kind == "tool_use" and self:is(15) then -- all of it in the start
      content.input, pieces = json.decode(made.whole), {}
    elseif made.kind ~= "tool_use" and made.is_told and self:is(10) then
      content[made.kind] = table.remove(pieces, 1)
    end
    events[1] = { type = "content_block_start", content_block = content }
  end
  for i, piece in ipairs(pieces) do
    events[#events + 1] = { type = "content_block_delta", delta = delta_of(self, made, piece) }
    if made.has_start and made.has_type and self:is(5) then
      local again = {}
      for name, value in pairs(content) do
        again[name] = value
      end
      again[made.kind] = again[made.kind] and "" or nil
      events[#events + 1] = { type = "content_block_start", content_block = again }
    end
    local delta = events[#events].delta
    if i == #pieces and made.signature and type(delta) == "table" and delta.type and self:is(20) then
      delta.signature, made.is_signed = made.signature, true
    end
  end
  local stop = { type = "content_block_stop" }
  if made.signature and not made.is_signed then
    if must_stop and made.is_told and self:is(30) then
      stop.content_block = { type = "thinking", thinking = made.whole, signature = made.signature }
    else
      events[#events + 1] = {
        type = "content_block_delta", delta = { type = "signature_delta", signature = made.signature },
      }
    end
  end
  if must_stop or not self:is(15) then
    events[#events + 1] = stop
    events[#events + 1] = self:is(5) and { type = "content_block_stop" } or nil
  end
  return events
end

local NUMBERINGS = {
  all = function(position) return position - 1 end,
  strings = function(position) return tostring(position - 1) end,
  gaps = function(position) return position * 3 end,
  no_zero = function(position) return position > 1 and position - 1 or nil end,
  null_for_zero = function(position) return position > 1 and position - 1 or json.null end,
  zero = function() return 0 end,
  none = function() return nil end,
}
local IS_MIXABLE = { all = true, strings = true, gaps = true }

-- The events of lists of events, each list in its order, mixed where they may be.
local function mixed(self, lists, is_mixed)
  local events, positions, open = {}, {}, #lists
  local first = 1
  while open > 0 do
    local i = is_mixed and self:number(#lists) or first
    positions[i] = (positions[i] or 0) + 1
    local event = lists[i][positions[i]]
    if event then
      events[#events + 1] = event
    elseif not lists[i].is_done then
      lists[i].is_done, open, first = true, open - 1, first + 1
    end
  end
  return events
end

local function heartbeat(self)
  return self:one { { type = "ping" }, "", " ", "null", { type = "vertex_event" }, json.object {} }
end

local function message_start(self)
  local start = {
    type = "message_start",
    message = { id = "msg_1", type = "message", role = "assistant", model = "m", content = {}, usage = {} },
  }
  local dress = self:number(8)
  if dress == 1 then
    start.message.content, start.message.usage = json.null, json.null
  elseif dress == 2 then
    start.usage, start.message.usage = { input_tokens = 3 }, nil
  elseif dress == 3 then
    start.message = json.null
  elseif dress == 4 then
    start = { type = "message_start", id = "msg_1", role = "assistant", model = "m" }
  end
  return start
end

--- A stream of the API's own events.
---@param seed integer
---@return table[] payloads
---@return { thinking: string, text: string, inputs: string[], signatures: string }
function odd_streams.native(seed)
  local self = chance(seed)
  local said, lists, blocks = { thinking = "", text = "", inputs = {}, signatures = "" }, {}, {}
  local numbering = self:one { "all", "all", "strings", "gaps", "no_zero", "null_for_zero", "zero", "none" }
  local is_safe = not IS_MIXABLE[numbering]
  for i = 1, self:number(5) do
    blocks[i] = block(self, self:one { "text", "thinking", "tool_use" }, i)
  end
  for i, made in ipairs(blocks) do
    local next_kind = blocks[i + 1] and blocks[i + 1].kind
    lists[i] = block_events(self, made, is_safe or made.kind == "tool_use" and self:is(50),
      is_safe or next_kind == made.kind)
    for _, event in ipairs(lists[i]) do
      event.index = NUMBERINGS[numbering](i)
    end
    if made.kind == "tool_use" then
      said.inputs[#said.inputs + 1] = made.whole
    else
      said[made.kind] = said[made.kind] .. made.whole
      said.signatures = said.signatures .. (made.signature or "")
    end
  end
  local payloads = mixed(self, lists, not is_safe and self:is(40))
  for place = #payloads + 1, 1, -1 do
    if self:is(10) then
      table.insert(payloads, place, heartbeat(self))
    end
  end
  local dress = self:number(6)
  if dress > 1 then
    table.insert(payloads, dress == 2 and math.min(3, #payloads) or 1, message_start(self))
  end
  if dress == 3 then
    table.insert(payloads, 2, message_start(self))
  end
  payloads[#payloads + 1] = self:one {
    { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = 5 } },
    { type = "message_delta", stop_reason = "end_turn", usage = { output_tokens = "5" } },
    { delta = { stop_reason = "end_turn", usage = { output_tokens = 5 } } },
  }
  payloads[#payloads + 1] = { type = "message_stop" }
  return payloads, said
end

-- --- chat completions ----------------------------------------------------------------------------

local function piece(fields, name, arguments)
  fields.type = "function"
  fields["function"] = { name = name, arguments = arguments }
  return fields
end

-- Each way to tell calls apart: the pieces of one call.
local IDENTITIES = {
  index = function(call, pieces)
    local list = { piece({ index = call.number, id = call.id }, call.name, "") }
    for i, part in ipairs(pieces) do
      list[i + 1] = piece({ index = call.number }, nil, part)
    end
    return list
  end,
  all_in_each = function(call, pieces)
    local list = {}
    for i, part in ipairs(pieces) do
      list[i] = piece({ index = call.number, id = call.id }, call.name, part)
    end
    return list
  end,
  id_in_each = function(call, pieces)
    local list = {}
    for i, part in ipairs(pieces) do
      list[i] = piece({ id = call.id }, i == 1 and call.name or nil, part)
    end
    return list
  end,
  nothing_later = function(call, pieces)
    local list = {}
    for i, part in ipairs(pieces) do
      list[i] = piece({ id = i == 1 and call.id or nil }, i == 1 and call.name or nil, part)
    end
    return list
  end,
  zero = function(call, pieces)
    local list = {}
    for i, part in ipairs(pieces) do
      list[i] = piece({ index = 0, id = i == 1 and call.id or "" }, i == 1 and call.name or json.null, part)
    end
    return list
  end,
  late_name = function(call, pieces)
    local list = { piece({ index = call.number, id = call.id }), piece({ index = call.number }, call.name) }
    for i, part in ipairs(pieces) do
      list[i + 2] = piece({ index = call.number }, nil, part)
    end
    return list
  end,
  late_id = function(call, pieces)
    local list = { piece({ index = tostring(call.number) }, call.name), piece({ index = call.number, id = call.id }) }
    for i, part in ipairs(pieces) do
      list[i + 2] = piece({ index = call.number }, nil, part)
    end
    return list
  end,
  names = function(call, pieces)
    local list = {}
    for i, part in ipairs(pieces) do
      list[i] = piece({}, i == 1 and call.name .. call.number or nil, part)
    end
    return list
  end,
  whole = function(call)
    return { piece({ id = json.null }, call.name, call.whole) }
  end,
  object = function(call)
    return { piece({}, call.name, json.decode(call.whole)) }
  end,
}
local MIXABLE_IDENTITY = { index = true, all_in_each = true, late_name = true, late_id = true }
local IDENTITY_NAMES = {
  "index", "all_in_each", "id_in_each", "nothing_later", "zero", "late_name", "late_id", "names", "whole", "object",
}

local function thinking_in(self, part)
  return self:one {
    { reasoning_content = part }, { reasoning = part }, { reasoning = "", reasoning_content = part },
    { reasoning = { content = part } }, { thinking_blocks = { { type = "thinking", thinking = part } } },
    { reasoning_details = { { type = "reasoning.text", text = part } }, reasoning = part },
    { content = { { type = "thinking", thinking = { { type = "text", text = part } } } } },
  }
end

local function text_in(self, part)
  return self:one {
    { content = part }, { content = part, role = "assistant" }, { content = { { type = "text", text = part } } },
    { content = { part } }, { text = part }, { content = { type = "text", text = part } },
  }
end

local function chunk(fields)
  return { id = "c1", object = "chat.completion.chunk", model = "m", choices = { fields } }
end

--- A stream of chunks of a chat completion.
---@param seed integer
---@return table[] payloads
---@return { thinking: string, text: string, inputs: string[], is_mixed: boolean } said mixed inputs are in any order
function odd_streams.chat(seed)
  local self = chance(seed)
  local said = { thinking = self:is(40) and text(self) or "", text = self:is(70) and text(self) or "", inputs = {} }
  local place = self:one { "delta", "delta", "delta", "message" }
  local payloads = {}
  local function add(fields)
    payloads[#payloads + 1] = chunk { index = self:one { 0, 0, "0", json.null }, [place] = fields }
    payloads[#payloads + 1] = self:is(10) and self:one { "", "null", { type = "ping" }, { choices = json.array {} } }
      or nil
  end
  add { role = "assistant", content = self:one { "", json.null, json.array {} } }
  for _, part in ipairs(pieces_of(self, said.thinking)) do
    add(thinking_in(self, part))
  end
  for _, part in ipairs(pieces_of(self, said.text)) do
    add(text_in(self, part))
  end
  local identity, lists = self:one(IDENTITY_NAMES), {}
  for i = 1, self:number(4) - (said.text ~= "" and 1 or 0) do
    local call = { number = i - 1, id = "call" .. i, name = self:one { "f", "g" }, whole = input(self) }
    said.inputs[i] = call.whole
    lists[i] = IDENTITIES[identity](call, pieces_of(self, call.whole))
  end
  said.is_mixed = MIXABLE_IDENTITY[identity] and self:is(50)
  local pieces = mixed(self, lists, said.is_mixed)
  while pieces[1] do
    local calls = { table.remove(pieces, 1) }
    if (identity == "whole" or MIXABLE_IDENTITY[identity]) and self:is(30) then
      calls[2] = identity ~= "all_in_each" and table.remove(pieces, 1) or nil
    end
    add { tool_calls = calls }
  end
  payloads[#payloads + 1] = chunk {
    index = 0, delta = {}, finish_reason = self:one { "stop", "tool_calls", json.null },
  }
  payloads[#payloads + 1] = { id = "c1", choices = json.array {}, usage = { prompt_tokens = 3, completion_tokens = 5 } }
  payloads[#payloads + 1] = self:one { "[DONE]", " [DONE]", "[DONE] " }
  return payloads, said
end

-- --- anything ------------------------------------------------------------------------------------

local VALUES = {
  json.null, true, false, 0, 5, -1, 1e300, "", "x", "nan", "text", "thinking", "tool_use", "text_delta", "assistant",
  "message", "0", json.array {}, json.object {},
}
local NAMES = {
  "type", "index", "delta", "content_block", "message", "content", "text", "thinking", "signature", "partial_json",
  "input", "id", "name", "usage", "stop_reason", "choices", "tool_calls", "function", "arguments", "finish_reason",
  "reasoning", "thinking_blocks", "role", "citations", "data", "function_call", "refusal", "object",
}
local TYPES = {
  "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
  "message", "text_delta", "thinking_delta", "input_json_delta", "signature_delta", "citations_delta", "text",
  "thinking", "tool_use", "redacted_thinking", "ping",
}

local function anything(self, depth)
  local kind = self:number(depth > 4 and 2 or 5)
  if kind <= 2 then
    return self:one(VALUES)
  elseif kind == 3 then
    local list = json.array {}
    for i = 1, self:number(3) do
      list[i] = anything(self, depth + 1)
    end
    return list
  end
  local object = json.object {}
  for _ = 1, self:number(5) do
    object[self:one(NAMES)] = anything(self, depth + 1)
  end
  object.type = self:is(50) and self:one(TYPES) or object.type
  return object
end

--- Payloads that have the names of events and chunks in them, and anything else.
---@param seed integer
---@return table[]
function odd_streams.anything(seed)
  local self, payloads = chance(seed), {}
  for i = 1, self:number(8) do
    local payload = anything(self, 1)
    payloads[i] = type(payload) == "table" and payload or assert(json.encode(payload))
    if self:is(50) then
      payloads[i] = { type = self:one(TYPES), index = anything(self, 5), delta = anything(self, 2),
        content_block = anything(self, 2), message = anything(self, 2) }
    elseif self:is(30) then
      payloads[i] = { choices = { {
        index = anything(self, 5), delta = anything(self, 2), message = anything(self, 2),
      } } }
    end
  end
  return payloads
end

return odd_streams
