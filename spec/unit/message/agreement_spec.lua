-- Whatever a server leaves out, repeats or mixes up: its events and its message say the same, they say all that it
-- said, and the message can be sent.

local chat_completion = require "anthropic.message.chat_completion"
local events = require "anthropic.message.events"
local extent = require "spec.support.extent"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local odd_streams = require "spec.support.odd_streams"
local param = require "anthropic.message.param"
local streams = require "spec.support.streams"
local whole_events = require "anthropic.message.whole_events"

local COUNT = extent(250, 80)

-- --- what the events say -------------------------------------------------------------------------

-- Takes events in, checks their order, and joins what they bring of each block.
local function listener()
  local self = { blocks = {}, texts = {}, has_started = false, has_ended = false }

  local function block_of(event)
    assert.is_number(event.index)
    return self.blocks[event.index]
  end

  local handlers = {}

  function handlers.message_start()
    assert.is_false(self.has_started, "a second message_start")
    self.has_started = true
  end

  function handlers.content_block_start(event)
    assert.is_true(self.has_started)
    local content = event.content_block
    local block = block_of(event)
    if block then -- more of what is known of it
      assert.equal(block.type, content.type)
      assert.is_nil(block.has_ended)
    else
      block = { type = content.type, pieces = {}, json = {}, signature = content.signature }
      self.blocks[event.index] = block
    end
    block.input = type(content.input) == "table" and next(content.input) ~= nil and content.input or block.input
    local text = content[content.type]
    block.pieces[#block.pieces + 1] = type(text) == "string" and text or nil
  end

  function handlers.content_block_delta(event)
    local block, delta = block_of(event), event.delta
    assert.is_table(block, "a delta before its block")
    if delta.type == "input_json_delta" then
      assert.matches("tool_use$", block.type)
      block.json[#block.json + 1] = delta.partial_json
    elseif delta.type == "signature_delta" then
      assert.equal("thinking", block.type)
      block.signature = delta.signature
    elseif delta.type == "text_delta" or delta.type == "thinking_delta" then
      assert.equal(delta.type, tostring(block.type) .. "_delta")
      block.pieces[#block.pieces + 1] = assert(delta[block.type])
    end
  end

  function handlers.content_block_stop(event)
    local block = block_of(event)
    assert.is_table(block, "an end before its block")
    assert.is_nil(block.has_ended, "a second end")
    block.has_ended = true
  end

  function handlers.message_stop()
    self.has_ended = true
    for _, block in pairs(self.blocks) do
      assert.is_true(block.has_ended, "a block without an end")
    end
  end

  function self.take(event)
    assert.is_false(self.has_ended)
    if handlers[event.type] and events.choice_of(event) == 0 then
      handlers[event.type](event)
    end
    self.texts[#self.texts + 1] = events.text_of(event)
  end

  function self.in_order()
    local indexes, list = {}, {}
    for index in pairs(self.blocks) do
      indexes[#indexes + 1] = index
    end
    table.sort(indexes)
    for i, index in ipairs(indexes) do
      list[i] = self.blocks[index]
    end
    return list
  end

  return self
end

-- --- what has to hold ----------------------------------------------------------------------------

local function check_block(heard, block)
  assert.equal(heard.type, block.type)
  if block.type == "text" or block.type == "thinking" then
    local text = block[block.type]
    assert.equal(table.concat(heard.pieces), type(text) == "string" and text or "")
    assert.equal(heard.signature, block.signature)
  elseif block.type == "tool_use" then
    local text = table.concat(heard.json)
    local input = text:find "%S" and json.decode(text) or heard.input or {}
    assert.same(input, block.input)
  end
end

local function check_agreement(heard, whole)
  local blocks = heard.in_order()
  assert.equal(#blocks, #whole.content)
  for i, block in ipairs(blocks) do
    check_block(block, whole.content[i])
  end
end

local function texts_of(whole, kind)
  local found = {}
  for _, block in ipairs(whole.content) do
    found[#found + 1] = block.type == kind and type(block[kind]) == "string" and block[kind] or nil
  end
  return table.concat(found)
end

local function check_said(said, whole)
  assert.equal(said.text, whole:text())
  assert.equal(said.thinking, whole:thinking())
  local inputs = {}
  for i, use in ipairs(whole:tool_uses()) do
    inputs[i] = json.encode(use.input)
  end
  local expected = {}
  for i, input in ipairs(said.inputs) do
    expected[i] = json.encode(json.decode(input))
  end
  if said.is_mixed then
    table.sort(inputs)
    table.sort(expected)
  end
  assert.same(expected, inputs)
  if said.signatures then
    local signatures = {}
    for _, block in ipairs(whole.content) do
      signatures[#signatures + 1] = block.signature
    end
    assert.equal(said.signatures, table.concat(signatures))
  end
end

-- Whether a block is one that the API accepts.
local CHECKS = {
  text = function(block)
    assert.matches("%S", block.text)
  end,
  thinking = function(block)
    assert.is_string(block.thinking)
  end,
  redacted_thinking = function(block)
    assert.matches(".", block.data)
  end,
}

local function check_turn(turn)
  assert.is_true(turn.role == "assistant" or turn.role == "user")
  assert.is_true(#turn.content > 0)
  local ids = {}
  for _, block in ipairs(turn.content) do
    assert.matches(".", block.type)
    if block.type:find "tool_use$" then
      assert.is_table(block.input)
      assert.is_false(json.is_array(block.input))
      assert.matches("^[%w_-]+$", block.id)
      assert.is_nil(ids[block.id])
      assert.is_nil(block.input_json or block.input_error)
      ids[block.id] = true
    elseif CHECKS[block.type] then
      CHECKS[block.type](block)
    end
  end
end

-- As it is sent, but for what IDs that are made for calls begin with: that is like no other answer's.
local function encoded(turn)
  return turn and (assert(json.encode_request(turn)):gsub("call_" .. ("%x"):rep(16) .. "_", "call_"))
end

-- What is sent of a message is what the API accepts, and the same after the message was stored.
local function check_sendable(whole)
  local turn = whole:to_param()
  if turn then
    check_turn(turn)
  end
  local stored = message.new(assert(json.decode(assert(json.encode(whole)))))
  assert.equal(encoded(turn), encoded(stored:to_param()))
  assert.equal(encoded(turn), encoded(turn and param.of_message(turn)))
  assert.equal(texts_of(whole, "text"), whole:text())
end

local function read(payloads)
  local opened, heard = streams.open(streams.of(payloads)), listener()
  local event, err = opened:next()
  while event do
    heard.take(event)
    event, err = opened:next()
  end
  return heard, opened, err
end

local function check(payloads, said)
  local heard, opened, err = read(payloads)
  assert.is_nil(err and tostring(err))
  assert.is_true(heard.has_ended)
  local whole = assert(opened:message())
  check_agreement(heard, whole)
  check_said(said, whole)
  check_sendable(whole)
  assert.equal(encoded(whole:to_param()), encoded(streams.open(streams.of(payloads)):message():to_param()))
  local texts = {}
  for text in streams.open(streams.of(payloads)):text_deltas() do
    texts[#texts + 1] = text
  end
  assert.same(heard.texts, texts)
  return whole
end

-- The seed is in the message of a failure.
local function for_chance(make, test)
  for seed = 1, COUNT do
    local payloads, said = make(seed)
    local ok, problem = pcall(test, payloads, said)
    if not ok then
      error(("seed %d: %s\n%s"):format(seed, type(problem) == "table" and tostring(problem.message or problem)
        or tostring(problem), streams.of(payloads)), 0)
    end
  end
end

describe("events and message of a stream of chance", function()
  it("agree, and say all that was said, of the API's own events", function()
    for_chance(odd_streams.native, check)
  end)

  it("agree, and say all that was said, of chunks of a chat completion", function()
    for_chance(odd_streams.chat, check)
  end)

  it("say the same where the message came whole", function()
    for_chance(odd_streams.native, function(payloads, said)
      local whole = assert(streams.open(streams.of(payloads)):message())
      local again = assert(message.of_answer(json.decode_answer(assert(json.encode(whole)))))
      local heard = listener()
      for _, event in ipairs(whole_events.of(again)) do
        heard.take(event)
      end
      check_agreement(heard, again)
      check_said(said, again)
      assert.equal(encoded(whole:to_param()), encoded(again:to_param()))
    end)
  end)

  it("raise nothing and agree, or fail, whatever comes", function()
    for_chance(odd_streams.anything, function(payloads)
      local heard, opened, err = read(payloads)
      if err then
        assert.is_string(err.kind)
        assert.is_string(tostring(err))
        check_sendable(opened:snapshot())
      else
        local whole = assert(opened:message())
        check_sendable(whole)
        check_agreement(heard, whole)
      end
      for _, payload in ipairs(payloads) do
        local object = type(payload) == "table" and json.decode_answer(assert(json.encode(payload))) or nil
        local whole = message.of_answer(object) or chat_completion.is(object) and chat_completion.to_message(object)
        if whole then
          check_sendable(whole)
          whole_events.of(whole)
        end
      end
    end)
  end)
end)
