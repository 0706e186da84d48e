-- How many tokens a request is taken for.

local estimate = require("anthropic.http.token_estimate").of

local function picture(size, media_type)
  return ('{"source":{"data":"%s","media_type":"%s","type":"base64"},"type":"image"}'):format(
    ("A"):rep(size), media_type or "image/png")
end

describe("the estimate of a request's tokens", function()
  it("is none where there is no body", function()
    assert.equal(0, estimate(nil))
    assert.equal(0, estimate(""))
  end)

  it("is a token for four bytes of text", function()
    assert.equal(1, estimate "{}")
    assert.equal(2500, estimate(("x"):rep(10000)))
  end)

  it("takes a picture for a picture, whatever its size", function()
    local small, large = estimate(picture(1000)), estimate(picture(1000000))
    assert.equal(small, large)
    assert.is_true(small > 1600 and small < 1650)
    assert.is_true(estimate(picture(1000) .. picture(1000)) > 3200)
  end)

  it("takes a document for its pages", function()
    local tokens = estimate(picture(640000, "application/pdf"))
    assert.is_true(tokens > 10000 and tokens < 10050)
  end)

  it("takes what only looks like data for text", function()
    assert.equal(250, estimate('"data":"' .. ("x "):rep(496)))
    assert.equal(25, estimate('"data":"' .. ("x"):rep(91) .. '"'))
    assert.equal(2, estimate '"data":"')
  end)
end)
