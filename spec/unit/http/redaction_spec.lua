local core = require "anthropic.core"
local json = require "anthropic.base.json"
local redaction = require "anthropic.http.redaction"
local spellings = require "spec.support.spellings"
local urls = require "anthropic.http.url"

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
    for _, text in ipairs {
      "", "sk-test-012345678 ", "sk-test-", "SK-TEST-0123456789", "sk-test_0123456789", "sk-test- 0123456789",
      "sktest0123456789",
    } do
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

describe("a credential in escapes", function()
  for name, spelling in pairs(spellings.of(KEY)) do
    it("is found: " .. name, function()
      local before = [[{"a":"\n%41&amp;","b":"x ]]
      local found = redact({ KEY }, before .. spelling .. ' y"}')
      assert.is_false(spellings.holds(found, KEY), found)
      assert.equal(before, found:sub(1, #before))
      assert.equal(' y"}', found:sub(-4))
      assert.truthy(found:find("[redacted]", 1, true))
    end)
  end

  it("is replaced where it stands, and nothing else", function()
    for text, expected in pairs {
      [ [["sk-test-012345678\u0039\n"]] ] = [["[redacted]\n"]],
      [ [["\u0073k-test-0123456789" and "\u0073k"]] ] = [["[redacted]" and "\u0073k"]],
      ["/?a=%73k-test-0123456789&b=%20"] = "/?a=[redacted]&b=%20",
      ["sk-test-0123456789sk-test-012345678%39"] = "[redacted][redacted]",
      ["x&#115;k-test-&#48;123456789y"] = "x[redacted]y",
      [ [[\\\\u0073k\u{2d}test\x2d0123456789\\]] ] = [=[[redacted]\\]=],
    } do
      assert.equal(expected, redact({ KEY }, text))
    end
  end)

  it("may itself look like escapes, or hold what JSON escapes", function()
    for _, secret in ipairs {
      "ab%41cd%42ef%43gh", "abc\\u0041def\\u0042ghi", "abcd&amp;efgh&lt;c", "C:\\new\\table\\x", "/a/b/c/d/e",
      "ab\tcd\tef\tgh\ti", "\240\159\152\128\240\159\152\128", "schl\195\188ssel",
    } do
      for _, text in ipairs {
        secret, (json.encode(secret):gsub("/", "\\/")), urls.escape(secret), urls.escape(urls.escape(secret)),
        json.encode(json.encode(secret)), core.base64("x:" .. secret),
      } do
        assert.is_nil(redact({ secret }, text):find(secret, 1, true))
        assert.truthy(redact({ secret }, text):find("[redacted]", 1, true), text)
      end
    end
    assert.equal('"[redacted]"', redact({ "\240\159\152\128\240\159\152\128" }, [["\ud83d\ude00\uD83D\uDE00"]]))
  end)

  it("leaves what is no escape as it is", function()
    for _, text in ipairs {
      "\\", "%", "&", "\\u", "\\u00", "%2", "&#;", "&#x;", "&#99999999;", "&nothing;", "\\u{110000000}", "\\ud83d",
      "\\ud83d\\u0041", "%25", "%2525", "\\\\\\", "\226", "\226\128", "\194", "\0", "&#x110000;", "\\xZZ", "\\n",
    } do
      assert.equal(text, redact({ KEY }, text))
      assert.equal(text .. "[redacted]" .. text, redact({ KEY }, text .. KEY .. text), text)
    end
  end)

  it("takes time in proportion to the text, whatever it is", function()
    local compiler = rawget(_G, "jit") -- what is compiled calls no hooks
    if compiler then
      compiler.off()
      finally(compiler.on)
    end
    for _, unit in ipairs {
      "\\", "%25", "%", "&", "&#", "&#1", "\\u0073", "\\ud83d", "\\ud83d\\", "%73k-test-", "sk-test-012345678",
      "\226\128\174", KEY, "%2573", "&#x0000", "\1",
    } do
      local counted = {}
      for i, size in ipairs { 2000, 8000 } do
        local steps = 0
        local redacted = redaction.redactor { KEY, ("a"):rep(50) .. "b" }
        debug.sethook(function() steps = steps + 1 end, "", 100)
        redacted(unit:rep(size))
        debug.sethook()
        counted[i] = steps
      end
      assert.is_true(counted[2] <= 4.5 * counted[1] + 20, unit)
    end
  end)
end)

describe("a credential that a text breaks off in", function()
  it("is redacted where at least half of it came", function()
    assert.equal("key [redacted]", redact({ KEY }, "key " .. KEY:sub(1, 9)))
    assert.equal("key [redacted]", redact({ KEY }, "key " .. KEY:sub(1, -2)))
    assert.equal("key sk-test-", redact({ KEY }, "key sk-test-"))
    assert.equal("key sk-test-0", redact({ KEY .. KEY }, "key sk-test-0"))
    assert.equal("key sk-test-01 ", redact({ KEY }, "key sk-test-01 "))
  end)

  it("is redacted where 8 bytes or half of it came, in a text that is known to have broken off", function()
    local function at_end(secret, length)
      return redaction.redactor { secret }("key " .. secret:sub(1, length), nil, true)
    end
    assert.equal("key [redacted]", at_end(KEY .. KEY, 9))
    assert.equal("key [redacted]", at_end(KEY .. KEY, 8))
    assert.equal("key sk-test", at_end(KEY .. KEY, 7))
    assert.equal("key [redacted]", at_end("HDRSECRET123", 7))
    assert.equal("key [redacted]", at_end("HDRSECRET123", 6))
    assert.equal("key HDRSE", at_end("HDRSECRET123", 5))
    assert.equal("key [redacted]", at_end("HDRSECRET123", 12))
    assert.equal("[redacted] [redacted]", redaction.redactor { KEY }(KEY .. " sk-test-", nil, true))
    assert.equal("sk-test- ", redaction.redactor { KEY }("sk-test- ", nil, true))
    assert.equal("", redaction.redactor { KEY }("", nil, true))
  end)

  it("is redacted where its beginning stands twice", function()
    assert.equal("abcdabc-[redacted]", redaction.redactor { "abcdabce" }("abcdabc-abcda", nil, true))
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
