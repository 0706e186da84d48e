local core = require "anthropic.core"
local directories = require "spec.support.directory"
local download = require "anthropic.http.download"

describe("an answer that goes to a file", function()
  local directory

  before_each(function()
    directory = directories.new()
  end)

  after_each(function()
    directory:remove()
  end)

  it("has its name once all of it has come", function()
    directory:write("file", "before")
    local sink = assert(download.open(directory:path "file"))
    assert.equal(2, #directory:names())
    assert.equal("before", directory:read "file")
    assert.equal(0, download.commit({}, sink, directory:path "file"))
    assert.equal("", directory:read "file")
    sink:close()
    assert.same({ "file" }, directory:names())
  end)

  it("leaves nothing where it is closed before", function()
    local sink = assert(download.open(directory:path "file"))
    sink:close()
    assert.same({}, directory:names())
  end)

  it("is refused where there is no such folder, or no path", function()
    local sink, err = download.open(directory:path "none/file")
    assert.is_nil(sink)
    assert.matches("No such file or directory", err.message, 1, true)
    assert.same({ "invalid_request", 23 }, { err.kind, err:exit_code() })
    sink, err = download.open(7)
    assert.is_nil(sink)
    assert.same({ "path: string expected, got number", 2 }, { err.message, err:exit_code() })
  end)

  it("that cannot be put in its place is an error with its path", function()
    local sink = assert(core.sink(directory:path "file"))
    local exchange = { profile = { option = function() end, timeouts = {} } }
    function exchange.describe(_, err)
      err.is_described = true
      return err
    end
    directory:run "mkdir file && touch file/x"
    local bytes, err = download.commit(exchange, sink, "shown")
    assert.is_nil(bytes)
    assert.matches("cannot write shown: ", err.message, 1, true)
    assert.is_true(err.is_described)
    sink:close()
    assert.same({ "file" }, directory:names())
  end)

  it("is no part of a whole, unless one was asked for", function()
    local function problem_of(status, range, ...)
      local exchange = { response = { status = status, headers = { ["content-range"] = range } } }
      local lines = { ... }
      function exchange.request()
        return { headers = lines }
      end
      function exchange.describe(_, err)
        return err
      end
      return download.problem_of_part(exchange)
    end
    assert.is_nil(problem_of(200, "bytes 0-4/10"))
    assert.is_nil(problem_of(206, "bytes 0-9/10"))
    assert.is_nil(problem_of(206, "Bytes 0-0/1"))
    assert.is_nil(problem_of(206, "bytes 0-4/10", { "Accept: */*" }, { "range: ", "RANGE" }))
    assert.is_nil(problem_of(206, nil, { "Range: bytes=0-4" }))
    for _, range in ipairs {
      "bytes 0-4/10", "bytes 1-9/10", "bytes 0-9/*", "bytes 0-9/10, bytes 0-9/10", "items 0-9/10", "bytes */10", "",
      false,
    } do
      local err = problem_of(206, range or nil, { "Accept: */*" }, { "Range:" }, { "X-Range: ", "X_RANGE" })
      assert.same({ "truncated", 206 }, { err.kind, err.status })
      assert.equal(("the answer is a part that was not asked for (HTTP 206, Content-Range: %s)"):format(
        range and range ~= "" and range or "none"), err.message)
    end
  end)
end)
