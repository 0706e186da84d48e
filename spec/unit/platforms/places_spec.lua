local places = require "anthropic.platforms.places"
local service = require "spec.support.service"

local PLATFORM = {
  bases = { { paths = { "^/v1/x$" }, template = "https://x.{region}.test" }, { template = "https://{region}.test" } },
  variables = { region = { "AWS_REGION", "AWS_DEFAULT_REGION" }, project = {} },
  defaults = { region = "default" },
}

local function option(values)
  return function(name)
    return values and values[name]
  end
end

describe("the places of a platform", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("have values from the option, the environment in its order, and the default", function()
    assert.equal("default", places.find_value(PLATFORM, option(), "region"))
    service.environment { AWS_DEFAULT_REGION = "second" }
    assert.equal("second", places.find_value(PLATFORM, option(), "region"))
    service.environment { AWS_REGION = "first", AWS_DEFAULT_REGION = "second" }
    assert.equal("first", places.find_value(PLATFORM, option(), "region"))
    assert.equal("given", places.find_value(PLATFORM, option { region = "given" }, "region"))
    assert.is_nil(places.find_value(PLATFORM, option(), "project"))
  end)

  it("say what is missing, and how to name it", function()
    assert.equal("region: missing; name one (region = ...), or set AWS_REGION or AWS_DEFAULT_REGION",
      places.words_of_missing(PLATFORM, "region"))
    assert.same({ nil, places.words_of_missing(PLATFORM, "region") },
      { places.fill(PLATFORM, option(), "https://{region}.test") })
  end)

  it("take letters, digits and hyphens into a host alone", function()
    local function host(value)
      return places.fill(PLATFORM, option { region = value }, "https://{region}.test/p")
    end
    assert.equal("https://eu-west-1.test/p", host "eu-west-1")
    for _, value in ipairs { "", "a.b", "a/b", "a@b", "a:1", "a#", "a?", "a\n", "%61" } do
      local filled, problem = host(value)
      assert.is_nil(filled)
      assert.equal(("region %q: letters, digits and hyphens expected"):format(value), problem)
    end
  end)

  it("take a segment into a path, escaped", function()
    local function path(value, platform)
      return places.fill(platform or PLATFORM, option { project = value }, "https://h.test/{project}/x")
    end
    assert.equal("https://h.test/a%2Fb%3F%23%20%25/x", path "a/b?# %")
    assert.equal("https://h.test/a:b@1;c...-._~!$&'()*+,=/x", path "a:b@1;c...-._~!$&'()*+,=")
    assert.equal("https://h.test/a%3Bb/x", path("a;b", { variables = {}, escaped = ";" }))
    for _, value in ipairs { "", ".", "..", ";a", ".;a", "..;" } do
      assert.same({ nil, ("project %q: cannot stand in a path"):format(value) }, { path(value) })
    end
    assert.equal("https://h.test/.../x", path "...")
  end)

  it("have the model of a request, which is no option", function()
    assert.equal("/m/b", places.fill(PLATFORM, option { model = "a" }, "/m/{model}", "b"))
  end)

  it("are of the first base that the path fits", function()
    local values = option { region = "r" }
    assert.equal("https://x.r.test", places.base_for(PLATFORM, values, "/v1/x"))
    assert.equal("https://r.test", places.base_for(PLATFORM, values, "/v1/xy"))
    assert.equal("https://r.test", places.find_base(PLATFORM, values))
    assert.equal("", places.find_base(PLATFORM, option()))
  end)

  it("may be others by region", function()
    local platform = {
      bases = { { template = "https://{region}.test", by_region = { eu = "https://europe.test" } } }, variables = {},
    }
    assert.equal("https://europe.test", places.base_for(platform, option { region = "eu" }, "/"))
    assert.equal("https://us.test", places.base_for(platform, option { region = "us" }, "/"))
  end)

  it("fit one of several patterns, and none of none", function()
    assert.is_true(places.fits({ "^a", "^b" }, "b"))
    assert.is_false(places.fits({ "^a", "^b" }, "c"))
    assert.is_false(places.fits(nil, "c"))
  end)

  it("have the first party's path, wherever the request goes", function()
    for _, row in ipairs {
      { "/v1/messages?beta=true", nil, "/v1/messages" }, { "v1/messages", nil, "/v1/messages" },
      { "//v1/x#y", nil, "/v1/x" }, { "https://h.test/p/v1/x", "https://h.test/p/", "/v1/x" },
      { "https://other.test/v1/x", "https://h.test", "/https://other.test/v1/x" },
    } do
      assert.equal(row[3], places.first_party_path({ path = row[1] }, row[2]))
    end
  end)
end)
