-- Every row of lua/anthropic/api/resources.lua, called through a client against the local server, and
-- compared with the list of the API's methods in spec/fixtures/methods.tsv.

local anthropic = require "anthropic"
local resources = require "anthropic.api.resources"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

-- "beta/agents/agents", "retrieveMetadata", "{messageBatchID}" as this library writes them.
local function snake_case(name)
  return (name:gsub("%-", "_"):gsub("(%l)(%u+)", function(before, after)
    return before .. "_" .. after:lower()
  end):lower())
end

local function resource_path(resource)
  local names = {}
  for part in resource:gmatch "[^/]+" do
    local name = snake_case(part)
    if name ~= names[#names] then
      names[#names + 1] = name
    end
  end
  return table.concat(names, ".")
end

local function read_methods()
  local methods = {}
  for line in io.lines "spec/fixtures/methods.tsv" do
    local resource, method, http, path, beta =
      line:match "^([^\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]*)\t[^\t]*$"
    assert(resource, "no row: " .. line)
    if resource ~= "resource" then
      methods[#methods + 1] = {
        resource = resource_path(resource),
        name = snake_case(method),
        http = http:match "%u+",
        is_list = http:find("list", 1, true) ~= nil,
        path = path,
        beta = beta ~= "" and beta or nil,
      }
    end
  end
  return methods
end

local function find(client, resource, name)
  local object = client
  for member in resource:gmatch "[^.]+" do
    object = object and object[member]
  end
  return object and object[name], object
end

local function is_multipart(method)
  return (resources[method.resource] or {})[method.name]:find("multipart", 1, true) ~= nil
end

-- A value for each path parameter that shows where it went and that it was encoded.
local function path_values(path)
  local values, filled = {}, path:gsub("{[%w_]+}", "%%s")
  for name in path:gmatch "{([%w_]+)}" do
    values[#values + 1] = ("id %d/%s?"):format(#values + 1, name)
  end
  local encoded = {}
  for i, value in ipairs(values) do
    encoded[i] = value:gsub("[ /?]", { [" "] = "%20", ["/"] = "%2F", ["?"] = "%3F" })
  end
  return values, filled:format(unpack(encoded))
end

local function call(client, method, ...)
  local f = find(client, method.resource, method.name)
  local values = path_values(method.path)
  local count = #values
  for i = 1, select("#", ...) do
    values[count + i] = (select(i, ...))
  end
  return f(unpack(values, 1, count + select("#", ...)))
end

describe("the methods of the API", function()
  local methods = read_methods()
  local server, client

  setup(function()
    server = hosted.server { script = { routes = {
      { match = "/stream[^/]*$", answers = { { events = { { data = { type = "ping" } } } } } },
      { answers = { { body = { id = "an_id", data = testing.array {} } } } },
    } } }
    client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 0 }
  end)

  teardown(function()
    server:stop()
  end)

  local function last_request()
    local requests = server:requests()
    return requests[#requests]
  end

  it("are all in the table, and nothing else is", function()
    local listed = {}
    for _, method in ipairs(methods) do
      listed[method.resource .. " " .. method.name] = true
    end
    local missing, unlisted = {}, {}
    for resource, rows in pairs(resources) do
      for name in pairs(rows) do
        local whole = resource .. " " .. name
        if name ~= "beta" and not listed[whole] then
          unlisted[#unlisted + 1] = whole
        end
        listed[whole] = nil
      end
    end
    for whole in pairs(listed) do
      missing[#missing + 1] = whole
    end
    assert.same({}, missing)
    assert.same({}, unlisted)
    assert.equal(393, #methods)
  end)

  it("can all be reached from a client, and nothing else can", function()
    for _, method in ipairs(methods) do
      assert.equal("function", type((find(client, method.resource, method.name))),
        method.resource .. "." .. method.name)
    end
    assert.is_nil(client.no_such_resource)
    assert.is_nil(client.models.no_such_method)
    assert.is_nil(client.beta.agents.beta)
    assert.is_nil(client.model)
  end)

  for _, method in ipairs(methods) do
    it(("send %s.%s as %s %s"):format(method.resource, method.name, method.http, method.path), function()
      local _, expected_path = path_values(method.path)
      local is_upload = is_multipart(method)
      local params = { field = "a value", betas = { "extra-beta" } }
      params.file = is_upload and { data = "the bytes", filename = "f.txt" } or nil
      local result, err = call(client, method, params)
      assert(result, tostring(err))
      local request = last_request()
      assert.equal(method.http, request.method)
      assert.equal(expected_path, request.path)
      assert.equal((method.beta and "extra-beta," .. method.beta) or "extra-beta", request.headers["anthropic-beta"])
      assert.equal("Bearer test-key", request.headers.authorization)
      assert.equal("2023-06-01", request.headers["anthropic-version"])
      assert.equal(method.http == "POST" and "" or "field=a%20value", request.query)
      if is_upload then
        assert.truthy(request.headers["content-type"]:find("^multipart/form%-data; boundary="))
        assert.truthy(request.body:find("the bytes", 1, true))
        assert.truthy(request.body:find("a value", 1, true))
      elseif method.http == "POST" then
        assert.equal('{"field":"a value"}', request.body)
        assert.equal("application/json", request.headers["content-type"])
      else
        assert.equal("", request.body)
      end
      if method.is_list then
        assert.equal("function", type(result.next_page))
      end
      if type(result) == "table" and result.close then
        result:close()
      end
    end)
  end

  it("send no beta header where none is needed", function()
    assert(client.models.list())
    assert.is_nil(last_request().headers["anthropic-beta"])
  end)

  it("take parameters that travel as headers out of the body and the query", function()
    assert(client.messages.batches.create {
      requests = {}, user_profile_id = "profile", workspace_id = "workspace",
    })
    local request = last_request()
    assert.equal('{"requests":[]}', request.body)
    assert.equal("profile", request.headers["anthropic-user-profile-id"])
    assert.equal("workspace", request.headers["anthropic-workspace-id"])
    assert(client.models.list { workspace_id = "workspace", limit = 2 })
    assert.equal("limit=2", last_request().query)
    assert.equal("workspace", last_request().headers["anthropic-workspace-id"])
    assert(client.beta.environments.work.poll("env", { worker_id = "me" }))
    assert.equal("me", last_request().headers["anthropic-worker-id"])
  end)

  it("take a workspace out of the path where it is one of its parameters", function()
    assert(client.organization.workspaces.retrieve "wrk")
    assert.equal("/v1/organizations/workspaces/wrk", last_request().path)
    assert(client.organization.federation.rules.workspaces.remove("rule", "wrk"))
    assert.equal("/v1/organizations/federation_rules/rule/workspaces/wrk", last_request().path)
  end)

  it("put those parameters of a POST into the query that belong there", function()
    assert(client.beta.memory_stores.memories.create("store", { view = "full", content = "text" }))
    local request = last_request()
    assert.equal("view=full", request.query)
    assert.equal('{"content":"text"}', request.body)
  end)

  it("write a list in the query as the API reads it", function()
    assert(client.models.list { ids = { "a", "b" }, flag = true })
    assert.equal("flag=true&ids%5B%5D=a&ids%5B%5D=b", last_request().query)
  end)

  it("send an empty body where a POST has no parameters", function()
    assert(client.messages.batches.cancel "batch")
    local request = last_request()
    assert.equal("POST", request.method)
    assert.equal("", request.body)
  end)

  it("take the same table of options for one request as the client does", function()
    assert(client.models.retrieve("m", nil, { headers = { ["x-one"] = "1" }, betas = { "b" } }))
    assert.equal("1", last_request().headers["x-one"])
    assert.equal("b", last_request().headers["anthropic-beta"])
  end)

  describe("with a path parameter", function()
    it("refuse what would be another path, before anything is sent", function()
      local before = #server:requests()
      for _, value in ipairs { "", ".", ".." } do
        local result, err = client.models.retrieve(value)
        assert.is_nil(result)
        assert.equal("invalid_request", err.kind)
        assert.truthy(err.message:find("model_id", 1, true))
      end
      assert.equal(before, #server:requests())
    end)

    it("keep every value inside its segment", function()
      for value, encoded in pairs {
        ["%2e%2e"] = "%252e%252e",
        ["%2E"] = "%252E",
        ["../x"] = "..%2Fx",
        ["a/b"] = "a%2Fb",
        ["a?b#c"] = "a%3Fb%23c",
        ["a\\..\\b"] = "a%5C..%5Cb",
        ["..."] = "...",
        ["a b\r\nX: y"] = "a%20b%0D%0AX%3A%20y",
        ["\0"] = "%00",
        ["模型"] = "%E6%A8%A1%E5%9E%8B",
      } do
        assert(client.models.retrieve(value))
        assert.equal("/v1/models/" .. encoded, last_request().target)
      end
    end)

    it("take a number for a string", function()
      assert(client.models.retrieve(7))
      assert.equal("/v1/models/7", last_request().path)
    end)

    it("raise where it is missing or of a wrong type", function()
      for _, value in ipairs { false, {}, print } do
        local ok, message = pcall(client.models.retrieve, value)
        assert.is_false(ok)
        assert.truthy(tostring(message):find("models.retrieve: model_id: string expected", 1, true))
      end
      assert.has_error(function() client.models.retrieve() end)
      assert.has_error(function() client.organization.workspaces.members.retrieve("workspace") end)
    end)
  end)

  it("raise where params or options are of a wrong type", function()
    assert.has_error(function() client.models.list "fast" end)
    assert.has_error(function() client.models.retrieve("m", "fast") end)
    assert.has_error(function() client.models.retrieve("m", {}, "fast") end)
    local ok, message = pcall(client.models.list, {}, { timeot = 1 })
    assert.is_false(ok)
    assert.truthy(tostring(message):find('did you mean "timeout"', 1, true))
  end)

  it("blame the line that called them", function()
    local ok, message = pcall(function() client.models.list(1) end)
    assert.is_false(ok)
    assert.truthy(tostring(message):find("resources_spec.lua", 1, true))
  end)

  it("can be called with a colon", function()
    assert(client.models:retrieve "m")
    assert.equal("/v1/models/m", last_request().path)
    assert(client.models:list { limit = 1 })
    assert.equal("limit=1", last_request().query)
    assert(client.beta.agents:update("agent", { name = "x" }))
    assert.equal('{"name":"x"}', last_request().body)
    assert(client.organization.workspaces.members:retrieve("w", "u"))
    assert.equal("/v1/organizations/workspaces/w/members/u", last_request().path)
  end)

  it("give the same function at every look", function()
    assert.equal(client.models.list, client.models.list)
    assert.equal(client.beta.agents, client.beta.agents)
  end)

  it("are not loaded with the module", function()
    local lowest = 0
    while arg[lowest - 1] do
      lowest = lowest - 1
    end
    local command = arg[lowest] .. [[ -e 'require("anthropic").new { api_key = "k" }
      io.write(tostring(package.loaded["anthropic.api.resources"]))']]
    local pipe = io.popen(command)
    assert.equal("nil", pipe:read "*a")
    pipe:close()
  end)
end)

describe("an answer of a method", function()
  local server, client

  local function serve(script)
    server = hosted.server { script = script }
    client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 0 }
  end

  after_each(function()
    server:stop()
  end)

  it("comes with what HTTP said", function()
    serve { { body = { id = "m" }, request_id = "req_1" } }
    local results = { client.models.retrieve "m" }
    assert.equal(1, #results)
    assert.equal("m", results[1].id)
    assert.equal(200, results[1].response.status)
    assert.equal("req_1", results[1].response.request_id)
  end)

  it("may be bytes", function()
    serve { { body = "\0\1\255", headers = { ["Content-Type"] = "application/octet-stream" } } }
    assert.equal("\0\1\255", (client.files.download "f"))
    assert.equal("*/*", server:requests()[1].headers.accept)
  end)

  it("may be null", function()
    serve { { body = "null" } }
    assert.equal(anthropic.null, (client.models.retrieve "m"))
  end)

  it("is an error where the API says so", function()
    serve { testing.error { status = 404, message = "no such model" } }
    local model, err = client.models.retrieve "m"
    assert.is_nil(model)
    assert.equal("api", err.kind)
    assert.equal("not_found_error", err.type)
    assert.equal("no such model", err.message)
  end)

  it("is an error where it is not JSON", function()
    serve { { body = "<html>", headers = { ["Content-Type"] = "text/html" } } }
    local model, err = client.models.retrieve "m"
    assert.is_nil(model)
    assert.equal("protocol", err.kind)
  end)

  it("is an error where it is neither an object nor a list", function()
    for _, body in ipairs { "8", '"text"', "true" } do
      serve { { body = body } }
      local value, err = client.models.retrieve "m"
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      assert.equal(body, err.body)
      server:stop()
    end
    serve { { body = "[8]" } }
    assert.same({ 8 }, (client.models.retrieve "m"))
  end)

  it("may be a stream of events without an end mark", function()
    serve { { events = { { data = { type = "one" } }, { data = { type = "two" } } } } }
    local stream = assert(client.beta.sessions.events.stream "session")
    local types = {}
    local event, err = stream:next()
    while event do
      types[#types + 1] = event.type
      event, err = stream:next()
    end
    assert.is_nil(err)
    assert.same({ "one", "two" }, types)
  end)
end)
