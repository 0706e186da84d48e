--- The token counts of an answer, wherever a server puts them and however it writes them.

local json = require "anthropic.base.json"

local token_counts = {}

-- A count as a number: no text, nothing below zero, nothing endless.
local function count(value)
  local number = tonumber(value)
  return number and number >= 0 and number < math.huge and number or nil
end

--- Counts with what came later: a later count takes the earlier one's place, but none that is lost (a zero after a
--- number, null, something that is no count) does.
---@param before table? not changed
---@param later any
---@return table? counts
function token_counts.merge(before, later)
  before = type(before) == "table" and before or nil
  if type(later) ~= "table" then
    return before
  end
  local merged = before and json.copy(before) or setmetatable({}, getmetatable(later))
  for name, value in pairs(later) do
    local earlier = merged[name]
    if type(value) == "table" and type(earlier) == "table" and value[1] == nil then
      merged[name] = token_counts.merge(earlier, value)
    elseif type(value) ~= "number" and type(value) ~= "string" then
      merged[name] = value
    else
      local number = count(value)
      if number and (number > 0 or type(earlier) ~= "number") then
        merged[name] = number
      elseif not number and earlier == nil and type(value) == "string" then
        merged[name] = value -- a word, such as service_tier
      end
    end
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

-- The tokens of a prompt that were neither read from the cache nor written to it. A chat completion counts those among
-- the prompt's: not where its total adds them up beside them, nor where there are more of them.
local function uncached(prompt, read, written, output, total)
  if total == prompt + output + read + written then
    return prompt
  end
  for _, cached in ipairs { read, written } do
    if cached > prompt then
      break
    end
    prompt = prompt - cached
  end
  return prompt
end

--- The counts of a chat completion under the API's names.
---@param foreign any
---@return table? counts
function token_counts.of_completion(foreign)
  if type(foreign) ~= "table" then
    return nil
  end
  local prompt_details = details(foreign, "prompt_tokens_details", "input_tokens_details")
  local output_details = details(foreign, "completion_tokens_details", "output_tokens_details")
  local prompt = first_count(foreign, "prompt_tokens")
  local output = first_count(foreign, "completion_tokens", "output_tokens")
  local read = first_count(prompt_details, "cached_tokens")
    or first_count(foreign, "prompt_cache_hit_tokens", "cache_read_input_tokens")
  local written = first_count(foreign, "cache_creation_input_tokens") or first_count(prompt_details,
    "cache_creation_input_tokens", "cache_creation_tokens", "cache_write_tokens", "cached_creation_tokens")
  local thinking = first_count(output_details, "reasoning_tokens", "thinking_tokens")
  local total = first_count(foreign, "total_tokens")
  return {
    input_tokens = prompt and uncached(prompt, read or 0, written or 0, output or 0, total)
      or first_count(foreign, "input_tokens"),
    output_tokens = output,
    cache_read_input_tokens = read,
    cache_creation_input_tokens = written,
    output_tokens_details = thinking and { thinking_tokens = thinking } or nil,
  }
end

return token_counts
