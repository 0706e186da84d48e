-- A request as a command for sh: what stands for the credential, and how each word is quoted.

local child = require "spec.support.child"
local curl_command = require "anthropic.http.curl_command"

local SECRET = "sk-secret-0123456789"
local NASTY = [[it's "quoted" $HOME ${HOME} `id` $(id) \n \ %s !! ; false * ? & | < > # ~ 好]] .. "\n\t end"

local function redact(text)
  return (text:gsub("sk%-secret%-0123456789", "[redacted]"))
end

local function describe_request(wire, options)
  wire.method, wire.url = wire.method or "POST", wire.url or "http://x/v1"
  wire.headers, wire.secrets = wire.headers or {}, wire.secrets or {}
  options = options or {}
  return curl_command.describe({
    option = function(name)
      return options[name]
    end,
    redact = redact,
  }, wire)
end

local function command_of(wire, options)
  return assert(curl_command.command(describe_request(wire, options)))
end

-- The words that the shell hands to curl, and what it reads from a pipe.
local function words_of(command, environment)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write([[
curl() {
  printf '%s\0' "$@"
  case $* in *'--data-binary @-'*) cat ;; esac
}
]], command, "\n")
  file:close()
  local set = {}
  for name, value in pairs(environment or {}) do
    set[#set + 1] = name .. "=" .. child.quote(value)
  end
  local pipe = assert(io.popen(table.concat(set, " ") .. " sh " .. path .. " 2>&1", "r"))
  local output = pipe:read "*a"
  pipe:close()
  os.remove(path)
  local words, start = {}, 1
  for stop in output:gmatch "()%z" do
    words[#words + 1], start = output:sub(start, stop - 1), stop + 1
  end
  return words, output:sub(start)
end

describe("the description of a request", function()
  it("holds all that a command needs", function()
    assert.same({
      method = "POST", url = "https://x/v1", headers = { { "a: b" } }, body = "{}",
      cacert = "/ca.pem", capath = "/certs", insecure = true,
    }, describe_request({ url = "https://x/v1", headers = { "a: b" }, body = "{}" },
      { ca_file = "/ca.pem", ca_path = "/certs", insecure = true }))
  end)

  it("holds no credential in the URL, the body and the headers", function()
    local request = describe_request {
      url = "http://x/?key=" .. SECRET, body = '{"a":"' .. SECRET .. '"}',
      headers = { "x-quote: " .. SECRET .. " is it", "x-api-key: " .. SECRET }, secrets = { SECRET },
    }
    assert.same({
      method = "POST", url = "http://x/?key=[redacted]", body = '{"a":"[redacted]"}',
      headers = { { "x-quote: [redacted] is it" }, { "x-api-key: ", variable = "ANTHROPIC_API_KEY" } },
    }, request)
  end)

  it("has a variable where a header ends with a credential", function()
    for line, expected in pairs {
      ["X-Api-Key: " .. SECRET] = "X-Api-Key: ",
      ["Authorization: Bearer " .. SECRET] = "Authorization: Bearer ",
      ["Authorization:   Bearer " .. SECRET] = "Authorization: Bearer ",
      ["x-other: " .. SECRET] = "x-other: ",
    } do
      local request = describe_request { headers = { line }, secrets = { SECRET } }
      assert.same({ { expected, variable = "ANTHROPIC_API_KEY" } }, request.headers)
    end
  end)

  it("names the variable that the credential came from", function()
    local request = describe_request {
      headers = { "Authorization: Bearer " .. SECRET }, secrets = { SECRET, variable = "ANTHROPIC_AUTH_TOKEN" },
    }
    assert.same({ { "Authorization: Bearer ", variable = "ANTHROPIC_AUTH_TOKEN" } }, request.headers)
  end)

  it("looks for every credential of the request", function()
    local request = describe_request {
      headers = { "Authorization: Bearer first", "X-Api-Key: second" }, secrets = { "first", "second" },
    }
    assert.same({
      { "Authorization: Bearer ", variable = "ANTHROPIC_API_KEY" }, { "X-Api-Key: ", variable = "ANTHROPIC_API_KEY" },
    }, request.headers)
  end)

  it("takes an empty credential for none", function()
    assert.same({ { "a: b" }, { "c;" } }, describe_request { headers = { "a: b", "c;" }, secrets = { "" } }.headers)
  end)

  it("shows no value of a header that carries credentials, however its name is written", function()
    for _, name in ipairs {
      "api-key", "Authorization", "COOKIE", "Proxy-Authorization", "X-Amz-Security-Token", "x-api-key",
    } do
      assert.same({ { name .. ": [redacted]" } }, describe_request { headers = { name .. ": unknown" } }.headers)
    end
    for _, name in ipairs { "x-api-keys", "my-cookie", "set-cookie", "accept" } do
      assert.same({ { name .. ": known" } }, describe_request { headers = { name .. ": known" } }.headers)
    end
  end)

  it("keeps headers without a value, and those that are left out, as libcurl reads them", function()
    assert.same({ { "X-Empty;" }, { "User-Agent:" } },
      describe_request { headers = { "X-Empty;", "User-Agent:" }, secrets = { SECRET } }.headers)
  end)

  it("has the proxy without its user name and password", function()
    for proxy, expected in pairs {
      ["http://user:password@host:1"] = "http://host:1",
      ["socks5h://user@host"] = "socks5h://host",
      ["http://host:1"] = "http://host:1",
      ["host:1"] = "host:1",
      [""] = "",
    } do
      assert.equal(expected, describe_request({}, { proxy = proxy }).proxy)
    end
  end)

  it("holds the parts of an upload", function()
    local parts = { { name = "file", filename = "a", path = "/a", content_type = "text/plain" } }
    assert.equal(parts, describe_request({ multipart = parts }).parts)
  end)
end)

describe("the command for curl", function()
  it("says the method and the URL", function()
    assert.equal("curl -sS -N -X 'GET' 'http://x/v1'", command_of { method = "GET" })
  end)

  it("has a line for each option, in the same order each time", function()
    assert.equal(table.concat({
      "curl -sS -N -X 'POST' 'https://x/v1'",
      "--proxy 'http://p:1'",
      "--cacert '/ca.pem'",
      "--capath '/certs'",
      "--insecure",
      "-H 'b: 1'",
      '-H "a: Bearer $ANTHROPIC_API_KEY"',
      "--data-binary '{}'",
    }, " \\\n  "), command_of({
      url = "https://x/v1", headers = { "b: 1", "a: Bearer " .. SECRET }, body = "{}", secrets = { SECRET },
    }, { proxy = "http://p:1", ca_file = "/ca.pem", ca_path = "/certs", insecure = true }))
  end)

  it("does not say insecure where certificates are checked", function()
    assert.equal(command_of {}, command_of({}, { insecure = false }))
    assert.is_nil(command_of({}, { insecure = false }):find("insecure", 1, true))
  end)

  it("hands every word to curl as it is, whatever is in it", function()
    local words = words_of(command_of({
      method = "PATCH", url = "http://x/" .. NASTY, headers = { "a: " .. NASTY }, body = NASTY,
    }, { proxy = NASTY, ca_file = NASTY, ca_path = NASTY }))
    assert.same({
      "-sS", "-N", "-X", "PATCH", "http://x/" .. NASTY, "--proxy", NASTY, "--cacert", NASTY, "--capath", NASTY,
      "-H", "a: " .. NASTY, "--data-binary", NASTY,
    }, words)
  end)

  it("hands a header with the credential from the environment to curl, whatever stands before it", function()
    local before = [[it's "quoted" $HOME ${HOME} `id` $(id) \n \\ \ ]]
    for _, variable in ipairs { "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN" } do
      local command = command_of {
        headers = { "a: " .. before .. SECRET }, secrets = { SECRET, variable = variable },
      }
      assert.is_nil(command:find(SECRET, 1, true))
      for _, value in ipairs { "plain", [[it's "a $HOME `id` * ? \ ]] } do
        local words = words_of(command, { [variable] = value })
        assert.same({ "-sS", "-N", "-X", "POST", "http://x/v1", "-H", "a: " .. before .. value }, words)
      end
    end
  end)

  it("has an empty body where there is one, and none where there is none", function()
    assert.same({ "-sS", "-N", "-X", "POST", "http://x/v1", "--data-binary", "" }, (words_of(command_of { body = "" })))
    assert.same({ "-sS", "-N", "-X", "POST", "http://x/v1" }, (words_of(command_of {})))
  end)

  it("has a body of up to 100,000 bytes among its words, and a longer one in a pipe", function()
    for _, unit in ipairs { "x", "'", "%", "\\" } do
      local body = unit:rep(100000)
      local words, piped = words_of(command_of { body = body })
      assert.equal(7, #words)
      assert.equal(body, words[7])
      assert.equal("", piped)
      body = body .. unit
      local command = command_of { body = body }
      assert.equal("printf %s ", command:sub(1, 10))
      words, piped = words_of(command)
      assert.same({ "--data-binary", "@-" }, { words[6], words[7] })
      assert.equal(body, piped)
    end
  end)

  it("cannot be where the body holds NUL", function()
    for _, body in ipairs { "\0", "a\0b", ("x"):rep(200000) .. "\0" } do
      local command, message = curl_command.command(describe_request { body = body })
      assert.is_nil(command)
      assert.equal("the body holds a NUL byte, which no command line can", message)
    end
  end)

  describe("for an upload", function()
    it("has a file by its path, and a field by its text", function()
      assert.equal(table.concat({
        "curl -sS -N -X 'POST' 'http://x/v1'",
        "--form-string 'purpose=@user'",
        [[-F 'file=@"/tmp/a.pdf";filename="b.pdf";type=application/pdf']],
      }, " \\\n  "), command_of { multipart = {
        { name = "purpose", data = "@user" },
        { name = "file", path = "/tmp/a.pdf", filename = "b.pdf", content_type = "application/pdf" },
      } })
    end)

    it("quotes the path for curl and for the shell", function()
      local words = words_of(command_of { multipart = {
        { name = "files[]", path = [[/tmp/it's "a" \ b;c=d,e]], filename = "it's;a=b", content_type = "text/plain" },
        { name = "note", data = NASTY },
      } })
      assert.same({ "-F", [[files[]=@"/tmp/it's \"a\" \\ b;c=d,e";filename="it's;a=b";type=text/plain]],
        "--form-string", "note=" .. NASTY }, { words[6], words[7], words[8], words[9] })
    end)

    it("cannot be where a file is not on disk", function()
      local command, message = curl_command.command(describe_request { multipart = {
        { name = "purpose", data = "x" },
        { name = "file", data = "bytes", filename = "a", content_type = "text/plain" },
      } })
      assert.is_nil(command)
      assert.equal("the request uploads what is no file on disk", message)
    end)
  end)
end)
