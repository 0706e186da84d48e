-- Runs build/stream_load (spec/support/stream_load.c) against a server.
--
--     local load = stream_load.begin { port = 8080, streams = 200, milliseconds = 50, events = 40 }
--     local results = load:results()   -- results.finished, results.late_median, ... times in milliseconds

local background = require "spec.support.background"

local stream_load = {}
stream_load.__index = stream_load

--- A command that runs another before everything else on the machine, where that is allowed.
function stream_load.first_on_the_machine()
  local _, code = background.output_of "chrt -f 1 true >/dev/null 2>&1"
  return code == 0 and "chrt -f 1" or ""
end

--- Begins; `abort_after` seconds the browsers hang up. `runner`: a command that runs it. `before`: called with the
--- service's port.
function stream_load.begin(options)
  local command = ("%s build/stream_load %d %d %d %d %s"):format(options.runner or "", options.port,
    options.streams, options.milliseconds, options.events, options.abort_after or "")
  local self = setmetatable({ process = background.start(command, "^(%d+)\n") }, stream_load)
  if options.before then
    options.before(self.process.ready)
  end
  self.process.pipe:write("go\n")
  self.process.pipe:flush()
  return self
end

local COUNTS = { finished = true, connections = true, late_count = true, ping_count = true }

--- Waits for the end.
function stream_load:results()
  local output = self.process:wait()
  self.process:stop()
  local results = {}
  for name, value in output:gmatch "(%S+) (%d+)\n" do
    results[name] = COUNTS[name] and tonumber(value) or tonumber(value) / 1000
  end
  assert(results.finished, output)
  return results
end

return stream_load
