-- How the tokens of messages are summed, and what they cost.

local usage = require "anthropic.message.usage"

local function sums(fields)
  local all = {
    requests = 0, input_tokens = 0, output_tokens = 0, cache_creation_input_tokens = 0, cache_read_input_tokens = 0,
    thinking_tokens = 0,
  }
  for name, value in pairs(fields or {}) do
    all[name] = value
  end
  return all
end

-- The usage of messages, each { model, counts }.
local function used(...)
  local made = usage.new()
  for _, row in ipairs { ... } do
    made:add { model = row[1], usage = row[2] }
  end
  return made
end

describe("usage", function()
  it("is nothing at first", function()
    local made = usage.new()
    assert.is_nil(next(made))
    assert.is_nil(made["m"])
    assert.same(sums(), made:total())
    local cost, unpriced = made:cost { m = { input_tokens = 1 } }
    assert.equal(0, cost)
    assert.same({}, unpriced)
  end)

  it("passes over messages that do not tell theirs", function()
    local made = usage.new()
    for _, counts in ipairs { false, "many", 5 } do
      made:add { model = "m", usage = counts }
    end
    made:add { model = "m" }
    assert.is_nil(next(made))
  end)

  it("counts a message whose usage is empty", function()
    assert.same(sums { requests = 1 }, used({ "m", {} }).m)
  end)

  it("is summed by model", function()
    local made = used({ "a", { input_tokens = 1, output_tokens = 2 } }, { "b", { input_tokens = 10 } },
      { "a", { input_tokens = 3, output_tokens = 4, cache_read_input_tokens = 5, cache_creation_input_tokens = 6 } })
    assert.same(sums {
      requests = 2, input_tokens = 4, output_tokens = 6, cache_read_input_tokens = 5, cache_creation_input_tokens = 6,
    }, made.a)
    assert.same(sums { requests = 1, input_tokens = 10 }, made.b)
    assert.is_nil(made.c)
  end)

  it("is that of an unknown model where the message names none", function()
    assert.same(sums { requests = 1, input_tokens = 1 }, used({ nil, { input_tokens = 1 } }).unknown)
  end)

  it("has every number under its own name, those of inner tables too", function()
    assert.same(sums {
      requests = 2, output_tokens = 18, thinking_tokens = 7, ephemeral_1h_input_tokens = 5, new_tokens = 3,
      web_search_requests = 4, deep = 1,
    }, used(
      { "m", { output_tokens = 9, output_tokens_details = { thinking_tokens = 5 }, new_tokens = 1,
        cache_creation = { ephemeral_1h_input_tokens = 5 } } },
      { "m", { output_tokens = 9, output_tokens_details = { thinking_tokens = 2 }, new_tokens = 2,
        server_tool_use = { web_search_requests = 4, inner = { deep = 1 } } } }
    ).m)
  end)

  it("leaves out what is no number, and lists", function()
    assert.same(sums { requests = 1, input_tokens = 1 }, used({ "m", {
      input_tokens = 1, service_tier = "standard", output_tokens = "2", flag = true, none = {},
      iterations = { { input_tokens = 5 }, { input_tokens = 6 } }, one = { { input_tokens = 7 } }, numbers = { 8, 9 },
    } }).m)
  end)

  it("leaves the message as it was", function()
    local message = { model = "m", usage = { input_tokens = 1 } }
    local made = usage.new()
    made:add(message)
    made:add(message)
    assert.same({ model = "m", usage = { input_tokens = 1 } }, message)
    assert.equal(2, made.m.input_tokens)
  end)

  it("is one client's own", function()
    used({ "m", { input_tokens = 1 } })
    assert.is_nil(usage.new().m)
  end)
end)

describe("the total of usage", function()
  it("sums all models", function()
    local made = used({ "a", { input_tokens = 1, new = 1 } }, { "b", { input_tokens = 2, output_tokens = 3 } },
      { "b", { output_tokens = 4 } })
    assert.same(sums { requests = 3, input_tokens = 3, output_tokens = 7, new = 1 }, made:total())
  end)

  it("is the caller's own", function()
    local made = used({ "a", { input_tokens = 1 } })
    made:total().input_tokens = 100
    assert.equal(1, made:total().input_tokens)
    assert.equal(1, made.a.input_tokens)
  end)
end)

describe("the cost of usage", function()
  it("is by the million, under the names of the numbers", function()
    local made = used({ "a", { input_tokens = 1000000, output_tokens = 500000, new = 2000000 } })
    assert.equal(3, (made:cost { a = { input_tokens = 3 } }))
    assert.equal(3 + 7.5, (made:cost { a = { input_tokens = 3, output_tokens = 15 } }))
    assert.equal(8, (made:cost { a = { new = 4 } }))
    assert.equal(0, (made:cost { a = {} }))
    assert.equal(0, (made:cost { a = { never_counted = 4 } }))
  end)

  it("adds up the models, each by its own price", function()
    local made = used({ "a", { input_tokens = 1000000 } }, { "b", { input_tokens = 2000000 } })
    local cost, unpriced = made:cost { a = { input_tokens = 3 }, b = { input_tokens = 5 }, c = { input_tokens = 7 } }
    assert.equal(13, cost)
    assert.same({}, unpriced)
  end)

  it("names the models without a price, sorted", function()
    local made = used({ "c", { input_tokens = 1 } }, { "a", { input_tokens = 1000000 } }, { "d", {} }, { "b", {} })
    local cost, unpriced = made:cost { a = { input_tokens = 3 } }
    assert.equal(3, cost)
    assert.same({ "b", "c", "d" }, unpriced)
    cost, unpriced = made:cost {}
    assert.equal(0, cost)
    assert.same({ "a", "b", "c", "d" }, unpriced)
  end)

  it("sorts however many there are", function()
    local made, expected = usage.new(), {}
    for i = 1, 50 do
      expected[i] = ("model-%02d"):format(i)
      made:add { model = ("model-%02d"):format(i * 7 % 50 + 1), usage = {} }
    end
    assert.same(expected, select(2, made:cost {}))
  end)

  it("names no model whose prices are an empty table", function()
    assert.same({}, select(2, used({ "a", { input_tokens = 1 } }):cost { a = {} }))
  end)
end)

describe("usage that is reset", function()
  it("is nothing again, and goes on", function()
    local made = used({ "a", { input_tokens = 1 } }, { "b", { input_tokens = 2 } })
    local before = made.a
    made:reset()
    assert.is_nil(next(made))
    assert.same(sums(), made:total())
    made:add { model = "a", usage = { input_tokens = 5 } }
    assert.same(sums { requests = 1, input_tokens = 5 }, made.a)
    assert.equal(1, before.input_tokens)
  end)
end)
