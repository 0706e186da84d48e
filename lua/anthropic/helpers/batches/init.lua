--- `client.messages.batches`: results, and whole batches from requests to results.
--
--     local results, report = assert(client.messages.batches.run({
--       { custom_id = "one", params = { model = "claude-sonnet-5-5", max_tokens = 1024, messages = ... } },
--     }, { on_progress = function(progress) print(progress.done, progress.total) end }))
--     print(results.one.result.message:text(), report.succeeded)
--
-- The plain methods (`create`, `retrieve`, `list`, `cancel`, `delete`) are in [resources](resources.md).

local require = require
local batch_results = require "anthropic.helpers.batches.results"
local check = require "anthropic.base.check"
local errors = require "anthropic.base.error"
local params_of = require "anthropic.api.params"
local options = require "anthropic.http.options"
local urls = require "anthropic.http.url"

local batches = { methods = {} }

-- Where the results are: at the URL that the batch names, if that is where the client's requests go
-- anyway. A credential is never sent elsewhere: then the results' own path is asked.
local function results_path(id, url, base_url)
  local origin = urls.origin(url)
  if origin and origin == urls.origin(base_url) then
    return url
  end
  return "/v1/messages/batches/" .. urls.escape(id) .. "/results"
end

local function open_results(client, id, batch, params, given)
  if type(batch.results_url) ~= "string" then
    return nil, errors.invalid_request(("batch %s has no results: its processing_status is %s"):format(
      id, tostring(batch.processing_status)))
  end
  -- Of a member of a pool, or of the client.
  local function path_at(one)
    return results_path(id, batch.results_url, one:options_for(given) "base_url")
  end
  local exchange, err = client:exchange({
    method = "GET",
    path = path_at(client),
    remake = function(member)
      return { path = path_at(member) }
    end,
    headers = { ["anthropic-workspace-id"] = params and params.workspace_id },
    betas = params and params.betas,
    accept = "application/binary",
    has_lines = true,
  }, given)
  if not exchange then
    return nil, err
  end
  return batch_results.open(exchange, batch)
end

--- Opens the results of a batch that has ended. The batch is retrieved first.
---
--- If fewer results come than the batch counts, the iterator ends with an error of kind "truncated".
---@param message_batch_id string
---@param params? table `betas`, `workspace_id`
---@param options? anthropic.Options options for both requests
---@return anthropic.BatchResults? results an iterator
---@return anthropic.Error? err
batches.methods.results = {
  names = { "message_batch_id" },
  call = function(client, values, params, given, resource)
    local id = values.message_batch_id
    local batch, err = batch_results.check(resource.retrieve(id, params, given))
    if not batch then
      return nil, err
    end
    return open_results(client, id, batch, params, given)
  end,
}

--- Sends requests as batches, as many as it takes, waits until they have ended, and returns all results.
--- Cancelling it (`task:cancel()`, `client:close()`) does not cancel the batches: `resume` goes on with them.
---@param requests? anthropic.BatchRequest[] nil, with `resume`: those of the batches to resume
---@param settings? anthropic.BatchSettings
---@return table<string, anthropic.BatchResult>? results by `custom_id`; empty if `on_result` takes them
---@return anthropic.BatchReport|anthropic.Error report on failure an error, which has `batches` to resume with,
---  `results` and `report`
batches.methods.run = {
  names = {},
  settings = {
    max_requests = check.positive(),
    max_bytes = check.positive(),
    poll_interval = check.positive(),
    max_poll_interval = check.positive(),
    on_created = check.of_type "function",
    on_progress = check.of_type "function",
    on_result = check.of_type "function",
    resume = check.of_type("string", "table"),
    skip = check.of_type("table", "function"),
  },
  call = function(client, _, requests, given, resource)
    local settings, rest = options.split(given, batches.methods.run.settings)
    local whole, err = params_of.complete_requests(client, requests, rest)
    if err then
      return nil, err
    end
    return require("anthropic.helpers.batches.run").run(client, resource, whole, settings, rest)
  end,
}

return batches
