-- The face of anthropic.http; what it does is in spec/unit/http/ and spec/behaviour/http_*_spec.lua.

local http = require "anthropic.http"
local service = require "spec.support.service"

describe("anthropic.http", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("asks, reads and opens", function()
    local server = service.serve { { body = "one\ntwo" } }
    assert.equal("one\ntwo", assert(http.request { url = server.url }).body)
    local lines = {}
    for line in assert(http.open { url = server.url }):lines() do
      lines[#lines + 1] = line
    end
    assert.same({ "one", "two" }, lines)
  end)

  it("blames the line of its caller", function()
    for _, f in ipairs {
      function() http.request {} end, function() http.open {} end, function() http.request({ url = "http://h" }, 7) end,
      function() http.request { url = "http://h", methd = "x" } end,
    } do
      local ok, message = pcall(f)
      assert.is_false(ok)
      assert.matches("http_spec.lua:%d+: ", message)
    end
  end)
end)
