-- Runs codecompanion.nvim on anthropic.http: no curl child, and no prompt and no key in a file.
--
--     require("codecompanion").setup { ... }
--     require("my_config.codecompanion").setup() -- false: the library is missing, and curl goes on as before
--
-- Adapters with words of their own for curl (`raw`), or a request of their own, keep to curl.

local adapter = {}

local function load_plugin()
  return {
    client = require "codecompanion.http",
    adapters = require "codecompanion.adapters",
    values = require "codecompanion.adapters.utils",
    config = require "codecompanion.config",
    log = require "codecompanion.utils.log",
    fire = require("codecompanion.utils").fire,
  }
end

-- As its curl is told, but for one retry less: a server that is not there is tried for again here, too.
local RETRIES, REDIRECTS, CONNECT_SECONDS = 2, 10, 10
local SYNC_MILLISECONDS = 120000

-- The provider's adapter with its variables filled in, and the request; nil where it does not want to be asked.
local function prepare(plugin, self, payload, milliseconds)
  local provider = vim.deepcopy(self.adapter)
  if milliseconds and provider.opts then
    provider.opts.stream = false
  end
  if plugin.adapters.call_handler(provider, "setup") == false then
    return nil
  end
  provider = plugin.values.get_env_vars(provider, { timeout = plugin.config.adapters.opts.cmd_timeout })
  local headers = {}
  for name, value in pairs(plugin.values.set_env_vars(provider, provider.headers) or {}) do
    headers[name] = tostring(value)
  end
  local options = plugin.config.adapters.http.opts
  return provider, {
    url = plugin.values.set_env_vars(provider, provider.url),
    method = plugin.client.resolve_method(provider),
    headers = headers,
    body = self.methods.encode(plugin.client.merge_body(provider, payload)),
    insecure = options.allow_insecure, proxy = options.proxy, redirects = REDIRECTS, max_retries = RETRIES,
    timeout = { connect = CONNECT_SECONDS, total = milliseconds and milliseconds / 1000 },
  }
end

-- What the plugin's own code gets of a whole answer, of a refusal, and of a failure.
local function data_of(response)
  return { status = response.status, headers = response.header_lines, body = response.body or "", exit = 0 }
end

local function refusal_of(data)
  return { message = ("%d error: "):format(data.status), stderr = data, status = data.status }
end

local function failure_of(err)
  return { message = tostring(err), stderr = tostring(err), exit = err:exit_code() }
end

local function is_error(line)
  return line:find '^ *{"error"' or line:find '^ *{"type" *: *"error"'
end

local function describe(provider)
  local model = provider.schema.model.default
  model = type(model) == "function" and model(provider) or model
  return { name = provider.name, formatted_name = provider.formatted_name, model = model or "" }
end

local function request(plugin, http, self, payload, actions, opts)
  local provider, wire = prepare(plugin, self, payload)
  if not provider then
    return plugin.log:error "Failed to setup adapter"
  end
  opts = opts or {}
  local is_streamed = provider.opts and provider.opts.stream
  local on_data = plugin.log:wrap_cb(actions.callback, "Response error: %s")
  local is_closed, is_refused, has_begun, said = false, false, false, nil

  local function tell(event)
    if not opts.silent then
      plugin.fire(event, opts)
    end
  end
  local function finish(status)
    opts.status = status
    tell "RequestFinished"
    if self.user_args.event then
      tell(self.user_args.event)
    end
  end

  local function on_response(response)
    is_refused = response.status >= 400 -- what it says comes as a whole
  end

  local function on_line(line)
    if is_closed or is_refused then
      return
    elseif is_error(line) then
      said = line
      return
    elseif not has_begun then
      has_begun = true
      tell "RequestStreaming"
    end
    on_data(nil, line, provider)
  end

  local function on_done(response, err)
    if is_closed then
      return finish "cancelled"
    elseif err then
      plugin.adapters.call_handler(provider, "teardown")
      actions.callback(failure_of(err), nil)
      return finish "error"
    end
    local data = data_of(response)
    if not is_streamed then
      on_data(nil, data, provider)
    end
    plugin.adapters.call_handler(provider, "on_exit", data)
    plugin.adapters.call_handler(provider, "teardown")
    if actions.done then
      actions.done()
    end
    if is_refused then
      actions.callback(refusal_of(data), nil)
    elseif said then
      actions.callback({ message = "Request failed", stderr = said }, nil)
    end
    finish((is_refused or said) and "error" or "success")
  end

  opts.id = opts.id or math.random(10000000)
  opts.adapter = describe(provider)
  local task = http.request(wire, {
    on_response = on_response, on_line = is_streamed and on_line or nil, on_done = on_done,
  })
  tell "RequestStarted"
  if self.user_args.event then
    tell(self.user_args.event)
  end
  local job = {}
  function job.shutdown()
    is_closed = true
    task:cancel()
  end
  job.cancel = job.shutdown
  return job
end

local function send_sync(plugin, http, self, payload, opts)
  opts = opts or {}
  local provider, wire = prepare(plugin, self, payload, opts.timeout or SYNC_MILLISECONDS)
  if not provider then
    return nil, { message = "Failed to setup adapter", stderr = "setup=false" }
  elseif payload.structured_output and not plugin.adapters.get_handler(provider, "build_structured_output") then
    local words = ("Adapter `%s` does not support structured outputs"):format(provider.formatted_name)
    return nil, { message = words, stderr = words }
  end
  local event = { id = tostring(math.random(10000000)), adapter = describe(provider) }
  if not opts.silent then
    plugin.fire("RequestStarted", event)
  end
  local response, failure = http.request(wire)
  local data = response and data_of(response)
  local err = failure and failure_of(failure) or data.status >= 400 and refusal_of(data) or nil
  plugin.adapters.call_handler(provider, "on_exit", data or err.stderr)
  plugin.adapters.call_handler(provider, "teardown")
  if not opts.silent then
    plugin.fire("RequestFinished", event)
  end
  return not err and data or nil, err
end

-- Whether the user, or the provider's adapter, speaks to curl itself.
local function needs_curl(self)
  local provider = self.adapter
  return provider.raw ~= nil or provider.opts ~= nil and type(provider.opts.request) == "function"
end

--- Has the plugin's requests sent by the library.
---@return boolean done false where the library is missing
function adapter.setup()
  local has_http, http = pcall(require, "anthropic.http")
  if not has_http or not pcall(require, "anthropic.core") then
    return false
  end
  require("anthropic").preload() -- not with the first request, which would wait for it
  local plugin = load_plugin()
  for name, ours in pairs { request = request, send_sync = send_sync } do
    local by_curl = plugin.client[name]
    plugin.client[name] = function(self, ...)
      if needs_curl(self) then
        return by_curl(self, ...)
      end
      return ours(plugin, http, self, ...)
    end
  end
  return true
end

return adapter
