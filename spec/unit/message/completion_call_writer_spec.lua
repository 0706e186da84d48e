-- The calls of one answer, as an encoder hands them on in chunks.

local chunk_events = require "spec.support.chunk_events"
local json = require "anthropic.base.json"

local chunk, delta, start, stop = chunk_events.chunk, chunk_events.delta, chunk_events.start, chunk_events.stop

describe("the chunks of calls", function()
  local feed, encoder

  before_each(function()
    encoder, feed = chunk_events.encoder_of { id = "c", model = "m", created = 1 }
    assert.equal("[" .. chunk '{"content":"","role":"assistant"}' .. "]",
      feed { type = "message_start", message = { id = "msg_1", model = "x" } })
  end)

  local function deltas(event)
    local list = {}
    for i, each in ipairs(encoder:feed(event)) do
      list[i] = json.encode(each.choices[1].delta)
    end
    return list
  end

  it("are calls, each with an index of its own", function()
    assert.same({ '{"tool_calls":[{"function":{"arguments":"","name":"f"},"id":"a","index":0,"type":"function"}]}' },
      deltas(start({ type = "tool_use", id = "a", name = "f", input = json.object {} }, 1)))
    assert.same({ '{"tool_calls":[{"function":{"arguments":"{\\"x\\":"},"index":0}]}' },
      deltas(delta({ type = "input_json_delta", partial_json = '{"x":' }, 1)))
    assert.same({}, deltas(delta({ type = "input_json_delta", partial_json = "" }, 1)))
    assert.same({ '{"tool_calls":[{"function":{"arguments":"1 }"},"index":0}]}' },
      deltas(delta({ type = "input_json_delta", partial_json = "1 }" }, 1)))
    assert.same({}, deltas(stop(1)))
    assert.same({ '{"tool_calls":[{"function":{"arguments":"","name":"g"},"id":"b","index":1,"type":"function"}]}' },
      deltas(start({ type = "tool_use", id = "b", name = "g" }, 2)))
    assert.same({ '{"tool_calls":[{"function":{"arguments":"{}"},"index":1}]}' }, deltas(stop(2)))
  end)

  it("are calls whose input came whole", function()
    deltas(start { type = "tool_use", id = "a", name = "f", input = { x = 1 } })
    assert.same({ '{"tool_calls":[{"function":{"arguments":"{\\"x\\":1}"},"index":0}]}' }, deltas(stop()))
  end)

  it("are calls whose input came whole as a text, or before pieces that say nothing", function()
    local function arguments_after(input, ...)
      deltas(start { type = "tool_use", id = "a", name = "f", input = input })
      local said = {}
      for _, piece in ipairs { ... } do
        for _, each in ipairs(deltas(delta { type = "input_json_delta", partial_json = piece })) do
          said[#said + 1] = each
        end
      end
      for _, each in ipairs(deltas(stop())) do
        said[#said + 1] = each
      end
      for i, each in ipairs(said) do
        said[i] = json.decode(each).tool_calls[1]["function"].arguments
      end
      return table.concat(said)
    end
    local text = '{"x": 1}'
    assert.equal(text, arguments_after(text))
    assert.equal('{"x":1}', arguments_after({ x = 1 }, "{", "}"))
    assert.equal('{"x":1}', arguments_after({ x = 1 }, "null"))
    assert.equal(text, arguments_after(text, "{}"))
    assert.equal(text, arguments_after({ x = 1 }, '{"x"', ": 1}"))
    assert.equal('{"x"', arguments_after({ x = 1 }, '{"x"')) -- it broke off
    assert.equal('{"x":', arguments_after '{"x":')
    assert.equal("{}", arguments_after(""))
    assert.equal("{}", arguments_after(json.null))
    local broken = { type = "tool_use", id = "a", name = "f", input_json = '{"x":NaN,"y":1}', input_error = "why" }
    for pieces, said in pairs { [""] = broken.input_json, ["{}"] = broken.input_json, [text] = text } do
      deltas(start(broken))
      assert.same({}, deltas(delta { type = "input_json_delta", partial_json = pieces }))
      assert.equal(said, json.decode(deltas(stop())[1]).tool_calls[1]["function"].arguments)
    end
    deltas(start { type = "tool_use", id = "a", name = "f" })
    deltas(delta { type = "input_json_delta", partial_json = "{" })
    -- what has begun goes on
    assert.same({}, deltas(start { type = "tool_use", id = "a", name = "f", input = { x = 1 } }))
    assert.equal(1, #deltas(delta { type = "input_json_delta", partial_json = "}" }))
    assert.same({}, deltas(stop()))
  end)

  it("are a call once its name is known, or its arguments begin", function()
    assert.same({}, deltas(start { type = "tool_use", id = "a" }))
    assert.same({ '{"tool_calls":[{"function":{"arguments":"","name":"f"},"id":"a","index":0,"type":"function"}]}' },
      deltas(start { type = "tool_use", id = "a", name = "f" }))
    assert.same({}, deltas(start({ type = "tool_use" }, 1)))
    assert.equal(2, #deltas(delta({ type = "input_json_delta", partial_json = "{" }, 1)))
  end)

  it("have no empty object before the arguments, nor all of them once more", function()
    local function arguments_of(pieces)
      local said = {}
      local function add(list)
        for _, each in ipairs(list) do
          said[#said + 1] = json.decode(each).tool_calls[1]["function"].arguments
        end
      end
      add(deltas(start { type = "tool_use", id = "a", name = "f", input = json.object {} }))
      for _, piece in ipairs(pieces) do
        add(deltas(delta { type = "input_json_delta", partial_json = piece }))
      end
      add(deltas(stop()))
      return table.concat(said, "|")
    end
    assert.equal('|{"x"|:1}', arguments_of { "{}", '{"x"', ":1}" })
    assert.equal('|{"x"|: 1}', arguments_of { '{"x"', ": 1}", '{"x":1}' })
    assert.equal('|{"x":1}', arguments_of { "{}", '{"x":1}', '{"x":1}' })
    assert.equal("|{}", arguments_of { "{}" })
    assert.equal("|{}", arguments_of { "{}", "{}" })
    assert.equal('|{"x":1}|{"x":2}', arguments_of { '{"x":1}', '{"x":2}' }) -- broken, and as it came
  end)

  it("have a call's name that comes after its arguments have begun", function()
    deltas(start { type = "tool_use", id = "a" })
    assert.same({
      '{"tool_calls":[{"function":{"arguments":""},"id":"a","index":0,"type":"function"}]}',
      '{"tool_calls":[{"function":{"arguments":"{"},"index":0}]}',
    }, deltas(delta { type = "input_json_delta", partial_json = "{" }))
    local named = start { type = "tool_use", id = "a", name = "f" }
    assert.same({ '{"tool_calls":[{"function":{"name":"f"},"index":0}]}' }, deltas(named))
    assert.same({}, deltas(named))
    assert.same({ '{"tool_calls":[{"function":{"arguments":"}"},"index":0}]}' },
      deltas(delta { type = "input_json_delta", partial_json = "}" }))
    assert.same({}, deltas(stop()))
  end)

  it("have what else a call's block has beside the call, once", function()
    local function call(fields)
      fields.type, fields.id, fields.input = "tool_use", "a", json.object {}
      return start(fields)
    end
    assert.same({}, deltas(call { caller = { type = "direct" } }))
    local named = call { name = "f", caller = { type = "direct" }, index = 7, toolset_name = json.null }
    assert.same({ '{"tool_calls":[{"caller":{"type":"direct"},"function":{"arguments":"","name":"f"},"id":"a",'
      .. '"index":0,"type":"function"}]}' }, deltas(named))
    assert.same({}, deltas(named))
    assert.same({ '{"tool_calls":[{"function":{"arguments":""},"index":0,"toolset_name":"t"}]}' },
      deltas(call { name = "f", toolset_name = "t" })) -- clients want a function in each piece
    assert.same({ '{"tool_calls":[{"function":{"arguments":"{}"},"index":0}]}' }, deltas(stop()))
  end)
end)
