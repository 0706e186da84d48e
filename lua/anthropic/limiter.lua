--- Rate limits: when a request may be sent.
--
--     local limiter = require "anthropic.limiter"
--     local client = anthropic.new { limiter = limiter.new() }
--
-- The option `limiter` takes this one, which learns from what the server says of its limits, or an object of your own
-- with the methods of anthropic.RequestLimiter. It is asked for each attempt of each request. Several clients can share
-- a limiter.

local require = require

---@class anthropic.limiter
local limiter = {}

--- Makes the limiter that is built in. It learns from the headers and refusals of all answers, and lets requests wait
--- in their order while the server would refuse them.
---@param options? table none so far
---@return anthropic.RequestLimiter limiter
function limiter.new(options)
  if options ~= nil and type(options) ~= "table" then
    error("limiter.new: table expected, got " .. type(options), 2)
  elseif options and next(options) ~= nil then
    error(("limiter.new: unknown option %q; it has none"):format(tostring((next(options)))), 2)
  end
  return require("anthropic.http.limiter").new()
end

return limiter
