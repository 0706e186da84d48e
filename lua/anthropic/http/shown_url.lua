--- A URL as it is shown, with `$NAME` for what is secret in it: in a query every value whose name is not known, in a
--- base URL what looks like a token.
--
--     shown_url.text("http://host/v1/models?key=k-123&limit=5", list, redact)
--     --> "http://host/v1/models?key=$KEY&limit=5"

local redaction = require "anthropic.http.redaction"
local secrets = require "anthropic.http.secrets"
local urls = require "anthropic.http.url"

local shown_url = {}

-- --- what is secret ------------------------------------------------------------------------------

--- Adds what looks like a token in the path of a base URL.
---@param list anthropic.Secrets
---@param base string
function shown_url.add_base(list, base)
  for segment in (base:match "^%a+://[^/]*(.*)$" or ""):gmatch "[^/]+" do
    if urls.is_token(segment) then
      secrets.add(list, "base_url_token", segment, urls.unescape(segment))
    end
  end
end

-- The name and the value of a pair as they stand in a query, and the name that its value is known by. A pair without
-- "=" is all value, unless it is a known name.
local function read_pair(pair)
  local name, value = pair:match "^([^=]*)=(.*)$"
  if not name and not secrets.is_harmless_parameter(pair) then
    return nil, pair, "query"
  end
  return name or pair, value, urls.unescape(name or pair)
end

local function query_of(text)
  return text:match "%?(.*)$"
end

--- The list with what is secret in a URL's query: the same list if there is nothing.
---@param list anthropic.Secrets
---@param text string
---@return anthropic.Secrets
function shown_url.with_query(list, text)
  local extended = list
  for pair in (query_of(text) or ""):gmatch "[^&]+" do
    local _, value, known_as = read_pair(pair)
    if value and value ~= "" and not secrets.is_harmless_parameter(known_as) then
      extended = extended == list and secrets.copy(list) or extended
      secrets.add(extended, known_as, value, urls.unescape(value))
    end
  end
  return extended
end

-- --- what is shown -------------------------------------------------------------------------------

-- Stands around the name of a variable; no URL holds it.
local MARK = "\0"

local function mark(variable)
  return MARK .. variable .. MARK
end

local function shown_pair(pair, list, redact)
  local name, value, known_as = read_pair(pair)
  if not value or value == "" or secrets.is_harmless_parameter(known_as) then
    return redact(pair)
  end
  return (name and redact(name) .. "=" or "") .. mark(secrets.variable_of(list, known_as, value))
end

--- The pieces of a URL, or of its end: every second one is the name of a variable.
---@param text string
---@param list anthropic.Secrets
---@param redact fun(text: string, replacement: function): string of the same list
---@return string[]
function shown_url.pieces(text, list, redact)
  local function with_variables(part)
    return redact(part, function(_, secret)
      return mark(list.variables[secret])
    end)
  end
  local query = query_of(text)
  local marked = with_variables(text:match "^[^?]*")
  if query then
    marked = marked .. "?" .. query:gsub("[^&]+", function(pair)
      return shown_pair(pair, list, with_variables)
    end)
  end
  local pieces = {}
  for piece in (marked .. MARK):gmatch "(%Z*)%z" do
    pieces[#pieces + 1] = piece
  end
  return pieces
end

--- A URL, or its end, as it is shown. A dollar sign of its own is "%24".
---@param text string
---@param list anthropic.Secrets
---@param redact fun(text: string, replacement: function): string of the same list
---@return string
function shown_url.text(text, list, redact)
  local pieces = shown_url.pieces(text, list, redact)
  for i, piece in ipairs(pieces) do
    pieces[i] = i % 2 == 0 and "$" .. piece or piece:gsub("%$", "%%24")
  end
  return table.concat(pieces)
end

-- The host and what follows it, without a user name and a password; nil if they cannot be told apart.
local function without_user_info(rest)
  local head = rest:match "^[^?#]*"
  local after = head:match "^.*@([^@]*)$"
  local authority = head:match "^[^/]*"
  if authority:find "^[^@:]*:?%d*$" or authority:find "^%[[%x:.]+%]:?%d*$" then
    return head
  end
  return after
end

--- A URL that a server names, as it is shown, even if it is invalid: without a user name, a password and a query.
---@param text string
---@return string
function shown_url.elsewhere(text)
  local scheme, rest = text:match "^(%a[%w+.-]*:/*)(.*)$"
  return (scheme or "") .. (without_user_info(rest or text) or "...")
end

--- A base URL as it is shown, even if it is invalid.
---@param base string
---@return string
function shown_url.of_base(base)
  local scheme, rest = base:match "^(%a+://)(.*)$"
  local text = rest and without_user_info(rest)
  if not text then
    return (scheme or "") .. "..."
  end
  text = scheme .. text
  local list = secrets.new()
  shown_url.add_base(list, text)
  return shown_url.text(text, list, redaction.redactor(list))
end

return shown_url
