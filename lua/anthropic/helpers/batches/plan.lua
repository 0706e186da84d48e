--- How a list of requests is cut into batches under the API's limits: the same way every time.

local json = require "anthropic.base.json"
local paths = require "anthropic.base.path"
local segments = require "anthropic.base.segments"

local batch_plan = {}

local ENVELOPE = #'{"requests":[]}'

local function problem_of_id(id, seen)
  if id == nil then
    return "custom_id: missing"
  elseif type(id) ~= "string" then
    return "custom_id: string expected, got " .. type(id)
  elseif #id < 1 or #id > 64 or id:find "[^%w_-]" then
    return ("custom_id: %q is not 1 to 64 letters, digits, _ and -"):format(id)
  elseif seen[id] then
    return ("custom_id: %q is that of requests[%d] too"):format(id, seen[id])
  end
end

-- The size of a request's JSON, or nil and what is wrong with it.
local function measure(given, seen)
  if type(given) ~= "table" then
    return nil, "table expected, got " .. type(given)
  end
  local problem = problem_of_id(given.custom_id, seen)
  if problem then
    return nil, problem
  elseif type(given.params) ~= "table" then
    return nil, "params: table expected, got " .. type(given.params)
  end
  local text, message = json.encode_request(given)
  return text and segments.size(text), message
end

--- Cuts the requests into batches.
---@param requests table[]
---@param limits { max_requests: integer, max_bytes: integer }
---@return { first: integer, last: integer }[]|nil chunks
---@return string? message what would be refused
function batch_plan.make(requests, limits)
  local problem_of_list = paths.problem_of_list("requests", requests)
  if problem_of_list then
    return nil, problem_of_list
  end
  local chunks, seen, room = {}, {}, 0
  for i, given in ipairs(requests) do
    local size, problem = measure(given, seen)
    if problem then
      return nil, ("requests[%d]%s%s"):format(i, problem:find "^table expected" and ": " or ".", problem)
    elseif size + ENVELOPE > limits.max_bytes then
      return nil, ("requests[%d]: %d bytes, more than a batch may have"):format(i, size)
    end
    seen[given.custom_id] = i
    local chunk = chunks[#chunks]
    if not chunk or i - chunk.first >= limits.max_requests or size + 1 > room then
      chunk = { first = i }
      chunks[#chunks + 1] = chunk
      room = limits.max_bytes - ENVELOPE + 1
    end
    chunk.last = i
    room = room - size - 1
  end
  return chunks
end

--- Enters the IDs of the batches that an earlier run made of the same requests, in order.
---@param chunks table[]
---@param given? string|string[]
---@param is_open boolean the requests are not known: any number of batches will do
---@return true|nil
---@return string? message
function batch_plan.resume(chunks, given, is_open)
  local ids = type(given) == "string" and { given } or given or {}
  local problem = paths.problem_of_list("resume", ids)
  if problem then
    return nil, problem
  end
  local seen = {}
  for i, id in ipairs(ids) do
    if type(id) ~= "string" or id == "" then
      return nil, ("resume[%d]: the ID of a batch expected"):format(i)
    elseif seen[id] then
      return nil, ("resume[%d]: %q is resume[%d] too"):format(i, id, seen[id])
    elseif not chunks[i] and not is_open then
      return nil, ("resume: %d batches, where the requests make up %d"):format(#ids, #chunks)
    end
    chunks[i] = chunks[i] or {}
    chunks[i].id, seen[id] = id, i
  end
  return true
end

return batch_plan
