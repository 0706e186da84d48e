local anthropic = require "anthropic"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

describe("watching tool inputs", function()
  local server

  local function open(answer, options)
    server = hosted.server { script = { answer } }
    local client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 0 }
    return assert(client.messages.stream({
      model = "m", max_tokens = 100, messages = { { role = "user", content = "go" } },
    }, options))
  end

  after_each(function()
    if server then
      server:stop()
      server = nil
    end
  end)

  it("shows the object as it grows, and when it is complete", function()
    local stream = open(testing.stream {
      text = "Let me see.", pieces = 4,
      tool_uses = { { name = "weather", id = "toolu_1", input_json = '{"location":"Paris","days":[1,2]}' } },
    })
    local seen, the_input = {}, nil
    for id, name, input, is_complete in stream:tool_inputs() do
      assert.equal("toolu_1", id)
      assert.equal("weather", name)
      the_input = the_input or input
      assert.equal(the_input, input)
      seen[#seen + 1] = anthropic.encode(input) .. (is_complete and " complete" or "")
    end
    assert.equal("{}", seen[1])
    assert.equal('{"days":[1,2],"location":"Paris"} complete', seen[#seen])
    assert.equal(6, #seen) -- the start, four pieces, the end
    assert.same({ location = "Paris", days = { 1, 2 } }, stream:message().content[2].input)
  end)

  it("gives a string that is being written piece by piece", function()
    local text = ("all work and no play\n"):rep(50)
    local stream = open(testing.stream {
      pieces = 40, tool_uses = { { name = "write", input_json = anthropic.encode { text = text } } },
    })
    local pieces, bytes = {}, 0
    for _, _, input, _, progress in stream:tool_inputs() do
      if input.text == nil then
        pieces[#pieces + 1] = progress:added()
        bytes = bytes + #progress:added()
        if progress:path() then
          assert.same({ "text" }, progress:path())
          assert.equal(table.concat(pieces), progress:text())
        end
      elseif bytes < #input.text then
        pieces[#pieces + 1] = input.text:sub(bytes + 1)
        bytes = #input.text
      end
    end
    assert.is_true(#pieces > 30)
    assert.equal(text, table.concat(pieces))
  end)

  it("tells several calls apart, interleaved ones too", function()
    local function delta(index, text)
      return { data = {
        type = "content_block_delta", index = index, delta = { type = "input_json_delta", partial_json = text },
      } }
    end
    local function start(index, name)
      return { data = {
        type = "content_block_start", index = index,
        content_block = { type = "tool_use", id = "toolu_" .. name, name = name, input = {} },
      } }
    end
    local stream = open { events = {
      { data = { type = "message_start", message = { role = "assistant", content = testing.array {} } } },
      start(0, "a"), start(1, "b"), delta(0, '{"x":'), delta(1, '{"y":'), delta(0, "1}"), delta(1, "2}"),
      { data = { type = "content_block_stop", index = 1 } },
      { data = { type = "content_block_stop", index = 0 } },
      { data = { type = "message_delta", delta = { stop_reason = "tool_use" }, usage = {} } },
      { data = { type = "message_stop" } },
    } }
    local complete = {}
    for id, _, input, is_complete in stream:tool_inputs() do
      if is_complete then
        complete[#complete + 1] = id .. anthropic.encode(input)
      end
    end
    assert.same({ 'toolu_b{"y":2}', 'toolu_a{"x":1}' }, complete)
  end)

  it("completes a call without input", function()
    local stream = open(testing.stream { tool_uses = { { name = "now", input_json = "" } } })
    local last, was_complete
    for _, _, input, is_complete in stream:tool_inputs() do
      last, was_complete = input, is_complete
    end
    assert.equal("{}", anthropic.encode(last))
    assert.is_true(was_complete)
  end)

  it("shows what is known of broken JSON and never calls it complete", function()
    local stream = open(testing.stream { pieces = 5, tool_uses = { { name = "f", input_json = '{"a":1,"b":tru}' } } })
    local last, problem
    for _, _, input, is_complete, progress in stream:tool_inputs() do
      assert.is_false(is_complete)
      last, problem = input, progress:problem()
    end
    assert.same({ a = 1 }, last)
    assert.matches("invalid value at byte 15", problem)
    assert.is_string(stream:message().content[1].input_error)
  end)

  it("never calls JSON complete that was cut off", function()
    local stream = open(testing.stream {
      stop_reason = "max_tokens",
      tool_uses = { { name = "f", input_json = '{"lines":["one","two","thr' } },
    })
    local last, complete, problem
    for _, _, input, is_complete, progress in stream:tool_inputs() do
      last, complete, problem = input, is_complete, progress:problem()
    end
    assert.same({ lines = { "one", "two" } }, last)
    assert.is_false(complete)
    assert.is_string(problem)
  end)

  it("takes up a block whose start was read in another way", function()
    local stream = open(testing.stream { pieces = 6, tool_uses = { { name = "f", input = { a = "long enough" } } } })
    for _ = 1, 6 do
      assert(stream:next())
    end
    local last
    for _, _, input, is_complete in stream:tool_inputs() do
      last = is_complete and input or last
    end
    assert.same({ a = "long enough" }, last)
  end)

  it("shows the input of a call that came whole", function()
    local stream = open(testing.message { tool_uses = { { name = "f", input = { a = 1 } } } })
    local seen = {}
    for _, _, input, is_complete in stream:tool_inputs() do
      seen[#seen + 1] = anthropic.encode(input) .. tostring(is_complete)
    end
    assert.same({ "{}false", '{"a":1}false', '{"a":1}true' }, seen)
  end)

  it("completes an input that goes on after the end of its block", function()
    local function piece(text)
      return { data = { type = "content_block_delta", index = 0,
        delta = { type = "input_json_delta", partial_json = text } } }
    end
    local block_stop = { data = { type = "content_block_stop", index = 0 } }
    local stream = open { events = {
      { data = { type = "message_start", message = { role = "assistant", content = testing.array {} } } },
      { data = { type = "content_block_start", index = 0,
        content_block = { type = "tool_use", id = "a", name = "f", input = {} } } },
      piece '{"x":', block_stop, piece "1}", block_stop,
      { data = { type = "message_delta", delta = { stop_reason = "tool_use" } } }, { data = { type = "message_stop" } },
    } }
    local seen = {}
    for _, _, input, is_complete in stream:tool_inputs() do
      seen[#seen + 1] = anthropic.encode(input) .. tostring(is_complete)
    end
    assert.same({ "{}false", "{}false", "{}false", '{"x":1}false', '{"x":1}true' }, seen)
    assert.same({ x = 1 }, stream:message().content[1].input)
  end)

  it("watches a chat completion's tool calls too", function()
    local stream = open(testing.completion_stream { tool_calls = { { name = "f", arguments = '{"city":"Rome"}' } } })
    local last
    for _, name, input, is_complete in stream:tool_inputs() do
      assert.equal("f", name)
      last = is_complete and input or last
    end
    assert.same({ city = "Rome" }, last)
  end)

  it("raises the stream's error", function()
    local answer = testing.stream { pieces = 6, tool_uses = { { name = "f", input = { a = "long enough" } } } }
    answer.cut_after = 700
    local stream = open(answer)
    local ok, err = pcall(function()
      for _ in stream:tool_inputs() do end -- luacheck: ignore 542
    end)
    assert.is_false(ok)
    assert.equal("truncated", err.kind)
  end)
end)
