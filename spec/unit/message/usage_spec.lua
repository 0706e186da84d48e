-- How the tokens of messages are summed, and what they cost.

local json = require "anthropic.base.json"
local usage = require "anthropic.message.usage"

local function f() end

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
    assert.is_nil(next(made.by_model))
    assert.is_nil(made.by_model["m"])
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
    for _, wrong in ipairs { false, "text", 5 } do
      made:add(wrong)
    end
    made:add(nil)
    assert.is_nil(next(made.by_model))
  end)

  it("counts a message whose usage is empty", function()
    assert.same(sums { requests = 1 }, used({ "m", {} }).by_model.m)
  end)

  it("is summed by model", function()
    local made = used({ "a", { input_tokens = 1, output_tokens = 2 } }, { "b", { input_tokens = 10 } },
      { "a", { input_tokens = 3, output_tokens = 4, cache_read_input_tokens = 5, cache_creation_input_tokens = 6 } })
    assert.same(sums {
      requests = 2, input_tokens = 4, output_tokens = 6, cache_read_input_tokens = 5, cache_creation_input_tokens = 6,
    }, made.by_model.a)
    assert.same(sums { requests = 1, input_tokens = 10 }, made.by_model.b)
    assert.is_nil(made.by_model.c)
  end)

  it("is that of an unknown model where the message names none", function()
    assert.same(sums { requests = 1, input_tokens = 1 }, used({ nil, { input_tokens = 1 } }).by_model.unknown)
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
    ).by_model.m)
  end)

  it("counts a part once that stands beside the whole and in an inner table", function()
    for _, counts in ipairs {
      { thinking_tokens = 3, output_tokens_details = { thinking_tokens = 3 } },
      { thinking_tokens = 0, output_tokens_details = { thinking_tokens = 3 } },
      { thinking_tokens = 3, output_tokens_details = { thinking_tokens = 2 } },
      { output_tokens_details = { thinking_tokens = 3 }, completion_tokens_details = { thinking_tokens = 3 } },
    } do
      counts.output_tokens = 5
      assert.same(sums { requests = 2, output_tokens = 10, thinking_tokens = 6 },
        used({ "m", counts }, { "m", counts }).by_model.m)
    end
  end)

  it("takes a string that is a number for one", function()
    assert.same(sums { requests = 1, input_tokens = 12, output_tokens = 7, new_tokens = 1000 }, used({ "m", {
      input_tokens = "12", output_tokens = " 7 ", new_tokens = "1e3",
    } }).by_model.m)
  end)

  it("leaves out what can be no count, and lists", function()
    local counts = {
      input_tokens = 1, service_tier = "standard", flag = true, none = {}, empty = "", null = json.null,
      iterations = { { input_tokens = 5 }, { input_tokens = 6 } }, one = { { input_tokens = 7 } }, numbers = { 8, 9 },
      ["0"] = f, thread = coroutine.create(f), [1] = 5, [true] = 6, [0.5] = 7, [f] = 8,
    }
    for i, wrong in ipairs { -1, -0.5, "-1", 0 / 0, -(0 / 0), 1 / 0, -1 / 0, 2 ^ 54, 1e300, "1e300", "1e999", "nan",
                             "inf", "0x10", "5 tokens", "1" .. ("0"):rep(40), ("9"):rep(1e5), "--5", "1.2.3", f } do
      counts["wrong" .. i] = wrong
    end
    counts.output_tokens = counts.wrong1
    assert.same(sums { requests = 1, input_tokens = 1 }, used({ "m", counts }).by_model.m)
  end)

  it("never grows beyond what a number counts exactly, and never becomes negative", function()
    local made = usage.new()
    for _ = 1, 5 do
      made:add { model = "m", usage = { input_tokens = 2 ^ 53, output_tokens = 9007199254740992 } }
    end
    assert.equal(2 ^ 53, made.by_model.m.input_tokens)
    assert.equal(2 ^ 53, made:total().output_tokens)
  end)

  it("counts its own requests, whatever an answer says of requests", function()
    assert.same(sums { requests = 1, web_search_requests = 3 }, used({ "m", {
      requests = 500, inner = { requests = 600 }, server_tool_use = { web_search_requests = 3 },
    } }).by_model.m)
  end)

  it("takes tokens of a kind from the answer's own numbers, not from inner tables", function()
    assert.same(sums { requests = 1, input_tokens = 5, other_tokens = 8 }, used({ "m", {
      input_tokens = 5, details = { input_tokens = 100, output_tokens = 100, other_tokens = 8 },
    } }).by_model.m)
  end)

  it("looks into tables that are in a few others", function()
    local deep = { deepest_tokens = 1 }
    for i = 1, 10000 do
      deep = { inner = deep, ["level" .. math.min(10000 - i, 9)] = 1 }
    end
    assert.same(sums { requests = 1, level0 = 1, level1 = 1, level2 = 1, level3 = 1 }, used({ "m", deep }).by_model.m)
    local endless = { input_tokens = 1 }
    endless.endless = endless
    assert.equal(1, used({ "m", endless }).by_model.m.input_tokens)
  end)

  it("holds 64 kinds of counts of a model, of names that are names", function()
    local counts = { [("x"):rep(65)] = 1, input_tokens = 5 }
    for i = 1, 1000 do
      counts["kind" .. i] = 1
    end
    local made = used({ "m", counts }, { "m", counts })
    local size = 0
    for name, count in pairs(made.by_model.m) do
      size = size + 1
      assert.is_true(#name <= 64)
      assert.is_true(count <= 10)
    end
    assert.equal(64, size)
    assert.equal(10, made.by_model.m.input_tokens)
  end)

  it("has what a compaction used, and an advisor under its own model, which an answer's numbers leave out", function()
    local made = used({ "m", { input_tokens = 23, output_tokens = 1, iterations = {
      { type = "compaction", input_tokens = 180, output_tokens = 3 },
      { type = "message", input_tokens = 23, output_tokens = 1 },
      { type = "advisor_message", model = "wise", input_tokens = 40,
        cache_creation = { ephemeral_1h_input_tokens = 2 } },
      { type = "fallback_message", model = "other", input_tokens = 23 },
      { type = "advisor_message", model = 5, input_tokens = 1 }, { type = "compaction", input_tokens = -1 },
      { type = {}, input_tokens = 1 }, 5, "x", false,
    } } }, { "m", { iterations = "many" } }, { "m", { iterations = { input_tokens = 5 } } })
    assert.same(sums { requests = 3, input_tokens = 203, output_tokens = 4 }, made.by_model.m)
    assert.same(sums { input_tokens = 40, ephemeral_1h_input_tokens = 2 }, made.by_model.wise)
    assert.same(sums { input_tokens = 1 }, made.by_model.unknown)
    assert.is_nil(made.by_model.other)
  end)

  it("leaves the message as it was", function()
    local message = { model = "m", usage = { input_tokens = 1 } }
    local made = usage.new()
    made:add(message)
    made:add(message)
    assert.same({ model = "m", usage = { input_tokens = 1 } }, message)
    assert.equal(2, made.by_model.m.input_tokens)
  end)

  it("is one client's own", function()
    used({ "m", { input_tokens = 1 } })
    assert.is_nil(usage.new().by_model.m)
  end)
end)

