local anthropic = require "anthropic"
local tools = require "anthropic.helpers.tools"

local function run() end

local function raises(pattern, fields)
  local ok, message = pcall(function()
    local _ = anthropic.tool(fields)
  end)
  assert.is_false(ok)
  assert.matches(pattern, message)
  assert.matches("^spec/unit/helpers/tools_spec.lua:", (message:gsub("^%./", "")))
end

describe("anthropic.tool", function()
  it("makes a definition that is sent without what stays here", function()
    local tool = anthropic.tool {
      name = "get_weather", description = "The weather.", strict = true, cache_control = { type = "ephemeral" },
      input_schema = { type = "object", properties = {}, required = {} },
      run = run, timeout = 5, max_result_bytes = 1000,
    }
    assert.equal('{"cache_control":{"type":"ephemeral"},"description":"The weather.",'
      .. '"input_schema":{"properties":{},"required":[],"type":"object"},"name":"get_weather","strict":true}',
      anthropic.encode(tool))
    assert.equal(run, tool.run)
    assert.equal(5, tool.timeout)
    assert.equal(1000, tool.max_result_bytes)
    assert.is_true(tools.is(tool))
    assert.is_false(tools.is { name = "get_weather" })
  end)

  it("keeps what is set later out of the request, too", function()
    local tool = anthropic.tool { name = "a", run = run }
    local function other() end
    tool.run, tool.timeout, tool.strict = other, 3, true
    assert.equal(other, tool.run)
    assert.equal('{"input_schema":{"properties":{},"type":"object"},"name":"a","strict":true}',
      anthropic.encode(tool))
  end)

  it("takes a tool that the API defines", function()
    local tool = anthropic.tool { type = "bash_20250124", name = "bash", run = run }
    assert.equal('{"name":"bash","type":"bash_20250124"}', anthropic.encode(tool))
    assert.equal('{"type":"computer_toolset_20260801"}',
      anthropic.encode(anthropic.tool { type = "computer_toolset_20260801", run = run }))
  end)

  it("raises for what is wrong, in the caller's line", function()
    raises("table expected, got nil", nil)
    raises("run: function expected, got nil", { name = "a" })
    raises("run: function expected, got table", { name = "a", run = {} })
    raises("name: string of 1 to 128 letters, .* expected, got nil", { run = run })
    raises('name: string .* expected, got "a b"', { name = "a b", run = run })
    raises('name: string .* expected, got ""', { name = "", run = run })
    raises("name: string .* expected, got", { name = ("a"):rep(129), run = run })
    raises("description: string expected, got number", { name = "a", run = run, description = 1 })
    raises("input_schema: table expected, got", { name = "a", run = run, input_schema = "{}" })
    raises("timeout: positive number of seconds expected, got number", { name = "a", run = run, timeout = 0 })
    raises("max_result_bytes: positive number of bytes expected, got",
      { name = "a", run = run, max_result_bytes = "1" })
  end)
end)

