local token_kinds = require "anthropic.message.token_kinds"

describe("the kinds of tokens", function()
  it("have parts, each of one kind and none a kind itself", function()
    local seen = {}
    for _, parts in pairs(token_kinds.KINDS) do
      for _, part in ipairs(parts) do
        assert.is_nil(seen[part])
        assert.is_nil(token_kinds.KINDS[part])
        seen[part] = true
      end
    end
    assert.same(seen, token_kinds.IS_PART)
  end)

  it("that are the sum of their parts are kinds with parts", function()
    for kind in pairs(token_kinds.IS_SUM_OF_PARTS) do
      assert.is_true(#token_kinds.KINDS[kind] > 1)
    end
  end)
end)
