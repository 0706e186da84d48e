-- anthropic.webhooks: the signatures of Standard Webhooks.

local anthropic = require "anthropic"
local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local webhooks = require "anthropic.webhooks"

local KEY = "a key of thirty-two bytes, or so."
local SECRET = "whsec_" .. core.base64(KEY)
local BODY = '{"id":"wevt_1","type":"event","data":{"type":"session.status_idled","id":"sesn_1","gone":null}}'

-- The headers of a webhook, signed by other means than those of the module.
local function signed(fields)
  fields = fields or {}
  local id, time = fields.id or "msg_1", fields.time or tostring(os.time() + (fields.seconds or 0))
  local digest = core.hmac_sha256(fields.key or KEY, ("%s.%s.%s"):format(id, time, fields.body or BODY))
  local signature = (fields.version or "v1") .. "," .. core.base64(digest)
  return {
    ["webhook-id"] = id, ["webhook-timestamp"] = time,
    ["webhook-signature"] = (fields.before or "") .. signature .. (fields.after or ""),
  }
end

local function with(fields, changes)
  for name, value in pairs(changes) do
    fields[name] = value or nil
  end
  return fields
end

describe("a webhook", function()
  local getenv = os.getenv

  after_each(function()
    os.getenv = getenv -- luacheck: ignore 122
  end)

  local function assert_refused(kind, ...)
    local event, err = webhooks.unwrap(...)
    assert.is_nil(event)
    assert.is_true(errors.is(err))
    assert.same({ "invalid_request", kind }, { err.kind, err.type })
    assert.is_nil(tostring(err):find(core.base64(KEY), 1, true))
    return err.message
  end

  it("that was signed is its decoded body", function()
    local event = assert(webhooks.unwrap(BODY, signed(), SECRET))
    assert.same({ "event", "session.status_idled" }, { event.type, event.data.type })
    assert.is_nil(event.data.gone)
    assert.equal(webhooks, anthropic.webhooks)
  end)

  it("has the signature that Standard Webhooks has in its own test", function()
    local time = 1614265330
    local now = os.time
    os.time = function() return time end -- luacheck: ignore 122
    local event, err = webhooks.unwrap('{"test": 2432232314}', {
      ["webhook-id"] = "msg_p5jXN8AQM9LWM0D4loKWxJek", ["webhook-timestamp"] = tostring(time),
      ["webhook-signature"] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    os.time = now -- luacheck: ignore 122
    assert.equal(2432232314, assert(event, err).test)
  end)

  it("takes a secret without its prefix, and that of the environment", function()
    assert.is_table(webhooks.unwrap(BODY, signed(), core.base64(KEY)))
    assert.is_table(webhooks.unwrap(BODY, signed(), SECRET .. "\n"))
    os.getenv = function(name) -- luacheck: ignore 122
      return name == "ANTHROPIC_WEBHOOK_SIGNING_KEY" and SECRET or nil
    end
    assert.is_table(webhooks.unwrap(BODY, signed()))
    assert_refused("webhook_signature", BODY, signed(), "whsec_" .. core.base64 "another")
  end)

  it("has its headers in any case, as texts or as lists", function()
    local headers = signed()
    assert.is_table(webhooks.unwrap(BODY, {
      ["Webhook-Id"] = headers["webhook-id"], ["WEBHOOK-TIMESTAMP"] = { headers["webhook-timestamp"] },
      ["Webhook-Signature"] = { "v1,other", {}, headers["webhook-signature"] }, [1] = "a line", Other = true,
      Many = { 1, 2 }, None = {}, Mixed = { "a", {} }, ["webhook-other"] = { "a", {}, false },
      ["webhook-none"] = { {} },
    }, SECRET))
  end)

  it("may have several signatures, of which one fits", function()
    for _, fields in ipairs {
      { before = "v1,AAAA " }, { after = " v1,AAAA" }, { before = "v1a,xyz v2,AAAA  ", after = " garbage" },
    } do
      assert.is_table(webhooks.unwrap(BODY, signed(fields), SECRET))
    end
    assert_refused("webhook_signature", BODY, signed { version = "v2" }, SECRET)
    assert_refused("webhook_signature", BODY, signed { before = "x" }, SECRET)
    assert_refused("webhook_signature", BODY, signed { after = "," }, SECRET)
    assert_refused("webhook_signature", BODY, with(signed(), { ["webhook-signature"] = "" }), SECRET)
    assert_refused("webhook_signature", BODY, with(signed(), { ["webhook-signature"] = "v1," }), SECRET)
  end)

  it("is refused where anything that was signed has changed", function()
    assert_refused("webhook_signature", BODY .. " ", signed(), SECRET)
    assert_refused("webhook_signature", "", signed(), SECRET)
    assert_refused("webhook_signature", BODY, with(signed(), { ["webhook-id"] = "msg_2" }), SECRET)
    local later = tostring(os.time() + 1)
    assert_refused("webhook_signature", BODY, with(signed(), { ["webhook-timestamp"] = later }), SECRET)
    assert_refused("webhook_signature", BODY, signed { key = "another" }, SECRET)
  end)

  it("is refused where a header is missing or no text", function()
    for _, name in ipairs { "webhook-id", "webhook-timestamp", "webhook-signature" } do
      assert.matches("missing", assert_refused("webhook_signature", BODY, with(signed(), { [name] = false }), SECRET))
      assert_refused("webhook_signature", BODY, with(signed(), { [name] = 7 }), SECRET)
    end
    assert_refused("webhook_signature", BODY, {}, SECRET)
  end)

  it("is refused where its time is none, also if it was signed so", function()
    for _, time in ipairs { "", "now", "1e9", "-1", "0x10", " 1", "1.5", ("9"):rep(400) } do
      assert_refused("webhook_signature", BODY, signed { time = time }, SECRET)
    end
  end)

  it("holds five minutes to either side", function()
    for _, seconds in ipairs { -290, 0, 290 } do
      assert.is_table(webhooks.unwrap(BODY, signed { seconds = seconds }, SECRET))
    end
    for _, seconds in ipairs { -310, 310, -1000000, 1000000 } do
      assert_refused("webhook_expired", BODY, signed { seconds = seconds }, SECRET)
      assert_refused("webhook_signature", BODY, signed { seconds = seconds, key = "x" }, SECRET)
    end
    assert_refused("webhook_expired", BODY, signed { time = "0" }, SECRET)
  end)

  it("is refused where it is no object, though it was signed", function()
    for _, body in ipairs { "", "null", "7", '"text"', "{", "\255", "[]", '[{"type":"event"}]' } do
      assert.matches("no JSON object", assert_refused(nil, body, signed { body = body }, SECRET))
    end
  end)

  it("says what is wrong with a secret, and never what it is", function()
    os.getenv = function() end -- luacheck: ignore 122
    assert.matches("set ANTHROPIC_WEBHOOK_SIGNING_KEY", assert_refused(nil, BODY, signed()))
    for _, secret in ipairs { "whsec_", "not base64!", "whsec_" .. core.base64(KEY):sub(1, -2) .. "!" } do
      local message = assert_refused(nil, BODY, signed(), secret)
      assert.matches("no base64", message)
      assert.is_nil(message:find(secret:gsub("^whsec_", "", 1):sub(1, 10) .. "x", 1, true))
    end
  end)

  it("raises for arguments of a wrong type, and blames the caller", function()
    for words, call in pairs {
      ["body: string expected, got table"] = function() webhooks.unwrap({}, {}, SECRET) end,
      ["headers: table expected, got nil"] = function() webhooks.unwrap(BODY) end,
      ["secret: string expected, got boolean"] = function() webhooks.unwrap(BODY, {}, true) end,
    } do
      local ok, message = pcall(call)
      assert.is_false(ok)
      assert.matches("webhooks_spec.lua:%d+: webhooks.unwrap: " .. words, message)
    end
  end)
end)
