-- The table of the API's methods, row by row, against the list in spec/fixtures/methods.tsv. What a row does is told
-- in endpoint_spec.lua, that each can be called in spec/behaviour/resources_spec.lua.

local endpoint = require "anthropic.api.endpoint"
local request = require "anthropic.http.request"
local resources = require "anthropic.api.resources"

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

-- "beta.agents.create" -> { http, path, is_list, beta, retry }
local function read_methods()
  local methods, count = {}, 0
  for line in io.lines "spec/fixtures/methods.tsv" do
    local resource, method, http, path, beta, retry =
      line:match "^([^\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]*)\t([^\t]*)$"
    if resource ~= "resource" then
      count = count + 1
      methods[resource_path(resource) .. "." .. snake_case(method)] = {
        http = http:match "%u+", is_list = http:find("list", 1, true) ~= nil,
        path = path:gsub("{(%w+)}", function(name) return "{" .. snake_case(name) .. "}" end),
        beta = beta ~= "" and beta or nil, retry = retry ~= "" and retry or nil,
      }
    end
  end
  return methods, count
end

-- A row taken apart, without the help of endpoint.lua: its words by name, or true.
local function words_of(row)
  local http, path, rest = row:match "^(%u+) (%S+)(.*)$"
  local words = { http = http, path = path }
  for word in rest:gmatch "%S+" do
    local name, value = word:match "^(%l+)=(%S+)$"
    assert(words[name or word] == nil, "twice in: " .. row)
    words[name or word] = value or true
  end
  return words
end

-- { name, words, text, beta of the resource } of all rows, by name.
local function all_rows()
  local rows = {}
  for resource, methods in pairs(resources) do
    for name, row in pairs(methods) do
      if name ~= "beta" then
        rows[#rows + 1] = {
          name = resource .. "." .. name, method = name, resource = resource, text = row, words = words_of(row),
          beta = methods.beta,
        }
      end
    end
  end
  table.sort(rows, function(a, b) return a.name < b.name end)
  return rows
end

