--- The token counts of an answer, wherever a server puts them and however it writes them.

local json = require "anthropic.base.json"

local token_counts = {}

-- A count as a number: no text, nothing below zero, nothing endless.
local function count(value)
  local number = tonumber(value)
  return number and number >= 0 and number < math.huge and number or nil
end

-- A list counts nothing: it is how some servers write an empty object.
local function counts_of(value)
  return type(value) == "table" and not json.is_array(value) and value or nil
end

-- What becomes of one count: `later` takes its place where it says something of the same kind, and is no zero after a
-- number.
local function merged_count(before, later)
  local kind = type(before)
  if type(later) == "table" then
    if before ~= nil and kind ~= "table" then
      return before
    end
    return later[1] == nil and token_counts.merge(before, later) or later
  end
  local number = count(later)
  if number then
    return (before == nil or kind == "string" or kind == "number" and number > 0) and number or before
  elseif tonumber(later) or later == "" or before ~= nil and kind ~= type(later) then
    return before
  end
  return later -- a word, such as service_tier
end

--- Counts with what came later: a later count takes the earlier one's place, but none is lost by it (to a zero, to
--- null, to something that is no count).
---@param before table? not changed
---@param later any
---@return table? counts
function token_counts.merge(before, later)
  before = counts_of(before)
  later = counts_of(later)
  if not later then
    return before
  end
  local merged = before and json.copy(before) or setmetatable({}, getmetatable(later))
  for name, value in pairs(later) do
    merged[name] = merged_count(merged[name], value)
  end
  return merged
end

local function first_count(foreign, ...)
  for _, name in ipairs { ... } do
    local number = count(foreign[name])
    if number then
      return number
    end
  end
end

local function details(foreign, ...)
  for _, name in ipairs { ... } do
    if type(foreign[name]) == "table" then
      return foreign[name]
    end
  end
  return {}
end

--- The counts of a chat completion under the API's names. A chat completion counts cached tokens among the prompt's,
--- the API counts them apart.
---@param foreign any
---@return table? counts
function token_counts.of_completion(foreign)
  if type(foreign) ~= "table" then
    return nil
  end
  local prompt = details(foreign, "prompt_tokens_details", "input_tokens_details")
  local output = details(foreign, "completion_tokens_details", "output_tokens_details")
  local total = first_count(foreign, "prompt_tokens")
  local input = total or first_count(foreign, "input_tokens")
  local part = first_count(prompt, "cached_tokens") or first_count(foreign, "prompt_cache_hit_tokens")
  local cached = part or first_count(foreign, "cache_read_input_tokens")
  local thinking = first_count(output, "reasoning_tokens", "thinking_tokens")
  if (total or part) and input and cached and cached <= input then
    input = input - cached
  end
  return {
    input_tokens = input,
    output_tokens = first_count(foreign, "completion_tokens", "output_tokens"),
    cache_read_input_tokens = cached,
    cache_creation_input_tokens = first_count(foreign, "cache_creation_input_tokens"),
    output_tokens_details = thinking and { thinking_tokens = thinking } or nil,
  }
end

return token_counts
