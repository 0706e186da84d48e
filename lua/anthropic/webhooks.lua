--- Webhooks: what the API posts to a server of yours, checked before it is believed (Standard Webhooks, HMAC-SHA256).
--
--     local webhooks = require "anthropic.webhooks"
--     local event, err = webhooks.unwrap(body, headers)  -- the body as it came, not decoded and encoded again
--     print(event and event.type or err)

local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"

local TOLERANCE = 5 * 60 -- seconds, to either side
local VARIABLE = "ANTHROPIC_WEBHOOK_SIGNING_KEY"
local PREFIX = "whsec_"
local LONGEST_TIME = 15 -- digits

---@class anthropic.WebhookEvent what the API posted; further fields as they came
---@field type string "event", as the API has it
---@field id string
---@field created_at? string time stamp
---@field data? table what happened: `data.type` says what, `data.id` to which object

---@class anthropic.webhooks
local webhooks = {}

local function expect(name, value, kind)
  if type(value) ~= kind then
    error(("webhooks.unwrap: %s: %s expected, got %s"):format(name, kind, type(value)), 3)
  end
end

local function refuse(kind, message)
  local err = errors.invalid_request(message)
  err.type = kind
  return nil, err
end

-- The key that a secret stands for.
local function key_of(secret)
  if not secret or secret == "" then
    return nil, "no secret: set " .. VARIABLE .. " or pass it"
  end
  local text = secret:match "^%s*(.-)%s*$"
  if text:sub(1, #PREFIX) == PREFIX then
    text = text:sub(#PREFIX + 1)
  end
  local key = core.base64_decode(text)
  if not key or key == "" then
    return nil, "the secret is no base64 (with " .. PREFIX .. " before it, or without)"
  end
  return key
end

-- The strings of a list, one behind the other.
local function joined(list)
  local texts = {}
  for _, text in ipairs(list) do
    texts[#texts + 1] = type(text) == "string" and text or nil
  end
  return texts[1] and table.concat(texts, " ")
end

-- The fields whose names begin with "webhook-"; a field that came several times is a list.
local function fields_of(headers)
  local fields = {}
  for name, value in pairs(headers) do
    local key = type(name) == "string" and name:lower() or ""
    if key:find "^webhook%-" then
      value = type(value) == "table" and joined(value) or value
      fields[key] = type(value) == "string" and value or nil
    end
  end
  return fields
end

-- Whether one of the signatures, separated by spaces, is the one wanted.
local function is_among(signatures, wanted)
  local is_found = false
  for signature in signatures:gmatch "%S+" do
    is_found = core.is_same(signature, wanted) or is_found
  end
  return is_found
end

--- Checks the signature and the time of a webhook, and decodes it.
---@param body string the bytes of the body as they came
---@param headers table<string, string|string[]> of the request; names in any case
---@param secret? string the webhook's signing key ("whsec_..."). Default: $ANTHROPIC_WEBHOOK_SIGNING_KEY
---@return anthropic.WebhookEvent|nil event
---@return anthropic.Error? err of kind "invalid_request"; its type is "webhook_signature" if it was not signed with
---  the secret, "webhook_expired" if it was signed more than five minutes ago (or in the future)
function webhooks.unwrap(body, headers, secret)
  expect("body", body, "string")
  expect("headers", headers, "table")
  if secret ~= nil then
    expect("secret", secret, "string")
  end
  local key, problem = key_of(secret or os.getenv(VARIABLE))
  if not key then
    return refuse(nil, problem)
  end
  local fields = fields_of(headers)
  local id, time, signatures = fields["webhook-id"], fields["webhook-timestamp"], fields["webhook-signature"]
  if not id or not time or not signatures then
    return refuse("webhook_signature", "the headers webhook-id, webhook-timestamp and webhook-signature are missing")
  end
  local wanted = core.base64(core.hmac_sha256(key, id .. "." .. time .. "." .. body))
  if #time > LONGEST_TIME or not time:find "^%d+$" or not is_among(signatures, "v1," .. wanted) then
    return refuse("webhook_signature", "the webhook was not signed with this secret")
  elseif math.abs(os.time() - tonumber(time)) > TOLERANCE then
    return refuse("webhook_expired", "the webhook was signed more than five minutes ago, or in the future")
  end
  local event
  event, problem = json.decode_answer(body)
  if type(event) ~= "table" or event == json.null or json.is_array(event) then
    return refuse(nil, "the webhook's body is no JSON object" .. (problem and ": " .. problem or ""))
  end
  return event
end

return webhooks
