--- What is wrong with a certificate, by the TLS library's own codes, which are the same in every version and language.
---
---     verification.fault(10, "OpenSSL/3.0.16") --> "times"

local verification = {}

-- X509_V_*, of OpenSSL and its forks. libcurl compares the host itself, before it asks the library: the code is then
-- 1, or 0.
local OPENSSL = {
  [0] = "host", "host",
  [9] = "times", [10] = "times", [13] = "times", [14] = "times",
  [62] = "host", [64] = "host",
}

-- Bits of gnutls_certificate_status_t: not activated, expired.
local GNUTLS_TIMES = { 512, 1024 }

local function of_openssl(result)
  return OPENSSL[result] or "authority"
end

local function of_gnutls(result)
  for _, bit in ipairs(GNUTLS_TIMES) do
    if math.floor(result / bit) % 2 == 1 then
      return "times"
    end
  end
  return result == 0 and "host" or "authority"
end

local LIBRARIES = {
  OpenSSL = of_openssl,
  LibreSSL = of_openssl,
  BoringSSL = of_openssl,
  ["AWS-LC"] = of_openssl,
  quictls = of_openssl,
  GnuTLS = of_gnutls,
}

--- What is wrong with a certificate.
---@param result? integer of the library
---@param library? string as libcurl names it, with its version; in parentheses the others that libcurl could use
---@return "times"|"host"|"authority"|nil
function verification.fault(result, library)
  local name = library and library:gsub("%b()", ""):match "[^%s/]+"
  local read = name and LIBRARIES[name]
  return read and result and read(result)
end

return verification
