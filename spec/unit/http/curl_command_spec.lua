-- A request as a command for sh: what stands for the credential, and how each word is quoted.

local child = require "spec.support.child"
local curl_command = require "anthropic.http.curl_command"
local headers = require "anthropic.http.headers"
local redaction = require "anthropic.http.redaction"
local secrets = require "anthropic.http.secrets"
local shown_url = require "anthropic.http.shown_url"

local SECRET = "sk-secret-0123456789"
local NASTY = [[it's "quoted" $HOME ${HOME} `id` $(id) \n \ %s !! ; false * ? & | < > # ~ 好]] .. "\n\t end"

-- The credential that the library sent, in the lines of `wire`.
local BEARER = { field = "Authorization", prefix = "Bearer ", variable = "ANTHROPIC_API_KEY", value = SECRET }

-- `wire.fields` are header fields, `wire.credential` the library's own.
local function describe_request(wire, options)
  wire.method, wire.url = wire.method or "POST", wire.url or "http://x/v1"
  options = options or {}
  options.base_url = options.base_url or "http://x"
  local set, list = headers.new(), secrets.new()
  headers.set_all(set, wire.fields)
  if wire.credential then
    headers.set(set, wire.credential.field, wire.credential.prefix .. wire.credential.value)
  end
  secrets.add_headers(list, set, wire.credential)
  shown_url.add_base(list, options.base_url)
  wire.headers, wire.secrets = headers.lines(set), shown_url.with_query(list, wire.url)
  return curl_command.describe({
    option = function(name)
      return options[name]
    end,
    redact = redaction.redactor(wire.secrets),
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
      method = "POST", url = "https://x/v1", url_pieces = { "https://x/v1" }, base_url = "https://x",
      headers = { { "accept: b" } }, body = "{}", is_redacted = false,
      cacert = "/ca.pem", capath = "/certs", insecure = true,
    }, describe_request({ url = "https://x/v1", fields = { accept = "b" }, body = "{}" },
      { base_url = "https://x", ca_file = "/ca.pem", ca_path = "/certs", insecure = true }))
  end)

  it("shows what is known, and a variable in the place of all else", function()
    local request = describe_request {
      url = "http://x/v1?limit=5&key=a%20b", credential = BEARER,
      fields = {
        ["Content-Type"] = "a/b", accept = "c/d", ["Anthropic-Version"] = "1", ["anthropic-beta"] = "b1",
        ["user-agent"] = "u",
        ["x-team"] = "blue", ["X-Stainless-Lang"] = "lua", cookie = "a=b",
      },
    }
    assert.equal("http://x/v1?limit=5&key=$KEY", request.url)
    assert.same({ "http://x/v1?limit=5&key=", "KEY", "" }, request.url_pieces)
    assert.same({
      { "Anthropic-Version: 1" }, { "Content-Type: a/b" }, { "X-Stainless-Lang: ", "X_STAINLESS_LANG" },
      { "accept: c/d" }, { "anthropic-beta: b1" }, { "cookie: ", "COOKIE" }, { "user-agent: u" },
      { "x-team: ", "X_TEAM" },
      { "Authorization: Bearer ", "ANTHROPIC_API_KEY" },
    }, request.headers)
  end)

  it("holds no credential in the path, the body and what is known", function()
    local request = describe_request {
      url = "http://x/" .. SECRET .. "/y?page=" .. SECRET, body = '{"a":"' .. SECRET .. '"}', credential = BEARER,
      fields = { accept = SECRET .. "/x" },
    }
    assert.equal("http://x/$ANTHROPIC_API_KEY/y?page=$ANTHROPIC_API_KEY", request.url)
    assert.equal('{"a":"[redacted]"}', request.body)
    assert.is_true(request.is_redacted)
    assert.same({ "accept: [redacted]/x" }, request.headers[1])
  end)

  it("shows no part of a header of the caller's, whatever stands in it", function()
    for _, name in ipairs { "Authorization", "x-api-key", "api-key", "Proxy-Authorization", "X-Amz-Token", "a" } do
      for _, value in ipairs { "Bearer " .. SECRET, "user=bob; token=" .. SECRET .. ", x", SECRET, "x", "  a b  " } do
        local request = describe_request { fields = { [name] = value } }
        assert.same({ { name .. ": ", (name:upper():gsub("%-", "_")) } }, request.headers)
      end
    end
  end)

  it("has a variable of its own for each value of the same name", function()
    local request = describe_request {
      url = "http://x/v1?id[]=a&id[]=b&id[]=a&x-team=c", fields = { ["x-team"] = "c", ["x_team"] = "d" },
    }
    assert.equal("http://x/v1?id[]=$ID&id[]=$ID_2&id[]=$ID&x-team=$X_TEAM", request.url)
    assert.same({ { "x-team: ", "X_TEAM" }, { "x_team: ", "X_TEAM_2" } }, request.headers)
  end)

  it("keeps headers without a value, and those that are left out, as libcurl reads them", function()
    assert.same({ { "User-Agent:" }, { "X-Empty;" } },
      describe_request { fields = { ["X-Empty"] = "", ["User-Agent"] = false } }.headers)
  end)

  it("has the proxy without its user name and password", function()
    local pair = { "", "PROXY_USER", ":", "PROXY_PASSWORD" }
    for proxy, expected in pairs {
      ["http://user:password@host:1"] = { { "http://host:1" }, pair },
      ["socks5h://user@host"] = { { "socks5h://host" }, pair },
      ["user:password@host:1"] = { { "host:1" }, pair },
      ["http://user:pa/s@s:w@host:1"] = { { "http://host:1" }, pair },
      ["http://@host:1"] = { { "http://host:1" }, pair },
      ["http://host:1"] = { { "http://host:1" } },
      ["host:1"] = { { "host:1" } },
      ["http://[::1]:1"] = { { "http://[::1]:1" } },
      [""] = { { "" } },
      ["host:1:user:password"] = { { "", "PROXY" } },
      ["http://host:1/?key=password"] = { { "", "PROXY" } },
      ["http://user:password"] = { { "", "PROXY" } },
      ["http://user:password@host/x"] = { { "", "PROXY" } },
    } do
      local request = describe_request({}, { proxy = proxy })
      assert.same(expected, { request.proxy, request.proxy_user }, proxy)
    end
  end)

  it("holds the parts of an upload, but no secret in them", function()
    local parts = {
      { name = "note", data = "it is " .. SECRET },
      { name = "file", filename = "a" .. SECRET, path = "/" .. SECRET .. "/a", content_type = "text/plain" },
    }
    assert.same({
      { name = "note", data = "it is [redacted]" },
      { name = "file", filename = "a[redacted]", path = "/[redacted]/a", content_type = "text/plain" },
    }, describe_request({ multipart = parts, credential = BEARER }).parts)
    assert.equal("it is " .. SECRET, parts[1].data)
  end)
end)

