--- Failures of transfers, by the names that the core gives them, as errors.

local advice = require "anthropic.http.advice"
local errors = require "anthropic.base.error"

local failures = {}

-- libcurl quotes the URL of a proxy in full, with its user name and password.
local function without_user_info(message)
  return (message:gsub("'.*@", "'[redacted]@"))
end

local TIMEOUT_MESSAGES = {
  connect = "no connection within %g seconds",
  first_byte = "no answer within %g seconds",
  idle = "nothing came for %g seconds",
  total = "not finished within %g seconds",
}

-- Where libcurl would send the request again behind our back.
local LOST_MESSAGES = {
  lost = "the connection, which had been used before, ended without an answer",
  refused = "the server says that it did not process the request",
  downgraded = 'the server wants the request by HTTP/1.1 (set http_version = "1.1")',
}

local KINDS = {
  connection = function(_, message, code)
    message = without_user_info(message)
    local what_to_do = advice.of(code, message)
    message = what_to_do and message .. " (" .. what_to_do .. ")" or message
    return { kind = "connection", message = message, code = code }
  end,
  proxy = function(_, message, code)
    message = without_user_info(message)
    return {
      kind = "connection",
      message = ("the proxy refused the request: %s (%s)"):format(message, advice.of_proxy(message)),
      code = code,
      retryable = false,
    }
  end,
  truncated = function(_, message)
    message = message ~= "" and message or "the connection was closed before the headers were complete"
    return { kind = "truncated", message = message }
  end,
  flooded = function()
    return { kind = "protocol", message = "the server sends frames without end that carry nothing (HTTP/2)" }
  end,
  too_large = function(profile)
    local limit = profile.option "max_response_bytes"
    return { kind = "protocol", message = ("the answer is larger than %d bytes"):format(limit) }
  end,
  large_download = function(profile)
    local limit = profile.option "max_download_bytes"
    return { kind = "protocol", message = ("the file is larger than %d bytes"):format(limit) }
  end,
  costly = function()
    return { kind = "protocol", message = "the answer's values would take too much memory" }
  end,
  large_headers = function()
    return { kind = "protocol", message = "the answer's headers are too large" }
  end,
  encoding = function(_, message, _, response)
    local value = response and response.headers["content-encoding"]
    message = value and ("Content-Encoding %q: %s"):format(value, message) or message
    return { kind = "protocol", message = message }
  end,
  file = function(_, message)
    return { kind = "invalid_request", message = message }
  end,
  memory = function()
    return { kind = "connection", message = "not enough memory" }
  end,
  cancelled = function()
    return { kind = "cancelled", message = "the request was cancelled" }
  end,
}

for name, words in pairs(TIMEOUT_MESSAGES) do
  KINDS[name] = function(profile)
    return { kind = "timeout", timeout = name, message = words:format(profile.timeouts[name] or 0) }
  end
end

for name, message in pairs(LOST_MESSAGES) do
  KINDS[name] = function(_, _, code)
    return { kind = "connection", message = message, code = code, lost = name }
  end
end

--- The error that a failure is.
---@param name string as the core gave it
---@param message string libcurl's words, or what there is to say; no credential is in it
---@param code? integer libcurl's
---@param profile anthropic.Profile
---@param response? anthropic.Response where its headers have come
---@return anthropic.Error
function failures.error(name, message, code, profile, response)
  return errors.new(KINDS[name](profile, message, code, response))
end

return failures
