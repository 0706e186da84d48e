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
