local anthropic = require "anthropic"
local clock = require "spec.support.clock"
local directories = require "spec.support.directory"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local BYTES = ("\0\1\255\r\n--x--"):rep(5000)

describe("A download", function()
  local directory, server, client

  local function serve(script)
    server = hosted.server { script = script }
    client = anthropic.new { base_url = server.url, api_key = "test-key-1" }
  end

  before_each(function()
    directory = directories.new()
  end)

  after_each(function()
    server:stop()
    directory:remove()
  end)

  local function download(name, given)
    return client.files.download("file_1", { path = directory:path(name) }, given)
  end

  it("gives a string", function()
    serve { body = BYTES }
    assert.same({ BYTES }, { assert(client.files.download "file_1") })
    assert.equal("/v1/files/file_1/content", server:requests()[1].target)
  end)

  it("writes a file", function()
    serve { body = BYTES }
    local result = assert(download "out.bin")
    local response = result.response
    assert.same({ path = directory:path "out.bin", bytes = #BYTES }, result)
    assert.same({ path = result.path, bytes = #BYTES }, anthropic.decode(anthropic.encode(result)))
    assert.equal(200, response.status)
    assert.equal("req_test_1", response.request_id)
    assert.is_number(response.timings.total)
    assert.equal(BYTES, directory:read "out.bin")
    assert.same({ "out.bin" }, directory:names())
    assert.equal("/v1/files/file_1/content", server:requests()[1].target)
  end)

  it("writes an empty file", function()
    serve { body = "" }
    assert.equal(0, assert(download "out.bin").bytes)
    assert.equal("", directory:read "out.bin")
  end)

  it("takes a path from the current directory", function()
    serve { body = "x" }
    local path = "spec_download_" .. server.port
    local result = client.files.download("file_1", { path = path })
    local file = io.open(path)
    local bytes = file and file:read "*a"
    os.remove(path)
    assert.equal(path, result.path)
    assert.equal("x", bytes)
  end)

  it("to an empty path is refused before anything is sent", function()
    serve { body = "x" }
    local result, err = client.files.download("file_1", { path = "" })
    assert.is_nil(result)
    assert.equal("invalid_request", err.kind)
    assert.equal("cannot write : the path is empty", err.message)
    assert.same({}, server:requests())
  end)

  it("replaces a file that is there, and keeps its mode", function()
    serve { body = "new" }
    directory:write("out.bin", "old and longer")
    directory:run "chmod 640 out.bin"
    assert(download "out.bin")
    assert.equal("new", directory:read "out.bin")
    assert.equal("640\n", directory:run "stat -c %a out.bin")
  end)

  it("gives a new file the mode that the process gives its files", function()
    serve { body = "new" }
    directory:write("other", "")
    assert(download "out.bin")
    assert.equal(directory:run "stat -c %a other", directory:run "stat -c %a out.bin")
  end)

  it("follows a symbolic link", function()
    serve { body = "new" }
    directory:run "mkdir there; echo old >there/real; ln -s there/real link"
    assert(download "link")
    assert.equal("new", directory:read "there/real")
    assert.equal("there/real\n", directory:run "readlink link")
    assert.equal("real\n", directory:run "ls -A there")
  end)

  it("has no limit of size", function()
    serve { body = BYTES }
    local given = { max_response_bytes = 100 }
    local bytes, err = client.files.download("file_1", nil, given)
    assert.is_nil(bytes)
    assert.equal("protocol", err.kind)
    assert.equal(#BYTES, assert(download("out.bin", given)).bytes)
  end)

  it("is refused as a string over the limit, also when it comes at once", function()
    serve { raw = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" .. ("x"):rep(1000) }
    for _ = 1, 5 do
      local bytes, err = client.files.download("file_1", nil, { max_response_bytes = 999 })
      assert.is_nil(bytes)
      assert.equal("the answer is larger than 999 bytes", err.message)
    end
    assert.equal(1000, #assert(client.files.download("file_1", nil, { max_response_bytes = 1000 })))
  end)

  it("works for every method that gives a file", function()
    serve { body = BYTES }
    for target, get in pairs {
      ["/v1/files/f/content"] = function(params) return client.beta.files.download("f", params) end,
      ["/v1/skills/s/versions/2/content"] = function(params)
        return client.beta.skills.versions.download("s", 2, params)
      end,
      ["/v1/organizations/plugins/p/versions/1/content"] = function(params)
        return client.beta.organization.plugins.versions.download("p", 1, params)
      end,
    } do
      assert.equal(BYTES, get())
      assert.equal(#BYTES, assert(get { path = directory:path "out.bin" }).bytes)
      assert.equal(BYTES, directory:read "out.bin")
      local requests = server:requests()
      assert.equal(target, requests[#requests].target)
    end
  end)

  describe("that fails", function()
    -- Nothing is left but what was there.
    local function assert_untouched(name)
      assert.same({ name }, directory:names())
      assert.equal("old", directory:read(name))
    end

    before_each(function()
      directory:write("out.bin", "old")
    end)

    it("leaves a file that is there as it was", function()
      serve(testing.error { status = 404, message = "no such file" })
      local result, err = download "out.bin"
      assert.is_nil(result)
      assert.equal("api", err.kind)
      assert.equal(404, err.status)
      assert.equal("no such file", err.message)
      assert.truthy(err.body:find("no such file", 1, true))
      assert_untouched "out.bin"
    end)

    it("begins anew with an empty file", function()
      serve {
        { body = BYTES, cut_after = 9000 },
        testing.error { status = 529, retry_after = 0 },
        { body = "short" },
      }
      local result = assert(download "out.bin")
      assert.equal(5, result.bytes)
      assert.equal(3, result.response.attempts)
      assert.equal("short", directory:read "out.bin")
      assert.same({ "out.bin" }, directory:names())
    end)

    it("is an error when a part comes that was not asked for, as a string too", function()
      local part = { status = 206, headers = { ["Content-Range"] = "bytes 0-4/100" }, body = "bytes" }
      serve { part }
      local result, err = download("out.bin", { max_retries = 0 })
      assert.is_nil(result)
      assert.equal("truncated", err.kind)
      assert_untouched "out.bin"
      result, err = client.files.download("file_1", nil, { max_retries = 0 })
      assert.is_nil(result)
      assert.equal("truncated", err.kind)
    end)

    it("may be a part that was asked for, or one that is the whole", function()
      local part = { status = 206, headers = { ["Content-Range"] = "bytes 5-9/100" }, body = "bytes" }
      serve { part, { status = 206, headers = { ["Content-Range"] = "bytes 0-4/5" }, body = "whole" } }
      assert(download("out.bin", { headers = { Range = "bytes=5-9" } }))
      assert.equal("bytes", directory:read "out.bin")
      assert(download("out.bin", { max_retries = 0 }))
      assert.equal("whole", directory:read "out.bin")
    end)

    it("begins anew where a part came that was not asked for", function()
      local part = { status = 206, headers = { ["Content-Range"] = "bytes 0-4/9" }, body = "bytes" }
      serve { part, { body = "the whole" } }
      assert(download "out.bin")
      assert.equal("the whole", directory:read "out.bin")
      assert.same({ "out.bin" }, directory:names())
    end)

    it("leaves nothing where on_log raises", function()
      serve { body = BYTES }
      for _, event in ipairs { "request", "response", "body" } do
        collectgarbage "stop"
        local ok, raised = pcall(download, "new.bin", {
          on_log = function(record)
            if record.event == event then
              error("a bug at " .. event, 0)
            end
          end,
        })
        local names = directory:names()
        collectgarbage "restart"
        assert.same({ false, "a bug at " .. event, { "out.bin" } }, { ok, raised, names })
      end
    end)

    it("is an error when it never comes whole", function()
      serve { body = BYTES, cut_after = 9000 }
      local result, err = download("out.bin", { max_retries = 1 })
      assert.is_nil(result)
      assert.equal("truncated", err.kind)
      assert.equal(2, err.attempts)
      assert_untouched "out.bin"
    end)

    it("is an error when it stands still", function()
      serve { body = BYTES, hang_after = 9000 }
      local result, err = download("out.bin", { max_retries = 0, timeout = { idle = 0.3 } })
      assert.is_nil(result)
      assert.equal("idle", err.timeout)
      assert_untouched "out.bin"
    end)

    it("is an error when it takes too long", function()
      serve { body = BYTES, chunk_bytes = 1000, delay_between = 0.1 }
      local result, err = download("out.bin", { timeout = 0.5 })
      assert.is_nil(result)
      assert.equal("total", err.timeout)
      assert_untouched "out.bin"
    end)

    it("names a path that cannot be written, and asks the server for nothing", function()
      serve { body = BYTES }
      directory:run "mkfifo pipe; mkdir full"
      for name, reason in pairs {
        ["none/out.bin"] = "No such file or directory",
        ["out.bin/out.bin"] = "Not a directory",
        full = "it is a directory",
        pipe = "it is no regular file",
        [("x"):rep(300)] = select(2, io.open(("x"):rep(300))):match ": ([^:]*)$", -- in the words of the system
      } do
        local result, err = download(name)
        assert.is_nil(result)
        assert.equal("invalid_request", err.kind)
        assert.equal("cannot write " .. directory:path(name) .. ": " .. reason, err.message)
      end
      for _, path in ipairs { "/dev/null", "/dev/full" } do
        local _, err = client.files.download("file_1", { path = path })
        assert.equal("cannot write " .. path .. ": it is no regular file", err.message)
      end
      local _, err = client.files.download("file_1", { path = "a\0b" })
      assert.truthy(err.message:find "the path contains NUL$")
      _, err = client.files.download("file_1", { path = 5 })
      assert.equal("path: string expected, got number", err.message)
      assert.same({}, server:requests())
    end)

    it("says when the disk is full", function()
      serve { body = BYTES }
      local program = directory:write("program.lua", ([[
        local client = require("anthropic").new { base_url = %q, api_key = "test-key-1" }
        local result, err = client.files.download("file_1", { path = %q })
        print(result, err.kind, err.attempts, err.message)
      ]]):format(server.url, directory:path "out.bin"))
      local lua = rawget(_G, "jit") and "luajit" or _VERSION:lower():gsub(" ", "")
      -- the shell's limit stands for a full disk: both end in a write that fails
      local pipe = io.popen(("trap '' XFSZ; ulimit -f 16; %s %s 2>&1"):format(lua, program))
      local output = pipe:read "*a"
      pipe:close()
      os.remove(program)
      assert.equal("nil\tinvalid_request\t1\tcannot write " .. directory:path "out.bin" .. ": File too large\n", output)
      assert_untouched "out.bin"
    end)

    it("says when the file cannot take its place", function()
      serve { testing.error { status = 529, retry_after = 0 }, { body = BYTES } }
      local result, err = download("new.bin", {
        on_retry = function() directory:run "mkdir new.bin" end,
      })
      assert.is_nil(result)
      assert.equal("invalid_request", err.kind)
      assert.equal("cannot write " .. directory:path "new.bin" .. ": Is a directory", err.message)
      assert.same({ "new.bin", "out.bin" }, directory:names())
    end)

    it("is cleaned up after when it is cancelled", function()
      serve { body = BYTES, hang_after = 9000 }
      local result, err
      anthropic.run(function()
        local task = anthropic.spawn(function()
          result, err = download "out.bin"
        end)
        clock.await(function() return #directory:names() == 2 end)
        task:cancel()
      end)
      assert.is_nil(result)
      assert.equal("cancelled", err.kind)
      assert_untouched "out.bin"
    end)

    it("is cleaned up after when the client is closed", function()
      serve { body = BYTES, hang_after = 9000 }
      local result, err
      anthropic.run(function()
        anthropic.spawn(function()
          result, err = download "out.bin"
        end)
        clock.await(function() return #directory:names() == 2 end)
        client:close()
      end)
      assert.is_nil(result)
      assert.equal("cancelled", err.kind)
      assert_untouched "out.bin"
    end)

    it("is cleaned up after when the caller's own function raises", function()
      serve { body = BYTES, cut_after = 9000 }
      assert.has_error(function()
        download("out.bin", { on_retry = function() error("enough", 0) end })
      end, "enough")
      collectgarbage()
      collectgarbage()
      assert_untouched "out.bin"
    end)
  end)

  it("shares the process with others", function()
    serve { body = BYTES, chunk_bytes = 5000, delay_between = 0.005 }
    anthropic.run(function()
      for i = 1, 8 do
        anthropic.spawn(function()
          assert(download("out" .. i))
        end)
      end
    end)
    assert.equal(8, #directory:names())
    for i = 1, 8 do
      assert.equal(BYTES, directory:read("out" .. i))
    end
  end)
end)

describe("A file of 200 MB", function()
  local MEGABYTE = 1024 * 1024
  local directory, server

  before_each(function()
    directory = directories.new()
    server = hosted.server {
      max_record_bytes = 1000,
      script = { routes = {
        { method = "POST", answers = { { body = { id = "file_1" } } } },
        { method = "GET", answers = { { body = ("x"):rep(MEGABYTE), repeats = 200 } } },
      } },
    }
  end)

  after_each(function()
    server:stop()
    directory:remove()
  end)

  -- The result of large_file.lua and its peak of memory in MB.
  local function move(action, name)
    local lua = os.getenv "SPEC_LUA" or rawget(_G, "jit") and "luajit" or _VERSION:lower():gsub(" ", "")
    local pipe = io.popen(("%s spec/support/large_file.lua %s %s '%s' 2>&1"):format(
      lua, action, server.url, directory:path(name)))
    local output = pipe:read "*a"
    pipe:close()
    local result, peak = output:match "^(%S+)\n(%d+)\n$"
    assert(peak, output)
    return result, tonumber(peak) / 1024
  end

  it("goes up with a peak of memory under 30 MB", function()
    directory:run "truncate -s 200M large.bin"
    local result, peak = move("up", "large.bin")
    assert.equal("file_1", result)
    assert.is_true(server:requests()[1].body_bytes > 200 * MEGABYTE)
    assert.is_true(os.getenv "SPEC_LUA" ~= nil or peak < 30, peak .. " MB")
  end)

  it("comes down with a peak of memory under 30 MB", function()
    local result, peak = move("down", "large.bin")
    assert.equal(tostring(200 * MEGABYTE), result)
    assert.equal(tostring(200 * MEGABYTE), (directory:run "tr -dc x <large.bin | wc -c":gsub("%s", "")))
    assert.is_true(os.getenv "SPEC_LUA" ~= nil or peak < 30, peak .. " MB")
  end)
end)
