--- Answers that go to a file, which has a temporary name beside its own until all has come.

local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local failures = require "anthropic.http.failures"

local download = {}

--- Makes the temporary file. The caller closes it (`sink:close()`), whatever comes of it.
---@param path any
---@return userdata|nil sink
---@return anthropic.Error?
function download.open(path)
  if type(path) ~= "string" then
    return nil, errors.invalid_request("path: string expected, got " .. type(path))
  end
  local sink, problem = core.sink(path)
  return sink, problem and failures.error("file", problem) or nil
end

local PARTIAL_CONTENT = 206

-- Whether the request that went out names a part.
local function asked_for_part(exchange)
  for _, pieces in ipairs(exchange.request().headers) do
    if pieces[1]:lower():find "^range: " then
      return true
    end
  end
  return false
end

--- What is wrong with an answer that must be whole: it is a part that the request did not ask for; nil: nothing.
---@param exchange anthropic.Exchange
---@return anthropic.Error?
function download.problem_of_part(exchange)
  local response = exchange.response
  if response.status ~= PARTIAL_CONTENT or asked_for_part(exchange) then
    return nil
  end
  local range = response.headers["content-range"] or ""
  local last, length = range:lower():match "^bytes 0%-(%d+)/(%d+)$"
  if last and tonumber(last) + 1 == tonumber(length) then
    return nil
  end
  local words = ("the answer is a part that was not asked for (HTTP 206, Content-Range: %s)"):format(
    range ~= "" and range or "none")
  return exchange:describe(errors.new { kind = "truncated", message = words, status = response.status })
end

--- Puts the file in its place, once all of it has come.
---@param exchange anthropic.Exchange
---@param sink userdata
---@param path string
---@return integer|nil bytes
---@return anthropic.Error?
function download.commit(exchange, sink, path)
  local bytes = sink:length()
  local ok, problem = sink:commit()
  if ok then
    return bytes
  end
  local words = ("cannot write %s: %s"):format(path, problem)
  return nil, exchange:describe(failures.error("file", words, nil, exchange.profile, exchange.response))
end

return download
