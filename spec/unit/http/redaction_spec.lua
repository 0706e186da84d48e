local redaction = require "anthropic.http.redaction"

local KEY = "sk-test-0123456789"

local function redact(secrets, text, replacement)
  local redacted = redaction.redactor(secrets)
  assert.equal(1, select("#", redacted(text, replacement)))
  return (redacted(text, replacement))
end

describe("a credential in a text", function()
  it("is replaced wherever it stands", function()
    assert.equal("[redacted]", redact({ KEY }, KEY))
    assert.equal("a [redacted] b", redact({ KEY }, "a " .. KEY .. " b"))
    assert.equal("x[redacted][redacted]y\0[redacted]\n", redact({ KEY }, "x" .. KEY .. KEY .. "y\0" .. KEY .. "\n"))
  end)

  it("is nothing that only looks like it", function()
    for _, text in ipairs { "", "sk-test-012345678", "SK-TEST-0123456789", "sk-test_0123456789", "sk-test- 0123456789",
                            "sktest0123456789" } do
      assert.equal(text, redact({ KEY }, text))
    end
  end)

  it("is looked for from 8 bytes on: a shorter one stands in ordinary words", function()
    assert.equal("1234567 is", redact({ "1234567" }, "1234567 is"))
    assert.equal("[redacted] is", redact({ "12345678" }, "12345678 is"))
    assert.equal("[redacted] is", redact({ "123456789" }, "123456789 is"))
    assert.equal("a b", redact({ "" }, "a b"))
  end)

  it("is one of several", function()
    local secrets = { "first-secret", "short", "second-secret", variable = "ANTHROPIC_API_KEY" }
    assert.equal("[redacted] short [redacted] ANTHROPIC_API_KEY",
      redact(secrets, "second-secret short first-secret ANTHROPIC_API_KEY"))
  end)

  it("is one of none", function()
    assert.equal(KEY, redact({}, KEY))
  end)

  it("may have characters that mean something in a pattern", function()
    for _, secret in ipairs { "a.b.c.d.e", "a*b*c*d*e", "a+b-c?d^e$", "[abcdefg]", "(abcdefg)", "%d%d%d%d", "%1%2%3%4",
                              "abcdefg%", "^abcdefg", "abcdefg$", "%b()%f[a]" } do
      assert.equal("x [redacted] y", redact({ secret }, "x " .. secret .. " y"))
      assert.equal("x aabbccddee 12345678 abcdefg y", redact({ secret }, "x aabbccddee 12345678 abcdefg y"))
    end
  end)

  it("is found as JSON writes it", function()
    assert.equal('{"k":"[redacted]"}', redact({ 'a"b\\c"d\\e' }, [[{"k":"a\"b\\c\"d\\e"}]]))
    assert.equal('{"k":"[redacted]"}', redact({ "key\twith\ttabs" }, [[{"k":"key\twith\ttabs"}]]))
    assert.equal("[redacted]", redact({ 'a"b\\c"d\\e' }, 'a"b\\c"d\\e'))
  end)

  it("is found with escaped slashes", function()
    assert.equal('"[redacted]"', redact({ "ab/cd/ef/gh" }, [["ab\/cd\/ef\/gh"]]))
    assert.equal('"[redacted]"', redact({ 'a"b/c"d/e' }, [["a\"b\/c\"d\/e"]]))
    assert.equal("[redacted]", redact({ "ab/cd/ef/gh" }, "ab/cd/ef/gh"))
  end)

  it("is found as a URL writes it", function()
    assert.equal("/?k=[redacted]&x", redact({ "ab/cd+ef=gh" }, "/?k=ab%2Fcd%2Bef%3Dgh&x"))
    assert.equal("[redacted]", redact({ "key with spaces" }, "key%20with%20spaces"))
  end)

  it("may begin like another one", function()
    assert.equal("x [redacted] y", redact({ "abcdefgh", "abcdefghij" }, "x abcdefghij y"))
    assert.equal("x [redacted] y", redact({ "abcdefghij", "abcdefgh" }, "x abcdefghij y"))
  end)

  it("may be no UTF-8", function()
    assert.equal("x [redacted] %", redact({ "key-\255\128-key" }, "x key-\255\128-key %"))
    assert.equal("[redacted]", redact({ "key-\255\128-key" }, "key-%FF%80-key"))
    assert.equal("[redacted]!", redact({ "schlüssel" }, "schlüssel!"))
  end)
end)

describe("what stands for a credential", function()
  it("may be a function's to say, which is told what was found", function()
    local redacted = redaction.redactor { "ab/cd/ef/gh" }
    assert.equal([[1 <ab/cd/ef/gh> "<ab\/cd\/ef\/gh>" <ab%2Fcd%2Fef%2Fgh>]],
      redacted([[1 ab/cd/ef/gh "ab\/cd\/ef\/gh" ab%2Fcd%2Fef%2Fgh]], function(found)
        return "<" .. found .. ">"
      end))
  end)

  it("is put in as it is", function()
    assert.equal("%1 %0 %", redact({ KEY }, KEY, function() return "%1 %0 %" end))
  end)

  it("is asked for only where there is one", function()
    assert.equal("a b", redact({ KEY }, "a b", function() error "asked" end))
  end)

  it("is the default again at the next call", function()
    local redacted = redaction.redactor { KEY }
    assert.equal("x", redacted(KEY, function() return "x" end))
    assert.equal("[redacted]", redacted(KEY))
  end)
end)
