-- Which tool a call gets: by exact names alone, and none that was withdrawn.

local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local tool_lookup = require "anthropic.helpers.tool_lookup"

local function tool(fields)
  fields.run = function() end
  return anthropic.tool(fields)
end

local read, delete = tool { name = "read" }, tool { name = "delete" }
local computer, browser = tool { type = "computer_toolset_20260801" }, tool { type = "browser_toolset_20260801" }
local bash = tool { type = "bash_20250124", name = "bash" }

local function found(list, block, history)
  block.type = "tool_use"
  return tool_lookup.new(list, history or {})(block)
end

describe("the tool of a call", function()
  it("is the one of its name exactly", function()
    local list = { read, { type = "web_search_20250305", name = "web_search" }, bash, delete }
    assert.equal(read, found(list, { name = "read" }))
    assert.equal(bash, found(list, { name = "bash" }))
    assert.equal(delete, found(list, { name = "delete" }))
    for _, name in ipairs { "rea", "reads", "Read", " read", "read ", "", "web_search", "bash_20250124" } do
      assert.is_nil(found(list, { name = name }))
    end
    assert.is_nil(found(nil, { name = "read" }))
  end)

  it("is a toolset by its name exactly, for members of any name", function()
    local list = { read, computer, browser }
    assert.equal(computer, found(list, { name = "screenshot", toolset_name = "computer" }))
    assert.equal(browser, found(list, { name = "screenshot", toolset_name = "browser" }))
    for _, set in ipairs { "", "c", "comput", "computer_", "computer_toolset", "computer_toolset_20260801",
      "Computer", "read", ".*", "computer_toolset_2026080" } do
      assert.is_nil(found(list, { name = "screenshot", toolset_name = set }))
    end
  end)

  it("is no tool that is no toolset where only the toolset's name fits", function()
    for _, list in ipairs { { delete }, { bash }, { tool { type = "delete", name = "x1" } },
      { tool { type = "delete_toolset", name = "x1" } }, { tool { type = "delete_toolset_new", name = "x1" } } } do
      assert.is_nil(found(list, { name = "x", toolset_name = "delete" }))
      assert.is_nil(found(list, { name = "x", toolset_name = "bash" }))
      assert.is_nil(found(list, { name = "x", toolset_name = "bash_20250124" }))
    end
  end)

  it("is the one of its name also where the toolset's is of nobody", function()
    for _, set in ipairs { "", "delete", 5, true, {}, json.null } do
      assert.equal(read, found({ delete, computer, read }, { name = "read", toolset_name = set }))
    end
  end)

  it("is none where nothing fits, whatever the types of the names", function()
    for _, value in ipairs { 5, 0 / 0, true, false, {}, json.null, { "read" }, print, ("x"):rep(1e6) } do
      assert.is_nil(found({ read, computer }, { name = value }))
      assert.is_nil(found({ read, computer }, { name = "x", toolset_name = value }))
      assert.is_nil(found({ read, computer }, { name = value, toolset_name = value }))
    end
    for _, name in ipairs { 5, true, {}, json.null, "" } do
      assert.is_nil(found({ computer }, { name = name, toolset_name = "computer" }))
    end
    assert.is_nil(found({ computer }, { toolset_name = "computer" }))
    assert.is_nil(found({ computer, read }, {})) -- a toolset has no name, either
  end)

  it("is none where two fit", function()
    local second = tool { type = "computer_toolset_20270101" }
    assert.is_nil(found({ computer, second }, { name = "click", toolset_name = "computer" }))
    assert.is_nil(found({ computer, read }, { name = "read", toolset_name = "computer" }))
    assert.is_nil(found({ read, tool { name = "read" } }, { name = "read" }))
    assert.equal(read, found({ computer, read }, { name = "read" }))
  end)
end)

local function reference(name)
  return { type = "tool_reference", name = name }
end

local function removal(name)
  return { type = "tool_removal", tool = reference(name) }
end

local function addition(name)
  return { type = "tool_addition", tool = reference(name) }
end

local function system(...)
  return { role = "system", content = { ... } }
end

