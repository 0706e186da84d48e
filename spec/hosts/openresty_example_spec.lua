-- The chat page of examples/openresty, in a browser, and its variant on a cosocket.

local background = require "spec.support.background"
local cjson = require "cjson"
local http = require "socket.http"
local ltn12 = require "ltn12"
local nginx = require "spec.support.nginx"
local raw_client = require "spec.support.raw_client"
local streams = require "spec.support.streams"
local testing = require "anthropic.testing"

local function missing()
  local is_installed, why_not = nginx.is_installed()
  if not is_installed then
    return why_not
  end
  local _, code = background.output_of "command -v node >/dev/null && command -v chromium >/dev/null"
  return code ~= 0 and "node and chromium are not installed" or nil
end

local WORDS = ("The light is scattered. "):rep(20)

describe("the chat page in nginx", function()
  local service, server

  setup(function()
    background.output_of "make -s LUA=luajit >&2"
  end)

  local function start(script)
    service = testing.server { script = script }
    server = nginx.start_example {
      environment = ("ANTHROPIC_API_KEY=test-key ANTHROPIC_BASE_URL=%s"):format(service.url),
    }
  end

  -- complaints: what nginx's log has, line by line; nothing else.
  local function stop(complaints)
    service:stop()
    local count = 0
    for line in server:stop():gmatch "[^\n]+" do
      count = count + 1
      assert.truthy(complaints and complaints[count] and line:find(complaints[count], 1, true), line)
    end
    assert.equal(complaints and #complaints or 0, count)
  end

  local function post(path, body)
    return http.request(server.url .. path, body)
  end

  local QUESTION = '{"messages":[{"role":"user","content":"Why is the sky blue?"}]}'

  describe("in a browser", function()
    local EVERYTHING = table.concat({
      "# Colours of the sky",
      "",
      "The light is **scattered**, by `lambda^-4`:",
      "",
      "- blue most",
      "- red least",
      "",
      "3. three",
      "4. four",
      "",
      "| colour | share |",
      "|:--|--:|",
      "| blue | 16 |",
      "",
      "```lua",
      "local sky = " .. ('"blue" .. '):rep(40) .. '"!"',
      "```",
      "",
      "[a source](https://example.com/a \"b\"), https://example.com/c",
      "",
    }, "\n")
    local ATTACKS = table.concat({
      "<img src=x onerror=\"attacked='image'\">",
      "<script>attacked='script'</script>",
      "<svg onload=\"attacked='svg'\"><style>body { display: none }</style>",
      "<iframe srcdoc=\"<script>parent.attacked='frame'</script>\"></iframe>",
      "",
      "[one](javascript:attacked='link') [two](JAVA&#115;CRIPT:attacked='link') [three](data:text/html,<script>) "
        .. "[four](vbscript:x) <javascript:attacked='link'>",
      "",
      "[five](/chat) [six](//example.com/) [seven](https://example.com/\"onclick=\"attacked='quote')",
      "",
      "![a \"picture\" onerror=attacked='alt'](https://example.com/pixel.png) ![](data:image/svg+xml,<svg/onload=x>)",
      "",
      "```\" onclick=attacked='fence'",
      "</code></pre><img src=x onerror=attacked='code'>",
      "```",
    }, "\n")
    local THINKING = ("Let me think. "):rep(20)
    local LONG = ("A line of a long answer.\n\n"):rep(400)
    local WIDTHS = { 390, 1200 }

    local output, code, seen, requests, stopped

    -- How many answers nobody waited for.
    local function count_closed()
      local closed = 0
      for _, request in ipairs(service:requests()) do
        closed = closed + (request.closed_early and 1 or 0)
      end
      return closed
    end

    setup(function()
      if missing() then
        return
      end
      start { routes = {
        { body_contains = "Edited question", answers = { testing.stream { text = "Another answer." } } },
        { body_contains = "Go on and on", answers = { testing.stream { text = LONG, delay_between = 0.01 } } },
        { body_contains = "Fail once", answers = {
          testing.stream { text = "Half of", error = { type = "overloaded_error", message = "Overloaded" } },
          testing.stream { text = "All of it." },
          testing.stream { text = "Half of", error = { type = "overloaded_error", message = "Overloaded" } },
          testing.stream { text = "All of it." },
        } },
        { answers = { testing.stream {
          thinking = THINKING,
          text = EVERYTHING .. "\n" .. ATTACKS,
          usage = { input_tokens = 1234, output_tokens = 56 },
          delay_between = 0.01,
        } } },
      } }
      local directory = background.make_directory()
      output, code = background.output_of(("timeout 115 node spec/support/chat_page.mjs %s/ %s %s 2>&1")
        :format(server.url, directory, table.concat(WIDTHS, " ")))
      os.execute("rm -rf " .. directory)
      seen = code == 0 and cjson.decode(output)
      requests = service:requests()
      stopped = raw_client.eventually(function() return count_closed() == 2 * #WIDTHS end)
      stop()
    end)

    local function check(name, f)
      it(name, function()
        if missing() then
          return pending(missing())
        end
        assert.equal(0, code, output)
        for _, visit in ipairs(seen.visits) do
          f(visit)
        end
      end)
    end

    check("shows thinking and text as they come, thinking folded", function(visit)
      local first = visit.first
      assert.is_true(visit.empty)
      assert.is_true(first.thoughtFirst)
      assert.is_true(first.wasFolded)
      assert.is_true(first.thinkingSteps > 2 and first.textSteps > 5, output)
      assert.equal((THINKING:gsub(" $", "")), first.thinking)
      assert.matches("^Thought for %d+%.%d s$", first.thought)
      assert.is_true(visit.unfolded)
    end)

    check("tells seconds and tokens", function(visit)
      assert.matches("^%d+%.%d s · first text after %d+%.%d s · 1,234 tokens in · 56 out · ", visit.first.numbers)
    end)

    check("shows Markdown", function(visit)
      local form = visit.form
      assert.equal(1, form.headings)
      assert.equal(2, form.items)
      assert.equal(3, form.start)
      assert.equal(2, form.cells)
      assert.equal("left", form.aligned)
      assert.equal("lua", form.language)
      assert.same({ text = "a source", href = "https://example.com/a", rel = "noopener noreferrer nofollow",
        target = "_blank" }, form.links[1])
      assert.equal("https://example.com/c", form.links[2].href)
    end)

    check("scrolls a long line of code in its block, and never the page sideways", function(visit)
      assert.is_true(visit.form.codeScrolls)
      assert.is_true(visit.form.codeLineHeight < 80)
      assert.is_false(visit.tooWide)
    end)

    check("lets nothing that the model writes run, load or lead astray", function(visit)
      assert.equal("", visit.form.attacked)
      assert.same({}, visit.form.remaining)
      for _, link in ipairs(visit.form.links) do
        assert.is_true(link.href == "" or link.href:match "^https://example%.com/" ~= nil, link.href)
        assert.is_true(link.href == "" or link.rel:find("noopener", 1, true) ~= nil, link.href)
      end
      assert.same({ (server.url:gsub("^http://", "")) }, seen.hosts)
    end)

    check("keeps its policy and throws nothing", function()
      assert.same({}, seen.problems)
    end)

    check("copies a block of code, and the answer as it was written", function(visit)
      assert.equal(ATTACKS:match "attacked='fence'\n(.-)```", visit.copied)
      assert.equal(EVERYTHING .. "\n" .. ATTACKS, visit.copiedAnswer)
    end)

    check("shows an error with what had come, and asks again", function(visit)
      assert.equal("Half of", visit.failed.text)
      assert.equal("The service is overloaded. Overloaded", visit.failed.problem)
      assert.equal("All of it.", visit.retried.text)
      assert.equal("Fail once", visit.retried.question)
      assert.equal("", visit.retried.problem)
    end)

    check("scrolls along with the answer until the reader scrolls up", function(visit)
      assert.is_true(visit.followed)
      assert.is_true(visit.leftAlone)
      assert.is_true(visit.cameBack)
    end)

    check("stops, and so does what the service sends", function(visit)
      assert.matches("^Stopped · ", visit.stopped.numbers)
      assert.is_true(#visit.stopped.text > 40 and #visit.stopped.text < #LONG * 0.9)
      assert.is_true(stopped)
      assert.same({ 0 }, visit.leftTurns)
    end)

    check("edits the last question", function(visit)
      assert.equal("Edited question", visit.edited.question)
      assert.equal("Another answer.", visit.edited.text)
      assert.equal(6, #visit.turns)
    end)

    check("keeps the conversation when it is reloaded, and a cleared one for a change of mind", function(visit)
      assert.same(visit.turns, visit.reloaded)
      assert.equal(0, visit.cleared)
      assert.equal(6, visit.restored)
    end)

    check("is light or dark, as the system has it or the reader chose", function(visit)
      local system, light, dark, system_again = (table.unpack or unpack)(visit.papers)
      assert.equal(system, light)
      assert.not_equal(light, dark)
      assert.equal(system, system_again)
      assert.is_true(visit.darkBySystem)
    end)

    check("can be used by keyboard and screen reader", function(visit)
      assert.equal("Skip to the message box", visit.firstStop)
      assert.equal("question", visit.skippedTo)
      assert.matches("^Answer: Colours of the sky", visit.status)
      assert.same({}, visit.nameless)
      assert.same({}, visit.faint)
    end)

    check("sends the conversation as the API takes it", function()
      local last = requests[#requests - 1]
      assert.equal("Bearer test-key", last.headers.authorization)
      local roles = {}
      for i, message in ipairs(last.json.messages) do
        roles[i] = message.role:sub(1, 1)
      end
      assert.equal("uauau", table.concat(roles))
      assert.equal(EVERYTHING .. "\n" .. ATTACKS, last.json.messages[2].content)
    end)
  end)

  it("passes the API's events on, and its errors as one", function()
    if not nginx.is_installed() then
      return pending "nginx is not installed"
    end
    start {
      testing.stream { text = "Scattered light." },
      testing.error { status = 400, type = "invalid_request_error", message = "not so" },
    }
    local body, status = post("/chat", QUESTION)
    assert.equal(200, status)
    assert.matches('^event: message_start\ndata: {.-}\n\n', body)
    assert.matches('event: message_stop\ndata: {"type":"message_stop"}\n\n$', body)
    assert.equal('event: error\ndata: {"error":{"message":"not so","type":"invalid_request_error"},"type":"error"}'
      .. "\n\n", (post("/chat", QUESTION)))
    assert.equal(400, select(2, post("/chat", "what?")))
    stop()
  end)

  it("counts for Prometheus, and logs a line for each request with its IDs", function()
    if not nginx.is_installed() then
      return pending "nginx is not installed"
    end
    start {
      testing.stream { text = "Scattered.", request_id = "req_1", model = 'a "model"',
        usage = { input_tokens = 30, output_tokens = 12 } },
      testing.error { status = 400, type = "invalid_request_error", message = "not so", request_id = "req_2" },
    }
    post("/chat", QUESTION)
    post("/chat", QUESTION)
    local page, status, headers = post "/metrics"
    assert.equal(200, status)
    assert.equal("text/plain; version=0.0.4", headers["content-type"])
    for _, line in ipairs {
      "# TYPE anthropic_requests_total counter",
      'anthropic_requests_total{model="a \\"model\\"",outcome="ok",status="200"} 1',
      'anthropic_requests_total{model="claude-sonnet-5-5",outcome="error",status="400"} 1',
      'anthropic_errors_total{kind="api",type="invalid_request_error"} 1',
      'anthropic_tokens_total{model="a \\"model\\"",kind="input_tokens"} 30',
      'anthropic_tokens_total{model="a \\"model\\"",kind="output_tokens"} 12',
      "# TYPE anthropic_first_text_seconds histogram",
      'anthropic_first_text_seconds_bucket{model="a \\"model\\"",le="+Inf"} 1',
      'anthropic_first_text_seconds_count{model="a \\"model\\""} 1',
      'anthropic_request_seconds_count{model="claude-sonnet-5-5"} 1',
      'anthropic_requests_in_flight{worker="0"} 0',
    } do
      assert.truthy(("\n" .. page):find("\n" .. line .. "\n", 1, true), line .. " is not in\n" .. page)
    end
    for line in page:gmatch "[^\n]+" do -- as the format has it
      assert.truthy(line:find "^# %u+ [%l_]+ [%w ,.]+$" or line:find '^[%l_]+{.+} [%d.e+-]+$', line)
    end
    local log = server:log()
    assert.truthy(log:find "anthropic ok: status=200 request_id=req_1 tag=%x+ attempts=1 seconds=[%d.]+ tokens=12")
    assert.truthy(log:find "anthropic error: status=400 request_id=req_2 tag=%x+ attempts=1 .*not so")
    stop()
  end)

  it("refuses what another page asks, and says what its own may load", function()
    if not nginx.is_installed() then
      return pending "nginx is not installed"
    end
    start(testing.stream { text = "Scattered light." })
    local function status_from(site)
      return select(2, http.request {
        url = server.url .. "/chat",
        method = "POST",
        headers = { ["sec-fetch-site"] = site, ["content-length"] = #QUESTION },
        source = ltn12.source.string(QUESTION),
      })
    end
    assert.equal(403, status_from "cross-site")
    assert.equal(403, status_from "same-site")
    assert.equal(200, status_from "same-origin")
    for _, path in ipairs { "/", "/page/chat.js", "/vendor/purify.min.js", "/page/chat.css", "/chat.lua" } do
      local _, status, headers = http.request(server.url .. path)
      assert.equal(path == "/chat.lua" and 404 or 200, status, path)
      local policy = headers["content-security-policy"]
      assert.matches("default-src 'none'; script-src 'self'; style-src 'self';", policy, 1, true)
      assert.is_nil(policy:find("unsafe", 1, true))
    end
    local page = post "/"
    assert.is_nil(page:find "<script[^>]*>[^<]" or page:find " style=" or page:find " on%l+=")
    stop()
  end)

  it("relays the API's streams byte for byte, comments included", function()
    if not nginx.is_installed() then
      return pending "nginx is not installed"
    end
    local body = ": ping\n\n" .. streams.read "tool_use"
    local cut = body:sub(1, 600)
    start {
      { headers = { ["content-type"] = "text/event-stream" }, body = body, chunk_bytes = 17 },
      { headers = { ["content-type"] = "text/event-stream" }, body = cut },
      testing.message { text = "Hi" },
      testing.error { status = 401, message = "invalid x-api-key" },
    }
    local params = '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}],"stream":true}'
    assert.equal(body, (post("/v1/messages", params)))
    local answer = post("/v1/messages", params)
    assert.equal(cut, answer:sub(1, #cut))
    assert.matches("event: error\ndata: .*no whole answer from the service: truncated", answer:sub(#cut + 1))
    assert.equal("Hi", cjson.decode((post("/v1/messages", (params:gsub(',"stream":true', ""))))).content[1].text)
    local _, status = post("/v1/messages", params)
    assert.equal(502, status)
    assert.equal(400, select(2, post("/v1/messages", "what?")))
    stop { "ended before its end", "invalid x-api-key" }
  end)

  it("relays to clients that speak chat completion", function()
    if not nginx.is_installed() then
      return pending "nginx is not installed"
    end
    start {
      { headers = { ["content-type"] = "text/event-stream" }, body = streams.read "tool_use", chunk_bytes = 17 },
      testing.message { text = "Hi" },
    }
    local request = '{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true,'
      .. '"stream_options":{"include_usage":true}}'
    local body = post("/v1/chat/completions", request)
    assert.matches("data: %[DONE%]\n\n$", body)
    local message = assert(streams.open(body):message())
    assert.equal("Let me check.", message:text())
    assert.equal("get_weather", message:tool_uses()[1].name)
    assert.equal(89, message.usage.output_tokens)
    local whole = cjson.decode((post("/v1/chat/completions", (request:gsub(',"stream.*$', "}")))))
    assert.equal("Hi", whole.choices[1].message.content)
    local refused, status = post("/v1/chat/completions", (request:gsub('"stream":true', '"seed":1')))
    assert.equal(400, status)
    assert.equal("seed: cannot be translated", cjson.decode(refused).error.message)
    assert.equal("Hi", service:requests()[1].json.messages[1].content)
    stop()
  end)

  it("has a variant that reads a cosocket", function()
    if not nginx.is_installed() then
      return pending "nginx is not installed"
    end
    start {
      testing.stream { text = WORDS, thinking = "Hm.", chunk_bytes = 17 },
      testing.stream { text = WORDS, framing = "close" },
    }
    assert.equal(WORDS, (post("/cosocket", QUESTION)))
    assert.equal(WORDS, (post("/cosocket", QUESTION)))
    assert.equal("test-key", service:requests()[1].headers["x-api-key"])
    assert.is_true(raw_client.eventually(function() return service:connections().open == 0 end))
    stop()
  end)
end)
