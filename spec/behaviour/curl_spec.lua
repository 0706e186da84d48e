local anthropic = require "anthropic"
local background = require "spec.support.background"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local SECRET = "sk-ant-very-secret-key-0123456789"

local function has_curl()
  local pipe = io.popen "command -v curl"
  local text = pipe:read "*a"
  pipe:close()
  return text ~= ""
end

describe("err:to_curl()", function()
  local server

  local function serve(options)
    server = hosted.server { script = { testing.error { status = 400, message = "no" } } }
    options = options or {}
    options.base_url = options.base_url and server.url .. options.base_url or server.url
    if not options.auth_token and not options.headers then
      options.api_key = options.api_key or SECRET
    end
    options.max_retries = 0
    return anthropic.new(options)
  end

  after_each(function()
    if server then
      server:stop()
      server = nil
    end
  end)

  -- Runs the command with what is secret in the environment; compares the two requests.
  local function assert_repeats(err, variables)
    local command = assert(err:to_curl())
    assert.is_nil(command:find(SECRET, 1, true))
    if not has_curl() then
      return
    end
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(command, "\n")
    file:close()
    local words = {}
    for name, value in pairs(variables or { ANTHROPIC_API_KEY = SECRET }) do
      assert.truthy(command:find("$" .. name, 1, true), command)
      words[#words + 1] = name .. "=" .. background.quote(value)
    end
    os.execute(("env %s sh %s >/dev/null"):format(table.concat(words, " "), path))
    os.remove(path)
    local requests = server:requests()
    assert.equal(2, #requests)
    local first, second = requests[1], requests[2]
    assert.equal(first.method, second.method)
    assert.equal(first.target, second.target)
    assert.equal(first.body, second.body)
    for name, given in pairs(first.headers) do
      assert.equal(given, second.headers[name], name)
    end
  end

  it("repeats a request, the key in the environment", function()
    for _, auth in ipairs { "bearer", "x-api-key" } do
      local client = serve { auth = auth, betas = { "b" }, base_url = "/some/prefix" }
      local _, err = client.messages.create {
        model = "m", max_tokens = 9,
        messages = { { role = "user", content = [[it's "quoted" $HOME `id` \n %s !! 好 ' ; rm -rf]] .. "\n\t" } },
      }
      assert.truthy(err:to_curl():find("$ANTHROPIC_API_KEY", 1, true))
      assert_repeats(err)
      server:stop()
      server = nil
    end
  end)

  it("names the variable of a token", function()
    local client = serve { auth_token = SECRET }
    local _, err = client.models.retrieve "x"
    assert_repeats(err, { ANTHROPIC_AUTH_TOKEN = SECRET })
  end)

  it("names variables for all that the caller gave, and works where they are set", function()
    local client = serve { api_key = SECRET, base_url = "/a-t0ken-of-a-gateway/x", headers = {
      ["X-Team"] = "it's $HOME `id` \"!!\" \\", ["x-goog-api-key"] = "key-of-google", PATH = "/usr/bin",
    } }
    local _, err = client:request {
      path = "/v1/{x}/[1-3]?page=a$b&id[]=1", query = { q = "a b'c", limit = 5, key = "key" },
      body = "@/etc/hostname", method = "POST",
    }
    for _, secret in ipairs { "t0ken", "id` ", "key-of-google", "/usr/bin", "%20b", "=1", "'c" } do
      assert.is_nil(err:to_curl():find(secret, 1, true), err:to_curl())
    end
    assert.truthy(err:to_curl():find("/v1/{x}/[1-3]?page=a\\$b&id[]=$ID&key=$KEY&limit=5&q=$Q", 1, true), err:to_curl())
    assert_repeats(err, {
      ANTHROPIC_API_KEY = SECRET, X_TEAM = "it's $HOME `id` \"!!\" \\", X_GOOG_API_KEY = "key-of-google",
      MY_PATH = "/usr/bin", ID = "1", KEY = "key", Q = "a%20b%27c", BASE_URL_TOKEN = "a-t0ken-of-a-gateway",
    })
  end)

  it("repeats a request of any size", function()
    local client = serve()
    local _, err = client.messages.create {
      model = "m", max_tokens = 9, messages = { { role = "user", content = ("it's 好 %d "):rep(50000) } },
    }
    assert_repeats(err)
  end)

  it("repeats methods without a body", function()
    local client = serve()
    local _, err = client.messages.batches.delete "b"
    assert_repeats(err)
  end)

  it("repeats an upload from disk", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write "some bytes\0\n"
    file:close()
    local client = serve()
    local _, err = client.files.upload { file = { path = path, filename = "it's;a=b.txt" }, expires_in_seconds = 3600 }
    local command = assert(err:to_curl())
    if has_curl() then
      os.execute(("ANTHROPIC_API_KEY='%s' sh -c \"$(cat <<'EOF'\n%s\nEOF\n)\" >/dev/null"):format(SECRET, command))
      local requests = server:requests()
      assert.equal(2, #requests)
      local function without_boundary(request)
        local boundary = request.headers["content-type"]:match "boundary=(%S+)"
        return (request.body:gsub(boundary:gsub("%-", "%%-"), "BOUNDARY"))
      end
      assert.equal(without_boundary(requests[1]), without_boundary(requests[2]))
    end
    os.remove(path)
    _, err = client.files.upload { file = { data = "x", filename = "y" } }
    assert.is_nil((err:to_curl()))
  end)

  it("hides a credential in the caller's own headers", function()
    local client = serve { headers = {
      Authorization = "Bearer " .. SECRET, Cookie = "session=" .. SECRET .. "; more=1", ["x-tag"] = "$(id) `id` \"'",
    } }
    local _, err = client.models.retrieve "x"
    local command = err:to_curl()
    assert.is_nil(command:find(SECRET, 1, true))
    assert.truthy(command:find('"Authorization: $AUTHORIZATION"', 1, true))
    assert.truthy(command:find('"Cookie: $COOKIE"', 1, true))
    assert_repeats(err, {
      AUTHORIZATION = "Bearer " .. SECRET, COOKIE = "session=" .. SECRET .. "; more=1", X_TAG = "$(id) `id` \"'",
    })
  end)

  it("hides a credential that the request repeats", function()
    local client = serve()
    local _, err = client.messages.create {
      model = "m", max_tokens = 9, messages = { { role = "user", content = "my key is " .. SECRET } },
    }
    assert.is_nil(err:to_curl():find(SECRET, 1, true))
    assert.is_not_nil(err:to_curl():find("my key is [redacted]", 1, true))
  end)

  it("repeats how certificates were checked, and the proxy without its password", function()
    local client = anthropic.new {
      base_url = "http://127.0.0.1:1", api_key = SECRET, max_retries = 0, insecure = true,
      ca_file = "/tmp/it's a file", proxy = "http://user:password@127.0.0.1:2",
    }
    local _, err = client.models.retrieve "x"
    local command = err:to_curl()
    assert.truthy(command:find("--insecure", 1, true))
    assert.truthy(command:find([[--cacert '/tmp/it'\''s a file']], 1, true))
    assert.truthy(command:find("--proxy 'http://127.0.0.1:2'", 1, true))
    assert.truthy(command:find('--proxy-user "$PROXY_USER:$PROXY_PASSWORD"', 1, true))
    assert.is_nil(command:find("password", 1, true))
  end)

  it("is there for failures of streams and of connections, and for retries", function()
    server = hosted.server { script = {
      testing.stream { text = "one two", cut_after = 700 }, testing.error { status = 529, retry_after = 0 },
    } }
    local seen
    local client = anthropic.new {
      base_url = server.url, api_key = SECRET, max_retries = 1,
      on_retry = function(info) seen = info.error end,
    }
    local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "?" } } }
    local _, err = assert(client.messages.stream(params)):message()
    assert.truthy(err:to_curl():find('"stream":true', 1, true))
    client.messages.create(params)
    assert.truthy(seen:to_curl():find("/v1/messages", 1, true))
  end)

  it("is nothing where no request was sent", function()
    local client = anthropic.new { base_url = "http://127.0.0.1:1", api_key = SECRET }
    local _, err = client.messages.create { model = 7 }
    local command, message = err:to_curl()
    assert.is_nil(command)
    assert.equal("no request was sent", message)
  end)

  it("cannot hold a body with NUL", function()
    local client = serve()
    local _, err = client:request { method = "POST", path = "/v1/x", body = "a\0b" }
    local command, message = err:to_curl()
    assert.is_nil(command)
    assert.truthy(message:find("NUL", 1, true))
  end)

  it("leaves no credential in the error", function()
    local client = serve()
    local _, err = client.models.retrieve "x"
    local function search(value, seen)
      if type(value) == "string" then
        assert.is_nil(value:find(SECRET, 1, true))
      elseif type(value) == "table" and not seen[value] then
        seen[value] = true
        for key, member in pairs(value) do
          search(key, seen)
          search(member, seen)
        end
      end
    end
    search(err, {})
  end)
end)
