-- What of a conversation is sent on a message thread, and what is known of it afterwards.

local json = require "anthropic.base.json"
local message_thread = require "anthropic.helpers.message_thread"

local BETA = "message-threads-2026-08-12"

describe("a message thread", function()
  local request, messages

  before_each(function()
    messages = { { role = "user", content = "1" } }
    request = { thread = { type = "create" }, messages = messages, system = "s", tools = { "t" }, max_tokens = 7 }
  end)

  local function thread(fields)
    return assert(message_thread.of(fields and { thread = fields } or request))
  end

  -- Sends and answers a turn; the request that went out.
  local function turn(self, fields)
    local sent = assert(message_thread.request(self, request))
    local answer = { id = "msg_" .. #messages, stop_reason = "end_turn" }
    for name, value in pairs(fields or {}) do
      answer[name] = value
    end
    messages[#messages + 1] = answer
    message_thread.note(self, messages, answer, message_thread.print_of(answer))
    messages[#messages + 1] = { role = "user", content = "more" }
    return sent
  end

  it("is asked for by a table, and by its beta once", function()
    for _, given in ipairs { 7, "create", json.raw "{}", json.null } do
      assert.is_nil(message_thread.of { thread = given })
    end
    assert.is_nil(message_thread.of {})
    thread()
    assert.same({ BETA }, request.betas)
    thread()
    assert.same({ BETA }, request.betas)
    local betas = { "a" }
    request.betas = betas
    thread()
    assert.same({ "a", BETA }, request.betas)
    assert.same({ "a" }, betas)
  end)

  it("is made of the whole history, and then gets what the server lacks", function()
    local self = thread()
    local sent = turn(self)
    assert.same({ type = "create" }, sent.thread)
    assert.equal(messages, sent.messages)
    assert.same({ "s", { "t" }, 7 }, { sent.system, sent.tools, sent.max_tokens })
    sent = turn(self)
    assert.same({ type = "continue", previous_message_id = "msg_1" }, sent.thread)
    assert.same({ { role = "user", content = "more" } }, sent.messages)
    assert.is_true(json.is_array(sent.messages))
    assert.same({ nil, nil, 7 }, { sent.system, sent.tools, sent.max_tokens })
    assert.same({ type = "create" }, request.thread)
  end)

  it("gets an answer without content once more", function()
    local self = thread()
    message_thread.request(self, request)
    message_thread.note(self, messages, { id = "msg_0" }, message_thread.print_of { id = "msg_0" })
    messages[2] = { role = "user", content = "2" }
    local sent = message_thread.request(self, request)
    assert.equal("msg_0", sent.thread.previous_message_id)
    assert.same({ messages[2] }, sent.messages)
  end)

  it("is made anew where the history, the system or the tools changed", function()
    for _, change in ipairs {
      function() messages[1] = { role = "user", content = "other" } end, function() request.system = "other" end,
      function() request.tools = { "other" } end, function() messages[1].content = "less" end,
      function() messages[2].id = "changed" end, function() request.tools[1] = "u" end,
    } do
      messages = { { role = "user", content = "1" } }
      request.messages, request.tools = messages, { "t" }
      local self = thread()
      turn(self)
      change()
      assert.same({ type = "create" }, turn(self).thread)
      assert.equal("continue", turn(self).thread.type)
    end
  end)

  it("goes on with copies of what it was made of, and with what cannot be sent", function()
    messages[1].content = print
    local self = thread()
    turn(self)
    messages[1], messages[2] = { role = "user", content = print }, json.copy(messages[2])
    request.tools = { "t" }
    assert.equal("continue", turn(self).thread.type)
  end)

  it("that was begun elsewhere goes on, and its tools stay", function()
    local self = thread { type = "continue", previous_message_id = "before" }
    local sent = turn(self)
    assert.same({ type = "continue", previous_message_id = "before" }, sent.thread)
    assert.equal(1, #sent.messages)
    assert.equal("msg_1", turn(self).thread.previous_message_id)
    messages[1].content, messages[2].id, request.tools[1] = "less", "changed", "u" -- what it began with is not known
    assert.equal("msg_3", turn(self).thread.previous_message_id)
    request.tools = {}
    local none, problem = message_thread.request(self, request)
    assert.is_nil(none)
    assert.matches("cannot be changed", problem, 1, true)
  end)

  it("does not go on behind a refusal or another model's answer, unless it was begun elsewhere", function()
    for _, fields in ipairs {
      { stop_reason = "refusal" }, { usage = { iterations = { { type = "message" }, { type = "fallback_message" } } } },
    } do
      local self = thread()
      turn(self, fields)
      assert.equal("create", turn(self).thread.type)
      messages = { { role = "user", content = "1" } }
      request.messages = messages
      self = thread { previous_message_id = "before" }
      turn(self, fields)
      assert.equal("continue", turn(self).thread.type)
    end
    for _, usage in ipairs { 7, { iterations = 7 }, { iterations = { 7, { type = "message" } } } } do
      local self = thread()
      turn(self, { usage = usage })
      assert.equal("continue", turn(self).thread.type)
    end
  end)

  it("that is lost is made anew, once", function()
    for _, code in ipairs { "thread_not_found", "thread_already_continued", "thread_continue_in_flight" } do
      local self = thread()
      local err = { details = { error_code = code } }
      assert.is_false(message_thread.recovers(self, err)) -- it was not begun
      turn(self)
      assert.is_true(message_thread.recovers(self, err))
      assert.equal("create", turn(self).thread.type)
      assert.is_true(message_thread.recovers(self, err))
      assert.is_nil(message_thread.request(self, request).thread)
      assert.is_false(message_thread.recovers(self, err))
    end
  end)

  it("is missing where the server keeps no such conversation", function()
    local self = thread()
    assert.is_true(message_thread.recovers(self, { details = { error_code = "thread_unsupported_request" } }))
    local sent = message_thread.request(self, request)
    assert.is_nil(sent.thread)
    assert.equal(messages, sent.messages)
    assert.same({ type = "create" }, request.thread)
  end)

  it("is not made anew for another error, nor where its history is not known", function()
    local self = thread()
    turn(self)
    for _, details in ipairs { { error_code = "other" }, "thread_not_found", {} } do
      assert.is_false(message_thread.recovers(self, { details = details }))
    end
    assert.is_false(message_thread.recovers(self, {}))
    self = thread { previous_message_id = "before" }
    for _, code in ipairs { "thread_not_found", "thread_unsupported_request" } do
      assert.is_false(message_thread.recovers(self, { details = { error_code = code } }))
    end
  end)
end)
