--- What the tokens of a model cost.
--
--     costs.of_model("m", { input_tokens = 1e6 }, { input_tokens = 3 }, {})     --> 3e6: a million times what it cost

local token_kinds = require "anthropic.message.token_kinds"

local KINDS, IS_PART, IS_SUM_OF_PARTS = token_kinds.KINDS, token_kinds.IS_PART, token_kinds.IS_SUM_OF_PARTS

local costs = {}

-- A price, or nil: NaN, an infinity and a number below 0 are not prices.
local function price_of(prices, name)
  local price = prices[name]
  return type(price) == "number" and price >= 0 and price < math.huge and price or nil
end

-- How many tokens of a kind there are.
local function count_of_kind(kind, sums)
  local of_parts = 0
  for _, part in ipairs(IS_SUM_OF_PARTS[kind] and KINDS[kind] or {}) do
    of_parts = of_parts + (sums[part] or 0)
  end
  return math.max(sums[kind], of_parts)
end

-- What tokens of one kind cost, a million times: its parts by their own prices if they have some, the
-- rest by the kind's; nil if that is missing.
local function cost_of_kind(kind, sums, prices)
  local rest, cost = count_of_kind(kind, sums), 0
  for _, part in ipairs(KINDS[kind]) do
    local price = price_of(prices, part)
    if price then
      local count = math.min(sums[part] or 0, rest)
      rest, cost = rest - count, cost + count * price
    end
  end
  if rest == 0 then
    return cost
  end
  local price = price_of(prices, kind)
  return price and cost + rest * price
end

-- The same of any other count. Only a server tool's uses need a price.
local function cost_of_count(name, count, prices)
  local price = price_of(prices, name)
  if price then
    return count * price
  end
  return (count == 0 or not name:find "_requests$") and 0 or nil
end

--- What a model's sums cost, a million times.
---@param model string
---@param sums anthropic.ModelUsage
---@param prices table<string, number> of a million tokens
---@param unpriced string[] what has no price is added: `model: count`
---@return number cost of what has one
function costs.of_model(model, sums, prices, unpriced)
  local cost = 0
  for name, count in pairs(sums) do
    local its_cost
    if KINDS[name] then
      its_cost = cost_of_kind(name, sums, prices)
    else
      its_cost = IS_PART[name] and 0 or cost_of_count(name, count, prices)
    end
    if not its_cost then
      unpriced[#unpriced + 1] = model .. ": " .. name
    end
    cost = cost + (its_cost or 0)
  end
  return cost
end

return costs
