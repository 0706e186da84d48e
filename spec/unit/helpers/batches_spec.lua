-- The methods of client.messages.batches that are more than a request: where results are asked for, and
-- the settings of run.

local batches = require "anthropic.helpers.batches"
local errors = require "anthropic.base.error"
local options = require "anthropic.http.options"

local BASE = "https://api.anthropic.com"

local function problem(words)
  return errors.new { kind = "connection", message = words }
end

-- Asks for the results of `batch`; returns what the method does, and what the client was asked for.
local function results(batch, id, params, given, fields)
  fields = fields or {}
  local asked = {}
  local exchange = {
    run = function(_, read)
      if fields.failure then
        return nil, fields.failure
      end
      return not read or read()
    end,
    response_so_far = function()
      return { status = 200 }
    end,
  }
  local client = {}
  function client.options_for(_, of_request)
    assert.equal(given, of_request)
    return function(name)
      assert.equal("base_url", name)
      return fields.base_url or BASE
    end
  end
  function client.exchange(_, spec, of_request)
    asked.spec, asked.given = spec, of_request
    if fields.refusal then
      return nil, fields.refusal
    end
    return exchange
  end
  local resource = {
    retrieve = function(...)
      asked.retrieved = { n = select("#", ...), ... }
      if errors.is(batch) then
        return nil, batch
      end
      return batch
    end,
  }
  local found, err = batches.methods.results.call(client, { message_batch_id = id or "b" }, params, given, resource)
  return found, err, asked
end

describe("the results of a batch", function()
  it("take its ID", function()
    assert.same({ "message_batch_id" }, batches.methods.results.names)
  end)

  it("are asked for after the batch itself, with the same parameters and options", function()
    local batch = { id = "b", results_url = "https://elsewhere.example/r" }
    local params, given = { workspace_id = "w", betas = { "x" } }, { max_retries = 1 }
    local found, err, asked = results(batch, "b", params, given)
    assert.is_nil(err)
    assert.equal(batch, found.batch)
    assert.same({ n = 3, "b", params, given }, asked.retrieved)
    assert.equal(params, asked.retrieved[2])
    assert.equal(given, asked.given)
    assert.same({
      method = "GET", path = "/v1/messages/batches/b/results", accept = "application/binary",
      headers = { ["anthropic-workspace-id"] = "w" }, betas = { "x" }, has_lines = true,
      remake = asked.spec.remake,
    }, asked.spec)
    asked = select(3, results(batch))
    assert.same({
      method = "GET", path = "/v1/messages/batches/b/results", accept = "application/binary",
      headers = {}, has_lines = true, remake = asked.spec.remake,
    }, asked.spec)
  end)

  it("are asked for of a member of a pool by its own base URL", function()
    local url = "https://api.anthropic.com/v1/x"
    local _, _, asked = results({ id = "b", results_url = url }, nil, nil, nil, { base_url = BASE })
    assert.equal(url, asked.spec.path)
    assert.same({ path = "/v1/messages/batches/b/results" }, asked.spec.remake {
      options_for = function() return function() return "https://gateway.example" end end,
    })
  end)

  for _, case in ipairs {
    { "https://api.anthropic.com/v1/x?y=1", BASE, true },
    { "https://API.anthropic.com:443/x", BASE, true },
    { "https://api.anthropic.com", BASE .. "/gateway", true },
    { "http://127.0.0.1:8080/x", "http://127.0.0.1:8080/base", true },
    { "https://elsewhere.example/x", BASE, false },
    { "http://api.anthropic.com/x", BASE, false },
    { "https://api.anthropic.com:444/x", BASE, false },
    { "https://api.anthropic.com@elsewhere.example/x", BASE, false },
    { "https://api.anthropic.com.elsewhere.example/x", BASE, false },
    { "http://127.0.0.1:8081/x", "http://127.0.0.1:8080", false },
    { "/v1/messages/batches/other/results", BASE, false },
    { "", BASE, false },
    { "x", "y", false },
  } do
    it(("%s at %q where the client asks %s"):format(case[3] and "are" or "are not", case[1], case[2]), function()
      local _, _, asked = results({ id = "b", results_url = case[1] }, nil, nil, nil, { base_url = case[2] })
      assert.equal(case[3] and case[1] or "/v1/messages/batches/b/results", asked.spec.path)
    end)
  end

  it("are at a path with the ID that was given, whatever is in it", function()
    local _, _, asked = results({ id = "other", results_url = "x" }, "a/../b c")
    assert.equal("/v1/messages/batches/a%2F..%2Fb%20c/results", asked.spec.path)
  end)

  it("are none before the batch has ended", function()
    for _, case in ipairs {
      { "in_progress", nil, "in_progress" }, { nil, 5, "nil" }, { "canceling", false, "canceling" },
    } do
      local found, err, asked = results { id = "b", processing_status = case[1], results_url = case[2] }
      assert.is_nil(found)
      assert.equal("invalid_request", err.kind)
      assert.equal("batch b has no results: its processing_status is " .. case[3], err.message)
      assert.is_nil(asked.spec)
    end
  end)

  it("are the error of retrieving the batch, or that it is none", function()
    local gone = problem "gone"
    local found, err, asked = results(gone)
    assert.is_nil(found)
    assert.equal(gone, err)
    assert.is_nil(asked.spec)
    found, err = results { type = "something" }
    assert.is_nil(found)
    assert.equal("the answer is not a batch", err.message)
  end)

  it("are the error of their own request", function()
    local batch = { id = "b", results_url = "x" }
    local gone = problem "gone"
    local found, err = results(batch, nil, nil, nil, { failure = gone })
    assert.is_nil(found)
    assert.equal(gone, err)
    found, err = results(batch, nil, nil, nil, { refusal = gone })
    assert.is_nil(found)
    assert.equal(gone, err)
  end)
end)

