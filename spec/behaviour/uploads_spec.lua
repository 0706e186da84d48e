local abilities = require "spec.support.abilities"
local anthropic = require "anthropic"
local background = require "spec.support.background"
local directories = require "spec.support.directory"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local EVERY_BYTE = {}
for byte = 0, 255 do
  EVERY_BYTE[#EVERY_BYTE + 1] = string.char(byte)
end
EVERY_BYTE = table.concat(EVERY_BYTE)

-- The parts of a recorded body, checked to the last byte: { head = lines, body = bytes }.
local function parts_of(request)
  assert.equal(tostring(#request.body), request.headers["content-length"])
  local boundary = request.headers["content-type"]:match "^multipart/form%-data; boundary=(%S+)$"
  local body, parts = "\r\n" .. request.body, {}
  local mark = "\r\n--" .. boundary
  local first = #mark + 1
  assert.equal(mark, body:sub(1, #mark))
  while body:sub(first, first + 1) == "\r\n" do
    local last = body:find(mark, first, true)
    local head, content = body:sub(first, last - 1):match "^\r\n(.-)\r\n\r\n(.*)$"
    parts[#parts + 1] = { head = head, body = content }
    first = last + #mark
  end
  assert.equal("--\r\n", body:sub(first))
  return parts
end

local function without_boundary(request)
  local boundary = request.headers["content-type"]:match "boundary=(%S+)$"
  return (request.body:gsub(boundary:gsub("%-", "%%-"), "BOUNDARY"))
end

describe("An upload", function()
  local directory, server, client

  local function serve(script)
    server = hosted.server { script = script }
    client = anthropic.new { base_url = server.url, api_key = "test-key-1" }
  end

  before_each(function()
    directory = directories.new()
    serve { body = { id = "file_1", type = "file" } }
  end)

  after_each(function()
    server:stop()
    directory:remove()
  end)

  local function sent(params)
    local file = assert(client.files.upload(params))
    assert.equal("file_1", file.id)
    assert.equal(200, file.response.status)
    local requests = server:requests()
    return parts_of(requests[#requests]), requests[#requests]
  end

  it("sends a file from its path", function()
    local parts, request = sent { file = directory:write("report.pdf", "%PDF-1.7\n" .. EVERY_BYTE) }
    assert.equal("POST", request.method)
    assert.equal("/v1/files", request.target)
    assert.equal(1, #parts)
    assert.equal('Content-Disposition: form-data; name="file"; filename="report.pdf"\r\n'
      .. "Content-Type: application/pdf", parts[1].head)
    assert.equal("%PDF-1.7\n" .. EVERY_BYTE, parts[1].body)
  end)

  it("takes the name and the type that it is given", function()
    local path = directory:write("x", "1,2")
    local parts = sent { file = { path = path, filename = "table.csv", content_type = "text/x-table" } }
    assert.equal('Content-Disposition: form-data; name="file"; filename="table.csv"\r\n'
      .. "Content-Type: text/x-table", parts[1].head)
  end)

  it("sends bytes from memory", function()
    local parts = sent { file = { data = EVERY_BYTE, filename = "all.bin" } }
    assert.equal('Content-Disposition: form-data; name="file"; filename="all.bin"\r\n'
      .. "Content-Type: application/octet-stream", parts[1].head)
    assert.equal(EVERY_BYTE, parts[1].body)
  end)

  it("sends an empty file as one", function()
    assert.equal("", sent({ file = directory:write("empty.txt", "") })[1].body)
    assert.equal("", sent({ file = { data = "", filename = "empty.txt" } })[1].body)
  end)

  it("knows the type of a file by the end of its name", function()
    for name, expected in pairs {
      ["a.txt"] = "text/plain", ["a.JPG"] = "image/jpeg", ["a.md"] = "text/markdown",
      ["a.tar.zip"] = "application/zip", ["a.unknown"] = "application/octet-stream",
      pdf = "application/octet-stream",
    } do
      local parts = sent { file = { data = "x", filename = name } }
      assert.equal(expected, parts[1].head:match "Content%-Type: (%S+)$")
    end
  end)

  it("sends further parameters as fields before the file", function()
    local parts = sent {
      file = { data = "x", filename = "x" }, expires_in_seconds = 7776000, ratio = 0.5, zip = true, name = "a\nb",
    }
    local fields = {}
    for i = 1, 4 do
      fields[i] = parts[i].head .. " " .. parts[i].body
    end
    assert.same({
      'Content-Disposition: form-data; name="expires_in_seconds" 7776000',
      'Content-Disposition: form-data; name="name" a\nb',
      'Content-Disposition: form-data; name="ratio" 0.5',
      'Content-Disposition: form-data; name="zip" true',
    }, fields)
    assert.truthy(parts[5].head:find('name="file"', 1, true))
  end)

  it("sends what travels as a header there", function()
    local file = { data = "x", filename = "x" }
    local parts, request = sent { file = file, workspace_id = "wrkspc_1", betas = { "files-api-2025-04-14" } }
    assert.equal(1, #parts)
    assert.equal("wrkspc_1", request.headers["anthropic-workspace-id"])
    assert.equal("files-api-2025-04-14", request.headers["anthropic-beta"])
    assert.equal("Bearer test-key-1", request.headers.authorization)
  end)

  describe("with an unusual file name", function()
    local NAMES = {
      ['say "hi".txt'] = "say %22hi%22.txt",
      ["two\r\nContent-Type: x\nlines.txt"] = "two%0D%0AContent-Type: x%0Alines.txt",
      ["überraschung 日本.txt"] = "überraschung 日本.txt",
      ["a;b=c\\d%20'e'.txt"] = "a;b=c\\d%20'e'.txt",
    }

    it("quotes it as browsers do", function()
      for name, expected in pairs(NAMES) do
        local path = directory:write(name, name)
        for _, file in ipairs { path, { data = name, filename = name } } do
          local parts = sent { file = file }
          assert.equal('Content-Disposition: form-data; name="file"; filename="' .. expected
            .. '"\r\nContent-Type: text/plain', parts[1].head)
          assert.equal(name, parts[1].body)
        end
      end
    end)

    it("quotes a field's name as well", function()
      local parts = sent { file = { data = "x", filename = "x" }, ['a"\r\nb'] = "c" }
      assert.equal('Content-Disposition: form-data; name="a%22%0D%0Ab"', parts[1].head)
    end)

    it("keeps directories that are given", function()
      local parts = sent { file = { data = "x", filename = "a/b/c.txt" } }
      assert.truthy(parts[1].head:find('filename="a/b/c.txt"', 1, true))
    end)
  end)

  describe("of several files", function()
    it("keeps relative paths", function()
      local here = "spec/support/directory.lua"
      assert(client.skills.create {
        files = { here, "./" .. here, { data = "---\nname: pdf\n", filename = "pdf/SKILL.md" } },
        display_title = "PDF",
      })
      local request = server:requests()[1]
      local parts = parts_of(request)
      assert.equal("/v1/skills", request.target)
      assert.equal('Content-Disposition: form-data; name="display_title"', parts[1].head)
      for i, filename in ipairs { here, here, "pdf/SKILL.md" } do
        assert.truthy(parts[i + 1].head:find('name="files[]"; filename="' .. filename .. '"', 1, true))
      end
      assert.equal("---\nname: pdf\n", parts[4].body)
    end)

    it("asks for a name where the path cannot be one", function()
      for _, path in ipairs { "/etc/hostname", "../a", "a/../b", "a/.." } do
        local made, err = client.skills.create { files = { { data = "x", filename = "x" }, path } }
        assert.is_nil(made)
        assert.equal("invalid_request", err.kind)
        assert.equal("files[2]: " .. path .. " needs a filename, the path that it is to have there", err.message)
      end
    end)

    it("sends hundreds of them", function()
      local files = {}
      for i = 1, 300 do
        files[i] = { path = directory:write("f" .. i, "content " .. i), filename = "many/f" .. i }
      end
      assert(client.skills.create { files = files })
      local parts = parts_of(server:requests()[1])
      assert.equal(300, #parts)
      assert.equal("content 300", parts[300].body)
    end)
  end)

  it("works for every method that takes files", function()
    local files = { { data = "x", filename = "a/b" } }
    local beta = client.beta
    local organization = beta.organization
    for target, upload in pairs {
      ["/v1/files"] = function() return beta.files.upload { file = files[1] } end,
      ["/v1/skills"] = function() return beta.skills.create { files = files } end,
      ["/v1/skills/s/versions"] = function() return client.skills.versions.create("s", { files = files }) end,
      ["/v1/skills/t/versions"] = function() return beta.skills.versions.create("t", { files = files }) end,
      ["/v1/organizations/plugins"] = function() return organization.plugins.create { files = files } end,
      ["/v1/organizations/plugins/p/versions"] = function()
        return organization.plugins.versions.create("p", { files = files, release_notes = "new" })
      end,
      ["/v1/organizations/plugin_marketplaces/validate_archive"] = function()
        return organization.plugin_marketplaces.validate_archive { archive = files[1] }
      end,
    } do
      assert(upload())
      local requests = server:requests()
      local request = requests[#requests]
      assert.equal(target, request.path)
      assert.equal(target:find "plugin" and "ce-plugins-2026-09-01" or nil, request.headers["anthropic-beta"])
      local parts = parts_of(request)
      assert.equal("x", parts[#parts].body)
      assert.truthy(parts[#parts].head:find 'name="f?i?l?e?a?r?c?h?i?v?e?s?%[?%]?"; filename="a/b"')
    end
  end)

  describe("that cannot be made", function()
    local function refused(params)
      local file, err = client.files.upload(params)
      assert.is_nil(file)
      assert.equal("invalid_request", err.kind)
      assert.same({}, server:requests())
      return err.message
    end

    it("names the file", function()
      local root = directory.root
      directory:run "mkfifo pipe"
      assert.equal("cannot read " .. root .. "/none: No such file or directory", refused { file = root .. "/none" })
      assert.equal("cannot read " .. root .. ": it is a directory", refused { file = root })
      assert.equal("cannot read " .. root .. "/pipe: it is no regular file", refused { file = root .. "/pipe" })
      assert.equal("cannot read : No such file or directory", refused { file = { path = "", filename = "x" } })
    end)

    it("says why a file cannot be read", function()
      directory:run "ln -s loop loop"
      local _, words = io.open(directory:path "loop") -- of the system
      assert.equal("cannot read " .. words, refused { file = directory:path "loop" })
    end)

    it("says what is wrong with the parameters", function()
      assert.equal("no file given: file, files or archive expected", refused {})
      assert.equal("no file given: file, files or archive expected", refused(nil))
      assert.equal("file: a path or a table expected, got number", refused { file = 5 })
      assert.equal("file: either path or data expected", refused { file = {} })
      assert.equal("file: either path or data expected", refused { file = { path = "a", data = "b" } })
      assert.equal("file: data needs a filename", refused { file = { data = "b" } })
      assert.equal("file.data: string expected, got boolean", refused { file = { data = true, filename = "x" } })
      assert.equal('file: unknown field "name"; did you mean "data"?', refused { file = { name = "x" } })
      assert.equal('file: unknown field "filname"; did you mean "filename"?', refused { file = { filname = "x" } })
      assert.equal("file.path: must not contain NUL", refused { file = "a\0b" })
      assert.equal("file.filename: must not contain NUL", refused { file = { data = "", filename = "\0" } })
      assert.equal("file.content_type: must not contain a line break",
        refused { file = { data = "", filename = "x", content_type = "a\r\nb" } })
      assert.equal("note: string, number or boolean expected, got table",
        refused { file = { data = "", filename = "x" }, note = {} })
      assert.equal("files: a list of files expected", refused { files = "a" })
      assert.equal("files: a list of files expected", refused { files = {} })
      assert.equal("files[1]: either path or data expected", refused { files = { {} } })
    end)
  end)

  describe("that fails at first", function()
    it("sends the same bytes again after a 429", function()
      server:stop()
      serve {
        testing.error { status = 429, retry_after = 0 },
        testing.error { status = 429, retry_after = 0 },
        { body = { id = "file_1" } },
      }
      local bytes = EVERY_BYTE:rep(2000)
      local path = directory:write("a.bin", bytes)
      local files = { { path = path, filename = "a/1" }, { data = bytes, filename = "a/2" } }
      assert(client.skills.create { files = files, display_title = "x" })
      local requests = server:requests()
      assert.equal(3, #requests)
      assert.equal(bytes, parts_of(requests[1])[2].body)
      assert.equal(bytes, parts_of(requests[1])[3].body)
      assert.equal(without_boundary(requests[1]), without_boundary(requests[2]))
      assert.equal(without_boundary(requests[1]), without_boundary(requests[3]))
    end)

    it("sends it again after a connection that broke, where that is asked for", function()
      server:stop()
      serve { { reset = true }, { body = { id = "file_1" } } }
      local bytes = EVERY_BYTE:rep(2000)
      local path = directory:write("a.bin", bytes)
      local file = assert(client.files.upload({ file = path }, { retry = "always" }))
      assert.equal(2, file.response.attempts)
      assert.equal(bytes, parts_of(server:requests()[2])[1].body)
    end)

    it("sends the same file again, whatever the current directory becomes", function()
      if not abilities then
        pending "this needs a change of the current directory"
      end
      server:stop()
      serve { testing.error { status = 429, retry_after = 0 }, { body = { id = "file_1" } } }
      local before = background.output_of("pwd"):match "[^\n]+"
      directory:run "mkdir here there && printf right >here/a && printf wrong >there/a"
      abilities.change_directory(directory:path "here")
      local file, err = client.files.upload({ file = "a" }, {
        on_retry = function() abilities.change_directory(directory:path "there") end,
      })
      abilities.change_directory(before)
      assert(file, err)
      assert.equal("right", parts_of(server:requests()[2])[1].body)
    end)

    it("says so where the file has gone meanwhile", function()
      server:stop()
      serve { testing.error { status = 429, retry_after = 0 }, { body = { id = "file_1" } } }
      local path = directory:write("a.bin", "x")
      local file, err = client.files.upload({ file = path }, { on_retry = function() os.remove(path) end })
      assert.is_nil(file)
      assert.equal("invalid_request", err.kind)
      assert.equal("cannot read " .. path .. ": No such file or directory", err.message)
      assert.equal(429, err.history[1].status)
      assert.equal(1, #server:requests())
    end)

    it("leaves no file open", function()
      server:stop()
      serve { testing.error { status = 400 } }
      local path = directory:write("a.bin", EVERY_BYTE)
      local _, err = client.files.upload { file = path }
      assert.equal(400, err.status)
      collectgarbage()
      assert.is_nil(directory:run("ls -l /proc/$PPID/fd"):find(path, 1, true))
    end)
  end)

  it("shares the process with a stream", function()
    server:stop()
    local words = ("word "):rep(200)
    serve { routes = {
      { path = "/v1/messages", answers = { testing.stream { text = words, delay_between = 0.002 } } },
      { path = "/v1/files", answers = { { body = { id = "file_1" }, delay = 0.1 } } },
    } }
    local bytes = EVERY_BYTE:rep(40000)
    local path = directory:write("a.bin", bytes)
    local text, order = {}, {}
    anthropic.run(function()
      anthropic.spawn(function()
        for _ = 1, 3 do
          assert(client.files.upload { file = path })
          order[#order + 1] = "file"
        end
      end)
      local stream = assert(client.messages.stream {
        model = "m", max_tokens = 10, messages = { { role = "user", content = "Hi" } },
      })
      local event = stream:next()
      while event do
        if event.type == "content_block_delta" then
          text[#text + 1] = event.delta.text
        end
        event = stream:next()
      end
      order[#order + 1] = "stream"
    end)
    assert.equal(words, table.concat(text))
    assert.equal(4, #order)
    for _, request in ipairs(server:requests()) do
      if request.path == "/v1/files" then
        assert.equal(bytes, parts_of(request)[1].body)
      end
    end
  end)
end)
