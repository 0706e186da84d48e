--- What servers call their errors, and the HTTP statuses that they mean. A word counts without regard
--- to case, punctuation and its "error" or "exception" at the end: `rate_limit_exceeded`,
--- `RATE_LIMIT_EXCEEDED` and `RateLimitExceededException` are one.
--
--     codes.status_of "ThrottlingException"   --> 429
--     codes.is_lasting "insufficient_quota"   --> true

local errors = require "anthropic.base.error"

local codes = {}

-- A longer text is not a word.
local LONGEST = 100

-- The API's own words are in base/error.lua. These are of OpenAI and of servers with its API, of gRPC
-- and Google, of AWS, of Azure, and of other providers.
local WORDS_OF_STATUS = {
  [400] = "bad_request invalid_request invalid_argument failed_precondition out_of_range invalid_parameter "
    .. "invalid_parameters invalid_params invalid_param invalid_input invalid_value invalid_type invalid_prompt "
    .. "validation request_validation context_length_exceeded context_window_exceeded prompt_too_long "
    .. "string_above_max_length content_filter content_policy_violation data_inspection_failed "
    .. "responsible_ai_policy_violation unsupported_value unsupported_parameter unknown_parameter "
    .. "missing_required_parameter missing_parameter invalid_json service_quota_exceeded",
  [401] = "authentication unauthorized unauthenticated invalid_authentication invalid_api_key incorrect_api_key "
    .. "missing_api_key invalid_token token_expired account_deactivated",
  [402] = "payment_required insufficient_balance insufficient_credits insufficient_funds credits_exhausted",
  [403] = "permission permission_denied forbidden access_denied not_authorized insufficient_user_quota "
    .. "unsupported_country_region_territory invalid_signature unrecognized_client expired_token",
  [404] = "not_found model_not_found no_such_model unknown_model resource_not_found deployment_not_found",
  [405] = "method_not_allowed",
  [408] = "request_timeout model_timeout",
  [409] = "conflict aborted already_exists",
  [413] = "payload_too_large content_too_large entity_too_large request_entity_too_large",
  [415] = "unsupported_media_type",
  [422] = "unprocessable_entity unprocessable_content unprocessable",
  [424] = "model_stream",
  [429] = "rate_limited rate_limit_exceeded rate_limit_reached too_many_requests tokens requests throttling throttled "
    .. "request_throttled slow_down resource_exhausted quota_exceeded limit_exceeded limit_requests limit_burst_rate "
    .. "concurrency_limit_exceeded model_not_ready insufficient_quota exceeded_current_quota billing_not_active "
    .. "billing_hard_limit_reached",
  [499] = "cancelled canceled",
  [500] = "server internal internal_server internal_failure api_connection data_loss unknown",
  [501] = "unimplemented not_implemented",
  [502] = "bad_gateway upstream",
  [503] = "unavailable service_unavailable server_unavailable server_overloaded engine_overloaded model_overloaded "
    .. "model_loading",
  [504] = "gateway_timeout deadline_exceeded",
}

-- Errors that last however often the request is sent, whatever their status.
local LASTING_WORDS = "insufficient_quota exceeded_current_quota insufficient_balance insufficient_credits "
  .. "insufficient_funds insufficient_user_quota credits_exhausted billing_not_active billing_hard_limit_reached "
  .. "account_deactivated contract_spend_limit_reached enforced_spend_limit_reached "
  .. "linked_organization_spend_limit_reached"

local function without_ending(text, ending)
  return #text > #ending and text:sub(-#ending) == ending and text:sub(1, -#ending - 1) or text
end

local function normal(word)
  local text = word:lower():gsub("[^%w]", "")
  return without_ending(without_ending(text, "exception"), "error")
end

local function add_all(map, list, value)
  for word in list:gmatch "%S+" do
    map[normal(word)] = value
  end
end

local maps -- the words' normal spellings; made when first needed

local function make_maps()
  maps = { statuses = {}, lasting = {} }
  for status, list in pairs(WORDS_OF_STATUS) do
    add_all(maps.statuses, list, status)
  end
  for name, status in pairs(errors.STATUS_OF_TYPE) do
    maps.statuses[normal(name)] = status
  end
  add_all(maps.lasting, LASTING_WORDS, true)
end

-- AWS writes a namespace before a word and a URL behind it, DashScope a more specific word behind a dot.
local function look_up(name, word)
  if type(word) ~= "string" or #word > LONGEST then
    return nil
  elseif not maps then
    make_maps()
  end
  word = word:match "#(.*)" or word
  return maps[name][normal(word)] or maps[name][normal(word:match "^[^.:]*")]
end

--- The HTTP status that a word stands for, or nil.
---@param word any
---@return integer?
function codes.status_of(word)
  return look_up("statuses", word)
end

--- Whether a word says that asking again will not help, whatever its status.
---@param word any
---@return boolean
function codes.is_lasting(word)
  return look_up("lasting", word) or false
end

-- MiniMax's numbers, in `base_resp`.
local STATUS_OF_BASE_RESP = {
  [1000] = 500, [1001] = 504, [1002] = 429, [1004] = 401, [1008] = 402, [1013] = 500, [1024] = 500, [1026] = 400,
  [1027] = 400, [1033] = 500, [1039] = 429, [1042] = 400, [2013] = 400, [2049] = 401,
}

-- A code as a number, if it is one or a text of digits.
local function number_of(code)
  if type(code) == "string" and #code <= LONGEST then
    return code:find "^%s*%-?%d+%s*$" and tonumber(code) or nil
  end
  return type(code) == "number" and code or nil
end

--- The HTTP status of an error, if a code is one, as a number or as text; or nil.
---@param code any
---@return integer?
function codes.status_of_code(code)
  local number = number_of(code)
  if number and number >= 400 and number <= 599 and number % 1 == 0 then
    return math.floor(number)
  end
end

--- The HTTP status that a number of MiniMax's `base_resp` stands for, or nil.
---@param code any
---@return integer?
function codes.status_of_base_resp(code)
  return STATUS_OF_BASE_RESP[number_of(code)]
end

-- How servers say that there is no error.
local SUCCESSES = { ok = true, success = true, succeeded = true, none = true, null = true, ["false"] = true }

--- Whether a code, or a value in the place of an error, says that all went well.
---@param code any
---@return boolean
function codes.is_success(code)
  local number = number_of(code)
  if number then
    return number == 0 or number >= 200 and number < 300
  end
  return type(code) == "string" and #code <= LONGEST and SUCCESSES[code:lower()] or false
end

return codes