describe("the name of a model", function()
  it("hides no method, whatever it is", function()
    local names = {
      "total", "add", "cost", "reset", "of", "by_model", "new", "__index", "__name", "__gc", "requests", "other",
      "unknown", "a\0b", " ", "1",
    }
    local made = usage.new()
    for i, name in ipairs(names) do
      made:add { model = name, usage = { input_tokens = i } }
    end
    for i, name in ipairs(names) do
      assert.same(sums { requests = 1, input_tokens = i }, made.by_model[name])
      assert.equal(made.by_model[name], made:of(name))
    end
    assert.equal(#names, made:total().requests)
    assert.equal(#names, #select(2, made:cost {}))
    made:reset()
    assert.same(sums(), made:total())
  end)

  it("is unknown where it is no name", function()
    local made = usage.new()
    for _, wrong in ipairs { 5, true, false, {}, { "m" }, f, json.null, "" } do
      made:add { model = wrong, usage = { input_tokens = 1 } }
    end
    made:add { usage = { input_tokens = 1 } }
    assert.same(sums { requests = 9, input_tokens = 9 }, made.by_model.unknown)
    assert.same(sums { requests = 9, input_tokens = 9 }, made:total())
  end)

  it("is one of 64; further ones are other ones", function()
    local made = usage.new()
    made:add { model = "other", usage = { input_tokens = 1000 } }
    for i = 1, 100 do
      made:add { model = "m" .. i, usage = { input_tokens = i } }
      made:add { model = "m" .. i, usage = { input_tokens = i } }
    end
    for i = 1, 64 do
      assert.same(sums { requests = 2, input_tokens = 2 * i }, made.by_model["m" .. i])
    end
    assert.is_nil(made.by_model.m65)
    assert.is_nil(made:of "m65")
    assert.same(sums { requests = 73, input_tokens = 1000 + 2 * 36 * (65 + 100) / 2 }, made.by_model.other)
    assert.equal(201, made:total().requests)
    assert.equal(1000 + 100 * 101, made:total().input_tokens)
  end)

  it("is not held where it is no name any more for its length", function()
    local made = used({ ("x"):rep(1024), { input_tokens = 1 } }, { ("x"):rep(1e7), { input_tokens = 2 } },
      { ("y"):rep(1025), { input_tokens = 3 } })
    assert.equal(1, made.by_model[("x"):rep(1024)].input_tokens)
    assert.equal(5, made.by_model.other.input_tokens)
    assert.is_nil(made:of(("x"):rep(1e7)))
  end)
end)

describe("usage of a model", function()
  local made = used(
    { "claude-x-4-5-20250929", { input_tokens = 1 } }, { "claude-y", { input_tokens = 2 } },
    { "claude-z-20250101", { input_tokens = 3 } }, { "claude-z-20260101", { input_tokens = 4, output_tokens = 5 } },
    { "gpt-w-2024-08-06", { input_tokens = 6 } }, { "claude-v@20250929", { input_tokens = 7 } },
    { "claude-u", { input_tokens = 8 } }, { "claude-u-20250929", { input_tokens = 9 } })

  it("is found by the name that the answers gave", function()
    for name, counts in pairs(made.by_model) do
      assert.equal(counts, made:of(name))
    end
  end)

  for alias, name in pairs {
    ["claude-x-4-5"] = "claude-x-4-5-20250929", ["claude-y-20260707"] = "claude-y", ["claude-y@20260707"] = "claude-y",
    ["claude-y-2026-07-07"] = "claude-y", ["gpt-w"] = "gpt-w-2024-08-06", ["claude-v"] = "claude-v@20250929",
    ["claude-u-20260101"] = "claude-u",
  } do
    it(("of %s is found as %s"):format(name, alias), function()
      assert.is_table(made.by_model[name])
      assert.equal(made.by_model[name], made:of(alias))
    end)
  end

  it("is the sum where an alias has several dated names", function()
    assert.same(sums { requests = 2, input_tokens = 7, output_tokens = 5 }, made:of "claude-z")
    assert.equal(3, made.by_model["claude-z-20250101"].input_tokens)
  end)

  it("is not that of a model with a name that is like it", function()
    for _, name in ipairs {
      "claude-x-4", "claude-x-4-5-20250930", "claude-x", "claude-x-4-5-", "claude-x-4-5-2025092", "claude-y-1",
      "claude-y-12345678", "claude-y-20261399x", "claude-y-20269901", "Claude-Y", "claude-z-20270101", "", "-20250929",
      "claude-v-20250930", "%a+", ".*",
    } do
      assert.is_nil(made:of(name), name)
    end
  end)

  it("is nothing where no name is asked for", function()
    for _, wrong in ipairs { 5, true, {}, f } do
      assert.is_nil(made:of(wrong))
    end
    assert.is_nil(made:of())
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
    assert.equal(1, made.by_model.a.input_tokens)
  end)
end)

describe("the cost of usage", function()
  it("is by the million, under the names of the counts", function()
    local made = used({ "a", { input_tokens = 1000000, output_tokens = 500000, new = 2000000 } })
    assert.equal(3 + 7.5, (made:cost { a = { input_tokens = 3, output_tokens = 15 } }))
    assert.equal(8, (made:cost { a = { input_tokens = 0, output_tokens = 0, new = 4 } }))
    assert.equal(0, (made:cost { a = { input_tokens = 0, output_tokens = 0, never_counted = 4 } }))
  end)

  it("adds up the models, each by its own price", function()
    local made = used({ "a", { input_tokens = 1000000 } }, { "b", { input_tokens = 2000000 } })
    local cost, unpriced = made:cost { a = { input_tokens = 3 }, b = { input_tokens = 5 }, c = { input_tokens = 7 } }
    assert.equal(13, cost)
    assert.same({}, unpriced)
  end)

  it("is nil where a model has no price, and names those, sorted", function()
    local made = used({ "c", { input_tokens = 1 } }, { "a", { input_tokens = 1000000 } }, { "d", {} }, { "b", {} })
    local cost, unpriced = made:cost { a = { input_tokens = 3 }, c = 5 }
    assert.is_nil(cost)
    assert.same({ "b", "c", "d" }, unpriced)
    cost, unpriced = made:cost {}
    assert.is_nil(cost)
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

  for _, kind in ipairs {
    "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "web_search_requests",
    "web_fetch_requests",
  } do
    it(("is nil where %s were used and have no price"):format(kind), function()
      local all = {
        input_tokens = 1, output_tokens = 1, cache_creation_input_tokens = 1, cache_read_input_tokens = 1,
        web_search_requests = 1, web_fetch_requests = 1,
      }
      local made = used({ "a", { [kind] = 1 } }, { "b", {} })
      assert.equal(1e-6, (made:cost { a = all, b = {} }))
      for _, missing in ipairs { "none", "no number" } do
        all[kind] = missing == "no number" and "5" or nil
        local cost, unpriced = made:cost { a = all, b = {} }
        assert.is_nil(cost)
        assert.same({ "a: " .. kind }, unpriced)
      end
    end)
  end

  it("wants prices", function()
    for _, wrong in ipairs { false, 3, "3" } do
      local ok, message = pcall(function() assert(used():cost(wrong or nil)) end)
      assert.is_false(ok)
      assert.matches("usage_spec.lua:%d+: usage:cost: a table of prices expected", message)
    end
  end)

  it("names every count that lacks a price", function()
    local made = used({ "a", { output_tokens = 1, input_tokens = 2 } }, { "b", { output_tokens = 1 } }, { "c", {} })
    assert.same({ "a: input_tokens", "a: output_tokens", "b: output_tokens", "c" },
      select(2, made:cost { a = {}, b = { input_tokens = 1 } }))
  end)

  it("ignores prices that are not valid numbers", function()
    local made = used { "a", { output_tokens = 4, output_tokens_details = { thinking_tokens = 1 }, server_tool_use = {
      web_search_requests = 1 } } }
    for _, wrong in ipairs { 0 / 0, -1, math.huge, "1", {} } do
      assert.same({ "a: output_tokens", "a: web_search_requests" },
        select(2, made:cost { a = { output_tokens = wrong, thinking_tokens = wrong, web_search_requests = wrong } }))
    end
  end)

  it("needs no price for what was not used, nor for what nobody pays for", function()
    local made = used({ "a", { output_tokens = 0, total_tokens = 5, latency = 0.5, output_tokens_details = {
      thinking_tokens = 0, audio_tokens = 5 } } })
    local cost, unpriced = made:cost { a = {} }
    assert.equal(0, cost)
    assert.same({}, unpriced)
  end)

  it("takes the price of a part for the part, and the whole's for the rest", function()
    local made = used({ "a", {
      output_tokens = 1000000, output_tokens_details = { thinking_tokens = 600000 },
      cache_creation_input_tokens = 3000000,
      cache_creation = { ephemeral_5m_input_tokens = 1000000, ephemeral_1h_input_tokens = 2000000 },
    } })
    assert.equal(10 + 3 * 4, (made:cost { a = { output_tokens = 10, cache_creation_input_tokens = 4 } }))
    assert.equal(0.4 * 10 + 0.6 * 5 + 1 * 4 + 2 * 6, (made:cost { a = {
      output_tokens = 10, thinking_tokens = 5, cache_creation_input_tokens = 4, ephemeral_1h_input_tokens = 6 } }))
    -- the parts are the whole: that needs no price
    assert.equal(10 + 1 * 3 + 2 * 6, (made:cost { a = {
      output_tokens = 10, ephemeral_5m_input_tokens = 3, ephemeral_1h_input_tokens = 6 } }))
    assert.same({ "a: cache_creation_input_tokens" }, select(2, made:cost { a = {
      output_tokens = 10, ephemeral_1h_input_tokens = 6 } }))
  end)

  it("is that of what was written to a cache, also where its parts alone are told", function()
    local made = used({ "a", { cache_creation = { ephemeral_5m_input_tokens = 1000000,
      ephemeral_1h_input_tokens = 2000000 } } })
    assert.equal(12, (made:cost { a = { cache_creation_input_tokens = 4 } }))
    assert.equal(4 + 2 * 6, (made:cost { a = { cache_creation_input_tokens = 4, ephemeral_1h_input_tokens = 6 } }))
    assert.same({ "a: cache_creation_input_tokens" }, select(2, made:cost { a = {} }))
  end)

  it("is never that of a part larger than the whole", function()
    local made = used({ "a", { output_tokens = 1000000, thinking_tokens = 9000000 } })
    assert.equal(5, (made:cost { a = { output_tokens = 10, thinking_tokens = 5 } }))
  end)

  it("finds prices by alias, the dated name's own first and else the newest", function()
    local dated, alias = used({ "m-20260101", { input_tokens = 1e6 } }), used({ "m", { input_tokens = 1e6 } })
    local function at(price) return { input_tokens = price } end
    assert.equal(3, (dated:cost { m = at(3) }))
    assert.equal(4, (dated:cost { m = at(3), ["m-20260101"] = at(4), ["m-20260102"] = at(5) }))
    assert.equal(3, (alias:cost { ["m-20260101"] = at(3) }))
    assert.equal(4, (alias:cost { ["m-20260101"] = at(3), ["m-20270101"] = at(4), ["m-20250101"] = at(5) }))
    assert.equal(6, (alias:cost { m = at(6), ["m-20270101"] = at(4), [5] = at(7) }))
    assert.same({ "m-20260101" }, select(2, dated:cost { ["m-20260102"] = at(3), ["m-2"] = at(3) }))
  end)

  it("is nil where there were more models than are told apart, unless the other ones have a price", function()
    local made, prices = usage.new(), {}
    for i = 1, 65 do
      made:add { model = "m" .. i, usage = { input_tokens = 1e6 } }
      prices["m" .. i] = { input_tokens = 1 }
    end
    local cost, unpriced = made:cost(prices)
    assert.is_nil(cost)
    assert.same({ "other" }, unpriced)
    prices.other = { input_tokens = 2 }
    assert.equal(66, (made:cost(prices)))
  end)
end)

describe("usage that is reset", function()
  it("is nothing again, and goes on", function()
    local made = used({ "a", { input_tokens = 1 } }, { "b", { input_tokens = 2 } })
    local before = made.by_model.a
    made:reset()
    assert.is_nil(next(made.by_model))
    assert.same(sums(), made:total())
    made:add { model = "a", usage = { input_tokens = 5 } }
    assert.same(sums { requests = 1, input_tokens = 5 }, made.by_model.a)
    assert.equal(1, before.input_tokens)
  end)
end)
