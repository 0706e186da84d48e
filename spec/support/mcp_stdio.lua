-- An MCP client that speaks to a server by the standard input and output of its process: one JSON a line.
--
--     local session = mcp_stdio.start "node server.js stdio"
--     local list = session:request("tools/list", {})
--     session:stop()

local anthropic = require "anthropic"
local piped = require "spec.support.piped"

local Session = {}
Session.__index = Session

local mcp_stdio = {}

-- Starts a server and shakes hands.
function mcp_stdio.start(command)
  local self = setmetatable({ program = piped.start(command), count = 0 }, Session)
  self:request("initialize", {
    protocolVersion = "2025-06-18", capabilities = anthropic.object {}, clientInfo = { name = "spec", version = "1" },
  })
  self:send { method = "notifications/initialized" }
  return self
end

function Session:send(message)
  message.jsonrpc = "2.0"
  self.program.input:write(assert(anthropic.encode(message)), "\n")
  self.program.input:flush()
end

-- The result of a request; nil and the error's words. What the server asks or tells meanwhile is passed over.
function Session:request(method, params)
  self.count = self.count + 1
  self:send { id = self.count, method = method, params = params }
  while true do
    local line = self.program.output:read "*l"
    local answer = line and assert(anthropic.decode(line))
    if not answer then
      error("the server ended: " .. self.program:errors())
    elseif answer.id == self.count and not answer.method then
      return answer.result, answer.error and answer.error.message
    end
  end
end

function Session:stop()
  self.program:stop()
end

return mcp_stdio