-- The names of the rows that the function is true of.
local function names_where(is_so)
  local names = {}
  for _, row in ipairs(all_rows()) do
    names[#names + 1] = is_so(row) and row.name or nil
  end
  return names
end

local function set_of(text)
  local set = {}
  for name in text:gmatch "[^,%s]+" do
    set[name] = true
  end
  return set
end

describe("the table of methods", function()
  local listed, count = read_methods()

  it("has those of the list, and no others", function()
    local missing = {}
    for name in pairs(listed) do
      missing[name] = true
    end
    for _, row in ipairs(all_rows()) do
      assert.is_table(listed[row.name], row.name)
      missing[row.name] = nil
    end
    assert.same({}, missing)
    assert.equal(count, #all_rows())
  end)

  it("has their HTTP methods, their paths and their betas", function()
    for _, row in ipairs(all_rows()) do
      local method = listed[row.name]
      assert.equal(method.http, row.words.http, row.name)
      assert.equal(method.path, "/" .. row.words.path, row.name)
      assert.equal(method.beta, row.words.beta or row.beta, row.name)
    end
  end)

  it("says which are not sent again where the server may have acted", function()
    local count_of_safe = 0
    for _, row in ipairs(all_rows()) do
      assert.equal(listed[row.name].retry, row.words.retry, row.name)
      count_of_safe = count_of_safe + (row.words.retry and 1 or 0)
      assert.truthy(not row.words.retry or row.words.http == "POST", row.name)
    end
    assert.equal(31, count_of_safe)
  end)

  it("says which are lists", function()
    for _, row in ipairs(all_rows()) do
      assert.equal(listed[row.name].is_list, row.words.pages ~= nil, row.name)
    end
  end)

  it("has nothing in a row that means nothing", function()
    local known = set_of "http path pages headers query beta retry multipart binary stream returns"
    for _, row in ipairs(all_rows()) do
      local words = row.words
      assert.truthy(words.http == "GET" or words.http == "POST" or words.http == "DELETE", row.text)
      assert.matches("^v1/[%l%d_/{}]+$", words.path, row.text)
      assert.is_nil(words.path:find("//", 1, true), row.text)
      assert.is_nil(row.text:find("  ", 1, true), row.text)
      assert.is_nil(row.text:find "%s$", row.text)
      for name, value in pairs(words) do
        assert.is_true(known[name], name .. " in " .. row.text)
        local is_flag = name == "multipart" or name == "binary" or name == "stream"
        assert.equal(is_flag, value == true, name .. " in " .. row.text)
      end
    end
  end)

  it("names the types of results, which editors know", function()
    local file = assert(io.open "types/anthropic.lua")
    local types = file:read "*a"
    file:close()
    for _, row in ipairs(all_rows()) do
      local name = row.words.returns
      local is_class = name and types:find("\n---@class anthropic.api." .. name .. "\n", 1, true) ~= nil
      assert.is_true(not name or is_class, row.text)
      assert.truthy(name or row.words.binary or row.resource:find "^beta%.", row.name .. " names no type")
    end
  end)

  it("says in the types what a list has, and what a method returns", function()
    local file = assert(io.open "types/anthropic.lua")
    local types = file:read "*a"
    file:close()
    for _, line in ipairs {
      "---@field list fun(params?: table, options?: anthropic.Options): anthropic.ModelInfoPage?, anthropic.Error?",
      "---@field data anthropic.api.ModelInfo[]",
      "---@field upload fun(params: anthropic.UploadParams, options?: anthropic.Options): anthropic.api.FileMetadata?,",
      "---@field delete fun(message_batch_id: string, params?: table, options?: anthropic.Options): "
        .. "anthropic.api.DeletedMessageBatch?, anthropic.Error?",
      "---@field count_tokens fun(params?: table, options?: anthropic.Options): anthropic.api.MessageTokensCount?,",
    } do
      assert.truthy(types:find("\n" .. line, 1, true), line)
    end
  end)

  it("names path parameters that are told apart, a segment each", function()
    for _, row in ipairs(all_rows()) do
      local seen, names = {}, endpoint.method(row.text).names
      for segment in row.words.path:gmatch "[^/]+" do
        local name = segment:match "^{([%l_]+)}$"
        assert.truthy(name or not segment:find "[{}]", row.text)
        if name then
          assert.is_nil(seen[name], row.text)
          seen[name] = true
          assert.equal(name, table.remove(names, 1))
        end
      end
      assert.same({}, names)
    end
  end)

  it("names no path parameter that is a header, too", function()
    for _, row in ipairs(all_rows()) do
      for name in pairs(set_of(row.words.headers or "")) do
        assert.is_string(request.PARAMETER_HEADERS[name], row.text)
        assert.is_nil(row.words.path:find("{" .. name .. "}", 1, true), row.text)
      end
    end
  end)

  it("has lists, downloads and streams that are read, and uploads that are sent", function()
    for _, row in ipairs(all_rows()) do
      local words = row.words
      local kinds = (words.pages and 1 or 0) + (words.binary and 1 or 0) + (words.stream and 1 or 0)
      assert.is_true(kinds <= 1, row.text)
      if kinds == 1 then
        assert.equal("GET", words.http, row.text)
      end
      if words.multipart or words.query then
        assert.equal("POST", words.http, row.text)
      end
    end
  end)

  it("has a beta that is a name with a date, or none", function()
    for resource, rows in pairs(resources) do
      if rows.beta then
        assert.matches("^[%l%-]+%-20%d%d%-[01]%d%-[0-3]%d$", rows.beta, resource)
      end
    end
  end)

  it("says how each list's pages follow each other", function()
    assert.same({
      "beta.messages.batches.list",
      "beta.models.list",
      "beta.organization.api_keys.list",
      "beta.organization.invites.list",
      "beta.organization.users.list",
      "beta.organization.webhooks.list",
      "beta.organization.workspaces.list",
      "beta.organization.workspaces.members.list",
      "messages.batches.list",
      "models.list",
      "organization.api_keys.list",
      "organization.invites.list",
      "organization.users.list",
      "organization.workspaces.list",
      "organization.workspaces.members.list",
    }, names_where(function(row) return row.words.pages == "id" end))
    assert.same({}, names_where(function(row)
      local kind = row.words.pages
      return kind ~= nil and kind ~= "id" and kind ~= "cursor"
    end))
  end)

  it("says which upload, which download and which stream", function()
    assert.same({
      "beta.files.upload",
      "beta.organization.plugin_marketplaces.validate_archive",
      "beta.organization.plugins.create",
      "beta.organization.plugins.versions.create",
      "beta.skills.create",
      "beta.skills.versions.create",
      "files.upload",
      "skills.create",
      "skills.versions.create",
    }, names_where(function(row) return row.words.multipart end))
    assert.same({
      "beta.files.download",
      "beta.organization.plugins.versions.download",
      "beta.skills.versions.download",
      "files.download",
    }, names_where(function(row) return row.words.binary end))
    assert.same({
      "beta.sessions.events.stream",
      "beta.sessions.threads.events.stream",
    }, names_where(function(row) return row.words.stream end))
  end)

  it("says which take a part of a POST's parameters in the query", function()
    local found = {}
    for _, row in ipairs(all_rows()) do
      found[row.name] = row.words.query
    end
    assert.same({
      ["beta.environments.work.heartbeat"] = "desired_ttl_seconds,expected_last_heartbeat",
      ["beta.memory_stores.memories.create"] = "view",
      ["beta.memory_stores.memories.update"] = "view",
    }, found)
  end)

  it("takes a workspace for a header everywhere but in an organization and its compliance", function()
    local others = set_of [[
      beta.environments.work.ack, beta.environments.work.heartbeat, beta.environments.work.list,
      beta.environments.work.poll,
      beta.compliance.review.cases.list, beta.compliance.review.cases.respond, beta.compliance.review.cases.retrieve,
      beta.compliance.review.items.retrieve, beta.compliance.review.notices.list
    ]]
    for _, row in ipairs(all_rows()) do
      local headers = set_of(row.words.headers or "")
      local is_expected = not row.name:find("organization.", 1, true) and not others[row.name]
      assert.equal(is_expected, headers.workspace_id or false, row.name)
    end
  end)

  it("takes other headers where they are known", function()
    assert.same({
      "beta.compliance.review.items.retrieve",
      "beta.messages.batches.create",
      "beta.messages.count_tokens",
      "messages.batches.create",
      "messages.count_tokens",
    }, names_where(function(row) return set_of(row.words.headers or "").user_profile_id end))
    assert.same({ "beta.environments.work.poll" }, names_where(function(row)
      return set_of(row.words.headers or "").worker_id
    end))
  end)
end)
