local aws_events = require "anthropic.message.aws_events"
local json = require "anthropic.base.json"

describe("a message of AWS's event stream", function()
  it("that is a chunk has an event's data in Base64", function()
    assert.same({ '{"type":"ping"}', "" },
      { aws_events.read('{"bytes":"eyJ0eXBlIjoicGluZyJ9"}', "event", "chunk", "") })
    assert.same({ "", "" }, { aws_events.read('{"bytes":"","p":"padding"}', "event", "chunk", "") })
  end)

  it("that is a chunk says what is wrong with it", function()
    for payload, words in pairs {
      ["{}"] = "a chunk without bytes", ['{"bytes":7}'] = "a chunk without bytes", ["[]"] = "a chunk without bytes",
      ['{"bytes":"!"}'] = "a chunk whose bytes are no base64",
    } do
      assert.same({ nil, words }, { aws_events.read(payload, "event", "chunk", "") })
    end
    for _, payload in ipairs { "", "{", '{"bytes":' } do
      local data, problem = aws_events.read(payload, "event", "chunk", "")
      assert.is_nil(data)
      assert.matches("^a chunk without bytes: .", problem)
    end
  end)

  it("of another name is kept as it came", function()
    assert.same({ "{", "initial-response" }, { aws_events.read("{", "event", "initial-response", "") })
  end)

  it("that is an error has its words, its text or its name", function()
    for _, kind in ipairs { "exception", "error" } do
      for _, case in ipairs {
        { '{"message":"m"}', "t", '{"message":"m"}' }, { "", "t", '{"message":"t"}' },
        { " \n", "", '{"message":"name"}' },
      } do
        local data, problem, failure = aws_events.read(case[1], kind, "name", case[2])
        assert.same({ nil, nil }, { data, problem })
        assert.same({ data = case[3], name = "name" }, failure)
      end
    end
    local _, _, failure = aws_events.read("", "error", "name", "\255")
    assert.is_table(json.decode(failure.data))
  end)

  it("of no known kind says so", function()
    assert.same({ nil, "a message that is neither an event nor an error" }, { aws_events.read("{}", "", "chunk", "") })
  end)
end)
