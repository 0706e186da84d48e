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

local PROXY_CREDENTIAL = "check the user name and password in proxy"

-- libcurl's code -> a list of { pattern in its words, what to do }; the first that fits is taken.
local OF_CODE = {
  [5] = { { "", "check proxy" } },
  [6] = { { "", "check base_url and the network" } },
  [35] = HANDSHAKE,
  [56] = {
    { "tunnel failed, response 401", PROXY_CREDENTIAL },
    { "tunnel failed, response 407", PROXY_CREDENTIAL },
  },
  [60] = CERTIFICATE,
  [77] = { { "", "check ca_file; without it the system's certificates are needed, such as Debian's ca-certificates" } },
  [97] = { { "rejected", PROXY_CREDENTIAL } },
}

--- What to do, or nil where there is nothing to say.
---@param code integer libcurl's
---@param message string libcurl's words
---@return string?
function advice.of(code, message)
  local words = message:lower()
  for _, row in ipairs(OF_CODE[code] or {}) do
    if words:find(row[1], 1, true) then
      return row[2]
    end
  end
end

return advice
