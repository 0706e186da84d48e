-- Runs twenty requests through a batch, with a progress bar on a terminal and plain lines in a pipe.
--
--     lua examples/batch.lua [ID of a batch to resume]
--
-- It asks the model when ANTHROPIC_API_KEY is set (and asks the server of ANTHROPIC_BASE_URL when
-- that is set), and otherwise a local server that comes with this library and needs no key. A batch
-- of the API may take up to an hour; interrupted, the same command with its ID goes on.

local anthropic = require "anthropic"

local COUNT = 20

local function is_set(name)
  return (os.getenv(name) or ""):match "%S" ~= nil
end

local function write_requests()
  local requests = {}
  for number = 1, COUNT do
    requests[number] = {
      custom_id = "square-" .. number,
      params = {
        model = "claude-sonnet-5-5",
        max_tokens = 1024,
        messages = { { role = "user", content = ("What is %d squared? Only the number."):format(number) } },
      },
    }
  end
  return requests
end

-- What the local server answers: a batch that gets on with every look at it, then its results.
local function write_script()
  local testing = require "anthropic.testing"
  local looks, lines = {}, {}
  for done = 0, COUNT, 4 do
    looks[#looks + 1] = { body = {
      id = "msgbatch_local",
      type = "message_batch",
      processing_status = done == COUNT and "ended" or "in_progress",
      request_counts = { processing = COUNT - done, succeeded = done, errored = 0, canceled = 0, expired = 0 },
      results_url = done == COUNT and "/v1/messages/batches/msgbatch_local/results" or testing.null,
    } }
  end
  for number = 1, COUNT do
    lines[number] = anthropic.encode {
      custom_id = "square-" .. number,
      result = { type = "succeeded", message = {
        id = "msg_" .. number, type = "message", role = "assistant", model = "claude-sonnet-5-5",
        content = { { type = "text", text = ("%d"):format(number * number) } },
        usage = { input_tokens = 17, output_tokens = 5 },
      } },
    } .. "\n"
  end
  return { routes = {
    { method = "POST", answers = { looks[1] } },
    { match = "/results$", answers = { { body = table.concat(lines) } } },
    { answers = looks },
  } }
end

local server -- the local one, where it is used

local function connect()
  if is_set "ANTHROPIC_API_KEY" or is_set "ANTHROPIC_AUTH_TOKEN" or is_set "ANTHROPIC_BASE_URL" then
    return anthropic.new()
  end
  server = require("anthropic.testing").server { script = write_script() }
  return anthropic.new { base_url = server.url, api_key = "none needed" }
end

local function is_terminal()
  local status = os.execute "test -t 1"
  return status == true or status == 0 -- Lua 5.1 returns the exit code
end

local BAR = 40

local function show_bar(progress)
  local filled = math.floor(BAR * progress.done / progress.total)
  io.write(("\r[%s%s] %3.0f%% %-10s"):format(
    ("#"):rep(filled), ("."):rep(BAR - filled), 100 * progress.done / progress.total, progress.state))
  io.write(progress.state == "results" and progress.delivered == progress.total and "\n" or "")
  io.flush()
end

local function show_line(progress)
  print(("%s: %d of %d done"):format(progress.state, progress.done, progress.total))
end

local client = connect()
local results, report = client.messages.batches.run(write_requests(), {
  resume = arg[1],
  poll_interval = server and 0.1 or nil,
  on_created = function(batch) print("batch " .. batch.id) end,
  on_progress = is_terminal() and show_bar or show_line,
})
if results then
  for number = 1, COUNT do
    local result = results["square-" .. number].result
    print(number, result.message and result.message:text() or result.type)
  end
  print(("%d succeeded, %d did not"):format(report.succeeded, #report.failed))
else
  print("\n" .. tostring(report)) -- the error
  if report.batches and report.batches[1] then
    print("go on with: lua examples/batch.lua " .. report.batches[1])
  end
end
client:close()
if server then
  server:stop()
end
os.exit(results and 0 or 1)
