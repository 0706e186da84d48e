local anthropic = require "anthropic"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local SECRET = "sk-ant-very-secret-key-0123456789"
local BASE64 = ("QUJD"):rep(500)

local function ask(extra)
  local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
  for name, value in pairs(extra or {}) do
    params[name] = value
  end
  return params
end

describe("on_log", function()
  local server, records

  local function serve(script, options)
    server = hosted.server { script = script }
    records = {}
    options = options or {}
    options.base_url, options.api_key = server.url, SECRET
    options.on_log = function(record) records[#records + 1] = record end
    return anthropic.new(options)
  end

  local function record_of(event)
    for _, record in ipairs(records) do
      if record.event == event then
        return record
      end
    end
  end

  after_each(function()
    server:stop()
  end)

  it("gets the events of a request in their order", function()
    local client = serve { testing.error { status = 529, retry_after = 0, request_id = "req_8" },
      testing.message { text = "x", request_id = "req_9" } }
    assert(client.messages.create(ask()))
    local events = {}
    for i, record in ipairs(records) do
      events[i] = record.level .. " " .. record.event .. " " .. record.attempt
    end
    assert.same({
      "debug request 1", "info response 1", "debug body 1", "warn retry 1",
      "debug request 2", "info response 2", "debug body 2", "info done 2",
    }, events)
    assert.equal("POST", records[1].method)
    assert.equal(server.url .. "/v1/messages", records[1].url)
    for i, answer in ipairs { "", "529 req_8", "529 req_8", "529 req_8", "", "200 req_9", "200 req_9", "200 req_9" } do
      local record = records[i]
      assert.same({ "POST", server.url .. "/v1/messages" }, { record.method, record.url })
      assert.equal(answer, record.status and record.status .. " " .. record.request_id or "")
    end
    assert.equal(529, records[2].status)
    assert.equal("req_9", records[6].request_id)
    assert.is_true(records[7].bytes > 10)
  end)

  it("gets the final error", function()
    local client = serve { testing.error { status = 400, message = "no" } }
    client.messages.create(ask())
    assert.truthy(record_of("error").error:find("400", 1, true))
    assert.equal("error", record_of("error").level)
  end)

  it("gives bodies to those who ask", function()
    local client = serve { testing.message { text = "the answer" } }
    assert(client.messages.create(ask()))
    assert.equal(server:requests()[1].body, record_of("request").request_body(true))
    assert.same(anthropic.decode(server:requests()[1].body), anthropic.decode(record_of("request").request_body()))
    assert.truthy(record_of("body").response_body(true):find("the answer", 1, true))
  end)

  it("shortens system prompts and base64, unless all is asked for", function()
    local client = serve { testing.message { content = {
      { type = "thinking", thinking = ("A thought. "):rep(50), signature = BASE64 },
    } } }
    local long = ("You are helpful, 好. "):rep(30)
    assert(client.messages.create(ask {
      system = long,
      messages = {
        { role = "system", content = { { type = "text", text = long } } },
        { role = "user", content = {
          { type = "text", text = long },
          { type = "image", source = { type = "base64", media_type = "image/png", data = BASE64 } },
          { type = "image_url", image_url = { url = "data:image/png;base64," .. BASE64 } },
        } },
      },
    }))
    local text = record_of("request").request_body()
    local shown = anthropic.decode(text)
    assert.equal(1, select(2, text:gsub(long, "")))
    assert.is_nil(text:find(BASE64, 1, true))
    assert.equal(long, shown.messages[2].content[1].text)
    assert.truthy(shown.system:find(("(%d bytes)"):format(#long), 1, true))
    assert.truthy(shown.messages[1].content[1].text:find("... (", 1, true))
    assert.truthy(shown.messages[2].content[2].source.data:find("... (2000 bytes)", 1, true))
    assert.equal("image/png", shown.messages[2].content[2].source.media_type)
    assert.truthy(record_of("request").request_body(true):find(BASE64, 1, true))
    local answer = record_of("body").response_body()
    assert.is_nil(answer:find(BASE64, 1, true))
    assert.truthy(answer:find(("A thought. "):rep(50), 1, true))
  end)

  it("holds no credential", function()
    local client = serve({ testing.error { status = 401, message = "wrong key " .. SECRET },
      { body = { id = SECRET } } }, { max_retries = 0 })
    client.messages.create(ask { metadata = { user_id = SECRET } })
    client.models.retrieve("x", { key = SECRET })
    assert.is_true(#records >= 6)
    for _, record in ipairs(records) do
      for name, value in pairs(record) do
        local text = type(value) == "function" and value() .. value(true) or tostring(value)
        assert.is_nil(text:find(SECRET, 1, true), name)
      end
    end
  end)

  it("gives bodies that are no JSON as they are", function()
    local client = serve { { body = "<html>", headers = { ["Content-Type"] = "text/html" } } }
    client.models.retrieve "x"
    assert.equal("<html>", record_of("body").response_body())
    assert.is_nil(record_of("request").request_body)
  end)
end)

describe("ANTHROPIC_LOG", function()
  local server

  after_each(function()
    server:stop()
  end)

  local function log_of(level)
    server = hosted.server { script = { testing.error { status = 529, retry_after = 0 },
      testing.message { text = "x" } } }
    local lowest = 0
    while arg[lowest - 1] do
      lowest = lowest - 1
    end
    local program = ([[ANTHROPIC_LOG=%s %s -e 'require("anthropic").new { base_url = "%s", api_key = "%s" }
      .messages.create { model = "m", max_tokens = 1, messages = {} }' 2>&1]]):format(
      level, arg[lowest], server.url, SECRET)
    local pipe = io.popen(program)
    local text = pipe:read "*a"
    pipe:close()
    return text
  end

  it("writes a line for each event of its level and above", function()
    local debug = log_of "debug"
    assert.equal(8, select(2, debug:gsub("\n", "")))
    assert.truthy(debug:find("anthropic debug request attempt=1 method=POST url=", 1, true))
    assert.truthy(debug:find("anthropic info response attempt=2", 1, true))
    assert.matches("anthropic info done attempt=2 bytes=%d+ .*input_tokens=%d+ .*outcome=ok", debug)
    server:stop()
    local warn = log_of "warn"
    assert.equal(1, select(2, warn:gsub("\n", "")))
    assert.truthy(warn:find("anthropic warn retry", 1, true))
    server:stop()
    assert.equal("", log_of "off")
  end)

  it("writes no bodies and no credential", function()
    local text = log_of "debug"
    assert.is_nil(text:find("function", 1, true))
    assert.is_nil(text:find("max_tokens", 1, true))
    assert.is_nil(text:find(SECRET, 1, true))
  end)
end)
