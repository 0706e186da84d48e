-- What runs on Windows itself, without busted and LuaSocket: lua spec/windows/client.lua URL FOLDER [TLS_URL CA_FILE]
-- URL is of a server with the answers of spec/windows/answers.lua, or "own": it starts one. FOLDER is an empty
-- directory.

local anthropic = require "anthropic"
local core = require "anthropic.core"
local frame = require "anthropic.loop.frame"

local url, folder, tls_url, ca_file = ...
local own_server
if url == "own" then
  own_server = require("anthropic.testing").server { script = dofile "spec/windows/answers.lua" }
  url = own_server.url
end

local MANY = own_server and 20 or 100 -- LuaSocket's select takes 64 sockets there

local words = ("word "):rep(200)
local bytes = ("\0\1\255\r\n\26--x--"):rep(50000)
local separator = package.config:sub(1, 1)

local params = { model = "m", max_tokens = 99, messages = { { role = "user", content = "Hello" } } }

local function client_of(name, more)
  local options = { base_url = url .. "/" .. name, api_key = "test-key", max_retries = 1, timeout = 20 }
  for key, value in pairs(more or {}) do
    options[key] = value
  end
  return anthropic.new(options)
end

local function path_of(name)
  return folder .. separator .. name
end

local function equal(expected, got)
  if expected ~= got then
    error(("expected %s, got %s"):format(tostring(expected):sub(1, 200), tostring(got):sub(1, 200)), 2)
  end
end

local function has(part, text)
  if not tostring(text):find(part, 1, true) then
    error(("no %q in %s"):format(part, tostring(text)), 2)
  end
end

