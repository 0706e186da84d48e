--- `client.usage`: the tokens that a client's messages used, by model.
--
--     for name, used in pairs(client.usage.by_model) do print(name, used.output_tokens) end
--     print(client.usage:of("claude-sonnet-5-5").output_tokens, client.usage:total().requests)
--     print(client.usage:cost { ["claude-sonnet-5-5"] = { input_tokens = 3, output_tokens = 15 } })
--
-- Every count of the API's `usage` is summed under its own name, those of its inner tables too
-- (`thinking_tokens`, `ephemeral_1h_input_tokens`, `web_search_requests`). A message counts once,
-- at its end; an interrupted one counts with the tokens that are known. A number that is not a count (negative,
-- not finite, above 2^53) adds nothing.
--
-- `by_model` has the names that the answers had, "unknown" for answers without a name, and 64 names
-- at most: what further models used is summed under "other".

local lazy = require "anthropic.base.lazy"
local tables = require "anthropic.base.tables"
local token_kinds = require "anthropic.message.token_kinds"

local costs = lazy.module "anthropic.message.costs"
local model_names = lazy.module "anthropic.message.model_names"

local KINDS, IS_PART = token_kinds.KINDS, token_kinds.IS_PART

---@class anthropic.ModelUsage sums; further counts of the API's `usage` have their own names
---@field requests integer messages counted
---@field input_tokens integer read without a cache
---@field output_tokens integer thinking included
---@field cache_creation_input_tokens integer written to a cache
---@field cache_read_input_tokens integer read from a cache
---@field thinking_tokens integer the part of `output_tokens` that was thinking, if the server says so

---@class anthropic.Usage
---@field by_model table<string, anthropic.ModelUsage> by the names that the answers had
local Usage = {}

local metatable = { __name = "anthropic.Usage", __index = Usage }

local usage = {}

-- Names are a server's words: these bounds limit what they make a client hold.
local MOST_MODELS = 64
local LONGEST_MODEL = 1024
local MOST_COUNTS = 64 -- of one model
local LONGEST_COUNT = 64
local DEEPEST = 4 -- tables in tables
local UNKNOWN, OTHER = "unknown", "other"

local LARGEST = 2 ^ 53 -- up to it every whole number is exact

-- Names in an answer that count nothing, whatever they hold.
local NO_COUNTS = { requests = true, model = true }

-- Iterations whose tokens are not in an answer's own counts. Those of all others are.
local APART = { compaction = true, advisor_message = true }

---@return anthropic.Usage
function usage.new()
  return setmetatable({ by_model = {} }, metatable)
end

-- --- counting ------------------------------------------------------------------------------------

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

local function is_full(by_model)
  return tables.count(by_model) - (by_model[OTHER] and 1 or 0) >= MOST_MODELS
end

