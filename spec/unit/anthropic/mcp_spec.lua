local anthropic = require "anthropic"
local json = require "anthropic.base.json"

local mcp = anthropic.mcp

local function text(words)
  return { type = "text", text = words }
end

local PNG = "iVBORw0KGgo="

-- Each: what a result has, and the block that is made of it.
local CONTENT = {
  { text "Hello", text "Hello" },
  { text "caf\233", text "caf\239\191\189" },
  { { type = "image", data = PNG, mimeType = "image/png" },
    { type = "image", source = { type = "base64", media_type = "image/png", data = PNG } } },
  { { type = "image", data = "iVBO\nRw0K Ggo=", mimeType = "IMAGE/PNG; x=1" },
    { type = "image", source = { type = "base64", media_type = "image/png", data = PNG } } },
  { { type = "image", data = PNG, mimeType = "image/svg+xml" }, text "[an image (image/svg+xml): it cannot be shown]" },
  { { type = "image", data = "<svg>", mimeType = "image/png" }, text "[an image (image/png): it cannot be shown]" },
  { { type = "audio", data = "AAAA", mimeType = "audio/wav" }, text "[a sound (audio/wav): it cannot be shown]" },
  { { type = "resource", resource = { uri = "file:///a", mimeType = "text/markdown", text = "# A" } },
    { type = "document", source = { type = "text", media_type = "text/plain", data = "# A" } } },
  { { type = "resource", resource = { uri = "file:///a", mimeType = "application/json", text = "{}" } },
    { type = "document", source = { type = "text", media_type = "text/plain", data = "{}" } } },
  { { type = "resource", resource = { uri = "file:///a", blob = "SGVsbG8sIHdvcmxk" } },
    { type = "document", source = { type = "text", media_type = "text/plain", data = "Hello, world" } } },
  { { type = "resource", resource = { uri = "file:///a", mimeType = "text/plain", blob = "SGk=" } },
    { type = "document", source = { type = "text", media_type = "text/plain", data = "Hi" } } },
  { { type = "resource", resource = { uri = "file:///a", mimeType = "text/plain", blob = "SA" } },
    { type = "document", source = { type = "text", media_type = "text/plain", data = "H" } } },
  { { type = "resource", resource = { uri = "file:///a", mimeType = "application/pdf", blob = "JVBERi0=" } },
    { type = "document", source = { type = "base64", media_type = "application/pdf", data = "JVBERi0=" } } },
  { { type = "resource", resource = { uri = "file:///a", mimeType = "image/gif", blob = "R0lG" } },
    { type = "image", source = { type = "base64", media_type = "image/gif", data = "R0lG" } } },
  { { type = "resource", resource = { uri = "file:///a", mimeType = "application/zip", blob = "UEs=" } },
    text "[the resource file:///a (application/zip): it cannot be shown]" },
  { { type = "resource" }, text "[the resource without a URI: it cannot be shown]" },
  { { type = "resource_link", uri = "file:///a", name = "a", mimeType = "text/plain", description = "The first." },
    text "[a resource: file:///a (text/plain)]\na\nThe first." },
  { { type = "hologram", depth = 3 }, text '{"depth":3,"type":"hologram"}' },
  { "words", text "words" },
  { 5, text "5" },
  { { type = "text", text = 5 }, text '{"text":5,"type":"text"}' },
}

describe("the content of an MCP result", function()
  for i, case in ipairs(CONTENT) do
    it("is made of " .. (type(case[1]) == "table" and case[1].type or type(case[1])) .. ", case " .. i, function()
      local blocks, is_error = mcp.content { content = { case[1] } }
      assert.same({ case[2] }, blocks)
      assert.is_false(is_error)
      assert.is_true(json.is_array(blocks))
    end)
  end

  it("keeps the order, leaves blank texts out, and tells of an error", function()
    local blocks, is_error = mcp.content { content = { text "a", text " \n", text "", text "b" }, isError = true }
    assert.same({ text "a", text "b" }, blocks)
    assert.is_true(is_error)
  end)

  it("is the JSON of structured content where there is nothing else", function()
    local structured = { structuredContent = { n = 1 }, content = {} }
    assert.same({ text '{"n":1}' }, (mcp.content(structured)))
    structured.content[1] = text "one"
    assert.same({ text "one" }, (mcp.content(structured)))
    assert.same({}, (mcp.content { content = {} }))
    assert.same({ text '{"toolResult":5}' }, (mcp.content { toolResult = 5 }))
  end)

  it("has what stands behind a hole, and in content that is no list", function()
    local part = { type = "text", text = "a" }
    assert.same({ part }, (mcp.content { content = { nil, part } }))
    assert.same({ { type = "text", text = '{"content":{"text":"a"}}' } }, (mcp.content { content = { text = "a" } }))
    local tools = mcp.tools({ nil, { name = "f" } }, function() end)
    assert.equal("f", tools[1].name)
  end)

  it("may be a single part", function()
    assert.same({ text "a" }, (mcp.content { content = text "a" }))
  end)

  it("raises on nothing", function()
    local odd = { 5, true, "x", {}, { 1 }, json.null, print, 0 / 0, { type = {} }, { type = "text", text = {} } }
    for _, value in ipairs(odd) do
      mcp.content(value)
      mcp.content { content = value, isError = value, structuredContent = value }
      for _, kind in ipairs { "text", "image", "audio", "resource", "resource_link", "x" } do
        local blocks = mcp.content { content = { value, {
          type = kind, text = value, data = value, mimeType = value, resource = value, uri = value, name = value,
        }, { type = kind, resource = { uri = value, mimeType = value, text = value, blob = value } } } }
        assert(json.encode(json.mend(blocks)))
      end
    end
  end)
end)

