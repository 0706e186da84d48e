--- Redirects: a request follows a redirect, with method, body and credential, if it leads to the same server and says
-- that nothing was done (307 and 308). All others are errors that name both places.
--
-- A request of `anthropic.http` that asks for it follows redirects as a browser does: to any server, to another one
-- without credentials, and as a GET if it was a POST (301 and 302), or if the answer is elsewhere (303).

local headers = require "anthropic.http.headers"
local request = require "anthropic.http.request"
local secrets = require "anthropic.http.secrets"
local sending = require "anthropic.http.sending"
local shown_url = require "anthropic.http.shown_url"
local urls = require "anthropic.http.url"

local redirects = {}

local MOST = 3 -- in a row
local KEEPING_THE_REQUEST = { [307] = true, [308] = true }

--- The URL that a request goes on to, or nil.
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

-- Status -> the methods that go on as they are; all others become GET.
local ANY = setmetatable({}, { __index = function() return true end })
local KEPT_METHODS = {
  [301] = setmetatable({ POST = false }, getmetatable(ANY)),
  [302] = setmetatable({ POST = false }, getmetatable(ANY)),
  [303] = { GET = true, HEAD = true },
  [307] = ANY,
  [308] = ANY,
}

--- The URL that a request goes on to if its caller wants every redirect followed, or nil.
---@param status integer of the answer
---@param from string the URL that was asked
---@param location? string as the header says it
---@return string?
function redirects.place(status, from, location)
  if not KEPT_METHODS[status] or not location or location == "" or location:find "[%c\\]" then
    return nil
  end
  local to = urls.resolve(from, location:gsub("[^!-~]", urls.escape))
  return to:find "^[hH][tT][tT][pP][sS]?:" and urls.origin(to) and to or nil
end

-- Header fields that describe a body.
local OF_BODY = {
  ["content-type"] = true, ["content-length"] = true, ["content-encoding"] = true, ["content-language"] = true,
  ["content-location"] = true, ["transfer-encoding"] = true,
}

-- Header fields that are meant for one server, besides credentials.
local OF_SERVER = { host = true, ["proxy-authorization"] = true }

-- Leaves out the header lines for whose names, in lower case, `is_so` returns true.
local function without(lines, is_so)
  local left = {}
  for _, line in ipairs(lines) do
    if not is_so(line:match("^[^:;]*"):lower()) then
      left[#left + 1] = line
    end
  end
  return left
end

--- Adapts a request to the URL that it goes on to.
---@param wire table as plain_request.builder's function made it
---@param status integer of the answer
---@param to string
---@param secret_headers table<string, boolean> by names in lower case
function redirects.adapt(wire, status, to, secret_headers)
  if not KEPT_METHODS[status][wire.method] then
    wire.method = "GET"
    wire.body, wire.body_file, wire.multipart = nil, nil, nil
    wire.headers = without(wire.headers, function(name) return OF_BODY[name] end)
  end
  if urls.origin(to) ~= urls.origin(wire.url) then
    wire.headers = without(wire.headers, function(name)
      return secrets.is_credential(name) or secret_headers[name] or OF_SERVER[name]
    end)
    wire.certificate_file, wire.key_file = false, false
  end
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

-- The place that an answer names; nil if it names none, or several.
local function location_of(exchange, fields)
  local location = fields.location
  local is_joined = location and location:find(", ", 1, true) and headers.has_places(exchange.transfer:headers())
  return not is_joined and location or nil
end

--- Sends the request of an exchange, follows redirects, and waits for the headers of an answer.
---@param exchange anthropic.Exchange
---@param wire table as request.builder's function made it
---@param driver table of the calling code
---@return true|nil
---@return anthropic.Error? err if no answer came
function redirects.send(exchange, wire, driver)
  local spec = exchange.spec()
  local most, find = spec.redirects or MOST, spec.redirects and redirects.place or redirects.target
  local fields, err = sending.send(exchange, wire, driver)
  for _ = 1, most do
    local status = fields and exchange.response.status
    local to = fields and find(status, wire.url, location_of(exchange, fields))
    if not to then
      break
    elseif spec.redirects then
      redirects.adapt(wire, status, to, spec.secret_headers)
    end
    exchange:enter(nil, 0)
    exchange.redirects_to = function() return to end -- for its observer
    exchange:drain()
    exchange.response, exchange.complete, exchange.redirects_to = nil, false, nil
    request.redirect(wire, to)
    fields, err = sending.send(exchange, wire, driver)
  end
  return fields and true, err
end

return redirects
