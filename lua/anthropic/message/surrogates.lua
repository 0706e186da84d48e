--- Joins characters that a server cut in two. One that cuts text by UTF-16 units can end a delta with
--- "\ud83d" and begin the next with "\ude00": `json.decode_event` leaves such halves in as three bytes.
--
--     local joiner = surrogates.joiner()
--     for _, whole in ipairs(joiner:join(event)) do ... end
--
-- A half is held back until the same field of its block goes on; where its partner does not come it
-- is U+FFFD, as halves are everywhere else.

local REPLACEMENT = "\239\191\189"
local HALF = "\237[\160-\191][\128-\191]"
local PAIR = "\237([\160-\175])([\128-\191])\237([\176-\191])([\128-\191])"
local HIGH_AT_END = "^(.*)(\237[\160-\175][\128-\191])$"

-- The deltas of text that grows, and their field.
local FIELDS = { text_delta = "text", thinking_delta = "thinking", input_json_delta = "partial_json" }

-- Events after which a block, or every block of the message, does not go on.
local ENDS = { content_block_stop = true, message_delta = true, message_stop = true }

local NONE = {} -- stands for an index that is missing

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

local function mend_all(value)
  for name, member in next, value do
    if type(member) == "string" then
      value[name] = mend(member)
    elseif type(member) == "table" then
      mend_all(member)
    end
  end
end

--- Makes a joiner for the events of one stream.
---@return anthropic.SurrogateJoiner
function surrogates.joiner()
  return setmetatable({ held = {}, count = 0 }, Joiner)
end

-- The halves that blocks of the event's choice ended with the last time: by the type of the delta, then by index.
local function held_of(self, event)
  local choice = event.choice == nil and 0 or event.choice
  local held = self.held[choice]
  if not held then
    held = {}
    for kind in pairs(FIELDS) do
      held[kind] = {}
    end
    self.held[choice] = held
  end
  return held
end

local function index_of(event)
  return event.index == nil and NONE or event.index
end

local function join_delta(self, event, piece)
  local held, index = held_of(self, event)[event.delta.type], index_of(event)
  local before = held[index]
  local text = (before and before.half or "") .. piece
  local rest, half = text:match(HIGH_AT_END)
  held[index] = nil
  if half then
    self.count = self.count + 1
    held[index] = { half = half, number = self.count, index = event.index }
  end
  return mend(rest or text)
end

-- Gives up the halves whose block, or whose choice, has ended.
local function release(self, event, events)
  local released = {}
  for kind, held in pairs(held_of(self, event)) do
    if event.index == nil then
      for _, one in pairs(held) do
        one.kind = kind
        released[#released + 1] = one
      end
    elseif held[event.index] then
      held[event.index].kind = kind
      released[#released + 1] = held[event.index]
      held[event.index] = nil
    end
  end
  if event.index == nil then
    self.held[event.choice == nil and 0 or event.choice] = nil
  end
  table.sort(released, function(a, b)
    return a.number < b.number
  end)
  for _, one in ipairs(released) do
    events[#events + 1] = {
      type = "content_block_delta",
      index = one.index,
      delta = { type = one.kind, [FIELDS[one.kind]] = REPLACEMENT },
      choice = event.choice,
      raw = event.raw,
    }
  end
end

-- Mends what an event holds. All events of a chunk hold the same one: it is mended once.
local function mend_event(self, event)
  local raw = event.raw
  if type(raw) ~= "table" then
    return mend_all(event)
  end
  if raw ~= self.mended then
    mend_all(raw)
    self.mended = raw
  end
  event.raw = nil
  mend_all(event)
  event.raw = raw
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
  mend_event(self, event)
  events[#events + 1] = event
  return events
end

return surrogates