describe("a tool's result", function()
  local function answer(f, fields)
    fields = fields or {}
    fields.name, fields.run = "f", f
    local call = {
      id = "toolu_1", name = "f", input = { x = 1 }, tool = anthropic.tool(fields),
      block = { type = "tool_use", id = "toolu_1", name = "f" },
    }
    return tools.answer({ call }, {})[1]
  end

  local function returns(...)
    local count, values = select("#", ...), { ... }
    return answer(function()
      return (unpack or table.unpack)(values, 1, count) -- luacheck: ignore 113 143
    end)
  end

  it("is a string as it is", function()
    assert.same({ type = "tool_result", tool_use_id = "toolu_1", content = "21 °C" }, returns "21 °C")
  end)

  it("is any other value as JSON", function()
    assert.equal('{"celsius":21}', returns({ celsius = 21 }).content)
    assert.equal("[1,2]", returns({ 1, 2 }).content)
    assert.equal("true", returns(true).content)
    assert.equal("false", returns(false).content)
    assert.equal("12", returns(12).content)
    assert.equal("null", returns(anthropic.null).content)
    assert.equal('{"type":"document"}', returns({ type = "document" }).content)
    assert.equal('[{"name":"Rex","type":"dog"}]', returns({ { type = "dog", name = "Rex" } }).content)
  end)

  it("is content blocks as they are, or one", function()
    local blocks = {
      { type = "text", text = "a" },
      { type = "image", source = { type = "url", url = "https://example.com/a.png" } },
    }
    assert.equal(anthropic.encode(blocks), anthropic.encode(returns(blocks).content))
    assert.equal("[" .. anthropic.encode(blocks[2]) .. "]", anthropic.encode(returns(blocks[2]).content))
  end)

  it("is empty for nothing", function()
    for _, block in ipairs { returns(), returns(nil) } do
      assert.equal('{"tool_use_id":"toolu_1","type":"tool_result"}', anthropic.encode(block))
    end
  end)

  it("is an error for nil and a message", function()
    local block = returns(nil, "no such city")
    assert.equal("no such city", block.content)
    assert.is_true(block.is_error)
    assert.equal('{"code":7}', returns(nil, { code = 7 }).content)
    assert.same({ { type = "text", text = "why" } }, returns(nil, { { type = "text", text = "why" } }).content)
  end)

  it("is an error for what it raises", function()
    local block = answer(function()
      error("no such city", 0)
    end)
    assert.equal("no such city", block.content)
    assert.is_true(block.is_error)
    block = answer(function()
      error(setmetatable({}, { __tostring = function() return "an object" end }))
    end)
    assert.equal("an object", block.content)
    block = answer(function()
      error()
    end)
    assert.equal("nil", block.content)
    assert.is_true(block.is_error)
  end)

  it("is an error where the value cannot be sent", function()
    local block = returns(print)
    assert.is_true(block.is_error)
    assert.matches("the result cannot be sent: value: a function has no JSON form", block.content)
    block = returns "\255"
    assert.is_true(block.is_error)
    assert.equal("the result cannot be sent: content: invalid UTF-8 at byte 1", block.content)
    block = returns(nil, "\255")
    assert.is_true(block.is_error)
    assert.matches("invalid UTF%-8", block.content)
  end)

  it("is cut at its limit, between two characters, with a note", function()
    local function text(value, limit)
      return answer(function()
        return value
      end, { max_result_bytes = limit })
    end
    assert.equal("12345", text("12345", 5).content)
    assert.equal("12345\n[cut: the first 5 of 6 bytes]", text("123456", 5).content)
    assert.equal("aé\n[cut: the first 3 of 5 bytes]", text("aéé", 4).content)
    assert.equal('{"a":\n[cut: the first 5 of 14 bytes]', text({ a = "bcdefg" }, 5).content)
    assert.is_nil(text("123456", 5).is_error)
    local image = { type = "image", source = { type = "base64", data = ("A"):rep(100) } }
    assert.same({
      { type = "text", text = "abc" },
      image,
      { type = "text", text = "de\n[cut: the first 2 of 4 bytes]" },
    }, text({
      { type = "text", text = "abc" }, image, { type = "text", text = "defg" }, { type = "text", text = "h" },
    }, 5).content)
    local block = answer(function()
      error(("x"):rep(10), 0)
    end, { max_result_bytes = 4 })
    assert.equal("xxxx\n[cut: the first 4 of 10 bytes]", block.content)
  end)

  it("is cut at 256 KiB where nothing else is said", function()
    assert.equal(262144, #returns(("x"):rep(262144)).content)
    assert.is_true(#returns(("x"):rep(300000)).content < 262144 + 100)
  end)

  it("names the toolset of the call", function()
    local call = {
      id = "toolu_1", answer = nil, tool = anthropic.tool { type = "computer_toolset_20260801", run = run },
      block = { type = "tool_use", id = "toolu_1", name = "screenshot", toolset_name = "computer" },
    }
    assert.equal("computer", tools.answer({ call }, {})[1].toolset_name)
  end)

  it("is an error where the tool took longer than its time", function()
    local block = answer(function()
      anthropic.sleep(0.05)
      return "late"
    end, { timeout = 0.01 })
    assert.is_true(block.is_error)
    assert.equal("the tool did not end within 0.01 seconds", block.content)
  end)

  it("can come from a tool that yields to a host of its own", function()
    local block
    local thread = coroutine.create(function()
      block = answer(function()
        assert.equal("in 1", coroutine.yield("out 1"))
        assert.equal("in 2", coroutine.yield("out 2"))
        error("after waiting", 0)
      end)
    end)
    assert.same({ true, "out 1" }, { coroutine.resume(thread) })
    assert.same({ true, "out 2" }, { coroutine.resume(thread, "in 1") })
    assert.same({ true }, { coroutine.resume(thread, "in 2") })
    assert.equal("after waiting", block.content)
  end)
end)
