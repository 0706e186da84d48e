-- What servers that say they speak the Messages API send, and what comes of it: understood, kept, or refused; whole and
-- streamed, read by events, by text and at once.

local anthropic = require "anthropic"
local dialects = require "spec.fixtures.dialects"
local json = require "anthropic.base.json"
local hosted = require "spec.support.hosted"
local service = require "spec.support.service"

local PARAMS = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }

local function params_of(stream)
  local params = { stream = stream }
  for name, value in pairs(PARAMS) do
    params[name] = value
  end
  return params
end

local function is_stream(answer)
  return answer[1] ~= nil
end

local function sse_of(payload)
  if type(payload) == "string" then
    return payload
  end
  local name = payload[1] and payload[1] or payload.type
  local data = assert(json.encode(payload[1] and payload[2] or payload))
  return (name and "event: " .. name .. "\n" or "") .. "data: " .. data .. "\n\n"
end

local function answer_of(answer)
  if not is_stream(answer) then
    return { headers = { ["content-type"] = "application/json" }, body = assert(json.encode(answer)) }
  end
  local pieces = {}
  for i, payload in ipairs(answer) do
    pieces[i] = sse_of(payload)
  end
  return { headers = { ["content-type"] = "text/event-stream" }, body = table.concat(pieces) }
end

-- Every case with a path of its own.
local cases, routes = {}, {}
for kind, list in pairs(dialects) do
  for _, case in ipairs(list) do
    local path = "/case" .. #cases + 1
    cases[#cases + 1] = { kind = kind, name = case[1], answer = case[2], expected = case[3], path = path }
    routes[#routes + 1] = { match = "^" .. path .. "/", answers = { answer_of(case[2]) } }
  end
end
table.sort(cases, function(a, b)
  return a.kind .. a.name < b.kind .. b.name
end)

local server

local function client_of(case)
  return service.client(nil, { base_url = server.url .. case.path })
end

-- What the events say: the text, each block's start and input, in order.
local function reading()
  local seen = { texts = {}, inputs = {}, starts = 0, open = {} }
  function seen.take(event)
    if event.type == "message_start" then
      seen.starts = seen.starts + 1
    elseif event.type == "content_block_start" then
      seen.open[event.index] = true
      seen.inputs[event.index] = seen.inputs[event.index] or {}
      seen.texts[#seen.texts + 1] = event.content_block.type == "text" and event.content_block.text or nil
    elseif event.type == "content_block_delta" then
      assert.is_true(seen.open[event.index])
      local delta = event.delta
      seen.texts[#seen.texts + 1] = delta.type == "text_delta" and delta.text or nil
      table.insert(seen.inputs[event.index], delta.type == "input_json_delta" and delta.partial_json or "")
    end
  end
  return seen
end

local function check_uses(uses, message)
  local found = message:tool_uses()
  assert.equal(#uses, #found)
  for i, use in ipairs(uses) do
    if use[1] then
      assert.equal(use[1], found[i].id)
    end
    assert.matches("^[%w_-]+$", found[i].id)
    assert.equal(use[2], found[i].name)
    assert.equal(use[3], json.encode(found[i].input))
  end
end

local function check_turn(expected, message)
  local turn = message:to_param()
  if expected.turn == false then
    assert.is_nil(turn)
    return
  end
  local sent = assert(json.encode(turn))
  assert.matches('"role":"assistant"', sent, 1, true)
  for _, words in ipairs(expected.sent or {}) do
    assert.truthy(sent:find(words, 1, true), sent .. " lacks " .. words)
  end
  for _, words in ipairs(expected.unsent or {}) do
    assert.is_nil(sent:find(words, 1, true), sent .. " has " .. words)
  end
end

local function check(expected, message)
  for _, name in ipairs { "text", "thinking" } do
    if expected[name] then
      assert.equal(expected[name], message[name](message))
    end
  end
  if expected.stop_reason then
    assert.equal(expected.stop_reason, message.stop_reason)
  end
  if expected.usage then
    assert.equal(json.encode(expected.usage), json.encode(setmetatable(message.usage, nil)))
  end
  for i, kind in ipairs(expected.blocks or {}) do
    assert.equal(kind, message.content[i].type)
    assert.equal(#expected.blocks, #message.content)
  end
  if expected.uses then
    check_uses(expected.uses, message)
  end
  check_turn(expected, message)
end

local function check_failure(expected, err)
  assert.equal(expected.kind, err.kind)
  assert.equal(expected.partial or "", err.partial and err.partial:text() or "")
end

local function read_events(case)
  local stream = assert(client_of(case).messages.create(params_of(true)))
  local seen = reading()
  local event, err = stream:next()
  while event do
    seen.take(event)
    event, err = stream:next()
  end
  return stream, seen, err
end

describe("of what servers send,", function()
  setup(function()
    server = hosted.server { script = { routes = routes } }
  end)

  teardown(function()
    server:stop()
  end)

  after_each(service.clear)

  for _, case in ipairs(cases) do
    it(("%s %s"):format(case.kind, case.name), function()
      local expected = case.expected
      local message, err = client_of(case).messages.create(params_of(false))
      if expected.kind then
        assert.is_nil(message)
        return check_failure(expected, err)
      end
      check(expected, assert(message, err))
    end)

    it(("%s %s, event by event"):format(case.kind, case.name), function()
      local expected = case.expected
      if expected.kind and not is_stream(case.answer) then
        local _, err = client_of(case).messages.create(params_of(true))
        return check_failure(expected, err)
      end
      local stream, seen, err = read_events(case)
      if expected.kind then
        return check_failure(expected, err)
      end
      assert.is_nil(err)
      local message = stream:message()
      check(expected, message)
      assert.equal(message:text(), table.concat(seen.texts))
      assert.equal(1, seen.starts)
    end)

    it(("%s %s, by its text"):format(case.kind, case.name), function()
      local expected = case.expected
      local stream, err = client_of(case).messages.create(params_of(true))
      if not stream then
        return check_failure(expected, err)
      end
      local texts = {}
      local ok, raised = pcall(function()
        for text in stream:text_deltas() do
          texts[#texts + 1] = text
        end
      end)
      assert.equal(expected.kind == nil, ok)
      if expected.kind then
        return check_failure(expected, raised)
      end
      assert.equal(stream:message():text(), table.concat(texts))
    end)
  end

  it("an answer is sent with the next request as it can be sent", function()
    local other = service.serve { { body = dialects["a turn"][2][2] }, { body = { type = "message", role = "assistant",
      content = { { type = "text", text = "" } } } }, { body = dialects["a whole message"][1][2] } }
    local client = service.client(other)
    local params = params_of(false)
    params.messages = { PARAMS.messages[1] }
    for _ = 1, 2 do
      params.messages[#params.messages + 1] = assert(client.messages.create(params))
      params.messages[#params.messages + 1] = { role = "user", content = "And?" }
    end
    assert(client.messages.create(params))
    assert.equal('[{"content":"Hi","role":"user"},{"content":[{"id":"a","input":{},"name":"f","type":"tool_use"}],'
      .. '"role":"assistant"},{"content":"And?","role":"user"},{"content":"And?","role":"user"}]',
      anthropic.encode(other:requests()[3].json.messages))
  end)
end)
