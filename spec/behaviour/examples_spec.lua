-- Every program in examples/, run as it stands.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local descriptor = require "spec.support.descriptor"
local socket = require "socket"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local ENVIRONMENT = "env -u NO_COLOR -u ANTHROPIC_API_KEY -u ANTHROPIC_AUTH_TOKEN -u ANTHROPIC_BASE_URL"
  .. " -u ANTHROPIC_CUSTOM_HEADERS -u ANTHROPIC_LOG -u ANTHROPIC_MODEL TERM=xterm"

local function command(name, assignments)
  return ("%s %s timeout 60 %s examples/%s.lua"):format(
    ENVIRONMENT, assignments or "", background.interpreter(), name)
end

local function at(server)
  return "ANTHROPIC_API_KEY=test-key ANTHROPIC_BASE_URL=" .. server.url
end

-- Runs an example against a server with this script: its output, exit code and requests.
local function run(name, script, input)
  local server = hosted.server { script = script }
  local output, code = background.output_of(
    ("printf %s | %s 2>&1"):format(background.quote(input or ""), command(name, at(server))))
  local requests, connections = server:requests(), server:connections()
  server:stop()
  return output, code, requests, connections
end

local checks = {}

function checks.hello()
  local output, code, requests = run("hello", testing.message { text = "Hello to you!" })
  assert.equal("Hello to you!\n", output)
  assert.equal(0, code)
  assert.equal("Bearer test-key", requests[1].headers.authorization)
end

function checks.stream()
  local output, code, requests = run("stream", testing.stream { text = "月 over water", usage = { output_tokens = 9 } })
  assert.equal("月 over water\n(end_turn, 9 tokens)\n", output)
  assert.equal(0, code)
  assert.is_true(requests[1].json.stream)
end

