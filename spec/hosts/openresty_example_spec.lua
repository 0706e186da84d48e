-- The chat page of examples/openresty, in a browser, and its variant on a cosocket.

local background = require "spec.support.background"
local cjson = require "cjson"
local http = require "socket.http"
local nginx = require "spec.support.nginx"
local raw_client = require "spec.support.raw_client"
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

  local function stop()
    service:stop()
    assert.equal("", server:stop())
  end

  local function post(path, body)
    return http.request(server.url .. path, body)
  end

  local QUESTION = '{"messages":[{"role":"user","content":"Why is the sky blue?"}]}'

  it("shows thinking and text as they come in a browser, and stops", function()
    if missing() then
      return pending(missing())
    end
    start(testing.stream { thinking = ("Let me think. "):rep(10), text = WORDS, delay_between = 0.03 })
    local directory = background.make_directory()
    local output, code = background.output_of(
      ("timeout 90 node --experimental-websocket --no-warnings spec/support/chat_page.mjs %s/ %s 2>&1")
        :format(server.url, directory))
    os.execute("rm -rf " .. directory)
    assert.equal(0, code, output)
    local seen = cjson.decode(output)
    assert.same({}, seen.problems)
    assert.equal(WORDS, seen.first.text)
    assert.equal(("Let me think. "):rep(10), seen.first.thinking)
    assert.equal("", seen.first.problem)
    assert.is_true(seen.first.thought_first)
    assert.is_true(seen.first.thinking_steps > 5, output)
    assert.is_true(seen.first.text_steps > 10, output)

    assert.equal("(stopped)", seen.stopped.problem)
    assert.is_true(#seen.stopped.text > 20 and #seen.stopped.text < #WORDS, output)
    assert.same(seen.stopped, seen.later)
    local requests = service:requests()
    assert.equal(2, #requests)
    assert.is_true(requests[2].closed_early)
    assert.equal("Bearer test-key", requests[1].headers.authorization)
    assert.equal("assistant", requests[2].json.messages[2].role)
    assert.equal(WORDS, requests[2].json.messages[2].content)
    stop()
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
