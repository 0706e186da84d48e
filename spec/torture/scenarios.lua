-- What is done with allocations failing (torture_spec.lua, run.lua). Each scenario gives a text, or
-- nil and an error; `wanted` is the text that it gives with memory.
--
--     local scenarios = require("spec.torture.scenarios").open()
--     for _, scenario in ipairs(scenarios.list) do ... scenario.run() ... end
--     scenarios:close()

local anthropic = require "anthropic"
local aws_frames = require "spec.support.aws_frames"
local blocking = require "anthropic.loop.blocking"
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local core = require "anthropic.core"
local directories = require "spec.support.directory"
local http = require "anthropic.http"
local json = require "anthropic.base.json"
local testing = require "anthropic.testing"

local ALL, WITHOUT_CURL = { "core", "lua", "curl" }, { "core", "lua" }
local LIFETIME = 3600 -- seconds, of the servers
local MOST_RUNS = 1500 -- of a scenario whose server remembers each

local PARAMS = { model = "m", max_tokens = 10, messages = { { role = "user", content = "Hi" } } }
local BODY = '{"max_tokens":10,"messages":[{"content":"Hi","role":"user"}],"model":"m"}'
local STREAM_BODY = BODY:sub(1, -2) .. ',"stream":true}'
local FILE = ("0123456789abcdef\n"):rep(600)

local MESSAGE = '{"id":"msg_1","type":"message","role":"assistant","model":"m","stop_reason":"end_turn",'
  .. '"content":[{"type":"text","text":"Hello there!"}],"usage":{"input_tokens":1,"output_tokens":2}}'
local TOOL = { type = "tool_use", id = "toolu_1", name = "n", input = { list = { 1, 2 }, text = ("long "):rep(50) } }

-- Only what was sent as it should be is answered.
local ROUTES = {
  { path = "/retry/v1/messages", body = BODY, answers = { testing.error { status = 529, retry_after = 0 } } },
  { path = "/chat/v1/messages", body = STREAM_BODY,
    answers = { testing.completion_stream { content = "Hello there!", reasoning = "Hm." } } },
  { path = "/aws/v1/messages", body = STREAM_BODY,
    answers = { { headers = { ["content-type"] = aws_frames.CONTENT_TYPE },
      body = aws_frames.fixture "bedrock_ok.bin", chunk_bytes = 500 } } },
  { path = "/tool/v1/messages", body = STREAM_BODY, answers = { testing.stream { content = { TOOL } } } },
  { path = "/hang/v1/messages", body = BODY, answers = { { hang = true } } },
  { path = "/v1/messages", body = BODY, answers = { testing.message { text = "Hello there!" } } },
  { path = "/v1/messages", body = STREAM_BODY,
    answers = { testing.stream { thinking = "Hm, let me see.", text = "Hello there, this is text!" } } },
  { path = "/v1/files", body_contains = FILE, answers = { { body = { id = "file_1", type = "file" } } } },
  { path = "/v1/files/file_1/content", answers = { { body = FILE } } },
  { answers = { testing.error { status = 400, message = "not as it was sent" } } },
}

-- Does not wait before another attempt.
local IMPATIENT = {
  wait = function(subject, seconds)
    return seconds and true or blocking.wait(subject)
  end,
}

local function new_client(url, given)
  local options = { base_url = url, api_key = "test-key", max_retries = 0, timeout = 60 }
  for name, value in pairs(given or {}) do
    options[name] = value
  end
  return anthropic.new(options)
end

local function text_of(message, err)
  if not message then
    return nil, err
  end
  return message:text()
end

