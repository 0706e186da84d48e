-- What the values of a JSON text would cost, told before they are made: of answers, events, and tools' inputs.

local core = require "anthropic.core"
local json = require "anthropic.base.json"

local COSTLY = "the values would take too much memory at byte 1"
local MEGABYTE = 1000000
local NAN_IS_NULL = 16

local function list_of(item, megabytes, last)
  return "[" .. item:rep(math.floor(megabytes * MEGABYTE / #item)) .. (last or "1") .. "]"
end

describe("a text", function()
  for _, case in ipairs {
    { "[],", 1.5 }, { "{},", 1.5 }, { "[1],", 1.5 }, { '{"a":1},', 3 }, { '{"a":null},', 1.5 }, { "[1e999],", 1.5 },
    { "[12345678901234567890],", 3 }, { '{"input":{}},', 2 }, { "[NaN],", 2 }, { "1,", 2 }, { '"",', 1.5 },
    { "[[[[]]]],", 2 }, { '{"inp\\u0075t":[1]},', 4 },
  } do
    it(("of %s is refused where it is large"):format(case[1]), function()
      local text = list_of(case[1], case[2])
      for _, options in ipairs { core.json_answer, core.json_event, core.json_input } do
        local prepared, message = core.json_prepare(text, options)
        assert.is_nil(prepared)
        assert.equal(COSTLY, message)
      end
      assert(core.json_prepare(text, core.json_repair + NAN_IS_NULL)) -- where no values are made
      assert.same({ nil, COSTLY }, { json.decode_answer(text) })
    end)

    it(("of %s is read where it is small"):format(case[1]), function()
      assert(core.json_prepare(list_of(case[1], 0.4), core.json_answer))
    end)
  end

  it("of members that all have names of their own is refused", function()
    local members = {}
    for i = 1, 300000 do
      members[i] = ('"%x":1'):format(i)
    end
    assert.same({ nil, COSTLY }, { json.decode_answer("{" .. table.concat(members, ",") .. "}") })
  end)

  it("of long strings, of numbers, and of records is read", function()
    assert(json.decode_answer('["' .. ("x"):rep(5 * MEGABYTE) .. '"]'))
    assert(json.decode_answer(list_of('"' .. ("\\n\\\""):rep(100) .. '",', 4)))
    assert(json.decode_answer(list_of("0.25,", 3)))
    assert(json.decode_answer(list_of('{"type":"text","text":"' .. ("x"):rep(100) .. '"},', 4)))
  end)

  it("that is no JSON is none", function()
    for _, text in ipairs { "]", '"', '"\\', "}{", "-", ("["):rep(2000), "nul" } do
      local large = text .. (" "):rep(MEGABYTE)
      assert.is_nil((core.json_prepare(large, core.json_answer)))
    end
  end)
end)
