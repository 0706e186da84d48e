--- Failures of transfers, in one table: the core's word, what kind of error it is, what it says, what to do about it,
--- and whether it lasts. What the core calls "connection" is told apart by libcurl's code.
--
--     failures.error("connection", "Could not resolve host: x", 6, profile)
--     --> { kind = "connection", message = "Could not resolve host: x (check base_url and the network)", code = 6 }

local core = require "anthropic.base.core"
local descriptors = require "anthropic.base.descriptors"
local errors = require "anthropic.base.error"
local verification = require "anthropic.http.verification"

local failures = {}

-- libcurl's codes, by their names in curl.h.
local CODES = {
  UNSUPPORTED_PROTOCOL = 1,
  URL_MALFORMAT = 3,
  NOT_BUILT_IN = 4,
  COULDNT_RESOLVE_PROXY = 5,
  COULDNT_RESOLVE_HOST = 6,
  COULDNT_CONNECT = 7,
  HTTP2 = 16,
  WRITE_ERROR = 23,
  READ_ERROR = 26,
  OUT_OF_MEMORY = 27,
  SSL_CONNECT_ERROR = 35,
  SSL_CERTPROBLEM = 58,
  SSL_CIPHER = 59,
  PEER_FAILED_VERIFICATION = 60,
  BAD_CONTENT_ENCODING = 61,
  FILESIZE_EXCEEDED = 63,
  USE_SSL_FAILED = 64,
  SSL_ENGINE_INITFAILED = 66,
  SSL_CACERT_BADFILE = 77,
  SSL_SHUTDOWN_FAILED = 80,
  SSL_CRL_BADFILE = 82,
  SSL_ISSUER_ERROR = 83,
  SSL_PINNEDPUBKEYNOTMATCH = 90,
  SSL_INVALIDCERTSTATUS = 91,
  TOO_LARGE = 100,
}

local NO_TLS = "the server speaks no TLS: check the port, or begin base_url with http://"
local CHECK_USER = "check the user name and password in proxy"

-- By what is wrong with a certificate.
local CERTIFICATE_ADVICE = {
  times = "check the server's certificate and this machine's clock",
  host = "check base_url",
  authority = "set ca_file or ca_path to an authority that you trust",
  unknown = "check base_url and this machine's clock, or set ca_file or ca_path to an authority that you trust",
}

-- What to do: by a part of libcurl's words, in lower case; the first row that fits is taken.
local ADVICE = {
  handshake = {
    { "wrong version number", NO_TLS },
    { "unexpected tls packet", NO_TLS }, -- GnuTLS
    { "protocol", "TLS 1.2 or later is needed" },
  },
  proxy = {
    { "response 401", CHECK_USER },
    { "response 407", CHECK_USER },
    { "code 401", CHECK_USER }, -- workaround: libcurl < 7.85
    { "code 407", CHECK_USER },
    { "user was rejected", CHECK_USER },
    { "no authentication method", CHECK_USER },
    { "", "check proxy, and what it lets through" },
  },
  proxy_name = { { "", "check proxy" } },
  name = { { "", "check base_url and the network" } },
  authorities = {
    { "", "check ca_file; without it the system's certificates are needed, such as Debian's ca-certificates" },
  },
}

-- libcurl's code -> `lasts`: the failure will be the same next time ("unsent": only if nothing was sent); `advice`.
-- Other failures may pass, and their words say all.
local CONNECTIONS = {
  -- A scheme that it does not know; also an answer that does not begin as HTTP/1 does.
  [CODES.UNSUPPORTED_PROTOCOL] = { lasts = "unsent" },
  [CODES.URL_MALFORMAT] = { lasts = true },
  [CODES.NOT_BUILT_IN] = { lasts = true },
  [CODES.COULDNT_RESOLVE_PROXY] = { advice = ADVICE.proxy_name },
  [CODES.COULDNT_RESOLVE_HOST] = { advice = ADVICE.name },
  [CODES.SSL_CONNECT_ERROR] = { advice = ADVICE.handshake },
  [CODES.SSL_CERTPROBLEM] = { lasts = true },
  [CODES.SSL_CIPHER] = { lasts = true },
  [CODES.PEER_FAILED_VERIFICATION] = { lasts = true },
  [CODES.USE_SSL_FAILED] = { lasts = true },
  [CODES.SSL_ENGINE_INITFAILED] = { lasts = true },
  [CODES.SSL_CACERT_BADFILE] = { lasts = true, advice = ADVICE.authorities },
  [CODES.SSL_SHUTDOWN_FAILED] = { lasts = true },
  [CODES.SSL_CRL_BADFILE] = { lasts = true },
  [CODES.SSL_ISSUER_ERROR] = { lasts = true },
  [CODES.SSL_PINNEDPUBKEYNOTMATCH] = { lasts = true },
  [CODES.SSL_INVALIDCERTSTATUS] = { lasts = true },
}

local function with_timeout(name, words)
  local function message(_, profile)
    return words:format(profile.timeouts[name] or 0)
  end
  return { kind = "timeout", timeout = name, message = message }
end

local function with_limit(option, words)
  local function message(_, profile)
    return words:format(profile.option(option))
  end
  return { kind = "protocol", code = CODES.FILESIZE_EXCEEDED, message = message }
end

-- A connection whose end would make libcurl send the request again behind our back.
local function lost(name, message)
  return { kind = "connection", lost = name, is_libcurls = true, message = message }
end