local function read_events(stream)
  local types = {}
  for event in stream do
    types[#types + 1] = event.type
  end
  return table.concat(types, " ")
end

local function read_texts(stream)
  local texts = {}
  for text in stream:text_deltas() do
    texts[#texts + 1] = text
  end
  return table.concat(texts)
end

local function read_tool(stream)
  local last
  for id, name, input in stream:tool_inputs() do
    last = id .. " " .. name .. " " .. json.encode(input)
  end
  local message, err = stream:message()
  if not message then
    return nil, err
  end
  assert(last == "toolu_1 n " .. json.encode(message:tool_uses()[1].input), last)
  return last
end

-- Opens a stream in a client of its own, and reads it.
local function stream_scenario(name, url, read, wanted)
  return {
    name = name,
    sources = ALL,
    wanted = wanted,
    run = function()
      local stream, err = new_client(url).messages.stream(PARAMS)
      if not stream then
        return nil, err
      end
      return read(stream)
    end,
  }
end

local function decode_events()
  local pieces = {}
  for i = 1, 12 do
    pieces[i] = ("event: %s\r\nid: %d\r\ndata: %s\r\ndata: x\r\n: ping\r\n\r\n"):format(
      ("n"):rep(50 * i), i, ("d"):rep(200 * i))
  end
  local text = table.concat(pieces)
  return {
    name = "events are decoded",
    sources = WITHOUT_CURL,
    wanted = ("%d %d"):format(78, 78 * 250 + 24),
    run = function()
      local decoder = core.sse(100000)
      local count, size = 0, 0
      for i = 1, #text, 700 do
        decoder:feed(text:sub(i, i + 699))
        local data, name, id = decoder:next()
        while data do
          count, size = count + tonumber(id), size + #data + #name
          data, name, id = decoder:next()
        end
      end
      return ("%d %d"):format(count, size)
    end,
  }
end

local function decode_aws_events()
  local pieces = {}
  for i = 1, 12 do
    pieces[i] = aws_frames.event(("n"):rep(50 * i), ("d"):rep(200 * i))
  end
  local text = table.concat(pieces)
  return {
    name = "AWS's events are decoded",
    sources = WITHOUT_CURL,
    wanted = ("%d"):format(78 * 250),
    run = function()
      local transfer = core.fed(200, 100000, 1000000)
      local size = 0
      for i = 1, #text, 700 do
        if not transfer:feed(text:sub(i, i + 699)) then
          error("not enough memory", 0)
        end
        local payload, kind, name = transfer:aws_event()
        while payload do
          size = size + #payload + #name
          payload, kind, name = transfer:aws_event()
        end
        assert(kind == "again", kind)
      end
      return ("%d"):format(size)
    end,
  }
end

local function digest()
  local bytes = ("x"):rep(1000)
  local text = core.base64(bytes)
  return {
    name = "a digest is made",
    sources = WITHOUT_CURL,
    wanted = core.hex(core.hmac_sha256("key", bytes)),
    run = function()
      return core.hex(core.hmac_sha256("key", core.base64_decode(text)))
    end,
  }
end

local function decode_and_encode()
  local text = [[{"content":[{"type":"tool_use","id":"a","input":{"x":[],"n":12345678901234567890,"s":"\u00e9\n"}}],]]
    .. [["empty":[],"nothing":null,"object":{},"big":9007199254740993,"list":[1,2.5,"]] .. ("y"):rep(2000) .. [["]}]]
  return {
    name = "JSON is decoded and encoded",
    sources = WITHOUT_CURL,
    wanted = assert(json.encode(assert(json.decode_answer(text)))),
    run = function()
      local value, err = json.decode_answer(text)
      if value == nil then
        return nil, err
      end
      return json.encode(value)
    end,
  }
end

local function refuse_to_encode()
  return {
    name = "what has no JSON form is named",
    sources = WITHOUT_CURL,
    wanted = 'a.b["c d"]: a function has no JSON form',
    run = function()
      local _, err = json.encode { a = { b = { ["c d"] = print } } }
      return tostring(err)
    end,
  }
end

-- The n-th run asks at a path of its own, where the first answer is an overload.
local function overloaded_once()
  local routes = {}
  for n = 1, MOST_RUNS do
    routes[n] = { path = ("/%d/v1/messages"):format(n), body = BODY, answers = {
      testing.error { status = 529, retry_after = 0 }, testing.message { text = "Hello there!" },
    } }
  end
  return { routes = routes }
end

local function retry_that_succeeds(url)
  local runs = 0
  return {
    name = "a retry that succeeds",
    sources = ALL,
    wanted = "Hello there!",
    run = function()
      runs = runs + 1
      local client = new_client(url .. "/" .. runs, { max_retries = 2, loop = IMPATIENT })
      local message, err = client.messages.create(PARAMS)
      if not message then
        return nil, err
      end
      assert(message.response.attempts > 1, "the first attempt succeeded")
      return message:text()
    end,
  }
end

local function list_for_client(url)
  return {
    {
      name = "a client is made",
      sources = WITHOUT_CURL,
      wanted = "table",
      run = function()
        return type(new_client(url, { headers = { a = "b" }, betas = { "x" }, timeout = { idle = 3 } }).messages)
      end,
    },
    {
      name = "a whole message",
      sources = ALL,
      wanted = "Hello there!",
      run = function()
        return text_of(new_client(url).messages.create(PARAMS))
      end,
    },
    stream_scenario("a stream in AWS's framing", url .. "/aws", read_texts, "Hé€😀"),
    stream_scenario("a stream read as events", url, read_events, "message_start content_block_start ping "
      .. ("content_block_delta "):rep(5) .. "content_block_stop content_block_start "
      .. ("content_block_delta "):rep(5) .. "content_block_stop message_delta message_stop"),
    stream_scenario("a stream read as text", url, read_texts, "Hello there, this is text!"),
    stream_scenario("a stream read as a message", url, function(stream)
      return text_of(stream:message())
    end, "Hello there, this is text!"),
    stream_scenario("a tool's input", url .. "/tool", read_tool, "toolu_1 n " .. json.encode(TOOL.input)),
    stream_scenario("a chat completion", url .. "/chat", function(stream)
      return text_of(stream:message())
    end, "Hello there!"),
    {
      name = "a request tried three times",
      sources = ALL,
      wanted = "529 api api api",
      run = function()
        local client = new_client(url .. "/retry", { max_retries = 2, loop = IMPATIENT })
        local _, err = client.messages.create(PARAMS)
        if err.kind ~= "api" then
          return nil, err
        end
        local attempts = {}
        for i, attempt in ipairs(err.history) do -- one may have failed for want of memory
          attempts[i] = attempt.kind == "connection" and "api" or attempt.kind
        end
        return ("%d %s"):format(err.status, table.concat(attempts, " "))
      end,
    },
    {
      name = "a task cancelled while it waits",
      sources = ALL,
      wanted = "cancelled cancelled",
      run = function()
        return anthropic.run(function()
          local inside
          local task = anthropic.spawn(function()
            -- run waits for it even if the one that is to cancel it has failed
            local message, err = new_client(url .. "/hang", { timeout = 0.5 }).messages.create(PARAMS)
            inside = err
            return message, err
          end)
          anthropic.sleep(0.005)
          task:cancel()
          local _, err = task:join()
          if type(err) == "string" then -- what the task raised
            error(err, 0)
          end
          if inside and inside.kind ~= "cancelled" then
            return nil, inside
          end
          return (inside and inside.kind or "cancelled") .. " " .. err.kind
        end)
      end,
    },
  }
end

local function upload(url, directory)
  local path = directory:write("upload.txt", FILE)
  return {
    name = "a file sent as multipart",
    sources = ALL,
    wanted = "file_1",
    run = function()
      local file, err = new_client(url).files.upload { file = path }
      if not file then
        return nil, err
      end
      return file.id
    end,
  }
end

local function download(url, directory)
  local path = directory:path "download.txt"
  return {
    name = "a download to a file",
    sources = ALL,
    wanted = FILE,
    run = function()
      local result, err = new_client(url).files.download("file_1", { path = path })
      if not result then
        return nil, err
      end
      return directory:read "download.txt"
    end,
    check = function() -- nothing half written stays
      for _, name in ipairs(directory:names()) do
        if name ~= "upload.txt" and name ~= "download.txt" and name ~= "body.txt" then
          error("left behind: " .. name)
        end
      end
      assert(directory:read "download.txt" == FILE, "the file is broken")
      os.remove(path)
    end,
  }
end

-- By anthropic.http: a file goes out, and what comes is read by each way in turn.
local function by_the_transport(url, directory)
  local path = directory:write("body.txt", BODY)
  local function read(request)
    local reader, err = http.open(request)
    if not reader then
      return nil, err
    end
    local size = 0
    for _, name in ipairs { "read", "next_line" } do
      local piece, problem = reader[name](reader)
      if problem then
        return nil, problem
      end
      size = size + #(piece or "")
    end
    local rest, problem = reader:body()
    return rest and "read", problem
  end
  return {
    name = "requests of anthropic.http",
    sources = ALL,
    wanted = "200 200 read",
    run = function()
      local request = { url = url .. "/v1/messages", body_file = path, timeout = 60 }
      local response, err = http.request(request)
      if not response then
        return nil, err
      end
      local called
      http.request(request, { on_line = function() end, on_done = function(...) called = { ... } end })
      if not called[1] then
        return nil, called[2]
      end
      local word
      word, err = read(request)
      return word and ("%d %d %s"):format(response.status, called[1].status, word), err
    end,
  }
end

local function over_tls(server, directory)
  return {
    name = "a message over TLS",
    sources = ALL,
    wanted = "Hello there!",
    run = function()
      local client = new_client("https://127.0.0.1:" .. server.port, { ca_file = directory .. "/ca.crt" })
      return text_of(client.messages.create(PARAMS))
    end,
  }
end

local scenarios = {}
scenarios.__index = scenarios

--- Starts the servers.
function scenarios.open()
  local self = setmetatable({ directory = directories.new() }, scenarios)
  self.server = testing.server { script = { routes = ROUTES }, lifetime = LIFETIME, max_record_bytes = 65536 }
  self.overloaded = testing.server { script = overloaded_once(), lifetime = LIFETIME }
  self.list = list_for_client(self.server.url)
  for _, scenario in ipairs {
    upload(self.server.url, self.directory), download(self.server.url, self.directory),
    by_the_transport(self.server.url, self.directory),
    retry_that_succeeds(self.overloaded.url), decode_events(), decode_aws_events(), digest(), decode_and_encode(),
    refuse_to_encode(),
  } do
    table.insert(self.list, scenario)
  end
  self.certificates = assert(certificates.make())
  local files = self.certificates .. "/here"
  self.tls_server = child.start("spec/support/tls_server.lua", files .. ".crt", files .. ".key", MESSAGE, LIFETIME)
  table.insert(self.list, over_tls(self.tls_server, self.certificates))
  return self
end

function scenarios:close()
  self.tls_server:stop()
  self.overloaded:stop()
  self.server:stop()
  certificates.remove(self.certificates)
  self.directory:remove()
end

return scenarios
