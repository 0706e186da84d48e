-- What a server's answers name that no other server knows.

local json = require "anthropic.base.json"
local owned_names = require "anthropic.client.owned_names"

describe("the names that a client's server owns", function()
  local names

  before_each(function()
    names = owned_names.new()
  end)

  it("are those of containers, files and threads in a message", function()
    names:learn {
      type = "message", id = "msg_1", role = "assistant", container = { id = "container_1" },
      context = { thread_id = "thread_1" },
      content = {
        { type = "tool_use", id = "toolu_1" },
        { type = "code_result", tool_use_id = "toolu_2", content = { { type = "output", file_id = "file_1" } } },
      },
    }
    for _, name in ipairs { "container_1", "file_1", "thread_1" } do
      assert.is_true(names:has(name), name)
    end
    for _, name in ipairs { "msg_1", "toolu_1", "toolu_2" } do
      assert.is_false(names:has(name), name)
    end
  end)

  it("are those of things, and of things in a list", function()
    names:learn { type = "file", id = "file_1" }
    names:learn { data = { { type = "file", id = "file_2" }, { type = "file", id = "file_3" } } }
    for _, name in ipairs { "file_1", "file_2", "file_3" } do
      assert.is_true(names:has(name), name)
    end
  end)

  it("are not those of models, which every server has", function()
    names:learn { type = "model", id = "m-1" }
    names:learn { data = { { object = "model", id = "m-2" }, { type = "model", id = "m-3" } }, has_more = true,
      first_id = "m-2", last_id = "m-3", model_id = "m-4" }
    for i = 1, 4 do
      assert.is_false(names:has("m-" .. i), "m-" .. i)
    end
  end)

  it("are those of skills, but for the vendor's own", function()
    names:learn { type = "message", container = { id = "container_1", skills = {
      { type = "anthropic", skill_id = "pptx", version = "latest" }, { type = "custom", skill_id = "skill_1" },
    } } }
    names:learn { data = {
      { type = "skill", id = "xlsx", source = "anthropic" }, { id = "skill_2", source = "custom" },
    } }
    for name, is_owned in pairs { pptx = false, xlsx = false, skill_1 = true, skill_2 = true, container_1 = true } do
      assert.equal(is_owned, names:has(name), name)
    end
  end)

  it("are none of what a caller or a model wrote", function()
    names:learn {
      type = "message", id = "msg_1", role = "assistant",
      content = {
        { type = "tool_use", id = "toolu_1", input = { city_id = "paris" } },
        { type = "server_tool_use", id = "toolu_2", input = { city_id = "rome" }, caller = { tool_id = "toolu_3" } },
      },
    }
    names:learn { type = "session", id = "session_1", metadata = { order_id = "42" } }
    assert.is_true(names:has "session_1")
    for _, name in ipairs { "paris", "rome", "42", "toolu_3" } do
      assert.is_false(names:has(name), name)
    end
  end)

  it("are the message's own where a thread goes on with it", function()
    names:learn({ type = "message", id = "msg_1", role = "assistant", content = {} }, { model = "m" })
    names:learn({ type = "message", id = "msg_2", role = "assistant", content = {} }, { thread = { type = "create" } })
    assert.is_false(names:has "msg_1")
    assert.is_true(names:are_in { path = "/v1/messages", params = {
      thread = { type = "continue", previous_message_id = "msg_2" },
    } })
  end)

  it("are not found in the name of a model", function()
    names:learn { data = { { id = "m" } } }
    assert.is_false(names:are_in { path = "/v1/messages", params = { model = "m", fallbacks = { { model = "m" } } } })
  end)

  it("are none of what is no answer", function()
    for _, value in ipairs { "x", 1, true, json.null, {}, { id = 7 }, { id = "" }, { id = ("x"):rep(300) } } do
      names:learn(value)
    end
    assert.is_false(names:are_in { path = "/v1/x", params = { "x", "" } })
  end)

  it("are found in a path and anywhere in parameters", function()
    names:learn { id = "file_1" }
    assert.is_true(names:are_in { path = "/v1/files/file_1/content?a=b" })
    assert.is_true(names:are_in { path = "/v1/messages", params = { messages = {
      { role = "user", content = { { source = { file_id = "file_1" } } } },
    } } })
    assert.is_true(names:are_in { path = "/v1/messages", params = { container = "file_1" } })
    assert.is_false(names:are_in { path = "/v1/files/file_12", params = { text = "about file_1" } })
    assert.is_false(names:are_in { path = "/v1/files" })
  end)

  it("are remembered, thousands of them, but not all for ever", function()
    for i = 1, 10000 do
      names:learn { id = "file_" .. i }
    end
    assert.is_true(names:has "file_10000")
    assert.is_true(names:has "file_6000")
    assert.is_false(names:has "file_1")
  end)

  it("are looked for no deeper than an answer is read", function()
    local deep = {}
    local value = deep
    for _ = 1, 1000 do
      value.next = {}
      value = value.next
    end
    value.file_id = "file_1"
    names:learn(deep)
    assert.is_false(names:has "file_1")
  end)
end)
