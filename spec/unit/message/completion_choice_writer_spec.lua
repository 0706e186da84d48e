-- The chunks of one answer, as an encoder hands them on.

local chunk_events = require "spec.support.chunk_events"
local completion_writer = require "anthropic.message.completion_writer"
local json = require "anthropic.base.json"

local chunk, delta, start, stop = chunk_events.chunk, chunk_events.delta, chunk_events.start, chunk_events.stop

describe("the chunks of events", function()
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

  it("are text and thinking", function()
    assert.equal("[]", feed(start { type = "text", text = "" }))
    assert.equal("[" .. chunk '{"content":"Hi"}' .. "]", feed(delta { type = "text_delta", text = "Hi" }))
    assert.same({}, deltas(start({ type = "text", text = "So" }, 1))) -- the first goes on
    assert.same({ '{"content":"So"}' }, deltas(stop()))
    assert.same({ '{"reasoning_content":"Hm"}' }, deltas(start({ type = "thinking", thinking = "Hm" }, 2)))
    assert.same({ '{"reasoning_content":"."}' }, deltas(delta({ type = "thinking_delta", thinking = "." }, 2)))
    assert.same({}, deltas(delta({ type = "signature_delta", signature = "s" }, 2)))
    assert.same({
      '{"thinking_blocks":[{"index":0,"signature":"s","thinking":"","type":"thinking"}]}',
    }, deltas(stop(2)))
    assert.same({ '{"thinking_blocks":[{"data":"d","index":1,"type":"redacted_thinking"}]}' },
      deltas(start({ type = "redacted_thinking", data = "d" }, 3)))
  end)

  it("are thinking that overlaps, each before its signature", function()
    deltas(start({ type = "thinking", thinking = "A" }, 1))
    assert.same({}, deltas(start({ type = "thinking", thinking = "B", signature = "b" }, 2)))
    assert.same({}, deltas(stop(2)))
    assert.same({}, deltas(delta({ type = "signature_delta", signature = "a" }, 1)))
    assert.same({
      '{"thinking_blocks":[{"index":0,"signature":"a","thinking":"","type":"thinking"}]}', '{"reasoning_content":"B"}',
      '{"thinking_blocks":[{"index":1,"signature":"b","thinking":"","type":"thinking"}]}',
    }, deltas(stop(1)))
  end)

  it("number what they list, as clients put the lists of several chunks together by that", function()
    local function listed(event, name)
      local said = json.decode(deltas(event)[1])
      return (said.provider_specific_fields or said)[name][1].index
    end
    for i = 0, 2 do
      deltas(start({ type = "thinking", thinking = "" }, i))
      deltas(delta({ type = "signature_delta", signature = "s" .. i }, i))
      assert.equal(i, listed(stop(i), "thinking_blocks"))
      assert.equal(i, listed(delta({ type = "citations_delta", citation = { url = "u" } }, 7), "citations"))
      deltas(start({ type = "web_search_tool_result", content = json.array {} }, 9))
      assert.equal(i, listed(stop(9), "blocks"))
    end
    assert.equal(5, listed(delta({ type = "citations_delta", citation = { index = 5 } }, 7), "citations"))
  end)

  it("are the same call where its arguments go on after its end", function()
    local call = start { type = "tool_use", id = "a", name = "f" }
    assert.equal(1, #deltas(call))
    deltas(delta { type = "input_json_delta", partial_json = "{" })
    assert.same({}, deltas(stop()))
    assert.same({ '{"tool_calls":[{"function":{"arguments":"}"},"index":0}]}' },
      deltas(delta { type = "input_json_delta", partial_json = "}" }))
    assert.same({ '{"tool_calls":[{"function":{"arguments":"","name":"f"},"id":"a","index":1,"type":"function"}]}' },
      deltas(call)) -- another one
    assert.same({ '{"tool_calls":[{"function":{"arguments":"{}"},"index":1}]}' }, deltas(stop()))
    assert.equal(1, #deltas { type = "message_stop" })
  end)

  it("have what stands beside a call as a piece of that call, in a list", function()
    deltas(start({ type = "tool_use", id = "a", name = "f" }, 1))
    deltas(start({ type = "tool_use", id = "b", name = "g" }, 2))
    local function told(index)
      return { type = "unknown_delta", index = index,
        delta = { tool_calls = { id = "b", index = 7, extra_content = { x = 1 } } } }
    end
    local function deltas_of(event)
      return json.decode(deltas(event)[1])
    end
    assert.same({ '{"tool_calls":[{"extra_content":{"x":1},"function":{"arguments":""},"index":1}]}' }, deltas(told(2)))
    local inner = { type = "unknown_delta", index = 2, delta = { tool_calls = { ["function"] = { y = 1 } } } }
    assert.same({ '{"tool_calls":[{"function":{"y":1},"index":1}]}' }, deltas(inner))
    assert.same({ tool_calls = { id = "b", index = 7, extra_content = { x = 1 } }, index = 0 }, -- whose is not known
      deltas_of(told(nil)).provider_specific_fields.deltas[1])
    deltas(start({ type = "tool_use", id = "c" }, 3))
    assert.is_table(deltas_of(told(3)).provider_specific_fields) -- it has not begun there
  end)

  it("have the citations that a text began with", function()
    local cited = { { type = "page_location" } }
    local told = '{"provider_specific_fields":{"citations":[{"index":%d,"type":"page_location"}]}}'
    assert.same({ '{"content":"A"}', told:format(0) }, deltas(start { type = "text", text = "A", citations = cited }))
    assert.same({}, deltas(start { type = "text", text = "", citations = cited })) -- once more
    deltas(stop())
    for _, none in ipairs { json.array {}, json.null, "x", false } do
      assert.same({}, deltas(start({ type = "text", text = "", citations = none }, 1)))
    end
    assert.same({ told:format(1) }, deltas(start({ type = "text", text = "", citations = cited }, 1)))
    assert.same({ { type = "page_location" } }, cited)
  end)

  it("keep what has no place of its own", function()
    local search = { type = "server_tool_use", id = "s", name = "web_search", input = json.object {} }
    assert.same({}, deltas(start(search, 1)))
    assert.same({}, deltas(delta({ type = "input_json_delta", partial_json = '{"query": "lua"}' }, 1)))
    assert.same({ '{"provider_specific_fields":{"blocks":[{"id":"s","index":0,"input":{"query": "lua"},'
      .. '"name":"web_search","type":"server_tool_use"}]}}' }, deltas(stop(1)))
    assert.same({ '{"provider_specific_fields":{"citations":[{"index":0,"type":"page_location"}]}}' },
      deltas(delta { type = "citations_delta", citation = { type = "page_location" } }))
    assert.same({ '{"provider_specific_fields":{"delta":{"type":"new_delta","x":1}}}' },
      deltas(delta({ type = "new_delta", x = 1 }, 7)))
    assert.same({ '{"provider_specific_fields":{"blocks":[["x"]]}}' }, deltas(start({ "x" }, 8)))
    assert.same({ '{"audio":{"id":"x"}}' }, deltas { type = "unknown_delta", delta = { audio = { id = "x" } } })
    for i, said in ipairs { { content = { image = 1 } }, { function_call = "f" }, { tool_calls = { "x" } } } do
      local name, value = next(said)
      local listed = json.encode { [name] = value, index = i - 1 }
      assert.same({ '{"provider_specific_fields":{"deltas":[' .. listed .. "]}}" },
        deltas { type = "unknown_delta", delta = { [name] = value } }) -- clients read another form there
    end
  end)

  it("have what came in blocks that did not end", function()
    deltas(start { type = "thinking", thinking = "Hm" })
    deltas(stop())
    assert.same({}, deltas(delta { type = "signature_delta", signature = "s" }))
    deltas(start({ type = "tool_use", id = "a", name = "f", input = { x = 1 } }, 10))
    deltas(start({ type = "container_upload", file_id = "u" }, 2))
    assert.same({
      '{"thinking_blocks":[{"index":0,"signature":"s","thinking":"","type":"thinking"}]}',
      '{"provider_specific_fields":{"blocks":[{"file_id":"u","index":0,"type":"container_upload"}]}}',
      '{"tool_calls":[{"function":{"arguments":"{\\"x\\":1}"},"index":0}]}',
      "{}",
    }, deltas { type = "message_stop" })
  end)

  it("have what waited for a block whose place another one took", function()
    deltas(start { type = "text", text = "A" })
    deltas(start { type = "thinking", thinking = "Hm" })
    assert.same({}, deltas(start({ type = "text", text = "B" }, 1)))
    assert.same({ '{"content":"B"}', "{}" }, deltas { type = "message_stop" })
  end)

  it("are an error as servers of this shape report it, and nothing after it", function()
    for words, event in pairs {
      ["overloaded_error: busy"] = { error = { type = "overloaded_error", message = "busy" } },
      ["api_error: busy"] = { error = "busy" },
      ["api_error: slow"] = { error = {}, message = "slow" },
      ["api_error: the answer broke off"] = {},
    } do
      event.type = "error"
      local failing = completion_writer.encoder()
      local err = failing:feed(event)[1].error
      assert.equal(words, err.type .. ": " .. err.message)
      assert.same({}, failing:finish())
    end
  end)

  it("end with the reason", function()
    for reason, word in pairs {
      end_turn = "stop", stop_sequence = "stop", pause_turn = "stop", max_tokens = "length", refusal = "content_filter",
      model_context_window_exceeded = "length", tool_use = "tool_calls",
    } do
      local other, feed_other = chunk_events.encoder_of { id = "c", model = "m", created = 1 }
      feed_other { type = "message_start", message = {} }
      assert.equal("[]", feed_other { type = "message_delta", delta = { stop_reason = reason } })
      assert.equal("[" .. chunk("{}", '"' .. word .. '"') .. "]", feed_other { type = "message_stop" })
      assert.same({}, other:finish())
    end
    feed { type = "message_delta", delta = { stop_reason = "end_turn" } }
    assert.equal("[" .. chunk("{}", '"stop"') .. "]", json.encode(encoder:finish())) -- the stop did not come
    local silent = completion_writer.encoder()
    silent:feed { type = "message_start", message = {} }
    assert.same({}, silent:finish()) -- it broke off
    silent = completion_writer.encoder()
    silent:feed { type = "message_start", message = { stop_reason = json.null } }
    silent:feed { type = "message_delta", delta = { stop_reason = json.null } }
    assert.same({}, silent:finish())
    silent = completion_writer.encoder()
    silent:feed { type = "message_delta", delta = { stop_reason = "max_tokens" } }
    silent:feed { type = "message_delta", delta = { stop_reason = json.null } }
    assert.equal("length", silent:feed({ type = "message_stop" })[2].choices[1].finish_reason)
    silent = completion_writer.encoder()
    silent:feed { type = "message_start", message = {} }
    assert.equal("stop", silent:feed({ type = "message_stop" })[1].choices[1].finish_reason)
    for count = 1, 2 do
      local calling = completion_writer.encoder()
      calling:feed { type = "message_delta", delta = { stop_reason = count == 1 and "end_turn" or nil } }
      for i = 1, count do
        calling:feed(start({ type = "tool_use", id = "t" .. i, name = "f", input = {} }, i - 1))
        calling:feed(stop(i - 1))
      end
      assert.equal("tool_calls", calling:feed({ type = "message_stop" })[1].choices[1].finish_reason)
    end
  end)

  it("say nothing where the events do not", function()
    assert.equal("[]", feed { type = "ping" })
    assert.equal("[]", feed { type = "a_new_event", data = 1 })
    assert.equal("[]", feed {})
    assert.equal("[]", feed(stop(9)))
    assert.same({}, completion_writer.encoder():finish())
    local bare = { type = "content_block_delta", delta = { type = "text_delta", text = "Hi" } }
    assert.same({ '{"content":"Hi"}' }, deltas(bare))
    for _, index in ipairs { 0 / 0, 1 / 0, "x", json.null, {}, true } do
      local odd = completion_writer.encoder()
      for _, event in ipairs {
        start({ type = "text", text = "A" }, index), delta({ type = "text_delta", text = "B" }, index), stop(index),
        { type = "unknown_delta", index = index, delta = { tool_calls = { x = 1 } } },
        { type = "message_stop", choice = 0 / 0, raw = {} },
      } do
        assert.is_table(odd:feed(event))
      end
    end
    assert.same({}, deltas { type = "content_block_start" })
    assert.same({}, deltas { type = "content_block_stop" })
  end)
end)