describe("the command for curl", function()
  it("says the method and the URL", function()
    assert.equal("curl -sS -N --globoff -X 'GET' 'http://x/v1'", command_of { method = "GET" })
    assert.equal("curl -sS -N --globoff --head 'http://x/v1'", command_of { method = "HEAD" })
  end)

  it("has a line for each option, in the same order each time", function()
    assert.equal(table.concat({
      [[curl -sS -N --globoff -X 'POST' "https://x/v1?key=$KEY"]],
      "--proxy 'http://p:1'",
      [[--proxy-user "$PROXY_USER:$PROXY_PASSWORD"]],
      "--cacert '/ca.pem'",
      "--capath '/certs'",
      "--insecure",
      "-H 'accept: 1'",
      [[-H "b: $B"]],
      '-H "Authorization: Bearer $ANTHROPIC_API_KEY"',
      "--data-raw '{}'",
    }, " \\\n  "), command_of({
      url = "https://x/v1?key=k", fields = { accept = "1", b = "1" }, body = "{}", credential = BEARER,
    }, { proxy = "http://u:p@p:1", ca_file = "/ca.pem", ca_path = "/certs", insecure = true }))
  end)

  it("names a certificate, a socket and a file that is the body", function()
    local request = describe_request { url = "https://x/" }
    request.cert, request.key, request["unix-socket"], request.body_file = "/c", "/k", "/s", "/b c"
    local command = curl_command.command(request)
    for _, words in ipairs { "--cert '/c'", "--key '/k'", "--unix-socket '/s'", "--data-binary '@/b c'" } do
      assert.truthy(command:find(words, 1, true), words)
    end
  end)

  it("does not say insecure where certificates are checked", function()
    assert.equal(command_of {}, command_of({}, { insecure = false }))
    assert.is_nil(command_of({}, { insecure = false }):find("insecure", 1, true))
  end)

  it("hands every word to curl as it is, whatever is in it", function()
    local line = NASTY:gsub("\n", "")
    local words = words_of(command_of({
      method = "PATCH", url = "http://x/" .. NASTY:gsub("?", ""), fields = { accept = line }, body = NASTY,
    }, { ca_file = NASTY, ca_path = NASTY }))
    assert.same({
      "-sS", "-N", "--globoff", "-X", "PATCH", "http://x/" .. NASTY:gsub("?", ""), "--cacert", NASTY, "--capath", NASTY,
      "-H", "accept: " .. line, "--data-raw", NASTY,
    }, words)
  end)

  it("hands a body that begins with @ to curl as it is", function()
    local words = words_of(command_of { body = "@/etc/passwd" })
    assert.same({ "--data-raw", "@/etc/passwd" }, { words[7], words[8] })
  end)

  it("hands what stands in a variable to curl, whatever stands around it", function()
    local around = [[it's "quoted" $HOME ${HOME} `id` $(id) !! \n \\ \ ]]
    local wire = {
      url = "http://x/" .. around .. "?a" .. around .. "=b&limit=1", fields = { ["X-Team"] = "blue", ["!a!"] = "c" },
      credential = BEARER,
    }
    for _, value in ipairs { "plain", [[it's "a $HOME `id` !! * \ ]] } do
      local url = "http://x/" .. around .. "?a" .. around .. "=" .. value .. "&limit=1"
      local words = words_of(command_of(wire), {
        ANTHROPIC_API_KEY = value, X_TEAM = value, A = value, AIT_S_QUOTED_HOME_HOME_ID_ID_N = value,
      })
      assert.same({ "-sS", "-N", "--globoff", "-X", "POST", url, "-H", "!a!: " .. value, "-H", "X-Team: " .. value,
        "-H", "Authorization: Bearer " .. value }, words)
    end
  end)

  it("sets a variable off from a letter behind it", function()
    local words = words_of(command_of { url = "http://x/a" .. SECRET .. "b", credential = BEARER },
      { ANTHROPIC_API_KEY = "k" })
    assert.equal("http://x/akb", words[6])
  end)

  it("has an empty body where there is one, and none where there is none", function()
    assert.same({ "-sS", "-N", "--globoff", "-X", "POST", "http://x/v1", "--data-raw", "" },
      (words_of(command_of { body = "" })))
    assert.same({ "-sS", "-N", "--globoff", "-X", "POST", "http://x/v1" }, (words_of(command_of {})))
  end)

  it("has a body of up to 100,000 bytes among its words, and a longer one in a pipe", function()
    for _, unit in ipairs { "x", "'", "%", "\\" } do
      local body = unit:rep(100000)
      local words, piped = words_of(command_of { body = body })
      assert.equal(8, #words)
      assert.equal(body, words[8])
      assert.equal("", piped)
      body = body .. unit
      local command = command_of { body = body }
      assert.equal("printf %s ", command:sub(1, 10))
      words, piped = words_of(command)
      assert.same({ "--data-binary", "@-" }, { words[7], words[8] })
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
        "curl -sS -N --globoff -X 'POST' 'http://x/v1'",
        "--form-string 'purpose=@user'",
        [[-F 'file=@"/tmp/a.pdf";filename="b.pdf";type=application/pdf']],
      }, " \\\n  "), command_of { multipart = {
        { name = "purpose", data = "@user" },
        { name = "file", path = "/tmp/a.pdf", filename = "b.pdf", content_type = "application/pdf" },
      } })
    end)

    it("quotes the path for curl and for the shell", function()
      local words = words_of(command_of { multipart = {
        { name = "files[]", path = [[/tmp/it's "a" \ b;c=d,e]], filename = [[it's;a=\b]], content_type = "text/plain" },
        { name = "note", data = NASTY },
      } })
      assert.same({ "-F", [[files[]=@"/tmp/it's \"a\" \\ b;c=d,e";filename="it's;a=\\b";type=text/plain]],
        "--form-string", "note=" .. NASTY }, { words[7], words[8], words[9], words[10] })
    end)

    it("has the content type of a field", function()
      local words = words_of(command_of { multipart = {
        { name = "meta", data = [[{"a":"@b;c"}]], content_type = "application/json" },
      } })
      assert.same({ "-F", [[meta="{\"a\":\"@b;c\"}";type=application/json]] }, { words[7], words[8] })
    end)

    it("cannot be where a field holds NUL", function()
      local command, message = curl_command.command(describe_request { multipart = { { name = "a", data = "x\0y" } } })
      assert.is_nil(command)
      assert.equal("a field of the upload holds a NUL byte, which no command line can", message)
    end)

    it("cannot be where curl would read another name", function()
      for _, name in ipairs { "a=b", "=", "" } do
        for _, part in ipairs {
          { data = "x" }, { data = "x", content_type = "text/plain" },
          { path = "/tmp/a", filename = "a", content_type = "text/plain" },
        } do
          part.name = name
          local command, message = curl_command.command(describe_request { multipart = { part } })
          assert.is_nil(command)
          assert.equal("a name in the form is empty or holds '=', which curl's options cannot say", message)
        end
      end
    end)

    it("cannot be where a file is not on disk", function()
      local command, message = curl_command.command(describe_request { multipart = {
        { name = "purpose", data = "x" },
        { name = "file", data = "bytes", filename = "a", content_type = "text/plain" },
      } })
      assert.is_nil(command)
      assert.equal("the request uploads something that is not a file on disk", message)
    end)
  end)
end)
