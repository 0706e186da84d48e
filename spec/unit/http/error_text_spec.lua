-- Where an error's words stand, and what becomes of them.

local error_text = require "anthropic.http.error_text"
local json = require "anthropic.base.json"

local function same(text)
  return text
end

local function words_of(text)
  return error_text.in_value(json.decode_answer(text), 8, same)
end

describe("the words of an error", function()
  for _, case in ipairs {
    -- the decoded value, its words
    { '{"error":{"message":"a"},"message":"b"}', "a" },
    { '{"error":{"message":7},"message":"b"}', "b" },
    { '{"error":{"message":"  "},"message":"b"}', "b" },
    { '{"error":{"message":{"text":"a"}}}', "a" },
    { '{"error":{"error":{"message":"a"}}}', "a" },
    { '{"error":{"msg":"a"}}', "a" },
    { '{"error":["a","b"]}', "a; b" },
    { '{"error":[{"message":"a"},{"code":1},{"message":"b"}]}', "a; b" },
    { '{"error":"a"}', "a" },
    { '{"error":"Bad Request","message":["a","b"]}', "a; b" },
    { '{"error":"insufficient_quota","message":"a"}', "a" },
    { '{"error":"insufficient_quota"}', "insufficient_quota" },
    { '{"error":"It broke","message":"a"}', "It broke: a" },
    { '{"error":"It broke.","message":"a"}', "It broke. a" },
    { '{"error":"It","message":"It broke"}', "It broke" },
    { '{"error":"invalid_client","error_description":"a"}', "a" },
    { '{"error":"a","details":"b"}', "a: b" },
    { '{"error":"a","details":""}', "a" },
    { '{"choices":"12","details":" \\n"}', nil },
    { '{"details":"","errors":["a"]}', "a" },
    { '{"title":" ","detail":""}', nil },
    { '{"message":"a","detail":"b"}', "a" },
    { '{"Message":"a"}', "a" },
    { '{"code":401,"msg":"a"}', "a" },
    { '{"error_code":17,"error_msg":"a"}', "a" },
    { '{"error_message":"a"}', "a" },
    { '{"errorMessage":"a"}', "a" },
    { '{"errcode":1,"errmsg":"a"}', "a" },
    { '{"reason":"a"}', "a" },
    { '{"detail":"a"}', "a" },
    { '{"detail":{"error":{"message":"a"}}}', "a" },
    { '{"detail":[{"loc":["body","messages",0,"role"],"msg":"a"},{"loc":["body"],"msg":"b"}]}',
      "body.messages.0.role: a; body: b" },
    { '{"detail":[{"loc":["body"]}]}', nil },
    { '{"detail":["a"]}', "a" },
    { '{"title":"a"}', "a" },
    { '{"title":"a","detail":"b"}', "a: b" },
    { '{"title":"a.","errors":{"n":["b","c"],"m":["d"]}}', "a. m: d; n: b; c" },
    { '{"errors":[{"code":1,"message":"a"},{"message":"b"}]}', "a; b" },
    { '{"errors":["a"]}', "a" },
    { '{"errors":"a"}', "a" },
    { '{"errors":{"message":"a"}}', "a" },
    { '{"errors":[{"field":"n","message":"a"}]}', "n: a" },
    { '{"base_resp":{"status_code":1002,"status_msg":"a"}}', "a" },
    { '{"choices":[],"x_groq":{"id":"r","error":"a"}}', "a" },
    { '{"base_resp":{"status_code":0,"status_msg":"success"},"message":"a"}', "a" },
    { '{"choices":[{"delta":{"content":"x"},"error":{"message":"a"}}]}', "a" },
    { '{"error":{"message":"a","metadata":{"raw":"b"}}}', "a: b" },
    { [[{"error":{"message":"a","metadata":{"raw":"{\"error\":{\"message\":\"b\"}}"}}}]], "a: b" },
    { [[{"error":{"message":"{\"type\":\"error\",\"error\":{\"message\":\"a\"}}"}}]], "a" },
    { [[{"error":"{\"message\":\"a\"}"}]], "a" },
    { [[{"message":"{\"a\":1}"}]], '{"a":1}' },
    { [[{"message":"{broken"}]], "{broken" },
    { [["{\"message\":\"a\"}"]], "a" },
    { '"a"', "a" },
    { '" "', nil },
    { '[{"error":{"message":"a"}}]', "a" },
    { "[]", nil }, { "{}", nil }, { "5", nil }, { "null", nil }, { "true", nil }, { "[null,[[]],5]", nil },
    { '{"error":{"message":true,"msg":[],"errors":{},"detail":5},"title":{}}', nil },
  } do
    it(("in %s are %s"):format(case[1], tostring(case[2])), function()
      assert.equal(case[2], words_of(case[1]))
    end)
  end

  it("are not more than the first of a list", function()
    assert.equal("1; 2; 3; 4; 5; 6; 7; 8; ...", words_of '{"errors":["1","2","3","4","5","6","7","8","9","10"]}')
  end)

  it("are not looked for at any depth", function()
    assert.is_nil(words_of(('{"error":'):rep(500) .. '"a"' .. ("}"):rep(500)))
    assert.is_nil(words_of(("["):rep(500) .. '"a"' .. ("]"):rep(500)))
    assert.is_nil(words_of(('{"errors":'):rep(500) .. '{"a":[]}' .. ("}"):rep(500)))
  end)
end)

