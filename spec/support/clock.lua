-- Time in specs: the clock of the test build, which can be moved ahead, and waiting for what is about to
-- happen, no longer than it takes.

local anthropic = require "anthropic"
local core = require "anthropic.core"
local socket = require "socket"

local clock = {}

--- Lets seconds pass at once. What is due then is done by the next step of the loop.
clock.advance = core.advance

local LONGEST = 10

--- Waits in the host's way, so that the library's work goes on, until the condition holds.
---@param condition fun(): any
function clock.await(condition)
  local deadline = socket.gettime() + LONGEST
  while not condition() do
    if socket.gettime() > deadline then
      error("it did not come about", 2)
    end
    anthropic.sleep(0.005)
  end
end

return clock
