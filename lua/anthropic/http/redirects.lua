--- Redirects: a request goes on to where its server sends it, with method, body and credential, as long as that is the
-- same server and it says that nothing was done (307 and 308). All others are errors that name both places.

local request = require "anthropic.http.request"
local sending = require "anthropic.http.sending"
local shown_url = require "anthropic.http.shown_url"
local urls = require "anthropic.http.url"

local redirects = {}

local MOST = 3 -- in a row
local KEEPING_THE_REQUEST = { [307] = true, [308] = true }

--- Where a request goes on to, or nil where it does not.
---@param status integer of the answer
---@param from string the URL that was asked
---@param location? string as the header says it
---@return string?
function redirects.target(status, from, location)
  if not KEEPING_THE_REQUEST[status] or not location or location == "" or location:find "[^!-~]" then
    return nil
  end
  local to = urls.resolve(from, location)
  local origin = urls.origin(to)
  return origin and not to:find("\\", 1, true) and origin == urls.origin(from) and to or nil
end

--- What an error says of a redirect that is not followed.
---@param status integer
---@param from string the URL that was asked, as an error may show it
---@param location string as the header says it, without secrets
---@return string
function redirects.words(status, from, location)
  local to = shown_url.elsewhere(urls.resolve(from, location))
  return ("HTTP %d: %s redirects to %s (not followed)"):format(status, from, to)
end

--- Sends the request of an exchange, follows redirects, and waits for the headers of an answer.
---@param exchange anthropic.Exchange
---@param wire table as request.builder's function made it
---@param driver table of the calling code
---@return true|nil
---@return anthropic.Error? err where no answer came
function redirects.send(exchange, wire, driver)
  local fields, err = sending.send(exchange, wire, driver)
  for _ = 1, MOST do
    local to = fields and redirects.target(exchange.response.status, wire.url, fields.location)
    if not to then
      break
    end
    exchange:enter(nil, 0)
    exchange.redirects_to = function() return to end -- for its observer
    exchange:finish()
    exchange.response, exchange.complete, exchange.redirects_to = nil, false, nil
    request.redirect(wire, to)
    fields, err = sending.send(exchange, wire, driver)
  end
  return fields and true, err
end

return redirects
