local anthropic = require "anthropic"
local tools = require "anthropic.helpers.tools"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")
local NOTHING = tostring((select(2, pcall(error)))) -- what was raised: Lua 5.5 has words for it

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
      return unpack(values, 1, count)
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
    assert.equal(NOTHING, block.content)
    assert.is_true(block.is_error)
  end)

  it("is an error where the value cannot be sent", function()
    local block = returns(print)
    assert.is_true(block.is_error)
    assert.matches("the result cannot be sent: value: a function has no JSON form", block.content)
    local cycle = {}
    cycle.a = { cycle }
    for problem, value in pairs {
      ["value: NaN has no JSON form"] = 0 / 0, ["a: infinity has no JSON form"] = { a = 1 / 0 },
      ["a[1]: the table contains itself"] = cycle,
      ["[1].source.x: infinity has no JSON form"] = { type = "image", source = { type = "new", x = -1 / 0 } },
      ["value: a key is a boolean that cannot be a name"] = { [true] = 1 },
      ["boom"] = setmetatable({}, { __index = function() error("boom", 0) end }),
      ["to read it raises an error"] = setmetatable({}, { __index = function() error {} end }),
    } do
      block = returns(value)
      assert.is_true(block.is_error)
      assert.matches("the result cannot be sent: ", block.content, 1, true)
      assert.matches(problem, block.content, 1, true)
      if value == value then -- nil and a value are a failure, which must have a text
        block = returns(nil, value)
        assert.is_true(block.is_error)
        assert.is_true(#block.content > 0)
        assert.is_string(anthropic.encode(block))
      end
    end
  end)

  it("has U+FFFD for what is not UTF-8, wherever that stands", function()
    local R = "\239\191\189"
    assert.same({ type = "tool_result", tool_use_id = "toolu_1", content = "caf" .. R }, returns "caf\233")
    assert.equal("x" .. R:rep(3) .. "y", returns("x\237\160\189y").content)
    assert.equal('{"k' .. R .. '":[{"a":"' .. R .. '"}]}', returns({ ["k\255"] = { { a = "\226\130" } } }).content)
    assert.equal('"' .. R .. '"', returns(anthropic.array { "\255" }).content:match '^%[(.*)%]$')
    local image = { type = "image", source = { type = "url", url = "https://x/\233" }, ["n\255"] = 1 }
    local content = returns({ { type = "text", text = "caf\233", citations = { { title = "\233" } } }, image }).content
    assert.equal('[{"citations":[{"title":"' .. R .. '"}],"text":"caf' .. R .. '","type":"text"},{"n' .. R
      .. '":1,"source":{"type":"url","url":"https://x/' .. R .. '"},"type":"image"}]', anthropic.encode(content))
    assert.equal("https://x/\233", image.source.url)
    for content_of_failure, reason in pairs {
      ["caf" .. R] = "caf\233", ['{"code":"' .. R .. '"}'] = { code = "\255" },
      ["an object" .. R] = setmetatable({}, { __tostring = function() return "an object\255" end }),
    } do
      local block = returns(nil, reason)
      assert.is_true(block.is_error)
      assert.equal(content_of_failure, block.content)
      assert.equal(content_of_failure, answer(function() error(reason, 0) end).content)
    end
  end)

  it("has no blank text, which the API refuses", function()
    local function text(value)
      return { type = "text", text = value }
    end
    local image = { type = "image", source = { type = "url", url = "u" } }
    for _, blank in ipairs { "", " ", "\n\t \n" } do
      assert.is_nil(returns(blank).content)
      assert.is_nil(returns(text(blank)).content)
      assert.is_nil(returns({ text(blank), text(blank) }).content)
      assert.same({ text "a", image }, returns({ text(blank), text "a", text(blank), image }).content)
      for _, reason in ipairs { blank, text(blank), { text(blank) } } do
        local block = returns(nil, reason) -- the API refuses a failure without content
        assert.same({ true, "the tool failed" }, { block.is_error, block.content })
      end
    end
    assert.is_nil(returns("").is_error)
  end)

  it("has a number for a text as text, and a block with another text is none", function()
    assert.same({ { type = "text", text = "5" } }, returns({ type = "text", text = 5 }).content)
    assert.equal('{"text":true,"type":"text"}', returns({ type = "text", text = true }).content)
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
      { type = "text", text = "[cut: 1 byte in 1 block left out]" },
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

describe("a tool's definition", function()
  local function encoded(fields)
    fields.run = run
    return (assert(anthropic.encode(anthropic.tool(fields))))
  end

  it("has a name of 1 to 128 letters, digits, _ and -", function()
    for _, name in ipairs { "a", "Z", "9", "_", "-", "get-weather_2", ("x"):rep(128) } do
      assert.equal(name, anthropic.tool({ name = name, run = run }).name)
    end
    for _, name in ipairs { "", ("x"):rep(129), "a.b", "a b", "é", "a\n", "a/b", "a\0" } do
      raises("name: string of 1 to 128 letters, digits, '_' and '%-' expected, got \"", { name = name, run = run })
    end
    raises("name: .* expected, got number", { name = 5, run = run })
    raises("name: .* expected, got boolean", { name = false, run = run })
  end)

  it("needs a name where it is the program's own, by its type too", function()
    raises("name: .* expected, got nil", { type = "custom", run = run })
    assert.equal('{"input_schema":{"properties":{},"type":"object"},"name":"a","type":"custom"}',
      encoded { type = "custom", name = "a" })
    -- one of the API's needs none, but has none that is wrong
    assert.equal('{"type":"x_1"}', encoded { type = "x_1" })
    raises('name: .* expected, got "a b"', { type = "x_1", name = "a b", run = run })
  end)

  it("has the fields that it knows of their types", function()
    for _, case in ipairs {
      { "type", 1, "string expected, got number" },
      { "type", false, "string expected, got boolean" },
      { "description", {}, "string expected, got table" },
      { "description", false, "string expected, got boolean" },
      { "input_schema", '{"type":"object"}', 'table expected, got "{\\"type\\":\\"object\\"}"' },
      { "input_schema", true, "table expected, got boolean" },
      { "timeout", 0, "positive number of seconds expected, got number" },
      { "timeout", -1, "positive number of seconds expected, got number" },
      { "timeout", 0 / 0, "positive number of seconds expected, got number" },
      { "timeout", "1", 'positive number of seconds expected, got "1"' },
      { "timeout", false, "positive number of seconds expected, got boolean" },
      { "max_result_bytes", 0, "positive number of bytes expected, got number" },
      { "max_result_bytes", {}, "positive number of bytes expected, got table" },
      { "run", "f", 'function expected, got "f"' },
      { "run", false, "function expected, got boolean" },
    } do
      local fields = { name = "a", run = run }
      fields[case[1]] = case[2]
      local ok, message = pcall(anthropic.tool, fields)
      assert.is_false(ok)
      local expected = ("anthropic.tool: %s: %s"):format(case[1], case[3])
      assert.equal(expected, message:sub(-#expected))
    end
    for _, value in ipairs { 0.001, 1, 1e9 } do
      assert.equal(value, anthropic.tool({ name = "a", run = run, timeout = value }).timeout)
      assert.equal(value, anthropic.tool({ name = "a", run = run, max_result_bytes = value }).max_result_bytes)
    end
    raises("anthropic.tool: table expected, got string", "x")
    raises("anthropic.tool: table expected, got function", run)
  end)

  it("is none of the table that it was made of", function()
    local fields = { name = "a", run = run, description = "x", timeout = 1 }
    local tool = anthropic.tool(fields)
    tool.name, tool.timeout = "b", 2
    assert.same({ name = "a", run = run, description = "x", timeout = 1 }, fields)
    assert.is_nil(getmetatable(fields))
    assert.equal(1, anthropic.tool(fields).timeout)
  end)

  it("never sends what stays here, also where it is set later", function()
    local tool = anthropic.tool { name = "a", run = run }
    tool.timeout, tool.max_result_bytes, tool.run, tool.defer_loading = 3, 4, print, true
    assert.equal('{"defer_loading":true,"input_schema":{"properties":{},"type":"object"},"name":"a"}',
      anthropic.encode(tool))
    assert.equal(3, tool.timeout)
    assert.equal(4, tool.max_result_bytes)
    assert.equal(print, tool.run)
    tool.timeout = nil
    assert.is_nil(tool.timeout)
  end)

  it("keeps the schema that is given", function()
    local schema = { type = "object", properties = { a = {} } }
    assert.equal(schema, anthropic.tool({ name = "a", run = run, input_schema = schema }).input_schema)
    assert.is_nil(anthropic.tool({ type = "x_1", run = run }).input_schema)
  end)

  it("is told from everything else", function()
    assert.is_true(tools.is(anthropic.tool { name = "a", run = run }))
    for _, other in ipairs { {}, { name = "a", run = run }, setmetatable({}, {}), setmetatable({}, { __name = "x" }),
      setmetatable({}, { __metatable = "locked" }), setmetatable({}, { __metatable = false }), "a", 1, run, true } do
      assert.is_false(tools.is(other))
    end
    assert.is_false(tools.is(nil))
  end)
end)

-- A call of a tool; `fields` are of the tool.
local function call_of(f, fields, id)
  local all = { name = "f", run = f }
  for name, value in pairs(fields or {}) do
    all[name] = value
  end
  id = id or "toolu_1"
  return { id = id, name = "f", input = { x = 1 }, tool = anthropic.tool(all), block = { id = id, name = "f" } }
end

local function gives(...)
  local count, values = select("#", ...), { ... }
  return tools.answer({ call_of(function()
    return unpack(values, 1, count)
  end) }, {})[1]
end

describe("the content of a result", function()
  it("is what is a content block, and JSON where a part of it is missing", function()
    local source = { type = "base64", data = "x" }
    for _, row in ipairs {
      { { type = "text", text = "x" }, "text" },
      { { type = "image", source = source }, "source" },
      { { type = "document", source = source }, "source" },
      { { type = "document", source = anthropic.raw '{"type":"new"}' }, "source" },
      { { type = "search_result", source = "s", title = "t", content = { { type = "text", text = "x" } } },
        "content", "source", "title" },
      { { type = "search_result", source = "s", title = "t", content = anthropic.raw "[]" }, "content" },
      { { type = "tool_reference", tool_name = "x" }, "tool_name" },
      { { type = "browser_state", tabs = {} }, "tabs" },
      { { type = "browser_state", tabs = { { id = 1 } } }, "tabs" },
    } do
      local block = row[1]
      assert.same({ block }, gives(block).content)
      assert.same({ block, block }, gives({ block, block }).content)
      for i = 2, #row do
        local lacking = {}
        for name, value in pairs(block) do
          lacking[name] = name ~= row[i] and value or nil
        end
        assert.equal(anthropic.encode(lacking), gives(lacking).content)
        assert.equal(anthropic.encode { lacking }, gives({ lacking }).content)
      end
    end
  end)

  it("is JSON where a tool's own data has the type of a block", function()
    local text = { type = "text", text = "x" }
    for _, value in ipairs {
      { type = "document", source = "the library" }, { type = "image", source = 7 }, { type = "text", text = { 1 } },
      { type = "document", source = anthropic.null }, { type = "image", source = anthropic.null },
      { type = "document", id = 8, source = { name = "shelf 3" } }, { type = "image", source = { type = 5 } },
      { type = "document", source = { "shelf 3" } }, { type = "image", source = {} },
      { type = "search_result", content = "none" }, { type = "tool_reference", tool_name = {} },
      { type = "search_result", source = "s", title = "t", content = anthropic.null },
      { type = "search_result", source = "s", title = "t", content = { "x" } },
      { type = "search_result", source = "s", title = "t", content = { text, "x" } },
      { type = "search_result", source = { url = "u" }, title = "t", content = { text } },
      { type = "search_result", source = "s", title = anthropic.null, content = { text } },
      { type = "browser_state", tabs = anthropic.null }, { type = "browser_state", tabs = { count = 3 } },
      { type = "tool_reference", tool_name = anthropic.null }, { type = "text", text = anthropic.null },
    } do
      assert.equal(anthropic.encode(value), gives(value).content)
      assert.equal(anthropic.encode { value }, gives({ value }).content)
    end
  end)

  it("is JSON where not all are content blocks", function()
    local block = { type = "text", text = "a" }
    local text = '{"text":"a","type":"text"}'
    assert.equal("[" .. text .. ",1]", gives({ block, 1 }).content)
    assert.equal("[" .. text .. ',{"type":"unknown"}]', gives({ block, { type = "unknown" } }).content)
    assert.equal('["text"]', gives({ "text" }).content)
    assert.equal("{}", gives({}).content)
    assert.equal("[]", gives(anthropic.array {}).content)
    assert.equal('{"a":[1]}', gives(anthropic.raw '{"a":[1]}').content)
  end)

  it("is false like any other value, also with a second one", function()
    assert.same({ type = "tool_result", tool_use_id = "toolu_1", content = "false" }, gives(false, "ignored"))
    assert.is_nil(gives("", "ignored").is_error)
    assert.is_nil(gives("").content)
  end)

  it("is a failure where nil has a second value, even false", function()
    assert.same({ type = "tool_result", tool_use_id = "toolu_1", content = "false", is_error = true },
      gives(nil, false))
    assert.is_nil(gives(nil, nil).is_error)
  end)

  it("is cut between two characters of any size", function()
    for _, case in ipairs {
      { "aé", 3 }, { "aé", 2, "a", 1 }, { "a日b", 4, "a日", 4 }, { "a日b", 3, "a", 1 }, { "a日b", 2, "a", 1 },
      { "😀😀", 8 }, { "😀😀", 7, "😀", 4 }, { "😀😀", 4, "😀", 4 }, { "😀", 3, "", 0 }, { "abc", 2.9, "ab", 2 },
      { "abc", 1, "a", 1 }, { "abc", 0.5, "", 0 }, { "abc", 3.5 },
      { "\128\128", 1, "", 0, 6 }, { "a\255b", 4, "a\239\191\189", 4, 5 }, { "\255é", 2, "", 0, 5 },
    } do
      local content = tools.answer({ call_of(function() return case[1] end, { max_result_bytes = case[2] }) }, {})
      local expected = case[3] and ("%s\n[cut: the first %d of %d bytes]"):format(case[3], case[4], case[5] or #case[1])
      assert.equal(expected or case[1], content[1].content)
    end
  end)

  it("is cut over all texts of a list, which stays as it was", function()
    local function text(value)
      return { type = "text", text = value }
    end
    local image = { type = "image", source = { type = "base64", data = "x" } }
    local odd = { type = "document", source = { type = "base64", data = "y" } }
    local list = { text "abcd", image, text "efgh", odd, text "ij" }
    local function cut(limit)
      return tools.answer({ call_of(function() return list end, { max_result_bytes = limit }) }, {})[1].content
    end
    assert.same(list, cut(10))
    assert.same({ list[1], image, list[3], odd, text "i\n[cut: the first 1 of 2 bytes]" }, cut(9))
    assert.same({ list[1], image, text "efg\n[cut: the first 3 of 4 bytes]", odd,
      text "[cut: 2 bytes in 1 block left out]" }, cut(7))
    assert.same({ text "abc\n[cut: the first 3 of 4 bytes]", image, odd,
      text "[cut: 6 bytes in 2 blocks left out]" }, cut(3))
    assert.same({ text "abcd", image, text "efgh", odd, text "ij" }, list)
    local one = text "abcd"
    one.cache_control = {}
    assert.same({ { type = "text", text = "a\n[cut: the first 1 of 4 bytes]", cache_control = {} } },
      tools.answer({ call_of(function() return one end, { max_result_bytes = 1 }) }, {})[1].content)
  end)

  it("is cut in documents and search results, too, which stay as they were", function()
    local function text(value)
      return { type = "text", text = value }
    end
    local function document(data)
      return { type = "document", title = "t", source = { type = "text", media_type = "text/plain", data = data } }
    end
    local function content_document(content)
      return { type = "document", source = { type = "content", content = content } }
    end
    local function found(...)
      return { type = "search_result", source = "s", title = "t", content = { ... } }
    end
    local image = { type = "image", source = { type = "url", url = "u" } }
    local file = { type = "document", source = { type = "file", file_id = "f" } }
    local list = { document "abcd", content_document "efgh", content_document { text "ij", image, text "kl" },
      found(text "mn", text "op"), file, text "qr" }
    local function cut(limit)
      return tools.answer({ call_of(function() return list end, { max_result_bytes = limit }) }, {})[1].content
    end
    assert.same(list, cut(18))
    local before = { document "abcd", content_document "efgh", content_document { text "ij", image, text "kl" } }
    assert.same({ before[1], before[2], before[3], found(text "mn", text "o\n[cut: the first 1 of 2 bytes]"), file,
      text "[cut: 2 bytes in 1 block left out]" }, cut(15))
    assert.same({ before[1], before[2], content_document { text "i\n[cut: the first 1 of 2 bytes]", image }, file,
      text "[cut: 8 bytes in 4 blocks left out]" }, cut(9))
    assert.same({ document "abc\n[cut: the first 3 of 4 bytes]", content_document { image }, file,
      text "[cut: 14 bytes in 6 blocks left out]" }, cut(3))
    assert.same({ before[1], before[2], before[3] }, { list[1], list[2], list[3] })
    for _, odd in ipairs { content_document {}, content_document { x = 1 }, found(), document(5),
      content_document { "words", { type = "text" }, { type = "text", text = {} } } } do
      list = { odd }
      assert.same({ odd }, cut(1))
    end
  end)

  it("is no list of blocks where it has a hole, after which they would be left out", function()
    local function text(value)
      return { type = "text", text = value }
    end
    for _, value in ipairs { { text "a", nil, text "c" }, { nil, text "b" }, { text "a", x = text "b" } } do
      local block = tools.answer({ call_of(function() return value end) }, {})[1]
      assert.is_true(block.is_error)
      assert.matches("^the result cannot be sent: value: ", block.content)
    end
  end)

  it("says so where the limit ends with a block and others are left out", function()
    local function content(limit, ...)
      local list = {}
      for i, text in ipairs { ... } do
        list[i] = { type = "text", text = text }
      end
      return tools.answer({ call_of(function() return list end) }, { bytes = limit })[1].content
    end
    assert.same({ { type = "text", text = "abc" }, { type = "text", text = "[cut: 4 bytes in 2 blocks left out]" } },
      content(3, "abc", "def", "", "g"))
    assert.same({ { type = "text", text = "[cut: 3 bytes in 1 block left out]" } }, content(0, "abc"))
    assert.same({ { type = "text", text = "abc" } }, content(3, "abc", "", " "))
  end)
end)

describe("a failure", function()
  local call = { id = "t", block = {} }

  local function content(reason, limit)
    local block = tools.failure(call, reason, limit)
    assert.is_true(block.is_error)
    assert.equal("tool_result", block.type)
    assert.equal("t", block.tool_use_id)
    return block.content
  end

  it("says its reason, whatever that is", function()
    local object = setmetatable({ a = 1 }, { __tostring = function() return "an object" end })
    local block = { type = "text", text = "why" }
    for _, case in ipairs {
      { "words", "words" }, { 5, "5" }, { false, "false" }, { { code = 7 }, '{"code":7}' }, { {}, "{}" },
      { object, "an object" }, { { run }, "the tool failed" }, { { block, 1 }, '[{"text":"why","type":"text"},1]' },
      { setmetatable({ a = 1 }, {}), '{"a":1}' },
    } do
      assert.equal(case[2], content(case[1]))
    end
    assert.equal("nil", content(nil))
    assert.same({ block }, content(block))
    assert.same({ block, block }, content { block, block })
    assert.matches("^function: ", content(run))
  end)

  it("is cut at its limit, and at 256 KiB", function()
    assert.equal("abc", content("abc", 3))
    assert.equal("ab\n[cut: the first 2 of 3 bytes]", content("abc", 2))
    assert.equal('{"a\n[cut: the first 3 of 7 bytes]', content({ a = 1 }, 3))
    assert.same({ { type = "text", text = "a\n[cut: the first 1 of 2 bytes]" } },
      content({ type = "text", text = "ab" }, 1))
    assert.equal(262144, #content(("x"):rep(262144)))
    assert.equal(("x"):rep(262144) .. "\n[cut: the first 262144 of 262145 bytes]", content(("x"):rep(262145)))
  end)

  it("names the toolset", function()
    assert.equal("computer", tools.failure({ id = "t", block = { toolset_name = "computer" } }, "x").toolset_name)
  end)

  it("that cannot be sent says so", function()
    assert.equal("the result cannot be sent: content[1].source: a function has no JSON form",
      gives(nil, { type = "image", source = run }).content)
    local block = gives({ { type = "image", source = run } })
    assert.equal("the result cannot be sent: content[1].source: a function has no JSON form", block.content)
    assert.is_true(block.is_error)
    assert.equal("the result cannot be sent: a: a function has no JSON form", gives({ a = run }).content)
  end)
end)

describe("the calls of a turn", function()
  local function contents(blocks)
    local list = {}
    for i, block in ipairs(blocks) do
      list[i] = block.content
    end
    return list
  end

  it("are run one after the other where there are no tasks", function()
    local order = {}
    local calls = {}
    for i = 1, 3 do
      calls[i] = call_of(function(input, call)
        order[#order + 1] = "begin " .. i
        assert.equal(calls[i], call)
        assert.equal(calls[i].input, input)
        anthropic.sleep(0.001)
        order[#order + 1] = "end " .. i
        return tostring(i)
      end)
    end
    assert.same({ "1", "2", "3" }, contents(tools.answer(calls, {})))
    assert.same({ "begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3" }, order)
  end)

  it("are run at the same time where there are, and answered in their order", function()
    local order = {}
    anthropic.run(function()
      local calls = {}
      for i = 1, 3 do
        calls[i] = call_of(function(input, call)
          order[#order + 1] = "begin " .. i
          assert.equal(calls[i], call)
          assert.equal(calls[i].input, input)
          repeat
            anthropic.sleep(0.001)
          until i == 3 or order[#order] == "end " .. i + 1
          order[#order + 1] = "end " .. i
          return tostring(i)
        end)
      end
      assert.same({ "1", "2", "3" }, contents(tools.answer(calls, {})))
    end)
    assert.same({ "begin 1", "begin 2", "begin 3", "end 3", "end 2", "end 1" }, order)
  end)

  it("that have an answer already are not run", function()
    local function answer()
      local one, two = call_of(error), call_of(function() return "ran" end, nil, "toolu_2")
      one.answer = { type = "tool_result", tool_use_id = "toolu_1", content = "there" }
      local blocks = tools.answer({ one, two }, {})
      assert.equal(one.answer, blocks[1])
      assert.equal("ran", blocks[2].content)
      assert.equal("toolu_2", blocks[2].tool_use_id)
      assert.equal(2, #blocks)
    end
    answer()
    anthropic.run(answer)
  end)

  it("may be none", function()
    assert.same({}, tools.answer({}, {}))
    anthropic.run(function()
      assert.same({}, tools.answer({}, {}))
    end)
  end)

  it("fail alone, in tasks or not", function()
    local object = setmetatable({}, { __tostring = function() return "an object" end })
    local function answer()
      local blocks = tools.answer({
        call_of(function() error("raised", 0) end),
        call_of(function() return "fine" end),
        call_of(function()
          anthropic.sleep(0.001)
          error(object)
        end),
        call_of(function() return nil, "returned" end),
        call_of(function() return nil end),
        call_of(function() return 0 / 0 end),
      }, {})
      assert.equal(6, #blocks)
      for i, content in ipairs { "raised", "fine", "an object", "returned", "",
        "the result cannot be sent: value: NaN has no JSON form" } do
        assert.equal(content, blocks[i].content or "")
        assert.equal(i ~= 2 and i ~= 5 or nil, blocks[i].is_error)
      end
    end
    answer()
    anthropic.run(answer)
  end)

  it("say nil where a tool raised nothing, in tasks", function()
    anthropic.run(function()
      assert.same({ NOTHING }, contents(tools.answer({ call_of(function() error() end) }, {})))
    end)
  end)

  it("have a result each, also where what a tool raised cannot even be said", function()
    local function answer()
      local object = setmetatable({}, { __tostring = function() error("mine", 0) end })
      local blocks = tools.answer({ call_of(function() return "fine" end), call_of(function() error(object) end) }, {})
      assert.same({ "fine", "the result cannot be sent: mine" }, contents(blocks))
      assert.is_true(blocks[2].is_error)
    end
    answer()
    anthropic.run(answer)
  end)

  it("have the limits of the turn where their tools have none", function()
    local function answer()
      local function long() return ("x"):rep(9) end
      assert.same({ "xxx\n[cut: the first 3 of 9 bytes]", "xxxxx\n[cut: the first 5 of 9 bytes]" }, contents(
        tools.answer({ call_of(long), call_of(long, { max_result_bytes = 5 }) }, { bytes = 3 })))
      assert.same({ "xx\n[cut: the first 2 of 9 bytes]" }, contents(
        tools.answer({ call_of(function() error(("x"):rep(9), 0) end) }, { bytes = 2 })))
    end
    answer()
    anthropic.run(answer)
  end)

  it("are over when their time is, in tasks", function()
    local slept, went_on
    anthropic.run(function()
      local blocks = tools.answer({
        call_of(function()
          slept = select(2, anthropic.sleep(60)).kind
          anthropic.sleep(60)
          went_on = true
        end),
        call_of(function()
          anthropic.sleep(0.005)
          return "in time"
        end, { timeout = 60 }),
        call_of(function() return "at once" end),
      }, { seconds = 0.002 })
      assert.same({ "the tool did not end within 0.002 seconds", "in time", "at once" }, contents(blocks))
      assert.is_true(blocks[1].is_error)
      assert.is_nil(blocks[2].is_error)
    end)
    assert.equal("cancelled", slept)
    assert.is_nil(went_on)
  end)

  it("are over when they end where there are no tasks, in time or not", function()
    local blocks = tools.answer({
      call_of(function()
        anthropic.sleep(0.003)
        return "late"
      end),
      call_of(function()
        anthropic.sleep(0.003)
        return "in time"
      end, { timeout = 60 }),
      call_of(function()
        anthropic.sleep(0.003)
        error("late, too", 0)
      end, { timeout = 1.5e-3 }),
    }, { seconds = 0.001 })
    assert.same({ "the tool did not end within 0.001 seconds", "in time",
      "the tool did not end within 0.0015 seconds" }, contents(blocks))
    assert.is_true(blocks[1].is_error)
    assert.is_nil(blocks[2].is_error)
  end)

  it("have no limit of time where nothing is said", function()
    local function answer()
      assert.same({ "done" }, contents(tools.answer({ call_of(function()
        anthropic.sleep(0.003)
        return "done"
      end) }, {})))
    end
    answer()
    anthropic.run(answer)
  end)

  it("are all cancelled with the task that waits for them", function()
    local waits, begun, blocks = {}, 0, "unset"
    anthropic.run(function()
      local task = anthropic.spawn(function()
        local function wait(_, call)
          begun = begun + 1
          waits[call.id] = select(2, anthropic.sleep(60)).kind
        end
        local done = call_of(error)
        done.answer = {}
        blocks = tools.answer({ call_of(wait, nil, "a"), done, call_of(wait, { timeout = 60 }, "b") }, {})
      end)
      anthropic.sleep(0.005)
      assert.equal(2, begun)
      task:cancel()
      task:join()
    end)
    assert.is_nil(blocks)
    assert.same({ a = "cancelled", b = "cancelled" }, waits)
  end)

  it("do not begin where the task was cancelled while a call was approved", function()
    local begun, blocks, err, early = 0, "unset", nil, nil
    anthropic.run(function()
      local task = anthropic.spawn(function()
        local started = call_of(function() early = select(2, anthropic.sleep(60)).kind end)
        local running = { [started] = tools.start(started, {}) }
        anthropic.sleep(60) -- as `on_tool_use` may
        blocks, err = tools.answer({ started, call_of(function() begun = begun + 1 end) }, {}, running)
      end)
      anthropic.sleep(0.005)
      task:cancel()
      task:join()
      anthropic.sleep(0.005)
    end)
    assert.is_nil(blocks)
    assert.same({ "cancelled", "cancelled", 0 }, { err.kind, early, begun })
  end)

  it("that still run are cancelled where what is told of one raises, and that is raised", function()
    local waits
    anthropic.run(function()
      local task = anthropic.spawn(tools.answer, {
        call_of(error),
        call_of(function()
          waits = select(2, anthropic.sleep(60)).kind
        end),
      }, { tell = function() error("mine", 0) end })
      assert.equal("mine", select(2, task:join()))
    end)
    assert.equal("cancelled", waits)
    assert.same({ false, "mine" }, { pcall(tools.answer, { call_of(error) }, {
      tell = function() error("mine", 0) end,
    }) })
  end)

  it("do not begin after they were cancelled, and have ended where they had begun and need not wait", function()
    anthropic.run(function()
      for turns = 0, 4 do
        local count = 0
        local running = tools.start(call_of(function() count = count + 1 end), {})
        for _ = 1, turns do
          anthropic.sleep(0)
        end
        local before = count
        assert.equal(before == 1, tools.has_ended(running))
        tools.cancel_one(running)
        for _ = 1, 5 do
          anthropic.sleep(0)
        end
        assert.equal(before, count, turns .. " turns")
      end
    end)
  end)

  it("may spawn tasks of their own", function()
    anthropic.run(function()
      assert.same({ "inner" }, contents(tools.answer({ call_of(function()
        return anthropic.spawn(function()
          anthropic.sleep(0.001)
          return "inner"
        end):join()
      end) }, {})))
    end)
  end)
end)
