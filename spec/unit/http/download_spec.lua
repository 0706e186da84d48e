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
end)
