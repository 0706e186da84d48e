--- The token counts of an answer, wherever a server puts them and however it writes them.

local json = require "anthropic.base.json"

local token_counts = {}

-- A count as a number; nil if it is not a number, or negative or infinite.
local function count(value)
  local number = tonumber(value)
  return number and number >= 0 and number < math.huge and number or nil
end

-- A list counts nothing: it is how some servers write an empty object.
local function counts_of(value)
  return type(value) == "table" and not json.is_array(value) and value or nil
end

-- What becomes of one count: `later` takes its place if it is a value of the same kind, and not a zero after a
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
    local is_count = kind == "number" or kind == "table" and next(before) ~= nil
    return (not is_count or kind == "number" and number > 0) and number or before
  elseif tonumber(later) or later == "" or before ~= nil and kind ~= type(later) then
    return before
  end
  return later -- a word, such as service_tier
end

-- Sets a count from a later one. A value that stays as it came keeps its digits, also if a number does not hold them.
local function add(into, later, name)
  local value = merged_count(into[name], later[name])
  if value == later[name] then
    json.set(later, into, name)
  else
    into[name] = value
  end
end

--- Counts merged with later ones: a later count takes the earlier one's place, but no count is lost to a zero, to null,
--- or to something that is not a count.
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
  for name in pairs(later) do
    add(merged, later, name)
  end
  return merged
end

--- The same in place, for counts that the caller owns, such as a copy that `merge` made: a later count costs the same,
--- however many have come.
---@param into table? default: none have come
---@param later any
---@param note? fun(name: any, value: any, before: any) a count, and the one that it replaces
---@return table? into
function token_counts.hold(into, later, note)
  later = counts_of(later)
  into = into or later and {}
  for name, value in pairs(later or {}) do
    local before = into[name]
    if counts_of(before) and counts_of(value) then
      token_counts.hold(before, value, note)
    else
      add(into, later, name)
      if note then
        note(name, into[name], before)
      end
    end
  end
  return into
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

-- The tokens of a prompt that were neither read from the cache nor written to it. A chat completion counts cached ones
-- among the prompt's, unless its total adds them to the prompt's, or there are more of them.
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

-- Counts that a chat completion has no names for: gateways, and this library, leave the API's own.
local OF_THE_API = { "cache_creation", "inference_geo", "iterations", "server_tool_use", "service_tier", "speed" }

local function add_rest(counts, given)
  for _, name in ipairs(OF_THE_API) do
    local value = given[name]
    if counts[name] == nil and value ~= json.null then
      counts[name] = value
    end
  end
  return counts
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
  local part = first_count(prompt_details, "cached_tokens") or first_count(foreign, "prompt_cache_hit_tokens")
  local prompt = first_count(foreign, "prompt_tokens") or part and first_count(foreign, "input_tokens")
  local output = first_count(foreign, "completion_tokens", "output_tokens")
  local read = part or first_count(foreign, "cache_read_input_tokens")
  local written = first_count(foreign, "cache_creation_input_tokens") or first_count(prompt_details,
    "cache_creation_input_tokens", "cache_creation_tokens", "cache_write_tokens", "cached_creation_tokens")
  local thinking = first_count(output_details, "reasoning_tokens", "thinking_tokens")
  local total = first_count(foreign, "total_tokens")
  return add_rest({
    input_tokens = prompt and uncached(prompt, read or 0, written or 0, output or 0, total)
      or first_count(foreign, "input_tokens"),
    output_tokens = output,
    cache_read_input_tokens = read,
    cache_creation_input_tokens = written,
    cache_creation = counts_of(prompt_details.cache_creation_token_details), -- by how long they are kept
    output_tokens_details = thinking and { thinking_tokens = thinking } or nil,
  }, foreign)
end

--- The API's counts as those of a chat completion, whose prompt counts what was read from the cache and written to it.
---@param usage any
---@return table? counts nil if none is known
function token_counts.to_completion(usage)
  usage = counts_of(usage) or {}
  local input, output = count(usage.input_tokens), count(usage.output_tokens)
  local read, written = count(usage.cache_read_input_tokens), count(usage.cache_creation_input_tokens)
  if not (input or output or read or written) then
    return nil
  end
  local thinking = count((counts_of(usage.output_tokens_details) or {}).thinking_tokens)
  local prompt, completion = (input or 0) + (read or 0) + (written or 0), output or 0
  return add_rest({
    prompt_tokens = prompt,
    completion_tokens = completion,
    total_tokens = prompt + completion,
    prompt_tokens_details = (read or written) and { cached_tokens = read, cache_creation_tokens = written } or nil,
    completion_tokens_details = thinking and { reasoning_tokens = thinking } or nil,
  }, usage)
end

return token_counts