describe("running batches", function()
  local run = batches.methods.run

  it("takes no parameters in its path", function()
    assert.same({}, run.names)
  end)

  for _, case in ipairs {
    { "max_requests", { 1, 0.5 }, { 0, -1, "1", true }, "a positive number" },
    { "max_bytes", { 1, 256e6 }, { 0, -1, "1", true }, "a positive number" },
    { "poll_interval", { 0.001, 5 }, { 0, -1, "1", true }, "a positive number" },
    { "max_poll_interval", { 0.001, 5 }, { 0, -1, "1", true }, "a positive number" },
    { "on_created", { print }, { "x", {}, true }, "function" },
    { "on_progress", { print }, { "x", {}, true }, "function" },
    { "on_result", { print }, { "x", {}, true }, "function" },
    { "resume", { "x", {} }, { 1, print, true }, "string or table" },
    { "skip", { {}, print }, { "x", 1, true }, "table or function" },
  } do
    it("has the setting " .. case[1], function()
      for _, value in ipairs(case[2]) do
        options.check({ [case[1]] = value, max_retries = 0 }, 1, run.settings)
      end
      for _, value in ipairs(case[3]) do
        local ok, message = pcall(options.check, { [case[1]] = value }, 1, run.settings)
        assert.is_false(ok)
        assert.truthy(message:find(('option "%s": %s expected'):format(case[1], case[4]), 1, true), message)
      end
    end)
  end

  it("has no others", function()
    local count = 0
    for _ in pairs(run.settings) do
      count = count + 1
    end
    assert.equal(9, count)
  end)

  it("sends what is no setting as the options of every request", function()
    local given = { max_requests = 1, on_progress = function() end, max_retries = 3, timeout = 5 }
    local options_seen = {}
    local resource = {
      create = function(params, of_request)
        options_seen[#options_seen + 1] = of_request
        return { id = "b" .. params.requests[1].custom_id }
      end,
      retrieve = function(id, _, of_request)
        options_seen[#options_seen + 1] = of_request
        return { id = id, processing_status = "ended" }
      end,
      results = function(id, _, of_request)
        options_seen[#options_seen + 1] = of_request
        local list = { { custom_id = id:sub(2), result = { type = "succeeded" } } }
        return { next = function() return table.remove(list) end }
      end,
    }
    local found, report = run.call({}, {}, {
      { custom_id = "x", params = {} }, { custom_id = "y", params = {} },
    }, given, resource)
    assert.equal("succeeded", found.y.result.type)
    assert.same({ "bx", "by" }, report.batches)
    assert.equal(6, #options_seen)
    for _, seen in ipairs(options_seen) do
      assert.same({ max_retries = 3, timeout = 5 }, seen)
    end
    assert.equal(1, given.max_requests)
    assert.is_nil(given.poll_interval)
  end)

  it("refuses what is missing", function()
    local found, err = run.call({}, {}, nil, nil, {})
    assert.is_nil(found)
    assert.equal("requests: missing", err.message)
  end)
end)
