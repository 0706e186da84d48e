--- Answers that go to a file, by a temporary name beside its own.

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
