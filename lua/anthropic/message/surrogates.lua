--- Joins characters that a server cut in two. A server that cuts text by UTF-16 units can end a delta with
--- "\ud83d" and begin the next with "\ude00": `json.decode_event` leaves such halves in as three bytes.
--
--     local joiner = surrogates.joiner()
--     for _, whole in ipairs(joiner:join(event)) do ... end
--
-- A half is buffered until the same field of its block goes on; if its partner does not come it
-- becomes U+FFFD, as halves do everywhere else.

local json = require "anthropic.base.json"

local REPLACEMENT = "\239\191\189"
local HALF = "\237[\160-\191][\128-\191]"
local PAIR = "\237([\160-\175])([\128-\191])\237([\176-\191])([\128-\191])"
local HIGH_AT_END = "^(.*)(\237[\160-\175][\128-\191])$"

-- The deltas of text that grows, and their field.
local FIELDS = { text_delta = "text", thinking_delta = "thinking", input_json_delta = "partial_json" }

-- Events after which a block, or every block of the message, does not go on.
local ENDS = { content_block_stop = true, message_delta = true, message_stop = true }

---@class anthropic.SurrogateJoiner
local Joiner = {}
Joiner.__index = Joiner

local surrogates = {}

local function character(a, b, c, d)
  local high = (a:byte() - 0xA0) * 64 + b:byte() - 0x80
  local low = (c:byte() - 0xB0) * 64 + d:byte() - 0x80
  local code = 0x10000 + high * 0x400 + low
  return string.char(
    0xF0 + math.floor(code / 0x40000),
    0x80 + math.floor(code / 0x1000) % 64,
    0x80 + math.floor(code / 64) % 64,
    0x80 + code % 64
  )
end

-- Joins the halves in a text; those without a partner become U+FFFD.
local function mend(text)
  if not text:find(HALF) then
    return text
  end
  return (text:gsub(PAIR, character):gsub(HALF, REPLACEMENT))
end

-- Mends what a table holds, except for one table that is mended already.
local function mend_all(value, mended)
  for name, member in next, value do
    if type(member) == "string" then
      value[name] = mend(member)
    elseif type(member) == "table" and member ~= mended then
      mend_all(member)
    end
  end
end

--- Mends the inputs of a payload that came as objects, in place: JSON is made of them. An input that came as a text may
--- go on.
---@param value table decoded by `json.decode_event`
function surrogates.mend_inputs(value)
  for name, member in next, value do
    if type(member) == "table" then
      (json.INPUT_NAMES[name] and mend_all or surrogates.mend_inputs)(member)
    end
  end
end

--- Makes a joiner for the events of one stream.
---@return anthropic.SurrogateJoiner
function surrogates.joiner()
  return setmetatable({ held = {}, count = 0 }, Joiner)
end

-- The halves that are held for the event's choice, by key.
local function held_for(self, event)
  local number = event.choice or 0
  self.held[number] = self.held[number] or {}
  return self.held[number]
end

local function key_of(index, kind)
  return kind .. " " .. tostring(index)
end

-- Takes the half that the same field ended with the last time.
local function take(self, event)
  local all, key = held_for(self, event), key_of(event.index, event.delta.type)
  local held = all[key]
  all[key] = nil
  return held and held.half or ""
end

local function join_delta(self, event, piece)
  local text = take(self, event) .. piece
  local before, half = text:match(HIGH_AT_END)
  if half then
    self.count = self.count + 1
    held_for(self, event)[key_of(event.index, event.delta.type)] = {
      index = event.index, type = event.delta.type, half = half, number = self.count,
    }
  end
  return mend(before or text)
end

-- The halves whose block has ended with an event, or all of the message if it has ended; they are no longer held.
local function ended(self, event)
  local all, list = held_for(self, event), {}
  if event.index ~= nil then
    for kind in pairs(FIELDS) do
      local key = key_of(event.index, kind)
      list[#list + 1], all[key] = all[key], nil
    end
  else
    for _, held in pairs(all) do
      list[#list + 1] = held
    end
    self.held[event.choice or 0] = nil
  end
  table.sort(list, function(one, other)
    return one.number < other.number
  end)
  return list
end

-- Adds U+FFFD for the halves whose block has ended.
local function release(self, event, events)
  for _, held in ipairs(ended(self, event)) do
    events[#events + 1] = {
      type = "content_block_delta",
      index = held.index,
      delta = { type = held.type, [FIELDS[held.type]] = REPLACEMENT },
      choice = event.choice,
      raw = event.raw,
    }
  end
end

--- Mends an event in place.
---@param event table native, decoded by `json.decode_event`
---@return table[] events the event, after deltas for the halves that it leaves without a partner
function Joiner:join(event)
  local delta = event.type == "content_block_delta" and event.delta
  local field = type(delta) == "table" and FIELDS[delta.type]
  local piece = field and delta[field]
  local events = {}
  if type(piece) == "string" then
    delta[field] = join_delta(self, event, piece)
  elseif ENDS[event.type] then
    release(self, event, events)
  end
  mend_all(event, self.raw)
  self.raw = event.raw -- all events of a chunk have the same
  events[#events + 1] = event
  return events
end

return surrogates
