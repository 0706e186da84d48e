-- How response.c reads an answer. What became of it is a text: the message, the events, or the
-- error's kind, status and partial message.

local anthropic = require "anthropic"
local json = require "anthropic.base.json"

local KINDS = { api = true, connection = true, truncated = true, protocol = true }

local client = anthropic.new {
  base_url = "http://127.0.0.1:9", api_key = "test-key", max_retries = 0, timeout = 60, proxy = "",
  max_event_bytes = 2000, max_response_bytes = 4000,
}
local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }

-- A message with all its fields: as part of a request it would be its role and content alone.
local function text_of(value)
  assert(type(value) == "table" or value == json.null, type(value))
  local fields = {}
  for name, member in pairs(value ~= json.null and value or {}) do
    fields[name] = name ~= "response" and name ~= "raw" and member or nil
  end
  local text, problem = json.encode(fields)
  assert(text or problem:find("infinity", 1, true), problem)
  return text or problem
end

local function outcome(result, err)
  if result ~= nil then
    return text_of(result)
  end
  assert(KINDS[err.kind], tostring(err))
  assert(#tostring(err) > 0 and #err.message > 0)
  if not err.status and (err.kind == "connection" or err.kind == "truncated") then
    return "no answer" -- at which of its bytes libcurl gives up depends on the pieces
  end
  return ("%s %s %s %s"):format(err.kind, err.status, err.type, err.partial and text_of(err.partial))
end

local function open()
  return client.messages.stream(params)
end

local function read_events(stream)
  local events = {}
  while true do
    local event, err = stream:next()
    if err then
      events[#events + 1] = outcome(nil, err)
    end
    if not event then
      return outcome(events)
    end
    events[#events + 1] = event
  end
end

local function read_texts(stream)
  local texts = {}
  local ok, err = pcall(function()
    for text in stream:text_deltas() do
      texts[#texts + 1] = text
    end
  end)
  assert(ok or type(err) == "table", err)
  texts[#texts + 1] = not ok and outcome(nil, err) or nil
  return outcome(texts)
end

local function read_message(stream)
  return outcome(stream:message())
end

local function streamed(read)
  return function()
    local stream, err = open()
    return stream and read(stream) or outcome(nil, err)
  end
end

local WAYS = {
  [0] = streamed(read_message),
  streamed(read_events),
  streamed(read_texts),
  function() return outcome(client.messages.create(params)) end,
  function() return outcome(client.messages.count_tokens(params)) end,
  function()
    local page, err = client.models.list {}
    return outcome(page and page.data, err)
  end,
}

-- What the IDs of calls begin with where neither they nor their answer have one: another one for each reading.
local MADE = "call_" .. ("%x"):rep(16) .. "_"

return function(mode)
  return (WAYS[mode % (#WAYS + 1)]():gsub(MADE, "call_"))
end
