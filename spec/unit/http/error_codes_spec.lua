-- Which words and codes of servers mean which status.

local codes = require "anthropic.http.error_codes"
local errors = require "anthropic.base.error"

local NO_STRINGS = { false, true, 5, 0 / 0, math.huge, {}, print }

describe("a server's word for an error", function()
  for status, words in pairs {
    [400] = "invalid_request_error BadRequestError INVALID_ARGUMENT FAILED_PRECONDITION ValidationException "
      .. "InvalidParameter InvalidParameter.DataCheck context_length_exceeded ContextWindowExceededError "
      .. "content_filter DataInspectionFailed invalid-request",
    [401] = "authentication_error AuthenticationError UNAUTHENTICATED Unauthorized invalid_api_key",
    [402] = "billing_error payment_required insufficient_balance",
    [403] = "permission_error PermissionDeniedError PERMISSION_DENIED AccessDeniedException forbidden",
    [404] = "not_found_error NOT_FOUND NotFoundError model_not_found DeploymentNotFound",
    [408] = "request_timeout ModelTimeoutException",
    [409] = "conflict_error ABORTED ConflictException",
    [413] = "request_too_large payload_too_large",
    [422] = "UnprocessableEntityError",
    [424] = "modelStreamErrorException",
    [429] = "rate_limit_error rate_limit_exceeded rate_limit_reached RateLimitError tokens requests insufficient_quota "
      .. "RESOURCE_EXHAUSTED ThrottlingException throttlingException Throttling.RateQuota TooManyRequests "
      .. "com.amazon.coral#ThrottlingException ThrottlingException:http://x/ exceeded_current_quota_error",
    [499] = "CANCELLED",
    [500] = "api_error APIError server_error internal_error internal_server_error InternalServerError INTERNAL "
      .. "InternalFailure internalServerException UNKNOWN DATA_LOSS",
    [501] = "UNIMPLEMENTED",
    [502] = "bad_gateway",
    [503] = "UNAVAILABLE ServiceUnavailableException unavailable_error engine_overloaded_error",
    [504] = "timeout_error Timeout DEADLINE_EXCEEDED gateway_timeout",
    [529] = "overloaded_error OVERLOADED",
  } do
    for word in words:gmatch "%S+" do
      it(("means %d: %s"):format(status, word), function()
        assert.equal(status, codes.status_of(word))
      end)
    end
  end

  it("may be several words", function()
    assert.equal(500, codes.status_of "Internal Server Error")
    assert.equal(429, codes.status_of "Too Many Requests")
  end)

  it("means what the API means by it", function()
    for name, status in pairs(errors.STATUS_OF_TYPE) do
      assert.equal(status, codes.status_of(name))
    end
  end)

  it("means nothing where nobody knows it", function()
    for _, word in ipairs { "strange_error", "", " ", "error", "Error", "exception", "#", ".", ":", "model", "429",
      ("overloaded_error"):rep(1000), "session.error", "message" } do
      assert.is_nil(codes.status_of(word))
      assert.is_false(codes.is_lasting(word))
    end
    assert.is_nil(codes.status_of(nil))
    for _, value in ipairs(NO_STRINGS) do
      assert.is_nil(codes.status_of(value))
      assert.is_false(codes.is_lasting(value))
    end
  end)

  it("may say that asking again will not help", function()
    for _, word in ipairs { "insufficient_quota", "InsufficientQuota", "exceeded_current_quota_error",
      "insufficient_balance", "billing_hard_limit_reached", "enforced_spend_limit_reached" } do
      assert.is_true(codes.is_lasting(word), word)
    end
    for _, word in ipairs { "rate_limit_error", "quota_exceeded", "overloaded_error" } do
      assert.is_false(codes.is_lasting(word), word)
    end
  end)
end)

describe("a code", function()
  it("is a status where it is a number from 400 to 599, also as text", function()
    for _, code in ipairs { 400, 429, 503, 599, "400", "429", " 599 ", 429.0 } do
      local status = codes.status_of_code(code)
      assert.equal(math.floor(tonumber(code)), status)
      assert.equal(("%d"):format(tonumber(code)), tostring(status))
    end
    for _, code in ipairs { 0, 1, 200, 399, 600, 10000, -429, 429.5, "429.0", "0x1ad", "4e2", "", "x429", "429001",
      ("4"):rep(1000) } do
      assert.is_nil(codes.status_of_code(code))
    end
    assert.is_nil(codes.status_of_code(nil))
    for _, value in ipairs(NO_STRINGS) do
      assert.is_nil(codes.status_of_code(value))
    end
  end)

  it("of a base_resp is MiniMax's", function()
    for code, status in pairs { [1002] = 429, ["1002"] = 429, [1004] = 401, [1008] = 402, [2013] = 400 } do
      assert.equal(status, codes.status_of_base_resp(code))
    end
    for _, code in ipairs { 0, 9999, "x", false, {} } do
      assert.is_nil(codes.status_of_base_resp(code))
    end
    assert.is_nil(codes.status_of_base_resp(nil))
  end)

  it("may say that all went well", function()
    for _, code in ipairs { 0, 200, 204, 299, "0", "200", "ok", "OK", "Success", "none" } do
      assert.is_true(codes.is_success(code), tostring(code))
    end
    for _, code in ipairs { 1, 100, 300, 429, "", "1", "bad", ("0"):rep(1000), false, true, {} } do
      assert.is_false(codes.is_success(code), tostring(code))
    end
    assert.is_false(codes.is_success(nil))
  end)
end)
