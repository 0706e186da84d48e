--- The driver of a plain script: waiting blocks the process, and moves every transfer along.

local core = require "anthropic.core"
local loop = require "anthropic.loop"

local blocking = {}

function blocking.wait(subject, seconds)
  local deadline = seconds and core.now() + seconds
  while not subject:has_news() do
    local left = deadline and math.max(0, deadline - core.now())
    loop.step(left or -1)
    if left == 0 then
      break
    end
  end
  return true
end

return blocking
