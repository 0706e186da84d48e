-- The C module itself.

local core = require "anthropic.core"

describe("the C module", function()
  it("has these functions and values, and no others", function()
    local names = {}
    for name, value in pairs(core) do
      names[#names + 1] = name ~= "advance" and name .. ":" .. type(value) or nil -- of a test build
    end
    table.sort(names)
    assert.equal([[
base64:function
base64_decode:function
base64_file:function
can_yield:function
curl_info:function
decode_escapes:function
delta_run:function
fed:function
file_bytes:function
file_head:function
file_mode:function
find_spelled:function
folder:function
hex:function
hmac_sha256:function
interface:string
is_same:function
is_text:function
json_answer:number
json_array_metatable:table
json_check:number
json_encode:function
json_event:number
json_input:number
json_mend:number
json_object_metatable:table
json_partial:function
json_prepare:function
json_repair:number
json_request:number
json_restore:function
json_strict:number
loop:function
now:function
null:userdata
parse_headers:function
sha256:function
sink:function
sse:function
weigh:function
whole_path:function
write_private:function]], table.concat(names, "\n"))
  end)

  it("is the same one however often it is required, and sets no global", function()
    assert.equal(core, require "anthropic.core")
    assert.equal(core, package.loaded["anthropic.core"])
    assert.is_nil(rawget(_G, "anthropic"))
  end)

  it("registers its types", function()
    for _, name in ipairs { "loop", "transfer", "sse.decoder", "delta_run", "sink", "json_partial", "json.buffer",
      "folder" } do
      assert.equal("table", type(debug.getregistry()["anthropic." .. name]), name)
    end
    assert.equal("function", type(debug.getregistry()["anthropic.transfer"].__index.next_event))
  end)

  it("has a clock that goes forward, in seconds", function()
    local first = core.now()
    assert.equal(1, select("#", core.now()))
    local began = os.clock()
    while os.clock() - began < 0.02 do end -- luacheck: ignore 542
    local passed = core.now() - first
    assert.is_true(passed >= 0.015 and passed < 5, passed)
    for _ = 1, 1000 do
      local now = core.now()
      assert.is_true(now >= first)
      first = now
    end
  end)

  it("tells which libcurl there is and what it can do", function()
    local info = core.curl_info()
    assert.matches("^%d+%.%d+%.%d+", info.version)
    assert.is_true(info.tls == nil or type(info.tls) == "string")
    local known = { AsynchDNS = 1, HTTP2 = 1, HTTP3 = 1, ["HTTPS-proxy"] = 1, IPv6 = 1, SSL = 1, brotli = 1, libz = 1,
      zstd = 1 }
    for name, is_there in pairs(info.features) do
      assert.is_true(is_there)
      assert.equal(1, known[name], name)
    end
    assert.not_equal(info, core.curl_info())
    assert.same(info, core.curl_info())
    local pipe = io.popen "curl-config --features 2>/dev/null"
    local printed = "\n" .. pipe:read "*a"
    pipe:close()
    if printed == "\n" then
      pending "curl-config is missing"
      return
    end
    for name in pairs(known) do
      assert.equal(printed:find("\n" .. name .. "\n", 1, true) ~= nil or nil, info.features[name], name)
    end
  end)
end)
