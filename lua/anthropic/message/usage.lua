--- `client.usage`: the tokens that a client's messages used, by model.
--
--     print(client.usage["claude-sonnet-4-5"].output_tokens, client.usage:total().requests)
--     print(client.usage:cost { ["claude-sonnet-4-5"] = { input_tokens = 3, output_tokens = 15 } })
--
-- Every number of the API's `usage` is summed under its own name, those of its inner tables too
-- (`thinking_tokens`, `ephemeral_1h_input_tokens`, `web_search_requests`). A message counts once,
-- at its end; one that broke off counts with what is known of it.

---@class anthropic.ModelUsage
---@field requests integer
---@field input_tokens integer
---@field output_tokens integer thinking included
---@field cache_creation_input_tokens integer
---@field cache_read_input_tokens integer
---@field thinking_tokens integer part of output_tokens, where the server says so

---@class anthropic.Usage
---@field [string] anthropic.ModelUsage by model
local Usage = {}

local metatable = { __name = "anthropic.Usage", __index = Usage }

local usage = {}

---@return anthropic.Usage
function usage.new()
  return setmetatable({}, metatable)
end

local function new_sums()
  return {
    requests = 0,
    input_tokens = 0,
    output_tokens = 0,
    cache_creation_input_tokens = 0,
    cache_read_input_tokens = 0,
    thinking_tokens = 0,
  }
end

-- Lists, such as the iterations of a compacted answer, repeat what the numbers say.
local function add(sums, counts)
  for name, value in pairs(counts) do
    if type(value) == "number" then
      sums[name] = (sums[name] or 0) + value
    elseif type(value) == "table" and value[1] == nil then
      add(sums, value)
    end
  end
end

--- Counts a message. The client does so for those that it was sent; results of a batch, or a
--- message from elsewhere, can be added.
---@param message anthropic.Message
function Usage:add(message)
  if type(message.usage) ~= "table" then
    return
  end
  local model = message.model or "unknown"
  local sums = rawget(self, model) or new_sums()
  self[model] = sums
  sums.requests = sums.requests + 1
  add(sums, message.usage)
end

--- The sums over all models.
---@return anthropic.ModelUsage
function Usage:total()
  local sums = new_sums()
  for _, counts in pairs(self) do
    add(sums, counts)
  end
  return sums
end

--- What it cost by the prices given.
---@param prices table<string, table<string, number>> by model: what a million costs, under the
--- names of the numbers (`input_tokens`, `output_tokens`, `cache_read_input_tokens`, ...)
---@return number cost in the prices' currency
---@return string[] unpriced models that were used and have no price, sorted
function Usage:cost(prices)
  local cost, unpriced = 0, {}
  for model, sums in pairs(self) do
    for name, price in pairs(prices[model] or {}) do
      cost = cost + (sums[name] or 0) * price / 1e6
    end
    if not prices[model] then
      unpriced[#unpriced + 1] = model
    end
  end
  table.sort(unpriced)
  return cost, unpriced
end

--- Forgets everything.
function Usage:reset()
  for model in pairs(self) do
    self[model] = nil
  end
end

return usage
