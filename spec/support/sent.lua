-- A message as the JSON that a request sends of it.

local json = require "anthropic.base.json"
local param = require "anthropic.message.param"

return function(given)
  local turn = param.list({ given }, "http://127.0.0.1")[1]
  return turn and (assert(json.encode_request(turn)))
end
