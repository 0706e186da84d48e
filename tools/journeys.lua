-- Counts how far a reader has to go to follow what the library does: the calls of its Lua functions, the files in which
-- these stand, and the changes from one file to another. `make journeys` runs it; it fails past the most of each.

-- Coroutines that were made, for the hook.
local create, threads = coroutine.create, setmetatable({}, { __mode = "k" })
function coroutine.create(f) -- luacheck: ignore 122
  local thread = create(f)
  threads[thread] = true
  return thread
end

local anthropic = require "anthropic"
local socket = require "socket"
local testing = require "anthropic.testing"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local PARAMS = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }

-- Counts what is called while f runs: by this coroutine, or by all.
local function count(f, by_all)
  local calls, files, changes, last = 0, {}, 0, nil
  local function on_call()
    local info = debug.getinfo(2, "S")
    local file = info.what ~= "C" and info.source:match "lua/anthropic/(.*%.lua)$"
    if not file then
      return
    end
    calls, changes = calls + 1, changes + (last and last ~= file and 1 or 0)
    files[file], last = true, file
  end
  for thread in pairs(by_all and threads or {}) do
    debug.sethook(thread, on_call, "c")
  end
  debug.sethook(on_call, "c")
  f()
  debug.sethook()
  local number = 0
  for _ in pairs(files) do
    number = number + 1
  end
  return calls, number, changes
end

local function client_at(url)
  return anthropic.new { base_url = url, api_key = "k", max_retries = 0 }
end

local function refused_url()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return "http://127.0.0.1:" .. port
end

local function route(name, answer)
  return { path = "/" .. name .. "/v1/messages", answers = { answer } }
end

local server = testing.server { script = { routes = {
  route("message", testing.message { text = "Hello" }),
  route("paced", testing.stream { text = ("word "):rep(50), pieces = 50, delay_between = 0.01 }),
  route("never", { hang = true }),
} } }

-- Name, most calls, most files; runs it twice, and counts the second time.
local JOURNEYS = {
  { "messages.create", 55, 12, function(measure)
    local client = client_at(server.url .. "/message")
    assert(client.messages.create(PARAMS))
    return measure(function() assert(client.messages.create(PARAMS)) end)
  end },
  { "one text delta, with its wait, in a task", 12, 5, function(measure)
    local results
    anthropic.run(function()
      local next_text = assert(client_at(server.url .. "/paced").messages.stream(PARAMS)):text_deltas()
      next_text()
      next_text()
      results = { measure(next_text) }
    end)
    return unpack(results)
  end },
  { "messages.create, connection refused", 65, 13, function(measure)
    local client = client_at(refused_url())
    assert(not client.messages.create(PARAMS))
    return measure(function() assert(not client.messages.create(PARAMS)) end)
  end },
  { "task:cancel() until join returns", 60, 10, function(measure)
    local results
    anthropic.run(function()
      local function cancelled(through)
        local task = anthropic.spawn(function()
          return client_at(server.url .. "/never").messages.create(PARAMS)
        end)
        anthropic.sleep(0.02)
        return through(function()
          task:cancel()
          task:join()
        end, true)
      end
      cancelled(function(f) f() end)
      results = { cancelled(measure) }
    end)
    return unpack(results)
  end },
}

local failed = false
print(("%-42s %5s %6s %5s %6s %8s"):format("", "calls", "(most)", "files", "(most)", "changes"))
for _, journey in ipairs(JOURNEYS) do
  local name, most_calls, most_files, run = journey[1], journey[2], journey[3], journey[4]
  local calls, files, changes = run(count)
  failed = failed or calls > most_calls or files > most_files
  print(("%-42s %5d %6d %5d %6d %8d"):format(name, calls, most_calls, files, most_files, changes))
end
server:stop()
os.exit(not failed)
