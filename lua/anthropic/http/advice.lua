--- What to do about a connection that failed for a reason that stays, in a few words.
--
--     advice.of(60, "SSL certificate problem: certificate has expired")

local advice = {}

local CERTIFICATE = {
  { "expired", "check the server's certificate and this machine's clock" },
  { "not yet valid", "check the server's certificate and this machine's clock" },
  { "host", "check base_url" },
  { "", "set ca_file or ca_path to an authority that you trust" },
}

local HANDSHAKE = {
  { "wrong version number", "the server speaks no TLS: check the port, or begin base_url with http://" },
  { "protocol", "TLS 1.2 or later is needed" },
}

-- What a proxy says when it refuses.
local PROXY = {
  { "response 401", "check the user name and password in proxy" },
  { "response 407", "check the user name and password in proxy" },
  { "code 401", "check the user name and password in proxy" }, -- before libcurl 7.85
  { "code 407", "check the user name and password in proxy" },
  { "user was rejected", "check the user name and password in proxy" },
  { "no authentication method", "check the user name and password in proxy" },
  { "", "check proxy, and what it lets through" },
}

-- libcurl's code -> a list of { pattern in its words, what to do }; the first that fits is taken.
local OF_CODE = {
  [5] = { { "", "check proxy" } },
  [6] = { { "", "check base_url and the network" } },
  [35] = HANDSHAKE,
  [60] = CERTIFICATE,
  [77] = { { "", "check ca_file; without it the system's certificates are needed, such as Debian's ca-certificates" } },
}

local function first_that_fits(rows, message)
  local words = message:lower()
  for _, row in ipairs(rows) do
    if words:find(row[1], 1, true) then
      return row[2]
    end
  end
end

--- What to do, or nil where there is nothing to say.
---@param code integer libcurl's
---@param message string libcurl's words
---@return string?
function advice.of(code, message)
  return first_that_fits(OF_CODE[code] or {}, message)
end

--- What to do where a proxy refused.
---@param message string libcurl's words, or "response" and a status
---@return string
function advice.of_proxy(message)
  return first_that_fits(PROXY, message)
end

return advice