describe("the tools of an MCP server", function()
  local function call_nothing() end

  it("keep a schema, and parts of one, that are JSON already", function()
    local function schema_sent(given)
      local made = mcp.tools({ { name = "f", inputSchema = given } }, call_nothing)
      return anthropic.encode(made[1].input_schema)
    end
    local whole = '{"type":"object", "properties":{"b":{"const":1.0},"a":{}}}'
    assert.equal(whole, schema_sent(anthropic.raw(whole)))
    local properties = '{"b":{ },"a":{}}'
    assert.equal('{"properties":' .. properties .. ',"required":["a"],"type":"object"}',
      schema_sent { properties = anthropic.raw(properties), required = anthropic.raw '["a"]' })
    assert.equal('{"$schema":"x","properties":{},"type":"object"}', schema_sent(anthropic.raw '{"$schema":"x"}'))
    for _, odd in ipairs { "[]", "[1]", "null", "5", "true", '"x"', "{}" } do
      assert.equal('{"properties":{},"type":"object"}', schema_sent(anthropic.raw(odd)))
      assert.equal('{"properties":{},"type":"object"}', schema_sent { properties = anthropic.raw(odd) })
    end
  end)

  it("have its names, descriptions and schemas", function()
    local schema = { type = "object", properties = { a = { type = "number" } }, required = { "a" }, ["$schema"] = "x" }
    local list = { { name = "add", description = "Adds.", inputSchema = schema }, { name = "list", title = "Lists" } }
    for _, given in ipairs { list, { tools = list, nextCursor = "x" } } do
      local made = mcp.tools(given, call_nothing)
      assert.equal(2, #made)
      assert.equal(anthropic.encode { name = "add", description = "Adds.", input_schema = schema },
        anthropic.encode(made[1]))
      assert.equal('{"description":"Lists","input_schema":{"properties":{},"type":"object"},"name":"list"}',
        anthropic.encode(made[2]))
    end
    assert.is_nil(schema.own)
  end)

  it("have names that the API takes, each its own", function()
    local names = {}
    local long = ("x"):rep(200)
    local made = mcp.tools({ { name = "a.b" }, { name = "a/b" }, { name = "a_b" }, { name = "a.b" }, { name = "梅" },
      { name = "" }, { name = long }, { name = long .. "y" } }, function(name)
      names[#names + 1] = name
      return {}
    end)
    local own = {}
    for i, tool in ipairs(made) do
      own[i] = tool.name
      assert.matches("^[%w_-]+$", tool.name)
      assert.is_true(#tool.name <= 128)
      tool.run {}
    end
    assert.same({ "a_b", "a_b_2", "a_b_3", "___", "_2" }, { own[1], own[2], own[3], own[4], own[5] })
    assert.same({ "a.b", "a/b", "a_b", "梅", "", long, long .. "y" }, names)
    assert.not_equal(own[6], own[7])
  end)

  it("give what the server gave, and its failures", function()
    local results = {
      { { content = { text "3" } } }, { { content = { text "no" }, isError = true } }, { nil, "gone" }, {},
    }
    local number, given = 0, nil
    local tool = mcp.tools({ { name = "f" } }, function(...)
      number, given = number + 1, { ... }
      return results[number][1], results[number][2]
    end)[1]
    assert.same({ { text "3" } }, { tool.run({ a = 1 }, { id = "t1" }) })
    assert.same({ "f", { a = 1 }, { id = "t1" } }, given)
    assert.same({ nil, { text "no" } }, { tool.run {} })
    assert.same({ nil, "gone" }, { tool.run {} })
    assert.same({ nil, "the server gave no result" }, { tool.run {} })
    results = { {}, {}, {}, {}, { { content = {} } }, { { content = { text " " }, isError = true } } }
    assert.same({}, { tool.run {} }) -- the result of a call may be without content
    assert.same({ nil, "the server said that the tool failed" }, { tool.run {} })
  end)

  it("are those of a list whose entries may be anything", function()
    local odd = { 5, true, "x", {}, { name = 5 }, { name = {} }, json.null, { name = "a", inputSchema = 5 },
      { name = "b", inputSchema = { type = 5, properties = "x", required = "y" }, description = {} } }
    local made = mcp.tools(odd, call_nothing)
    assert.equal(2, #made)
    assert.equal('{"input_schema":{"properties":{},"type":"object"},"name":"b"}', anthropic.encode(made[2]))
    assert.same({}, mcp.tools({ tools = {} }, call_nothing))
  end)

  it("can be sent, whatever their schemas and descriptions are", function()
    local loop = {}
    loop.loop = loop
    for _, schema in ipairs { json.array {}, { 1 }, loop, { properties = json.array {} }, { properties = { 1 } } } do
      local made = mcp.tools({ { name = "a", inputSchema = schema } }, call_nothing)
      assert.equal('{"input_schema":{"properties":{},"type":"object"},"name":"a"}', anthropic.encode(made[1]))
    end
    local schema = { properties = { ["y\255"] = { title = "\255" } } }
    local broken = { name = "a", description = "x\255", inputSchema = schema }
    local replacement = "\239\191\189"
    local sent = anthropic.decode(anthropic.encode(mcp.tools({ broken }, call_nothing)[1]))
    assert.equal("x" .. replacement, sent.description)
    assert.equal(replacement, sent.input_schema.properties["y" .. replacement].title)
  end)

  it("are none of what is no list, or without a function", function()
    assert.has_error(function() mcp.tools("x", call_nothing) end, "mcp.tools: a list of tools expected, got string")
    assert.has_error(function() mcp.tools({}, "x") end, "mcp.tools: a function expected, got string")
  end)
end)
