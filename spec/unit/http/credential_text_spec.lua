local credential_text = require "anthropic.http.credential_text"

describe("a credential as it was written down", function()
  for _, case in ipairs {
    { "k", "k" }, { " k\n", "k" }, { "Bearer k", "k" }, { "bearer  k ", "k" }, { "Bearer", "" }, { "Bearer ", "" },
    { "Bearerk", "Bearerk" }, { "a b", "a b" }, { " \t", "" }, { "", "" }, { "bEARER \t x ", "x" },
    { "x Bearer y", "x Bearer y" },
  } do
    it(("is %q of %q"):format(case[2], case[1]), function()
      assert.equal(case[2], credential_text.bare(case[1]))
    end)
  end

  it("is taken where something is left of it", function()
    assert.equal("k", credential_text.check("api_key", " Bearer k\n"))
  end)

  for what, case in pairs {
    ["no text"] = { 1, "api_key: string expected, got number" },
    ["nothing"] = { nil, "api_key: string expected, got nil" },
    ["blank"] = { " ", "api_key: is empty" },
    ["a scheme alone"] = { "Bearer ", "api_key: is empty" },
    ["two lines"] = { "a\nb", "api_key: must not contain a line break or NUL" },
    ["half of it behind NUL"] = { "a\0b", "api_key: must not contain a line break or NUL" },
  } do
    it("is refused where it is " .. what, function()
      local text, err = credential_text.check("api_key", case[1])
      assert.is_nil(text)
      assert.equal("invalid_request", err.kind)
      assert.equal(case[2], err.message)
    end)
  end

  it("takes linear time, however many blanks are in it", function()
    local blanks = (" "):rep(1e6)
    assert.equal("a" .. blanks .. "b", credential_text.bare(blanks .. "a" .. blanks .. "b" .. blanks))
  end)
end)
