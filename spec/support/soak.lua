-- Requests of every kind against a server with every fault, many at a time, for a while: each has to
-- end as it should, and at the end nothing may be left.

local anthropic = require "anthropic"
local loop = require "anthropic.loop"
local testing = require "anthropic.testing"

local soak = {}

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
local TEXT = "one two three four five six seven eight"

local function routes()
  local list = {
    { path = "/busy/v1/messages", answers = { testing.error { status = 529, retry_after = 0 } } },
    { path = "/refused/v1/messages", answers = { testing.error { status = 400 } } },
    { path = "/broken/v1/messages", answers = { { body = '{"type":"message","content":[' } } },
    { path = "/hang/v1/messages", answers = { { hang = true } } },
    { path = "/gone/v1/messages", answers = { { close = true } } },
    { path = "/slow/v1/messages", answers = { testing.stream { text = TEXT, delay_between = 0.01 } } },
    { path = "/stream/v1/messages", answers = { testing.stream { text = TEXT } } },
    { path = "/v1/messages", answers = { testing.message { text = TEXT } } },
  }
  for i = 1, 20 do
    local at = 40 * i
    table.insert(list, 1, { path = "/cut" .. i .. "/v1/messages", answers = {
      testing.stream { text = TEXT, cut_after = at },
    } })
    table.insert(list, 1, { path = "/reset" .. i .. "/v1/messages", answers = {
      testing.stream { text = TEXT, reset_after = at },
    } })
  end
  return list
end

local function expect(kinds, value, err)
  local kind = value ~= nil and "ok" or type(err) == "table" and err.kind or tostring(err)
  if not kinds[kind] then
    error(("%s instead of %s"):format(tostring(err or kind), next(kinds)), 0)
  end
end

local ANSWERED, API, CANCELLED, TIMEOUT = { ok = true }, { api = true }, { cancelled = true }, { timeout = true }
local BROKEN = { truncated = true, connection = true }

-- What a worker may do; `at` makes a client of a path.
local KINDS = {
  function(at)
    local message, err = at("").messages.create(params)
    expect(ANSWERED, message, err)
    assert(message:text() == TEXT)
  end,
  function(at)
    local text = {}
    local stream = assert(at("/stream").messages.stream(params))
    local event = stream:next()
    while event do
      if event.type == "content_block_delta" then
        text[#text + 1] = event.delta.text
      end
      event = stream:next()
    end
    assert(table.concat(text) == TEXT and stream:message():text() == TEXT)
  end,
  function(at) expect(API, at("/busy", { max_retries = 1 }).messages.create(params)) end,
  function(at) expect(API, at("/refused").messages.create(params)) end,
  function(at) expect({ protocol = true }, at("/broken").messages.create(params)) end,
  function(at) expect(TIMEOUT, at("/hang", { timeout = { first_byte = 0.05 } }).messages.create(params)) end,
  function(at) expect(BROKEN, at("/gone").messages.create(params)) end,
  function(at) -- cut or reset anywhere
    local path = (math.random(2) == 1 and "/cut" or "/reset") .. math.random(20)
    local stream, err = at(path).messages.stream(params)
    if stream then
      expect(BROKEN, stream:message())
    else
      expect(BROKEN, nil, err)
    end
  end,
  function(at) -- closed in the middle
    local stream = assert(at("/slow").messages.stream(params))
    for _ = 1, math.random(5) do
      stream:next()
    end
    stream:close()
    expect(CANCELLED, stream:message())
  end,
  function(at) -- left to the garbage collector
    local stream = assert(at("/slow").messages.stream(params))
    stream:next()
  end,
  function(at) -- cancelled while it waits
    local task = anthropic.spawn(at("/hang").messages.create, params)
    anthropic.sleep(0.02)
    task:cancel()
    expect(CANCELLED, task:join())
  end,
  function(at) -- by callbacks, cancelled or not
    local done = 0
    local handle = at("/slow").messages.stream(params, { on_done = function() done = done + 1 end })
    if math.random(2) == 1 then
      anthropic.sleep(0.02)
      handle:cancel()
    end
    handle:join()
    assert(done == 1)
  end,
}

--- What the process has in memory; nil where Linux does not tell, or a sanitizer keeps what was freed.
function soak.resident_kib()
  local file = not os.getenv "SPEC_LUA" and io.open "/proc/self/status"
  local text = file and file:read "*a" or ""
  return file and file:close() and tonumber(text:match "VmRSS:%s*(%d+)")
end

local function descriptors()
  local pipe = assert(io.popen "ls /proc/$PPID/fd 2>/dev/null | wc -l")
  local count = tonumber(pipe:read "*l")
  pipe:close()
  return count
end

local function settled()
  collectgarbage()
  collectgarbage()
  local deadline = anthropic.now() + 2
  while loop.core():active() > 0 and anthropic.now() < deadline do
    loop.step(0.05)
    collectgarbage()
  end
  return { kib = soak.resident_kib(), descriptors = descriptors(), active = loop.core():active() }
end

---@param count integer of requests
---@param workers integer at a time
---@return table warm what the process held after a fifth of the requests
---@return table final
---@return integer done
function soak.run(count, workers)
  local server = testing.server { script = { routes = routes() } }
  local clients = {}
  local function at(path, options)
    options = options or {}
    local key = path .. tostring(options.max_retries) .. tostring(options.timeout and "timed")
    if not clients[key] then
      options.base_url, options.api_key = server.url .. path, "a key of a test"
      options.max_retries = options.max_retries or 0
      clients[key] = anthropic.new(options)
    end
    return clients[key]
  end
  local done = 0
  local function batch(last)
    anthropic.run(function()
      for _ = 1, workers do
        anthropic.spawn(function()
          while done < last do
            done = done + 1
            KINDS[math.random(#KINDS)](at)
          end
        end)
      end
    end)
  end
  local warm, final
  local ok, err = pcall(function()
    batch(math.floor(count / 5))
    warm = settled()
    batch(count)
    final = settled()
  end)
  server:stop()
  if not ok then
    error(err, 0)
  end
  return warm, final, done
end

return soak
