-- The example for Prosody: a component that answers whoever writes to it, while Prosody serves the others.

local background = require "spec.support.background"
local socket = require "socket"
local testing = require "anthropic.testing"

local CONFIGURATION = [[
run_as_root = true
daemonize = false
data_path = "$directory"
plugin_paths = { "$examples" }
modules_disabled = { "s2s", "tls", "offline", "posix" }
modules_enabled = { "saslauth", "ping" }
c2s_ports = { $port }
c2s_interfaces = { "127.0.0.1" }
c2s_require_encryption = false
log = { info = "*console" }
VirtualHost "localhost"
  authentication = "anonymous"
Component "claude.localhost" "claude"
  claude_api_key = "a key"
  claude_base_url = "$url"
]]

local function missing()
  local _, code = background.output_of "command -v prosody >/dev/null && grep -q 'lua5.4' $(command -v prosody)"
  return code ~= 0 and "prosody for Lua 5.4 is not installed" or nil
end

describe("in Prosody", function()
  local directory, upstream, host, client

  setup(function()
    if not missing() then
      background.output_of "make -s LUA=lua5.4 >&2"
    end
  end)

  after_each(function()
    if host then
      client:close()
      host:stop()
      upstream:stop()
      os.execute("rm -rf " .. directory)
      host = nil
    end
  end)

  -- Sends, and reads until the pattern came.
  local function exchange(text, pattern)
    client:send(text)
    local received = ""
    local deadline = socket.gettime() + 20
    while not received:find(pattern) and socket.gettime() < deadline do
      local bytes, _, rest = client:receive(65536)
      received = received .. (bytes or rest)
    end
    assert.matches(pattern, received)
    return received
  end

  local STREAM = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
    .. "to='localhost' version='1.0'>"

  local function start(script)
    directory = background.make_directory()
    upstream = testing.server { script = script }
    local port = background.free_port()
    background.write_file(directory .. "/prosody.cfg.lua", (CONFIGURATION:gsub("%$(%l+)",
      { directory = directory, port = port, url = upstream.url, examples = background.absolute "examples/prosody" })))
    host = background.serve(
      ([[sh -c 'eval "$(make -s env LUA=lua5.4)"; exec prosody --config %s/prosody.cfg.lua']]):format(directory), port)
    client = assert(socket.connect("127.0.0.1", port))
    client:settimeout(0.02)
    exchange(STREAM, "</stream:features>")
    exchange("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>", "<success")
    exchange(STREAM, "</stream:features>")
    exchange("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "<jid>")
  end

  local function say(words)
    return ("<message to='claude.localhost' type='chat' id='m1'><body>%s</body></message>"):format(words)
  end

  local PING = "<iq type='get' id='p1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"

  it("a message is answered, and others are served meanwhile", function()
    if missing() then
      return pending(missing())
    end
    local answer = testing.message { text = "Because of <Rayleigh> scattering." }
    answer.delay = 1
    start { answer }
    local first = exchange(say "Why is the sky blue?" .. PING, "<iq[^>]*id='p1'")
    assert.matches("id='p1'", first)
    assert.not_matches("Rayleigh", first)
    assert.matches("<body>Because of &lt;Rayleigh&gt; scattering.</body>", exchange("", "</body>"))
    assert.equal("Why is the sky blue?", upstream:requests()[1].json.messages[1].content)
  end)

  it("an error is one of XMPP's", function()
    if missing() then
      return pending(missing())
    end
    start { testing.error { status = 401 } }
    local answer = exchange(say "Hi", "</message>")
    assert.matches("type='error'", answer)
    assert.matches("no answer: api", answer)
  end)
end)