function checks.tools()
  local output, code, requests = run("tools", {
    testing.message {
      thinking = "Look it up.",
      tool_uses = { { id = "toolu_1", name = "get_weather", input = { city = "Lisbon" } } },
    },
    testing.message { text = "It is mild in Lisbon." },
  })
  assert.equal('get_weather {"city":"Lisbon"}\nIt is mild in Lisbon.\n', output)
  assert.equal(0, code)
  assert.equal(2, #requests)
  local messages = requests[2].json.messages
  assert.equal("thinking", messages[2].content[1].type)
  assert.same({
    type = "tool_result",
    tool_use_id = "toolu_1",
    content = "18 degrees and a light wind in Lisbon",
  }, messages[3].content[1])
end

function checks.structured_output()
  local output, code, requests = run("structured_output", testing.message {
    text = '{"name":"Pancakes","minutes":20,"ingredients":[{"name":"flour","grams":200},{"name":"milk","grams":0.5}]}',
  })
  assert.equal("Pancakes, 20 minutes\n  200 g flour\n  0.5 g milk\n", output)
  assert.equal(0, code)
  assert.equal("json_schema", requests[1].json.output_config.format.type)
  output, code = run("structured_output", testing.message { text = '{"name":"Pancakes"}' })
  assert.equal("no recipe: ingredients: missing\n", output)
  assert.equal(1, code)
end

function checks.tool_inputs()
  local output, code = run("tool_inputs", testing.stream {
    tool_uses = { { name = "write_file", input_json = '{"path":"poem.txt","text":"Two roads\\ndiverged"}' } },
    pieces = 12,
  })
  assert.equal("--- poem.txt\nTwo roads\ndiverged\n--- 18 bytes\n", output)
  assert.equal(0, code)
end

function checks.errors()
  local output, code, requests = run("errors", {
    routes = {
      { body_contains = "no-such-model", answers = {
        testing.error { status = 404, message = "model: no-such-model" },
      } },
      { body_contains = "Count to ten", answers = {
        testing.stream { text = "One, two,", error = { type = "overloaded_error", message = "Overloaded" } },
      } },
      { answers = {
        testing.error { status = 529, retry_after = 0.01, delay = 0.3 },
        testing.error { status = 529, retry_after = 0.01, delay = 0.3 },
        testing.message { text = "At last." },
      } },
    },
  })
  assert.equal(0, code)
  assert.is_nil(output:find("traceback", 1, true))
  local position = 1
  for _, expected in ipairs {
    "not even sent: messages: table expected, got string",
    "the server said no: 404 not_found_error",
    "in one line: anthropic: api error 404 not_found_error: model: no-such-model (req_test_error)",
    "too slow: the total timeout ran out",
    "attempt 1 failed",
    "attempts: At last.",
    "the server said no: 529 overloaded_error",
    "what had arrived: One, two,",
  } do
    local _, last = output:find(expected, position, true)
    assert.is_truthy(last, expected .. "\n" .. output)
    position = last
  end
  assert.is_true(#requests >= 4)
end

function checks.many()
  local output, code, requests, connections = run("many", testing.message { text = "49", delay = 0.5 })
  assert.equal(0, code)
  for number = 1, 20 do
    assert.truthy(output:find(("%d\t49\n"):format(number), 1, true), output)
  end
  assert.truthy(output:match "20 answers in %d+%.%d s\n$")
  assert.equal(20, #requests)
  assert.equal(20, connections.opened)
end

function checks.batch()
  local output, code = background.output_of(command "batch" .. " 2>&1")
  assert.equal(0, code)
  assert.truthy(output:find("batch msgbatch_local\ncreating: 0 of 20 done\n", 1, true), output)
  assert.truthy(output:find("processing: 8 of 20 done\n", 1, true), output)
  assert.truthy(output:find("results: 20 of 20 done\n1\t1\n2\t4\n", 1, true), output)
  assert.truthy(output:find("20\t400\n20 succeeded, 0 did not\n", 1, true), output)
  assert.is_nil(output:find("\r", 1, true))

  local requests
  output, code, requests = run("batch", testing.error { status = 400, message = "no batches here" })
  assert.equal(1, code)
  assert.truthy(output:find("no batches here", 1, true), output)
  assert.equal(20, #requests[1].json.requests)

  if background.output_of("command -v script") ~= "" then
    output = background.output_of(("script -qec %s /dev/null"):format(background.quote(command "batch")))
    assert.truthy(output:find("\r[########................................]  20% processing", 1, true), output)
    assert.truthy(output:find("\r[########################################] 100% results   \r\n", 1, true), output)
  end
end

function checks.chat()
  local output, code, requests = run("chat", {
    testing.stream { text = "Hello, Ada." },
    testing.error { status = 400, message = "not that" },
    testing.stream { text = "You are Ada." },
  }, "I am Ada.\\n\\nsomething\\nWho am I?")
  assert.equal("> Hello, Ada.\n> > \nanthropic: api error 400 invalid_request_error: not that (req_test_error)\n"
    .. "> You are Ada.\n> \n", output)
  assert.equal(0, code)
  local messages = requests[3].json.messages
  assert.equal(3, #messages)
  assert.same({ { type = "text", text = "Hello, Ada." } }, messages[2].content)
  assert.equal("Who am I?", messages[3].content)
end

function checks.agent()
  local directory = background.make_directory()
  local conversation, file = directory .. "/conversation.json", directory .. "/a.txt"
  background.write_file(file, "The key is under the mat.")

  -- Runs it with this input: its output and requests.
  local function run_agent(script, input)
    local server = hosted.server { script = script, on_end = "error" }
    local output, code = background.output_of(("printf %s | %s %s 2>&1"):format(background.quote(input),
      command("agent", at(server)), conversation))
    local requests = server:requests()
    server:stop()
    assert.equal(0, code, output)
    return output, requests
  end

  local output, requests = run_agent({
    testing.stream { text = "Let me see. ", tool_uses = {
      { name = "read_file", input = { path = file } }, { name = "run_command", input = { command = "false" } },
      { name = "memory", input = { command = "create", path = "/memories/key.txt", file_text = "mat" } },
    } },
    testing.stream { text = "Under the mat.", usage = { cache_read_input_tokens = 7 } },
    testing.error { status = 400, message = "not that" },
  }, "Where is the key?\\ny\\nnot now\\n\\nfail")
  assert.truthy(output:find('> Let me see. \nread_file {"path":"' .. file .. '"}\nrun it? [y/N/reason] \n'
    .. 'run_command {"command":"false"}\nrun it? [y/N/reason] Under the mat.\n[', 1, true), output)
  assert.matches("%[20 tokens in, 7 of the cache, %d+ out; %$0%.0%d+ so far%]\n", output)
  assert.truthy(output:find("\nanthropic: api error 400 invalid_request_error: not that", 1, true), output)
  assert.same({ type = "ephemeral" }, requests[1].json.cache_control)
  assert.same({ type = "ephemeral" }, requests[1].json.system[1].cache_control)
  local results = requests[2].json.messages[3].content
  assert.equal("The key is under the mat.", results[1].content)
  assert.equal("not now", results[2].content)
  assert.equal("mat", background.read_file(conversation .. ".memory/key.txt"))

  output, requests = run_agent({ testing.stream { text = "You asked for the key." } }, "What did I ask?")
  assert.truthy(output:find("You asked for the key.", 1, true), output)
  assert.equal(5, #requests[1].json.messages)

  -- Ctrl-C stops an answer, and it goes on.
  local server = hosted.server { script = {
    testing.stream { text = ("word "):rep(500), delay_between = 0.05 }, testing.stream { text = "Yes." },
  } }
  local agent = background.start(command("agent", at(server)) .. " " .. conversation, "> ")
  local function tell(line, answer)
    agent.pipe:write(line .. "\n")
    agent.pipe:flush()
    local deadline = socket.gettime() + 20
    while not agent:output():find(answer, 1, true) and socket.gettime() < deadline do
      socket.sleep(0.02)
    end
  end
  tell("Tell me more.", "word word")
  agent:signal "INT"
  tell("And?", "Yes.")
  output = agent:wait()
  agent:stop()
  server:stop()
  assert.matches("word ?\n%[stopped%]\n\n%[", output)
  assert.truthy(output:find("\n> Yes.\n[", 1, true), output)
  os.execute("rm -rf " .. directory)
end

-- Where Debian has no such module for this Lua.
local WATCH = { cqueues = true, copas = true }

local function skip_without(module)
  if WATCH[module] and not descriptor.is_there then
    pending(descriptor.MISSING)
  end
  local _, code = background.output_of(("%s -e 'require \"%s\"' 2>/dev/null"):format(background.interpreter(), module))
  if code ~= 0 then
    pending("there is no " .. module .. " for this Lua")
  end
end

local function check_haikus(name)
  skip_without(name)
  local output, code, requests = run(name, { routes = {
    { body_contains = "sun", body_match = '"stream":true', answers = { testing.stream { text = "Warm stone." } } },
    { body_contains = "sun", answers = { testing.message { text = "Warm stone.", delay = 0.3 } } },
    { answers = { testing.stream { text = "Silver on the pond.", delay_between = 0.1 } } },
  } })
  assert.equal(0, code, output)
  local others, count = output:gsub("Warm stone%.\n", "") -- it may come amid the other
  assert.equal(1, count, output)
  assert.truthy(others:find("Silver on the pond.\n", 1, true), output)
  local ticks = tonumber((assert(output:match "%((%d+) ticks meanwhile%)\n$", output)))
  assert.is_true(ticks > 5, output)
  assert.equal(2, #requests)
end

function checks.luv()
  check_haikus "luv"
end

function checks.cqueues()
  check_haikus "cqueues"
end

function checks.copas()
  skip_without "copas"
  local server = hosted.server { script = { routes = {
    { body_contains = "moon", answers = { testing.stream { text = "Silver pond.", delay_between = 0.05 } } },
    { answers = { testing.error { status = 400, message = "not that" } } },
  } } }
  local example = background.start(command("copas", at(server)) .. " 0", "127%.0%.0%.1:(%d+)\n")
  local connections, lines = {}, {}
  for i = 1, 3 do
    connections[i] = assert(socket.connect("127.0.0.1", tonumber(example.ready)))
    connections[i]:settimeout(10)
    connections[i]:send "the moon?\n"
  end
  for i = 3, 1, -1 do
    lines[i] = connections[i]:receive "*l"
  end
  connections[1]:send "the sun?\n"
  lines[4] = connections[1]:receive "*l"
  connections[1]:send "and the moon?\n"
  lines[5] = connections[1]:receive "*l"
  for i = 1, 3 do
    connections[i]:close()
  end
  example:stop()
  server:stop()
  local refusal = "anthropic: api error 400 invalid_request_error: not that (req_test_error)"
  assert.same({ "Silver pond.", "Silver pond.", "Silver pond.", refusal, "Silver pond." }, lines)
end

function checks.testing_server()
  local server = background.start(command("testing_server") .. " --lifetime 60", "(http://127%.0%.0%.1:%d+)\n")
  local client = anthropic.new { base_url = server.ready, api_key = "test" }
  local message, err = client.messages.create {
    model = "m",
    max_tokens = 10,
    messages = { { role = "user", content = "Hello" } },
  }
  client:close()
  server:signal "INT"
  local output = server:wait()
  server:stop()
  assert.is_nil(err)
  assert.truthy(message:text():find("你好", 1, true))
  assert.equal(server.ready .. "\n", output)
end

function checks.demo()
  local pipe = io.popen(command "demo" .. " 2>&1")
  local output, first_text = "", nil
  local byte = pipe:read(1)
  while byte do
    output = output .. byte
    first_text = first_text or output:find("[thinking]\nT", 1, true) and socket.gettime()
    byte = pipe:read(1)
  end
  local finished = socket.gettime()
  pipe:close()

  local _, _, thinking, answer, summary = output:find("%[thinking%]\n(.-)\n\n%[answer%]\n(.-)\n\n%[summary%]\n(.*)$")
  assert.is_truthy(summary, output)
  assert.truthy(thinking:find("中文 and emoji all arrive whole", 1, true))
  assert.truthy(answer:find("你好!很高兴见到你。👋 Hello!", 1, true))
  assert.truthy(answer:find("🚀", 1, true))
  assert.truthy(summary:find("stop reason: end_turn\ntokens: 42 in, 150 out\n", 1, true))
  assert.truthy(summary:match "first text after %d+%.%d%d s, all after %d+%.%d%d s\nrequest ID: req_test_1\n$")
  assert.is_nil(output:find("\27", 1, true))
  assert.is_true(finished - first_text > 0.5, "the text came all at once")
end

describe("examples/", function()
  it("has an index of them all, whose links lead somewhere", function()
    local index = background.read_file "examples/README.md"
    for path in background.output_of("cd examples && ls -d *.lua */"):gmatch "([^\n/]+)/?\n" do
      assert.truthy(index:find(("](%s)"):format(path), 1, true), path)
    end
    for path in index:gmatch "%]%(([^)#]+)" do
      assert.equal(0, select(2, background.output_of("test -e examples/" .. path)), path)
    end
  end)

  it("has the libraries of its page as they were published", function()
    local there = "cd examples/openresty/vendor && "
    local output, code = background.output_of(there .. "sha256sum --check --strict SHA256SUMS 2>&1")
    assert.equal(0, code, output)
    local listed = background.read_file "examples/openresty/vendor/SHA256SUMS"
    for name in background.output_of(there .. "ls *.js *.LICENSE"):gmatch "[^\n]+" do
      assert.truthy(listed:find("  " .. name .. "\n", 1, true), name)
    end
  end)

  for path in background.output_of("ls examples/*.lua"):gmatch "[^\n]+" do
    local name = path:match "examples/(.*)%.lua"

    it(name .. ".lua does what it says", function()
      assert.is_function(checks[name], "there is no check of " .. path)
      checks[name]()
    end)

    it(name .. ".lua says in its first line what it shows", function()
      assert.truthy(background.read_file(path):match "^%-%- %u[^\n]+")
    end)
  end

  it("are all in the index", function()
    local index = background.read_file "examples/README.md"
    for name in background.output_of("ls examples | grep -v README.md"):gmatch "[^\n]+" do
      assert.truthy(index:find("](" .. name .. ")", 1, true), name)
    end
  end)

  for directory in background.output_of("ls -d examples/*/"):gmatch "(%S+)/\n" do
    it(directory:match "[^/]*$" .. "/ is run, in its host by make test-hosts where it has one", function()
      local specs = "spec/hosts/*_spec.lua spec/behaviour/http_*_spec.lua"
      assert.not_equal("", background.output_of(("grep -l '%s' %s"):format(directory, specs)))
    end)

    it(directory:match "[^/]*$" .. "/ says in the first line of each program what it shows", function()
      for path in background.output_of(("find %s -name '*.lua'"):format(directory)):gmatch "[^\n]+" do
        assert.truthy(background.read_file(path):match "^%-%-%-? %u[^\n]+", path)
      end
    end)
  end
end)

describe("the demo", function()
  local answer = testing.stream { thinking = "Hmm.", text = "Here." }

  it("asks the page's request of the server that the environment names", function()
    local output, code, requests = run("demo", answer)
    assert.equal(0, code)
    assert.truthy(output:find("[thinking]\nHmm.\n\n[answer]\nHere.\n", 1, true))
    local sent = requests[1].json
    assert.equal("claude-sonnet-4-20250514", sent.model)
    assert.truthy(sent.system:find("你", 1, true))
    assert.equal(1, #sent.messages)
    assert.equal("user", sent.messages[1].role)
    assert.is_true(sent.stream)
    assert.equal(8000, sent.max_tokens)
    assert.same({ type = "enabled", budget_tokens = 1200 }, sent.thinking)
  end)

  it("asks for the model that the environment names", function()
    local server = hosted.server { script = answer }
    local output = background.output_of(command("demo", at(server) .. " ANTHROPIC_MODEL=mine") .. " 2>&1")
    local sent = server:requests()[1].json
    server:stop()
    assert.truthy(output:find("Asking mine at " .. server.url, 1, true), output)
    assert.equal("mine", sent.model)
    assert.same({ type = "enabled", budget_tokens = 1200 }, sent.thinking)
  end)

  it("asks the API itself for the model of the documentation", function()
    local of_docs
    for line in io.lines "tools/models.tsv" do
      of_docs = line:match "^(%S+)\t.*\tdocs$" or of_docs
    end
    local nowhere = "ANTHROPIC_API_KEY=test-key https_proxy=http://127.0.0.1:9 no_proxy="
    local output, code = background.output_of(command("demo", nowhere) .. " 2>&1")
    assert.equal(1, code)
    assert.truthy(output:find(("Asking %s at the API\n"):format(of_docs), 1, true), output)
    assert.truthy(output:find("anthropic: connection error", 1, true), output)
  end)

  it("shows an answer in the other shape, without thinking or usage, as well", function()
    local output, code = run("demo", testing.completion_stream { content = "Here." })
    assert.equal(0, code, output)
    assert.truthy(output:find("\n\n[answer]\nHere.\n", 1, true))
  end)

  it("says what is missing when there is a base URL and no key", function()
    local output, code = background.output_of(command("demo", "ANTHROPIC_BASE_URL=http://127.0.0.1:9") .. " 2>&1")
    assert.equal(1, code)
    assert.truthy(output:find("ANTHROPIC_API_KEY", 1, true))
    assert.is_nil(output:find("traceback", 1, true))
  end)

  it("tells an error in one line, and fails", function()
    local output, code = run("demo", testing.error { status = 401, message = "invalid x-api-key" })
    assert.equal(1, code)
    local line = "anthropic: api error 401 authentication_error: invalid x-api-key (req_test_error)"
    assert.truthy(output:find("\n" .. line .. "\n", 1, true))
    assert.is_nil(output:find("test-key", 1, true))
  end)

  it("keeps what had come when the stream breaks off", function()
    local output, code = run("demo", testing.stream {
      text = "Half of",
      error = { type = "overloaded_error", message = "Overloaded" },
    })
    assert.equal(1, code)
    assert.truthy(output:find("[answer]\nHalf of\nanthropic: api error 529 overloaded_error: Overloaded", 1, true))
  end)

  it("ends quietly on Ctrl-C", function()
    local demo = background.start(command "demo", "%[thinking%]\n%w+")
    demo:signal "INT"
    local output = demo:wait()
    demo:stop()
    assert.is_nil(output:find("[summary]", 1, true))
    assert.is_nil(output:find("interrupted", 1, true))
    assert.is_nil(output:find("traceback", 1, true))
  end)

  describe("on a terminal", function()
    local function on_terminal(assignments)
      local server = hosted.server { script = answer }
      local output = background.output_of(
        ("script -qec %s /dev/null"):format(background.quote(command("demo", at(server) .. " " .. assignments))))
      server:stop()
      return (output:gsub("\r\n", "\n"))
    end

    if not background.output_of("command -v script"):match "%S" then
      it("dims the thinking", function()
        pending("the command `script`, which makes a terminal, is not installed")
      end)
      return
    end

    it("dims the thinking", function()
      assert.truthy(on_terminal(""):find("\27[2mHmm.\n\n\27[0mHere.\n", 1, true))
    end)

    for _, assignment in ipairs { "NO_COLOR=1", "TERM=dumb", "TERM=" } do
      it("is plain with " .. assignment, function()
        local output = on_terminal(assignment)
        assert.truthy(output:find("[thinking]\nHmm.\n\n[answer]\nHere.\n", 1, true), output)
        assert.is_nil(output:find("\27", 1, true))
      end)
    end
  end)
end)
