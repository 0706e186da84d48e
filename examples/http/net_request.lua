-- Neovim's vim.net.request on anthropic.http, and a form of it that returns lines while they come.
--
--     local request = require "my_plugin.net_request"
--     request(url, { headers = headers }, function(err, response) print(err or response.body) end)
--     local handle = request(url, { method = "POST", body = json, on_line = print }, on_response)
--     handle.close()

local http = require "anthropic.http"

local RETRIES = 3 -- as vim.net.request has them

--- Sends a request. `opts` takes vim.net.request's `retry`, `headers`, `outpath` and `verbose`, and here `method`,
--- `body`, `timeout` (seconds) and `on_line`.
---@param url string
---@param opts? table
---@param on_response fun(err: string?, response: { body: string|boolean, status: integer, headers: table }?)
---@return { close: fun() }
return function(url, opts, on_response)
  opts = opts or {}
  local is_closed = false
  local task = http.request({
    url = url, method = opts.method, headers = opts.headers, body = opts.body, path = opts.outpath,
    max_retries = opts.retry or RETRIES, redirects = 10, timeout = opts.timeout,
  }, {
    on_line = not opts.outpath and opts.on_line or nil,
    on_done = function(response, err)
      if is_closed then
        return
      elseif err then
        return on_response(tostring(err))
      elseif response.status >= 400 then
        return on_response(("Request failed with exit code 22: HTTP %d"):format(response.status))
      end
      local body = opts.outpath and true or response.body or ""
      on_response(nil, { body = body, status = response.status, headers = response.headers })
    end,
  })
  return {
    close = function()
      is_closed = true
      task:cancel()
    end,
  }
end
