-- The blocks of a choice, and the signatures of its thinking.

local blocks = require "anthropic.message.completion_blocks"
local budgets = require "anthropic.message.budget"
local heard_text = require "anthropic.message.heard_text"

local function new_choice()
  local budget = budgets.new()
  return {
    number = 0, next_index = 0, shared = { events = {}, has_begun = false },
    heard = { text = heard_text.new(budget), thinking = heard_text.new(budget) }, kept = {}, budget = budget,
  }
end

-- The events so far: "start 0 text", "delta 0 text_delta", "stop 0".
local function shown(choice)
  local list = {}
  for i, event in ipairs(choice.shared.events) do
    local what = event.content_block or event.delta
    list[i] = ("%s %d%s"):format(event.type:match "_([a-z]+)$", event.index, what and " " .. what.type or "")
  end
  return list
end

describe("the blocks of a choice", function()
  it("end where one of another kind begins", function()
    local choice = new_choice()
    blocks.add_text(choice, "thinking", "Hm.")
    blocks.add_text(choice, "text", "H")
    blocks.add_text(choice, "text", "")
    blocks.add_text(choice, "text", "i")
    blocks.close(choice)
    assert.same({ "start 0 thinking", "delta 0 thinking_delta", "stop 0", "start 1 text", "delta 1 text_delta",
      "delta 1 text_delta", "stop 1" }, shown(choice))
    assert.is_true(choice.shared.has_begun)
  end)

  it("take a signature before, with and after their text", function()
    local signed = { "start 0 thinking", "delta 0 thinking_delta", "delta 0 signature_delta" }
    for _, order in ipairs { "first", "last" } do
      local choice = new_choice()
      if order == "first" then
        blocks.add_signature(choice, "s")
        assert.is_true(choice.shared.has_begun)
      end
      blocks.add_text(choice, "thinking", "Hm.")
      if order == "last" then
        blocks.add_signature(choice, "s")
      end
      assert.same(signed, shown(choice))
    end
  end)

  it("take a signature that comes late where their thinking has none, and keep another", function()
    local choice = new_choice()
    blocks.add_text(choice, "thinking", "Hm.")
    blocks.add_text(choice, "text", "Hi")
    for _, signature in ipairs { "s", "s", "t", "t" } do
      blocks.add_late_signature(choice, signature)
    end
    local events = choice.shared.events
    assert.same({ type = "signature_delta", signature = "s" }, events[#events - 1].delta)
    assert.same({ reasoning = { signature = "t" } }, events[#events].delta)
    assert.equal(7, #events)
  end)

  it("keep what has no form among them, once where it is said again", function()
    local choice = new_choice()
    local before = choice.budget.held
    blocks.keep(choice, "content", { a = 1 })
    assert.is_true(choice.budget.held > before)
    blocks.keep_once(choice, "content", { a = 1 })
    blocks.keep_once(choice, "content", { a = 2 })
    blocks.keep_once(choice, "content", "")
    blocks.keep(choice, "content", { a = 2 })
    local half = "\237\160\128" -- of a character, which has no JSON
    blocks.keep_once(choice, "content", half)
    assert.same({ { a = 1 }, { a = 2 }, { a = 2 }, half }, (function(list)
      for i, event in ipairs(choice.shared.events) do
        list[i] = event.delta.content
      end
      return list
    end) {})
  end)

  it("show a signature without text before what comes next, and say what is left of one at the end", function()
    local choice = new_choice()
    blocks.add_signature(choice, "s")
    assert.same({}, shown(choice))
    blocks.add_text(choice, "text", "H")
    blocks.add_signature(choice, "t")
    blocks.add_text(choice, "text", "i")
    blocks.add_signature(choice, "u")
    blocks.add_signature(choice, "v")
    assert.same({ "start 0 thinking", "delta 0 signature_delta", "stop 0", "start 1 text", "delta 1 text_delta",
      "stop 1", "start 2 thinking", "delta 2 signature_delta", "stop 2", "start 3 text", "delta 3 text_delta", "stop 3",
      "start 4 thinking", "delta 4 signature_delta", "stop 4" }, shown(choice))
    assert.same({ signature = "v" }, blocks.rest(choice))
  end)

  it("show a signature that is all there is", function()
    local choice = new_choice()
    blocks.add_signature(choice, "s")
    assert.is_nil(blocks.rest(choice))
    assert.same({ "start 0 thinking", "delta 0 signature_delta", "stop 0" }, shown(choice))
  end)

  it("keep what is not understood, with the block that it belongs to", function()
    local choice = new_choice()
    blocks.add_unknown(choice, "images", { "i" })
    blocks.add_unknown(choice, "tool_calls", { x = 1 }, 2)
    for _, nothing in ipairs { "", false, {} } do
      blocks.add_unknown(choice, "audio", nothing)
    end
    assert.same({
      { type = "unknown_delta", delta = { images = { "i" } } },
      { type = "unknown_delta", index = 2, delta = { tool_calls = { x = 1 } } },
    }, choice.shared.events)
  end)

  it("note what has come of a text and of the thinking", function()
    local choice = new_choice()
    blocks.add_text(choice, "text", "H")
    blocks.add_text(choice, "thinking", "Hm.")
    blocks.add_text(choice, "text", "i")
    assert.equal("!", choice.heard.text:rest "Hi!")
    assert.equal("", choice.heard.thinking:rest "Hm.")
  end)
end)