-- The core's word -> the error's fields, and
--   message       text, or a function of the words, the profile and the response; nil: the words as they came
--   is_libcurls   its words may quote a proxy's URL, and its code is kept
--   code          else, if the kind alone does not imply it: what the curl command would exit with
--   advice        nil: by libcurl's code
local ROWS = {
  connection = { kind = "connection", is_libcurls = true },
  proxy = {
    kind = "connection",
    is_libcurls = true,
    message = function(words) return "the proxy refused the request: " .. words end,
    advice = ADVICE.proxy,
    retryable = false,
  },
  lost = lost("lost", "the connection, which had been used before, ended without an answer"),
  refused = lost("refused", "the server says that it did not process the request"),
  downgraded = lost("downgraded", 'the server wants the request by HTTP/1.1 (set http_version = "1.1")'),
  truncated = {
    kind = "truncated",
    message = function(words)
      return words ~= "" and words or "the connection was closed before the headers were complete"
    end,
  },
  connect = with_timeout("connect", "no connection within %g seconds"),
  first_byte = with_timeout("first_byte", "no answer within %g seconds"),
  idle = with_timeout("idle", "nothing came for %g seconds"),
  total = with_timeout("total", "not finished within %g seconds"),
  too_large = with_limit("max_response_bytes", "the answer is larger than %d bytes"),
  large_download = with_limit("max_download_bytes", "the file is larger than %d bytes"),
  large_headers = { kind = "protocol", code = CODES.TOO_LARGE, message = "the answer's headers are too large" },
  costly = {
    kind = "protocol",
    code = CODES.FILESIZE_EXCEEDED,
    message = "the answer's values would take too much memory",
  },
  flooded = {
    kind = "protocol",
    code = CODES.HTTP2,
    message = "the server sends endless empty frames (HTTP/2)",
  },
  encoding = {
    kind = "protocol",
    code = CODES.BAD_CONTENT_ENCODING,
    message = function(words, _, response)
      local value = response and response.headers["content-encoding"]
      return value and ("Content-Encoding %q: %s"):format(value, words) or words
    end,
  },
  file = { kind = "invalid_request" }, -- its code: see code_of
  memory = { kind = "connection", code = CODES.OUT_OF_MEMORY, message = "not enough memory" },
  cancelled = { kind = "cancelled", message = "the request was cancelled" },
}

-- libcurl does not say why it could not make a socket.
local function lacks_descriptors(name, code)
  return name == "connection" and (code == CODES.COULDNT_CONNECT or code == CODES.COULDNT_RESOLVE_HOST)
    and descriptors.are_out()
end

-- Whether it may be the proxy that did not answer.
local function names_proxy(name, code)
  return name == "connect"
    or name == "connection" and (code == CODES.COULDNT_CONNECT or code == CODES.COULDNT_RESOLVE_PROXY)
end

local function code_of(name, row, words, code)
  if name == "file" then
    return words:find("cannot write", 1, true) and CODES.WRITE_ERROR or CODES.READ_ERROR
  end
  return row.is_libcurls and code or row.code
end

-- libcurl quotes the URL of a proxy in full, with its user name and password.
local function without_user_info(words)
  return (words:gsub("'.*@", "'[redacted]@"))
end

local function first_that_fits(rows, words)
  words = words:lower()
  for _, row in ipairs(rows) do
    if words:find(row[1], 1, true) then
      return row[2]
    end
  end
end

local function advice_of(name, row, words, code, verify_result)
  local of_code = name == "connection" and CONNECTIONS[code]
  if of_code and code == CODES.PEER_FAILED_VERIFICATION then
    return CERTIFICATE_ADVICE[verification.fault(verify_result, core.curl_info().tls) or "unknown"]
  end
  local rows = row.advice or of_code and of_code.advice
  return rows and first_that_fits(rows, words)
end

--- The error for a failure.
---@param name string as the core returned it
---@param words string libcurl's, or what there is to say; no credential is in it
---@param code? integer libcurl's
---@param profile anthropic.Profile
---@param response? anthropic.Response if its headers have come
---@param describe_proxy? fun(): string? the proxy that the request went by
---@param verify_result? integer what the TLS library found in a certificate
---@return anthropic.Error
function failures.error(name, words, code, profile, response, describe_proxy, verify_result)
  local row = ROWS[name]
  words = row.is_libcurls and without_user_info(words) or words
  local message = row.message or words
  if type(message) == "function" then
    message = message(words, profile, response)
  end
  local advice = advice_of(name, row, words, code, verify_result)
  local proxy = names_proxy(name, code) and describe_proxy and describe_proxy()
  if lacks_descriptors(name, code) then
    advice = descriptors.ADVICE
  elseif proxy then
    advice = "by the proxy " .. proxy .. (advice and ": " .. advice or "")
  end
  if advice and profile.address then -- the caller's name for it
    advice = advice:gsub("base_url", profile.address)
  end
  return errors.new {
    kind = row.kind,
    message = advice and ("%s (%s)"):format(message, advice) or message,
    timeout = row.timeout,
    lost = row.lost,
    retryable = row.retryable,
    code = code_of(name, row, words, code),
  }
end

--- Whether a failed connection will fail again: bad URLs, certificates, TLS set-up.
---@param err anthropic.Error
---@return boolean
function failures.lasts(err)
  local row = CONNECTIONS[err.code]
  local lasts = row and row.lasts
  return lasts == true or lasts == "unsent" and err.unprocessed == true
end

-- What doc/how-to/errors.md lists.
failures.ROWS, failures.ADVICE = ROWS, ADVICE

--- libcurl's codes of errors that libcurl did not return.
failures.CODES = CODES

return failures
