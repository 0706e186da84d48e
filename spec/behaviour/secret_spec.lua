-- Where a credential must not go. What errors, clients and streams show: request_spec; logs: log_spec;
-- recordings: record_spec; command lines: curl_spec; proxies: proxy_spec.

local background = require "spec.support.background"
local child = require "spec.support.child"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local params = service.params

describe("a credential", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("is not carried to where a redirect leads, be it another host or the same", function()
    local elsewhere = service.serve(testing.message { text = "Hello!" })
    local script = { routes = {} }
    local requests = {
      function(client, options) return client.messages.create(params(), options) end,
      function(client, options) return client.messages.stream(params(), options) end,
      function(client, options) return client.models.retrieve("m", nil, options) end,
      function(client, options) return client.files.download("f", nil, options) end,
    }
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      for _, place in ipairs { elsewhere.url .. "/v1/messages", "/elsewhere/v1/messages" } do
        script.routes[#script.routes + 1] = {
          match = ("^/%d/"):format(#script.routes + 1),
          answers = { { status = status, headers = { Location = place } } },
        }
      end
    end
    local server = service.serve(script)
    for _, credential in ipairs { { auth = "bearer" }, { auth = "x-api-key" }, { auth_token = service.KEY } } do
      local client = service.client(server, credential)
      for i in ipairs(script.routes) do
        for _, request in ipairs(requests) do
          local answer, err = request(client, { base_url = server.url .. "/" .. i })
          assert.is_nil(answer)
          assert.equal("api", err.kind)
          assert.matches("redirects to .* %(not followed%)", err.message)
        end
      end
    end
    assert.equal(3 * #script.routes * #requests, #server:requests())
    for _, request in ipairs(server:requests()) do
      assert.is_nil(request.path:find("elsewhere", 1, true))
    end
    assert.same({}, elsewhere:requests())
    assert.equal(0, elsewhere:connections().opened)
  end)

  it("is not in what came of an answer that broke off", function()
    local script = {
      testing.message { text = "you sent " .. service.KEY .. ".", framing = "chunked", cut_after = 1e6 },
      testing.message { text = "you sent " .. service.KEY .. ".", framing = "chunked", reset_after = 1e6 },
    }
    local client = service.client(service.serve(script))
    for _ in ipairs(script) do
      local _, err = client.messages.create(params())
      assert.truthy(err.body:find("you sent [redacted].", 1, true), err.body)
      assert.is_nil(err.body:find(service.KEY, 1, true))
    end
  end)

  -- What a program prints that has made requests of every sort with a key of its own, read from a file.
  it("is in no process's arguments, and in no recording", function()
    local directory = background.make_directory()
    local key = ("sk-ant-%d-%s"):format(os.time(), tostring({}):match "%x+$"):rep(2)
    background.write_file(directory .. "/key", key)
    background.write_file(directory .. "/program.lua", [[
      local anthropic = require "anthropic"
      local testing = require "anthropic.testing"
      local directory = ...
      local file = io.open(directory .. "/key")
      local key = file:read "*l"
      file:close()
      local server = testing.server { script = {
        testing.error { status = 500, message = "you sent " .. key, retry_after = 0.01 },
        testing.stream { text = "one two three", delay_between = 0.05 },
      } }
      local records = {}
      local client = anthropic.new {
        api_key = key, base_url = server.url, on_log = function(record) records[#records + 1] = record end,
      }
      local recorder = testing.record(client, directory .. "/recording")
      local stream = assert(client.messages.stream {
        model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } },
      })
      assert(stream:next())
      local seen = 0
      for path in io.popen("ls -d /proc/[0-9]* 2>/dev/null"):lines() do
        local arguments = io.open(path .. "/cmdline")
        local text = arguments and arguments:read "*a" or ""
        if arguments then
          arguments:close()
        end
        if text:find(key, 1, true) then
          print("in the arguments of " .. path)
        end
        seen = seen + (text:find(directory, 1, true) and 1 or 0)
      end
      assert(stream:message())
      recorder:stop()
      local recording = io.open(directory .. "/recording", "rb")
      local recorded = recording:read "*a"
      recording:close()
      if recorded:find(key, 1, true) then
        print "in the recording"
      end
      server:stop()
      print(seen > 0 and recorded:find "one" and #records > 3 and "looked at all" or "saw nothing")
    ]])
    local output = background.output_of(("env -u ANTHROPIC_API_KEY %s %s/program.lua %s 2>&1"):format(
      child.interpreter(), directory, directory))
    os.execute("rm -r " .. directory)
    assert.equal("looked at all\n", output)
  end)
end)
