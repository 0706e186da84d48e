local vertex = require "spec.support.platform" "vertex"

describe("Vertex AI", function()
  before_each(vertex.begin)
  after_each(vertex.clear)

  local function options(given)
    given = given or {}
    given.region, given.project_id, given.auth_token = given.region or "europe-west1", "p-1", "token"
    return given
  end

  local BASE = "https://europe-west1-aiplatform.googleapis.com/v1"
  local MODELS = BASE .. "/projects/p-1/locations/europe-west1/publishers/anthropic/models/"

  it("is in a region, or in several", function()
    assert.equal(BASE, vertex.base(options()))
    assert.equal("https://aiplatform.googleapis.com/v1", vertex.base(options { region = "global" }))
    assert.equal("https://aiplatform.us.rep.googleapis.com/v1", vertex.base(options { region = "us" }))
    assert.equal("https://aiplatform.eu.rep.googleapis.com/v1", vertex.base(options { region = "eu" }))
  end)

  it("has messages and the count of their tokens", function()
    assert.is_true(vertex.has("POST", "/v1/messages"))
    assert.is_true(vertex.has("POST", "/v1/messages/count_tokens"))
    assert.is_false(vertex.has("POST", "/v1/messages/batches"))
    assert.is_false(vertex.has("GET", "/v1/models"))
  end)

  it("has the model in the path, and the version in the body", function()
    local request = vertex.write(options(), "/v1/messages", { model = "m@1;x" }, {
      ["anthropic-version"] = "2023-06-01",
    })
    assert.equal(MODELS .. "m@1%3Bx:rawPredict", request.url)
    assert.same({ anthropic_version = "vertex-2023-10-16" }, request.body)
    assert.is_nil(request.headers["anthropic-version"])
  end)

  it("has a path of its own for streams", function()
    local request = vertex.write(options(), "/v1/messages", { model = "m", stream = true })
    assert.equal(MODELS .. "m:streamRawPredict", request.url)
    assert.same({ stream = true }, request.body)
  end)

  it("counts tokens for the model in the body", function()
    local request = vertex.write(options(), "/v1/messages/count_tokens", { model = "m" })
    assert.equal(MODELS .. "count-tokens:rawPredict", request.url)
    assert.same({ model = "m" }, request.body)
  end)

  it("has region and project from the environment", function()
    vertex.begin { CLOUD_ML_REGION = "us", ANTHROPIC_VERTEX_PROJECT_ID = "p-2" }
    local resolved = vertex.apply { auth_token = "token" }
    assert.same({ "us", "p-2", "bearer" }, { resolved.region, resolved.project_id, resolved.auth })
  end)
end)
