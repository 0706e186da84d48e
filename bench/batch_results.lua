-- Reads the results of a batch and prints the peak of the process's memory: it does not depend on
-- how many results there are, only on the longest line.
--
--     lua bench/batch_results.lua [results [bytes of one long line]]

local anthropic = require "anthropic"

local function peak_kilobytes()
  local status = io.open "/proc/self/status"
  local peak = status and status:read "*a":match "VmHWM:%s*(%d+)"
  return tonumber(peak) or 0
end

local function read(url)
  local client = anthropic.new { base_url = url, api_key = "test-key" }
  local before, count, bytes = peak_kilobytes(), 0, 0
  for result in assert(client.messages.batches.results "batch") do
    count = count + 1
    bytes = bytes + #result.result.message:text()
  end
  print(("%d results, %.1f MB of text, peak RSS %.1f MB (%.1f MB before)"):format(
    count, bytes / 1e6, peak_kilobytes() / 1000, before / 1000))
end

local function write_script(count, long)
  local lines = {}
  for i = 1, count do
    local text = ("x"):rep(i == math.ceil(count / 2) and long or 3000)
    lines[i] = ('{"custom_id":"r%d","result":{"type":"succeeded","message":{"id":"m","type":"message",'
      .. '"role":"assistant","model":"m","content":[{"type":"text","text":"%s"}],"usage":{}}}}\n'):format(i, text)
  end
  return { routes = {
    { match = "/results$", answers = { { body = table.concat(lines) } } },
    { answers = { { body = { id = "batch", processing_status = "ended", results_url = "x:",
      request_counts = { succeeded = count, errored = 0, canceled = 0, expired = 0, processing = 0 } } } } },
  } }
end

if arg[1] == "--read" then
  read(arg[2])
else
  local server = require("anthropic.testing").server {
    script = write_script(tonumber(arg[1] or 10000), tonumber(arg[2] or 5e6)),
  }
  local lowest = 0
  while arg[lowest - 1] do
    lowest = lowest - 1
  end
  os.execute(("%s %s --read %s"):format(arg[lowest], arg[0], server.url))
  server:stop()
end
