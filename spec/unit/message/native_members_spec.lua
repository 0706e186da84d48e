-- What the events of blocks bring, by whatever name.

local json = require "anthropic.base.json"
local members = require "anthropic.message.native_members"

describe("a block's event", function()
  it("says something beside its own members", function()
    local event = { type = "content_block_start", index = 0, content_block = {}, delta = {}, text = "a", more = { 1 } }
    assert.same({ text = "a", more = { 1 } }, members.beside(event))
    assert.equal("content_block_start", event.type)
  end)

  for _, value in ipairs {
    "a", {}, { text = "a" }, { type = "text_delta", text = "a" }, { type = "text", text = "" },
    { type = "thinking_delta" },
  } do
    it("can have as its delta " .. assert(json.encode(value)), function()
      assert.is_true(members.is_delta(value))
    end)
  end

  for _, value in ipairs {
    "", 5, false, { type = "tool_use", id = "t" }, { type = "later_delta" }, { text = { a = 1 }, type = "text_delta" },
  } do
    it("cannot have as its delta " .. assert(json.encode(value)), function()
      assert.is_false(members.is_delta(value))
    end)
  end

  it("has no delta without a value", function()
    assert.is_false(members.is_delta(nil))
  end)

  for _, case in ipairs {
    { "under its name", { content_block = { type = "text" }, text = "a", delta = { type = "later" } },
      { type = "text" } },
    { "as a text", { content_block = "a" }, "a" },
    { "as its delta", { content_block = {}, delta = { type = "tool_use", id = "t" }, text = "a" },
      { type = "tool_use", id = "t" } },
    { "beside it", { type = "content_block_start", index = 0, text = "a" }, { text = "a" } },
    { "beside a delta of its own", { text = "a", delta = { type = "text_delta", text = "b" } }, { text = "a" } },
    { "nowhere", { type = "content_block_start", index = 0, time = 1 }, {} },
  } do
    it("has its block " .. case[1], function()
      assert.same(case[3], members.block_of(case[2]))
    end)
  end

  it("no longer has the delta that is its block", function()
    local event = { delta = { type = "tool_use", id = "t" } }
    members.block_of(event)
    assert.is_nil(event.delta)
  end)
end)
