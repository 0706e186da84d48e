-- The demo's script: which answer a request gets.

local demo = require "anthropic.testing.demo"
local script = require "anthropic.testing.script"

-- The first of the routes whose patterns are all in the body.
local function answer_to(body)
  for _, route in ipairs(script.prepare("demo").routes) do
    local fits = true
    for _, pattern in ipairs(route.body_match or {}) do
      fits = fits and body:find(pattern) ~= nil
    end
    if fits then
      return route.answers[1], table.concat(route.answers[1].pieces)
    end
  end
end

describe("the demo", function()
  it("answers messages only", function()
    for _, route in ipairs(demo().routes) do
      assert.same({ "POST", "/v1/messages" }, { route.method, route.path })
      assert.equal(1, #route.answers)
    end
    assert.equal(4, #demo().routes)
  end)

  for _, case in ipairs {
    { "{}", false, false }, { '{"stream":false}', false, false }, { '{"stream": true}', true, false },
    { '{"thinking":{"type":"enabled"}}', false, true }, { '{"thinking":{"type":"adaptive"}}', false, true },
    { '{"thinking":{"type":"disabled"}}', false, false }, { '{"thinking" : { "budget_tokens":1,"type" : "enabled"}}',
      false, true }, { '{"stream":true,"thinking":{"type":"enabled"}}', true, true },
    { '{"stream":true,"thinking":{"type":"disabled"}}', true, false },
  } do
    it("streams and thinks as it is asked: " .. case[1], function()
      local answer, text = answer_to(case[1])
      assert.equal(case[2], answer.content_type:find "event%-stream" ~= nil)
      assert.equal(case[2], text:find("message_stop", 1, true) ~= nil)
      assert.equal(case[3], text:find('"type":"thinking"', 1, true) ~= nil)
      assert.equal(case[3], text:find('"output_tokens":150', 1, true) ~= nil)
      assert.equal(not case[3], text:find('"output_tokens":90', 1, true) ~= nil)
      assert.matches('"input_tokens":42', text, 1, true)
      assert.matches('"model":"claude-sonnet-4-20250514"', text, 1, true)
      assert.equal(0.03, answer.delay_between)
      assert.matches("你好", text, 1, true)
    end)
  end
end)