local function sums_of(self, model)
  local name = type(model) == "string" and model ~= "" and model or UNKNOWN
  local by_model = self.by_model
  if not by_model[name] and (#name > LONGEST_MODEL or is_full(by_model)) then
    name = OTHER
  end
  by_model[name] = by_model[name] or new_sums()
  return by_model[name]
end

-- A number, or a string that is one; nil if it cannot be a count.
local function count_of(value)
  if type(value) == "string" then
    value = #value <= 32 and tonumber(value:match "^%s*(%d[%d.eE+-]*)%s*$" or "")
  end
  return type(value) == "number" and value >= 0 and value <= LARGEST and value or nil
end

local function count_up(sums, name, count)
  sums[name] = math.min((sums[name] or 0) + count, LARGEST)
end

-- The client itself counts requests, and tokens of a kind in an inner table are not the answer's.
local function is_counted(name, depth)
  return type(name) == "string" and #name <= LONGEST_COUNT and not NO_COUNTS[name] and (depth == 1 or not KINDS[name])
end

-- What a count adds. Some servers send a part twice, beside the whole and in an inner table: the larger one counts.
local function addition(parts, name, count)
  if not IS_PART[name] then
    return count
  end
  local before = parts[name] or 0
  parts[name] = math.max(before, count)
  return parts[name] - before
end

-- Adds the counts of a table, inner tables too. `parts`: the parts that have come. `room`: how many more names the sums
-- may have, once a new name has come.
local function add(sums, counts, parts, depth, room)
  for name, value in pairs(counts) do
    local count = count_of(value)
    if count and is_counted(name, depth) then
      room = sums[name] and room or (room or MOST_COUNTS - tables.count(sums)) - 1
      if sums[name] or room >= 0 then
        count_up(sums, name, addition(parts, name, count))
      end
    elseif type(value) == "table" and rawget(value, 1) == nil and depth < DEEPEST then
      room = add(sums, value, parts, depth + 1, room)
    end
  end
  return room
end

--- Counts a message. The client counts its own messages; this adds one from elsewhere, such as a batch's result.
---
--- Tokens that a compaction or an advisor took count as well, the advisor's under its own model.
---@param message anthropic.Message
function Usage:add(message)
  if type(message) ~= "table" or type(message.usage) ~= "table" then
    return
  end
  local sums = sums_of(self, message.model)
  count_up(sums, "requests", 1)
  add(sums, message.usage, {}, 1)
  local iterations = message.usage.iterations
  if type(iterations) ~= "table" then
    return
  end
  for _, iteration in ipairs(iterations) do
    if type(iteration) == "table" and APART[iteration.type] then
      add(sums_of(self, iteration.model or message.model), iteration, {}, 1)
    end
  end
end

-- --- asking --------------------------------------------------------------------------------------

local function sum(by_model, names)
  local sums = new_sums()
  for _, name in ipairs(names) do
    for count_name, count in pairs(by_model[name]) do
      count_up(sums, count_name, count)
    end
  end
  return sums
end

--- Returns the sums of one model. An alias finds the dated name that the answers had (`m` finds `m-20270101`, and the
--- sum if there are several), a dated name its alias.
---@param name string
---@return anthropic.ModelUsage? sums nil if the model was not used
function Usage:of(name)
  local names = type(name) == "string" and model_names.of(name, self.by_model) or {}
  return #names > 1 and sum(self.by_model, names) or self.by_model[names[1]]
end

--- Returns the sums over all models.
---@return anthropic.ModelUsage sums
function Usage:total()
  local names = {}
  for name in pairs(self.by_model) do
    names[#names + 1] = name
  end
  return sum(self.by_model, names)
end

--- Returns what all of it cost. A price is for a million tokens, under the name of the count; the model's alias finds
--- it, too.
---
--- A price is needed for each of these, if it was used: `input_tokens`, `output_tokens`,
--- `cache_creation_input_tokens`, `cache_read_input_tokens`, and a server's tools (`web_search_requests`, ...; 0 if
--- they cost nothing). `thinking_tokens`, a part of `output_tokens`, and `ephemeral_5m_input_tokens` and
--- `ephemeral_1h_input_tokens`, parts of `cache_creation_input_tokens`, cost what the whole does if they have no
--- price of their own. Any other count costs nothing if it has no price.
---@param prices table<string, table<string, number>> by model
---@return number? cost in the prices' currency; nil if a price is missing
---@return string[] unpriced the names without a price, sorted: a model's name, or `model: count`
function Usage:cost(prices)
  if type(prices) ~= "table" then
    error("usage:cost: a table of prices expected, got " .. type(prices), 2)
  end
  local cost, unpriced = 0, {}
  for model, sums in pairs(self.by_model) do
    local names = model_names.of(model, prices)
    local of_model = prices[names[#names]]
    if type(of_model) == "table" then
      cost = cost + costs.of_model(model, sums, of_model, unpriced)
    else
      unpriced[#unpriced + 1] = model
    end
  end
  table.sort(unpriced)
  if #unpriced > 0 then
    return nil, unpriced
  end
  return cost / 1e6, unpriced
end

--- Sets every sum to nothing.
function Usage:reset()
  for model in pairs(self.by_model) do
    self.by_model[model] = nil
  end
end

return usage
