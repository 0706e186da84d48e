-- What is said about connections that fail for a reason that stays.

local advice = require "anthropic.http.advice"

describe("advice", function()
  for _, case in ipairs {
    { 5, "Could not resolve proxy: nowhere", "check proxy" },
    { 5, "", "check proxy" },
    { 6, "Could not resolve host: nowhere", "check base_url and the network" },
    { 35, "TLS connect error: error:0A00010B:SSL routines::wrong version number",
      "the server speaks no TLS: check the port, or begin base_url with http://" },
    { 35, "error:0A00042E:SSL routines::tlsv1 alert protocol version", "TLS 1.2 or later is needed" },
    { 35, "unsupported protocol", "TLS 1.2 or later is needed" },
    { 35, "Recv failure: Connection reset by peer", nil },
    { 56, "Recv failure: Connection reset by peer", nil },
    { 60, "SSL certificate problem: certificate has expired",
      "check the server's certificate and this machine's clock" },
    { 60, "SSL certificate problem: certificate is not yet valid",
      "check the server's certificate and this machine's clock" },
    { 60, "SSL: no alternative certificate subject name matches target host name 'a'", "check base_url" },
    { 60, "SSL certificate problem: self-signed certificate", "set ca_file or ca_path to an authority that you trust" },
    { 60, "", "set ca_file or ca_path to an authority that you trust" },
    { 77, "error adding trust anchors from file: nowhere",
      "check ca_file; without it the system's certificates are needed, such as Debian's ca-certificates" },
    { 97, "cannot complete SOCKS5 connection", nil },
    { 7, "Failed to connect", nil },
    { 28, "timeout, certificate has expired", nil },
    { 52, "Empty reply from server", nil },
    { 0, "", nil },
  } do
    it(("on %d %q is %s"):format(case[1], case[2], case[3] or "none"), function()
      assert.equal(case[3], (advice.of(case[1], case[2])))
    end)
  end

  it("is none where there is no code", function()
    assert.is_nil((advice.of(nil, "certificate has expired")))
  end)

  it("does not depend on how libcurl writes its words", function()
    assert.equal("check base_url", advice.of(60, "Target HOST Name"))
    assert.equal("TLS 1.2 or later is needed", advice.of(35, "Unsupported PROTOCOL"))
    assert.equal("check the user name and password in proxy", advice.of_proxy "User was REJECTED")
  end)

  for text, expected in pairs {
    ["CONNECT tunnel failed, response 401"] = "check the user name and password in proxy",
    ["CONNECT tunnel failed, response 407"] = "check the user name and password in proxy",
    ["Received HTTP code 407 from proxy after CONNECT"] = "check the user name and password in proxy",
    ["Received HTTP code 401 from proxy after CONNECT"] = "check the user name and password in proxy",
    ["response 407"] = "check the user name and password in proxy",
    ["User was rejected by the SOCKS5 server (5 1)."] = "check the user name and password in proxy",
    ["No authentication method was acceptable."] = "check the user name and password in proxy",
    ["CONNECT tunnel failed, response 403"] = "check proxy, and what it lets through",
    ["cannot complete SOCKS5 connection to localhost. (2)"] = "check proxy, and what it lets through",
    [""] = "check proxy, and what it lets through",
  } do
    it(("of a proxy that says %q is to %s"):format(text, expected), function()
      assert.equal(expected, advice.of_proxy(text))
    end)
  end

  it("takes the first row that fits", function()
    assert.equal("check the server's certificate and this machine's clock", advice.of(60, "host: expired"))
    assert.equal("the server speaks no TLS: check the port, or begin base_url with http://",
      advice.of(35, "protocol: wrong version number"))
  end)
end)
