-- What is read of a proxy's URL.

local proxy = require "anthropic.http.proxy"

describe("a proxy", function()
  for _, case in ipairs { -- text, address, user information, user, password
    { "host", "host" },
    { "host:3128", "host:3128" },
    { "http://host:3128/", "http://host:3128/" },
    { "socks5h://10.0.0.1", "socks5h://10.0.0.1" },
    { "https://[fe80::1%25eth0]:8080", nil },
    { "https://[fe80::1]:8080", "https://[fe80::1]:8080" },
    { "", "" },
    { "http://user:pa%2Fss@host:1", "http://host:1", "user:pa%2Fss", "user", "pa/ss" },
    { "user:pass@host", "host", "user:pass", "user", "pass" },
    { "http://us%40er@host", "http://host", "us%40er", "us@er" },
    { "http://:pass@host", "http://host", ":pass", "", "pass" },
    { "http://user:p@ss/w:d?#@host", "http://host", "user:p@ss/w:d?#", "user", "p@ss/w:d?#" },
    { "http://@host", "http://host", "", "" },
    { "host:1:user:pass", nil },
    { "http://user:pass", nil },
    { "http://host/?key=pass", nil },
    { "http://host/path", nil },
    { "http://user:pass@host/path", nil, "user:pass", "user", "pass" },
    { "http://user:pass@ho st", nil, "user:pass", "user", "pass" },
  } do
    it("is read: " .. case[1], function()
      local read = proxy.read(case[1])
      assert.same({ case[2], case[3], case[4], case[5] }, { read.address, read.user_info, read.user, read.password })
    end)
  end

  local function with_environment(variables, f)
    local getenv = os.getenv
    os.getenv = function(name) -- luacheck: ignore 122
      return variables[name]
    end
    local ok, err = pcall(f)
    os.getenv = getenv -- luacheck: ignore 122
    assert.is_true(ok, err)
  end

  it("is the one that is given, else those of the environment", function()
    with_environment({ https_proxy = "a", ALL_PROXY = "b", HTTP_PROXY = "not libcurl's" }, function()
      assert.same({ "x" }, proxy.candidates "x")
      assert.same({ "a", "b" }, proxy.candidates(nil))
    end)
  end)

  it("is used by the URL's scheme, as the environment names it", function()
    local all = { http_proxy = "a", https_proxy = "b", HTTPS_PROXY = "c", all_proxy = "d", ALL_PROXY = "e" }
    for _, name in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
      with_environment(all, function()
        assert.same({ all[name], name }, { proxy.used("https://host/", nil) })
        assert.same({ "x", "proxy" }, { proxy.used("https://host/", "x") })
        assert.is_nil(proxy.used("https://host/", ""))
      end)
      all[name] = nil
    end
    with_environment(all, function()
      assert.same({ "a", "http_proxy" }, { proxy.used("HTTP://host/", nil) })
      assert.is_nil(proxy.used("https://host/", nil))
    end)
    with_environment({ HTTP_PROXY = "not libcurl's" }, function()
      assert.is_nil(proxy.used("http://host/", nil))
    end)
  end)

  for _, case in ipairs { -- no_proxy, URL, whether a proxy is used
    { "*", "http://host/", false },
    { "host", "http://host/", false },
    { "HOST", "https://host:8080/v1?x", false },
    { "other, host", "http://Host./", false },
    { "other host", "http://host", false },
    { "host.", "http://host", false },
    { ".host", "http://a.host/", false },
    { "host", "http://a.host/", false },
    { "host", "http://ahost/", true },
    { "a.host", "http://host/", true },
    { "10.0.0.0/8", "http://10.1.2.3/", false },
    { "10.0.0.0/8", "http://11.1.2.3/", true },
    { "10.0.0.0/8", "http://host/", true },
    { "10.1.2.3/32", "http://10.1.2.3:80/", false },
    { "10.1.2.3/99", "http://10.1.2.4/", true },
    { "0.0.0.0/0", "http://10.1.2.3/", false },
    { "10.1.2.3", "http://10.1.2.3/", false },
    { "::1", "http://[::1]:80/", false },
    { "", "http://host/", true },
    { ",, .", "http://host/", true },
  } do
    it(("is%s used for %s where no_proxy is %q"):format(case[3] and "" or " not", case[2], case[1]), function()
      for _, name in ipairs { "no_proxy", "NO_PROXY" } do
        with_environment({ [name] = case[1], all_proxy = "p" }, function()
          assert.equal(case[3], proxy.used(case[2], nil) ~= nil)
          assert.equal(case[3], proxy.used(case[2], "given") ~= nil)
        end)
      end
    end)
  end

  it("is described without its credentials, and with where it is named", function()
    with_environment({ https_proxy = "http://user:secret@host:1" }, function()
      assert.equal("http://host:1, from https_proxy", proxy.describe("https://x", nil))
      assert.equal("host:2, from the option proxy", proxy.describe("https://x", "host:2"))
      assert.equal("that is not shown, from the option proxy", proxy.describe("https://x", "host:1:user:secret"))
      assert.is_nil(proxy.describe("http://x", nil))
    end)
  end)

  it("may answer in the server's place where it reads the request, which is without TLS, and no SOCKS", function()
    with_environment({}, function()
      assert.is_true(proxy.may_answer("http://host/", "http://proxy:1"))
      assert.is_true(proxy.may_answer("HTTP://host/", "proxy"))
      assert.is_false(proxy.may_answer("https://host/", "http://proxy:1"))
      assert.is_false(proxy.may_answer("http://host/", "SOCKS5h://proxy:1"))
      assert.is_false(proxy.may_answer("http://host/", ""))
      assert.is_false(proxy.may_answer("http://host/", nil))
    end)
    with_environment({ https_proxy = "a" }, function()
      assert.is_false(proxy.may_answer("http://host/", nil))
    end)
    for _, name in ipairs { "http_proxy", "all_proxy", "ALL_PROXY" } do
      with_environment({ [name] = "a" }, function()
        assert.is_true(proxy.may_answer("http://host/", nil))
        assert.is_false(proxy.may_answer("http://host/", ""))
      end)
    end
  end)
end)
