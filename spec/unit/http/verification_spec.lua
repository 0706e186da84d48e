-- What TLS libraries found in certificates.

local verification = require "anthropic.http.verification"

describe("what a TLS library found in a certificate", function()
  for _, case in ipairs {
    { "OpenSSL/3.0.16", 0, "host" },
    { "OpenSSL/3.0.16", 1, "host" },
    { "OpenSSL/3.0.16", 62, "host" },
    { "OpenSSL/3.0.16", 64, "host" },
    { "OpenSSL/3.0.16", 9, "times" },
    { "OpenSSL/3.0.16", 10, "times" },
    { "OpenSSL/3.0.16", 18, "authority" },
    { "OpenSSL/3.0.16", 20, "authority" },
    { "LibreSSL/3.8.2", 10, "times" },
    { "(SecureTransport) LibreSSL/3.3.6", 10, "times" },
    { "GnuTLS/3.7.9", 0, "host" },
    { "GnuTLS/3.7.9", 66, "authority" },
    { "GnuTLS/3.7.9", 1026, "times" },
    { "GnuTLS/3.7.9", 514, "times" },
    { "GnuTLS/3.7.9", 1090, "times" }, -- nor is its issuer known
    { "Schannel", 0, nil },
    { "(OpenSSL/3.0.16) Schannel", 10, nil },
    { "OpenSSL/3.0.16", nil, nil },
    { nil, 10, nil },
    { "", 10, nil },
  } do
    it(("%s of %s is %s"):format(tostring(case[2]), tostring(case[1]), tostring(case[3])), function()
      assert.equal(case[3], verification.fault(case[2], case[1]))
    end)
  end
end)