-- Text of a stream, piece by piece.
local function read_stream(client)
  local pieces = {}
  local stream = assert(client.messages.stream(params))
  for text in stream:text_deltas() do
    pieces[#pieces + 1] = text
  end
  return table.concat(pieces), stream
end

local function read_many(spawn, run)
  local client = client_of "streams"
  local whole = 0
  run(function()
    local tasks = {}
    for i = 1, MANY do
      tasks[i] = spawn(function() return (read_stream(client)) end)
    end
    for _, task in ipairs(tasks) do
      whole = whole + (task:join() == words and 1 or 0)
    end
  end)
  equal(MANY, whole)
end

-- Steps the loop as a game does, or a host's timer: every 10 ms, and nothing waits for a socket.
local function by_frames(make)
  local result, is_done
  frame.update() -- which chooses it
  local deadline = core.now() + 60
  anthropic.spawn(function()
    result = make()
    is_done = true
  end)
  while not is_done and core.now() < deadline do
    frame.update()
    local next_frame = core.now() + 0.01
    while core.now() < next_frame do end
  end
  assert(is_done, "not done after a minute")
  return result
end

-- A game's driver is chosen by what is required above, so each client names its own.
local CHECKS = {
  { "a system of the tests' own is seen as it is", function()
    equal("\\", separator)
    equal(nil, core.loop():fd())
    assert(core.curl_info().tls:find "Schannel", core.curl_info().tls)
  end },
  { "a message", function()
    equal("Hällo!", assert(client_of "create".messages.create(params)):text())
  end },
  { "a failure is tried again", function()
    equal("Hello!", assert(client_of "retries".messages.create(params)):text())
  end },
  { "nobody listens", function()
    local _, err = client_of("x", { base_url = "http://127.0.0.1:9", max_retries = 0 }).messages.create(params)
    equal("connection", err.kind)
  end },
  { "a stream", function()
    local text, stream = read_stream(client_of "stream")
    equal(words, text)
    equal("Hm.", stream:message().content[1].thinking)
  end },
  { "a stream that is cut", function()
    local message, err = assert(client_of("cut", { max_retries = 0 }).messages.stream(params)):message()
    equal(nil, message)
    equal("truncated", err and err.kind)
  end },
  { "a tool's run", function()
    local sum
    local tool = anthropic.tool {
      name = "add", description = "Adds.", input_schema = { type = "object" },
      run = function(input)
        sum = input.a + input.b
        return tostring(sum)
      end,
    }
    local asked = { model = "m", max_tokens = 99, messages = params.messages, tools = { tool } }
    equal("3", assert(client_of "tools".messages.run(asked)):text())
    equal(3, sum)
  end },
  { "many streams at once, in tasks", function()
    read_many(anthropic.spawn, anthropic.run)
  end },
  { "many streams at once, a step in each frame", function()
    equal(MANY, by_frames(function()
      local client, whole, tasks = client_of("streams", { loop = "frame" }), 0, {}
      for i = 1, MANY do
        tasks[i] = anthropic.spawn(function() return (read_stream(client)) end)
      end
      for _, task in ipairs(tasks) do
        whole = whole + (task:join() == words and 1 or 0)
      end
      return whole
    end))
  end },
  { "a request that is cancelled", function()
    local reason
    anthropic.run(function()
      local task = anthropic.spawn(function()
        local _, err = client_of "hang".messages.create(params)
        return err
      end)
      anthropic.sleep(0.05)
      task:cancel()
      local _, err = task:join()
      reason = err or _
    end)
    equal("cancelled", reason and reason.kind)
  end },
  { "a request that times out", function()
    local _, err = client_of("hang", { timeout = 0.2, max_retries = 0 }).messages.create(params)
    equal("timeout", err.kind)
  end },
  { "an upload and a download, with names that are not ASCII", function()
    local client = client_of "files"
    local saved = assert(client.files.download("file_1", { path = path_of "Grüße 世界.bin" }))
    equal(#bytes, saved.bytes)
    equal("file_1", assert(client.files.upload { file = path_of "Grüße 世界.bin" }).id)
    local again = assert(client.files.download("file_1", { path = path_of "Grüße 世界.bin" })) -- replaces it
    equal(#bytes, again.bytes)
    equal(core.base64(bytes), core.base64_file(path_of "Grüße 世界.bin"))
  end },
  { "a document of text, with a name that is not ASCII", function()
    local path = path_of "Brief 信.txt"
    assert(core.write_private(path, "Grüße\r\n"))
    equal("Grüße\r\n", assert(anthropic.document(path)).source.data)
  end },
  { "files that cannot be read or written", function()
    local client = client_of "files"
    local _, err = client.files.upload { file = path_of "none" }
    has("No such file or directory", err.message)
    _, err = client.files.upload { file = folder }
    has("it is a directory", err.message)
    _, err = client.files.download("file_1", { path = path_of "none\\x" })
    has("No such file or directory", err.message)
    _, err = client.files.download("file_1", { path = folder })
    has("it is a directory", err.message)
  end },
  { "files below a folder", function()
    local root = assert(core.folder(path_of "Ordner ü\\b"))
    assert(root:create("a/é.txt", "one\r\n\26two"))
    equal("exists", select(3, root:create("a/é.txt", "x")))
    assert(root:replace("a/é.txt", "three"))
    equal("three", root:read("a/é.txt", 100))
    equal("it is too large", select(2, root:read("a/é.txt", 4)))
    equal("missing", select(3, root:read("a/none", 100)))
    equal("it is a directory", select(2, root:read("a", 100)))
    equal("directory", (root:look "a"))
    assert(root:create("c/d/e", "x"))
    local names = {}
    for _, entry in ipairs(root:list("", 100)) do
      names[#names + 1] = entry[1] .. ":" .. entry[2]
    end
    table.sort(names)
    equal("a:directory c:directory", table.concat(names, " "))
    assert(root:rename("c", "f/g"))
    equal("file", (root:look "f/g/d/e"))
    local entries, size = root:measure(100)
    equal(6, entries)
    equal(6, size)
    for _, name in ipairs {
      "../x", "a/../../x", "a\\..\\..\\x", "C:\\x", "a:b", "nul", "COM1.txt", "x.", "x ", "", "/x",
    } do
      assert(not root:create(name, "x"), name)
    end
    assert(root:remove "f")
    equal("missing", select(3, root:look "f"))
    root:close()
  end },
  { "a file of its owner's", function()
    local path = path_of "geheim\\é.json"
    equal(nil, core.file_mode(path))
    assert(core.write_private(path, "one"))
    assert(core.write_private(path, "two\r\n"))
    equal(384, core.file_mode(path)) -- 0600
    equal(core.base64 "two\r\n", core.base64_file(path))
  end },
  { "a command", function()
    local loop = core.loop()
    local function output_of(arguments)
      local process = assert(loop:run(arguments))
      local deadline = core.now() + 20
      local text, status
      repeat
        loop:wait(0.01)
        text, status = process:output()
      until text or core.now() > deadline
      process:close()
      return text, status
    end
    local text, status = output_of { "cmd", "/c", "echo", "hello", "&", "exit", "3" }
    has("hello", text)
    equal(3, status)
    local program = path_of "arguments.lua"
    local file = assert(io.open(program, "wb"))
    file:write 'io.stdout:write(table.concat({...}, "|"))'
    file:close()
    local given = { arg[-1], program, "a b", 'c"d', "e\\", "f\\\\\"g h\\", "", "ü" }
    equal('a b|c"d|e\\|f\\\\"g h\\||', (output_of(given):gsub("[^|]*$", "")))
    equal("No such file or directory", select(2, loop:run { "no-such-program-anywhere" }))
    local process = assert(loop:run { "cmd", "/c", "pause" })
    process:close() -- which ends it
  end },
  { "a testing server on Windows itself", function()
    local testing = require "anthropic.testing"
    local server = testing.server { script = { testing.stream { text = words }, testing.message { text = "Hi" } } }
    local client = client_of("", { base_url = server.url })
    equal(words, (read_stream(client)))
    equal("Hi", assert(client.messages.create(params)):text())
    server:stop()
    equal(2, #server:requests())
    equal("Hello", server:requests()[1].json.messages[1].content)
    local is_there, problem = pcall(testing.server, { script = testing.message {}, lua = "no-such-lua" })
    equal(false, is_there)
    has("no Lua interpreter found", problem)
  end },
  { "TLS by Schannel, with an authority of its own", tls_url and function()
    local client = client_of("", { base_url = tls_url, ca_file = ca_file, max_retries = 0 })
    equal("Hello over TLS!", assert(client.messages.create(params)):text())
    local _, err = client_of("", { base_url = tls_url, max_retries = 0 }).messages.create(params)
    equal("connection", err and err.kind)
  end },
}

local passed, failed, skipped = 0, 0, 0
for _, row in ipairs(CHECKS) do
  local name, check = row[1], row[2]
  frame.is_chosen = false
  local ok, problem
  if check then
    ok, problem = pcall(check)
  end
  if not check then
    skipped = skipped + 1
  elseif ok then
    passed = passed + 1
  else
    failed = failed + 1
    print("FAILED " .. name .. ": " .. tostring(problem))
  end
end
if own_server then
  own_server:stop()
end
print(("%d passed, %d failed, %d skipped"):format(passed, failed, skipped))
os.exit(failed == 0)