describe("the words of a text that is not JSON", function()
  for _, case in ipairs {
    { "upstream connect error", "upstream connect error" },
    { "\239\187\191\r\n  first line  \r\nsecond", "first line" },
    { "a\tb", "a b" },
    { 'a "b" \\c', 'a "b" \\c' },
    { "caf\233", "caf\239\191\189" },
    { "café", "café" },
    { "", nil }, { " \n ", nil }, { "\0\1\2", nil }, { "a\27[31mb", nil },
    { '{"message":\n  "cut', '{"message": "cut' },
    { "{'message': 'a'}", "{'message': 'a'}" },
    { "<html>\r\n<head><title>413 Too &lt;Large&gt; &amp; &quot;so&quot;</title></head></html>",
      '413 Too <Large> & "so"' },
    { "<!DOCTYPE html><HTML><TITLE lang=en>\n  Bad\n  gateway </TITLE>", "Bad gateway" },
    { "<html><body><h1>Bad gateway</h1></body></html>", nil },
    { "<title></title>", nil }, { "<title", nil }, { "<titles>a</titles>", nil },
    { '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
      "Access Denied" },
  } do
    it(("in %q are %s"):format(case[1], tostring(case[2])), function()
      assert.equal(case[2], error_text.in_text(case[1]))
    end)
  end

  it("are cut where they are long, not inside a character", function()
    assert.equal(("x"):rep(300) .. "...", error_text.in_text(("x"):rep(1e6)))
    assert.equal(("x"):rep(300), error_text.in_text(("x"):rep(300)))
    assert.equal(("x"):rep(299) .. "...", error_text.in_text(("x"):rep(299) .. ("é"):rep(100)))
    assert.equal(("é"):rep(149) .. "...", error_text.in_text(("é"):rep(1e5)))
  end)

  it("are looked for in the beginning of a page only", function()
    assert.is_nil(error_text.in_text("<html>" .. (" "):rep(1e5) .. "<title>a</title>"))
    assert.is_nil(error_text.in_text(("<title "):rep(1e5)))
  end)
end)

describe("what a server sent, decoded", function()
  local function redact(text)
    return (text:gsub("secret", "..."))
  end

  it("holds no secret in its values and names, however they are written", function()
    local value = error_text.decode('{"a":["\\u0073ecret",{"secret":"x secret"}],"b":5,"c":true}', redact)
    assert.same({ a = { "...", { ["..."] = "x ..." } }, b = 5, c = true }, value)
    assert.equal("...", error_text.decode('"secret"', redact))
    assert.equal(5, error_text.decode("5", redact))
  end)

  it("is nothing where it is not JSON", function()
    for _, text in ipairs { "", "secret", "{", '{"a":1} {}' } do
      assert.is_nil(error_text.decode(text, redact))
    end
  end)

  it("may begin with a byte order mark", function()
    assert.same({ a = 1 }, error_text.decode('\239\187\191{"a":1}', redact))
  end)

  it("may quote an object or a list", function()
    assert.same({ a = "..." }, error_text.decode_quoted(' {"a":"secret"}', redact))
    assert.same({ 1 }, error_text.decode_quoted("[1]", redact))
    for _, value in ipairs { "5", '"x"', "{", "", "x", 5, true, {} } do
      assert.is_nil(error_text.decode_quoted(value, redact))
    end
    assert.is_nil(error_text.decode_quoted(nil, redact))
  end)
end)

describe("a text in an error's place", function()
  it("may be an identifier, or only name its type", function()
    for text, expected in pairs {
      insufficient_quota = { true, true }, model_not_found = { true, true }, new_word = { true, true },
      ["Not Found"] = { false, true }, Overloaded = { false, true }, ["It broke"] = { false, false },
      no = { false, false }, [""] = { false, false }, _ = { false, false }, a_ = { false, false },
      ["a b_c"] = { false, false }, [("a_"):rep(100) .. "b"] = { false, false },
    } do
      assert.equal(expected[1], error_text.is_identifier(text), text)
      assert.equal(expected[2], error_text.is_word(text), text)
    end
    for _, value in ipairs { 5, true, {} } do
      assert.is_false(error_text.is_identifier(value))
      assert.is_false(error_text.is_word(value))
    end
  end)
end)
