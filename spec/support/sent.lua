-- A message as the JSON that a request sends of it.

local json = require "anthropic.base.json"
local message = require "anthropic.message.message"

return function(given)
  return (assert(json.encode_request(message.sendable({ messages = { given } }).messages[1])))
end
