-- The example for HAProxy: it streams, and what a client left behind is closed.

local background = require "spec.support.background"
local raw_client = require "spec.support.raw_client"
local testing = require "anthropic.testing"

local function missing()
  local _, code = background.output_of "PATH=$PATH:/usr/sbin command -v haproxy >/dev/null"
  return code ~= 0 and "haproxy is not installed" or nil
end

describe("in HAProxy", function()
  local directory, upstream, host

  setup(function()
    if not missing() then
      background.output_of "make -s LUA=lua5.3 >&2"
    end
  end)

  after_each(function()
    if host then
      host:stop()
      upstream:stop()
      os.execute("rm -rf " .. directory)
      host = nil
    end
  end)

  local function start(answer)
    directory = background.make_directory()
    upstream = testing.server { script = { routes = { { answers = { answer } } } } }
    local port = background.free_port()
    local configuration = background.read_file("examples/haproxy/haproxy.cfg"):gsub("8088", tostring(port))
      :gsub("global\n", 'global\n  lua-prepend-path "lua/?.lua"\n  lua-prepend-path "lua/?/init.lua"\n'
        .. '  lua-prepend-path "build/lua5.3/?.so" cpath\n')
    background.write_file(directory .. "/haproxy.cfg", configuration)
    host = background.serve(("ANTHROPIC_API_KEY=k ANTHROPIC_BASE_URL=%s haproxy -f %s/haproxy.cfg -db")
      :format(upstream.url, directory), port)
    return ("http://127.0.0.1:%d/"):format(port)
  end

  it("an answer is handed on, and what a client left behind is closed", function()
    if missing() then
      return pending(missing())
    end
    local url = start(testing.stream { text = ("word "):rep(60), pieces = 60, delay_between = 0.05 })
    assert.equal(("word "):rep(60), (background.output_of("curl -sN " .. url)))
    background.output_of("curl -sN -m 0.5 " .. url)
    local other = io.popen("curl -sN " .. url)
    assert.is_true(raw_client.eventually(function()
      for _, request in ipairs(upstream:requests()) do
        if request.closed_early then
          return true
        end
      end
    end))
    assert.equal(("word "):rep(60), other:read "*a")
    other:close()
  end)
end)