describe("a tool that is withdrawn", function()
  local function is_there(name, ...)
    return found({ read, delete, computer }, { name = name }, { ... }) ~= nil
  end

  local function has_toolset(...)
    return found({ read, computer }, { name = "click", toolset_name = "computer" }, { ... }) == computer
  end

  it("answers no more, and the others do", function()
    local history = { { role = "user", content = "x" }, system({ type = "text", text = "x" }, removal "delete") }
    assert.is_nil(found({ read, delete }, { name = "delete" }, history))
    assert.equal(read, found({ read, delete }, { name = "read" }, history))
  end)

  it("answers again when it was added again", function()
    assert.is_false(is_there("delete", system(removal "delete"), system(removal "delete")))
    assert.is_true(is_there("delete", system(removal "delete"), system(addition "delete")))
    assert.is_true(is_there("delete", system(removal "delete", addition "delete")))
    assert.is_false(is_there("delete", system(addition "delete", removal "delete")))
    assert.is_false(is_there("delete", system(removal "delete"), system(addition "read")))
    assert.is_false(is_there("none", system(addition "none")))
  end)

  it("may be a toolset, by its name or its type, or one of its members", function()
    for _, name in ipairs { "computer", "computer_toolset_20260801", "click" } do
      assert.is_false(has_toolset(system(removal(name))))
      assert.is_true(has_toolset(system(removal(name)), system(addition(name))))
    end
    assert.is_true(has_toolset(system(removal "computer"), system(addition "computer_toolset_20260801")))
    assert.is_true(has_toolset(system(removal "browser", removal "scroll", removal "comp")))
  end)

  it("may stand in a block of system instructions, and in what a compaction has kept", function()
    assert.is_false(is_there("read", system { type = "mid_conv_system", content = { removal "read" } }))
    assert.is_true(is_there("read", system(removal "read"),
      system { type = "mid_conv_system", content = { { type = "text", text = "x" }, addition "read" } }))
    assert.is_false(is_there("read", { role = "assistant", content = {
      { type = "compaction", content = "x", tool_changes = { removal "read" } },
    } }))
  end)

  it("may stand there as JSON", function()
    local block = assert(json.encode(removal "read"))
    for _, history in ipairs {
      { json.raw('{"role":"system","content":[' .. block .. "]}") },
      { { role = "system", content = json.raw("[" .. block .. "]") } },
      { system(json.raw(block)) },
      { system { type = "tool_removal", tool = json.raw '{"type":"tool_reference","name":"read"}' } },
    } do
      assert.is_nil(found({ read }, { name = "read" }, history))
    end
  end)

  it("is not added again by what a server sent", function()
    local withdrawn = system(removal "read")
    for _, answer in ipairs {
      message.new { type = "message", role = "system", content = { addition "read" } },
      { type = "message", role = "system", content = { addition "read" } },
      { role = "assistant", content = { addition "read" } },
      { role = "assistant", content = { { type = "compaction", tool_changes = { addition "read" } } } },
      { role = "user", content = { addition "read" } },
    } do
      assert.is_false(is_there("read", withdrawn, answer))
    end
  end)

  it("is not one that a tool of an MCP server is called like, nor what others only speak of", function()
    assert.is_true(is_there("read",
      system({ type = "tool_removal", tool = { type = "mcp_tool_reference", name = "read", server_name = "s" } },
        { type = "tool_removal", tool = { type = "mcp_toolset_reference", server_name = "read" } },
        { type = "tool_removal", tool = { type = "new_reference", name = "read" } }),
      { role = "user", content = { removal "read" } },
      { role = "assistant", content = { removal "read" } },
      { role = "system", content = "tool_removal read" }))
  end)

  it("may be told of in any form without an error", function()
    local odd = { 5, true, json.null, "x", {}, { 1 }, { type = 5 }, { type = {} } }
    for _, value in ipairs(odd) do
      assert.is_true(is_there("read",
        { role = value, content = { removal "read" } },
        { role = "system", content = value },
        { role = "assistant", content = value },
        system(value),
        system { type = "tool_removal", tool = value },
        system { type = "tool_removal", tool = { type = "tool_reference", name = value } },
        system { type = "tool_removal", tool = { type = "tool_definition", definition = value } },
        { role = "assistant", content = { { type = "compaction", tool_changes = value } } },
        { role = "assistant", content = { { type = "compaction", tool_changes = { value } } } }))
    end
  end)
end)

describe("a tool that is added with its definition", function()
  local function defined(definition)
    return { type = "tool_addition", tool = { type = "tool_definition", definition = definition } }
  end

  it("answers where it can be run", function()
    local late = tool { name = "late" }
    assert.equal(late, found({ read }, { name = "late" }, { system(defined(late)) }))
    assert.is_nil(found({ read }, { name = "late" }, { system(defined(late)), system(removal "late") }))
    assert.is_nil(found({ read }, { name = "late" }, { system(defined { name = "late", input_schema = {} }) }))
  end)

  it("answers again where it was withdrawn, the same one once", function()
    for _, definition in ipairs { read, { name = "read", input_schema = {} }, json.raw '{"name":"read"}' } do
      assert.equal(read, found({ read }, { name = "read" }, { system(removal "read"), system(defined(definition)) }))
    end
    assert.equal(computer, found({ computer }, { name = "click", toolset_name = "computer" },
      { system(removal "computer"), system(defined(computer)) }))
  end)

  it("is one too many beside another of its name", function()
    assert.is_nil(found({ read }, { name = "read" }, { system(defined(tool { name = "read" })) }))
  end)
end)

describe("the last changes of a history", function()
  local function server(name)
    return { type = "tool_removal", tool = { type = "mcp_toolset_reference", server_name = name } }
  end

  it("are those of each thing that it tells of, tools of MCP servers apart", function()
    local toolset = { type = "tool_addition", tool = { type = "tool_definition",
      definition = { type = "mcp_toolset", mcp_server_name = "read" } } }
    local one = { type = "tool_removal", tool = { type = "mcp_tool_reference", server_name = "read", name = "read" } }
    local changes = {
      removal "read", addition "read", removal "computer_toolset_20260801", server "read", one, toolset,
    }
    local last = tool_lookup.last_changes { { role = "user", content = { removal "delete" } },
      system(changes[1], changes[2]), system(changes[3], { type = "text", text = "x" }, changes[4], 5), "x",
      { role = "assistant", content = { { type = "compaction", tool_changes = { changes[5] } } } },
      system { type = "mid_conv_system", content = { changes[6] } } }
    local count = 0
    for key, change in pairs(last) do
      count = count + 1
      assert.equal(key, tool_lookup.key_of(change))
    end
    assert.equal(4, count)
    assert.equal(changes[2], last.read)
    assert.equal(changes[3], last.computer)
    assert.equal(changes[5], last[tool_lookup.key_of(changes[5])])
    assert.equal(changes[6], last[tool_lookup.key_of(changes[4])])
  end)

  it("leave out what names nothing", function()
    assert.same({}, tool_lookup.last_changes { system({ type = "tool_removal" }, { type = "tool_removal", tool = 5 },
      { type = "tool_addition", tool = { type = "tool_reference" } }) })
  end)
end)
