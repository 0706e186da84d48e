--- A request as a command line for curl. Its secrets are variables of the shell, so that the command works if they are
--- set: see secrets.lua. In a body they are blotted out.

local option_rows = require "anthropic.http.options"
local segments = require "anthropic.base.segments"
local proxies = require "anthropic.http.proxy"
local shown_url = require "anthropic.http.shown_url"

local curl_command = {}

-- A shell passes a program no argument longer than 128 KiB; a longer body goes through a pipe.
local LONGEST_ARGUMENT = 100000

-- A word for the shell is a list of which every second piece is the name of a variable.
local function describe_header(line, secrets, redact)
  local name, value = line:match "^([^:;]+)[:;] ?(.*)$"
  local shown = secrets.headers[name:lower()]
  if value ~= "" and shown then
    return { name .. ": " .. shown.prefix, shown.variable }
  end
  return { redact(line) }
end

local function describe_part(part, redact)
  local described = {}
  for name, value in pairs(part) do
    described[name] = redact(value)
  end
  return described
end

local function describe_proxy(proxy)
  local read = proxies.read(proxy)
  if not read.address then
    return { "", "PROXY" }
  end
  return { read.address }, read.user_info and { "", "PROXY_USER", ":", "PROXY_PASSWORD" } or nil
end

--- Describes the request of an exchange's attempt, without anything secret.
---@param exchange { option: function, redact: function } with the attempt's own `redact`
---@param wire table as request.build made it
---@return table
function curl_command.describe(exchange, wire)
  local option, redact = exchange.option, exchange.redact
  local text = segments.text(wire.body)
  local body = text and redact(text)
  local described = {
    method = wire.method,
    url = shown_url.text(wire.url, wire.secrets, redact),
    base_url = option "base_url" and shown_url.text(option "base_url", wire.secrets, redact),
    url_pieces = shown_url.pieces(wire.url, wire.secrets, redact),
    headers = {},
    body = body,
    is_redacted = body ~= text,
    body_file = wire.body_file,
  }
  for _, each in ipairs(option_rows.ROUTE) do
    if each.curl then
      described[each.curl] = wire[each.name] ~= false and option(each.name) or nil
    end
  end
  for i, line in ipairs(wire.headers) do
    described.headers[i] = describe_header(line, wire.secrets, redact)
  end
  for i, part in ipairs(wire.multipart or {}) do
    described.parts = described.parts or {}
    described.parts[i] = describe_part(part, redact)
  end
  if option "proxy" then
    described.proxy, described.proxy_user = describe_proxy(option "proxy")
  end
  return described
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- An exclamation mark means something to an interactive shell, between double quotes too.
local IN_DOUBLE_QUOTES = { ["\\"] = "\\\\", ['"'] = '\\"', ["$"] = "\\$", ["`"] = "\\`", ["!"] = [["'!'"]] }

local function quote_pieces(pieces)
  if #pieces == 1 then
    return quote(pieces[1])
  end
  local words = {}
  for i, piece in ipairs(pieces) do
    if i % 2 == 1 then
      words[i] = piece:gsub('[\\"$`!]', IN_DOUBLE_QUOTES)
    elseif (pieces[i + 1] or ""):find "^[%w_]" then
      words[i] = "${" .. piece .. "}"
    else
      words[i] = "$" .. piece
    end
  end
  return '"' .. table.concat(words) .. '"'
end

local function quote_for_form(text)
  return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
end

-- curl's option for a part of a multipart body; nil and the reason if it has no such option.
local function form_option(part)
  if part.name == "" or part.name:find("=", 1, true) then
    return nil, "a name in the form is empty or holds '=', which curl's options cannot say"
  elseif part.path then
    return "-F " .. quote(("%s=@%s;filename=%s;type=%s"):format(part.name, quote_for_form(part.path),
      quote_for_form(part.filename), part.content_type))
  elseif part.filename then
    return nil, "the request uploads something that is not a file on disk"
  elseif part.data:find "%z" then
    return nil, "a field of the upload holds a NUL byte, which no command line can"
  elseif part.content_type then
    return "-F " .. quote(("%s=%s;type=%s"):format(part.name, quote_for_form(part.data), part.content_type))
  end
  return "--form-string " .. quote(part.name .. "=" .. part.data)
end

-- curl's options for the way to the server.
local function add_route(words, request)
  words[#words + 1] = request.proxy and "--proxy " .. quote_pieces(request.proxy)
  words[#words + 1] = request.proxy_user and "--proxy-user " .. quote_pieces(request.proxy_user)
  for _, each in ipairs(option_rows.ROUTE) do
    local value = each.curl and request[each.curl]
    if value then
      words[#words + 1] = "--" .. each.curl .. (value == true and "" or " " .. quote(value))
    end
  end
end

--- The command for sh.
---@param request table as `describe` returned it
---@return string|nil
---@return string? message
function curl_command.command(request)
  local method = request.method == "HEAD" and "--head" or "-X " .. quote(request.method)
  local words = { "curl -sS -N --globoff " .. method .. " " .. quote_pieces(request.url_pieces) }
  add_route(words, request)
  for _, pieces in ipairs(request.headers) do
    words[#words + 1] = "-H " .. quote_pieces(pieces)
  end
  for _, part in ipairs(request.parts or {}) do
    local option, problem = form_option(part)
    if not option then
      return nil, problem
    end
    words[#words + 1] = option
  end
  words[#words + 1] = request.body_file and "--data-binary " .. quote("@" .. request.body_file)
  local body, before = request.body, ""
  if body and body:find("%z") then
    return nil, "the body holds a NUL byte, which no command line can"
  elseif body and #body > LONGEST_ARGUMENT then
    before = "printf %s " .. quote(body) .. " | "
    words[#words + 1] = "--data-binary @-"
  elseif body then
    words[#words + 1] = "--data-raw " .. quote(body)
  end
  return before .. table.concat(words, " \\\n  ")
end

return curl_command
