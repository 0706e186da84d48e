--- A request as a command line for curl, with a variable in place of the credential.

local curl_command = {}

-- Header fields that carry credentials.
local SENSITIVE = {
  ["api-key"] = true,
  authorization = true,
  cookie = true,
  ["proxy-authorization"] = true,
  ["x-amz-security-token"] = true,
  ["x-api-key"] = true,
}

-- A shell hands a program no longer argument than 128 KiB; a longer body goes through a pipe.
local LONGEST_ARGUMENT = 100000

-- A header line with the credential cut off its end, where it has one.
local function describe_header(line, secrets, redact)
  local name, value = line:match "^([^:;]+)[:;]%s*(.*)$"
  for _, secret in ipairs(secrets) do
    if secret ~= "" and value:sub(-#secret) == secret then
      return { name .. ": " .. value:sub(1, -#secret - 1), variable = secrets.variable or "ANTHROPIC_API_KEY" }
    end
  end
  return { SENSITIVE[name:lower()] and name .. ": [redacted]" or redact(line) }
end

--- Describes the request of an exchange's attempt, without the credential.
---@param exchange anthropic.Exchange
---@param wire table as request.build made it
---@return table
function curl_command.describe(exchange, wire)
  local option, redact = exchange.option, exchange.redact
  local lines = {}
  for i, line in ipairs(wire.headers) do
    lines[i] = describe_header(line, wire.secrets, redact)
  end
  local proxy = option "proxy"
  return {
    method = wire.method,
    url = redact(wire.url),
    headers = lines,
    body = wire.body and redact(wire.body),
    parts = wire.multipart,
    proxy = proxy and proxy:gsub("//[^/@]*@", "//"),
    cacert = option "ca_file",
    capath = option "ca_path",
    insecure = option "insecure",
  }
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function quote_header(line)
  if not line.variable then
    return quote(line[1])
  end
  return '"' .. line[1]:gsub('[\\"$`]', "\\%0") .. "$" .. line.variable .. '"'
end

-- The value of curl's option for a part of a multipart body; nil for a file that is not on disk.
local function form_option(part)
  if part.path then
    local path = part.path:gsub('[\\"]', "\\%0")
    return "-F " .. quote(('%s=@"%s";filename="%s";type=%s'):format(part.name, path, part.filename, part.content_type))
  elseif not part.filename then
    return "--form-string " .. quote(part.name .. "=" .. part.data)
  end
end

--- The command for sh.
---@param request table as `describe` gave it
---@return string|nil
---@return string? message
function curl_command.command(request)
  local words = { "curl -sS -N -X " .. quote(request.method) .. " " .. quote(request.url) }
  for _, name in ipairs { "proxy", "cacert", "capath" } do
    words[#words + 1] = request[name] and "--" .. name .. " " .. quote(request[name])
  end
  words[#words + 1] = request.insecure and "--insecure" or nil
  for _, line in ipairs(request.headers) do
    words[#words + 1] = "-H " .. quote_header(line)
  end
  for _, part in ipairs(request.parts or {}) do
    local option = form_option(part)
    if not option then
      return nil, "the request uploads what is no file on disk"
    end
    words[#words + 1] = option
  end
  local body, before = request.body, ""
  if body and body:find("%z") then
    return nil, "the body holds a NUL byte, which no command line can"
  elseif body and #body > LONGEST_ARGUMENT then
    before = "printf %s " .. quote(body) .. " | "
    words[#words + 1] = "--data-binary @-"
  elseif body then
    words[#words + 1] = "--data-binary " .. quote(body)
  end
  return before .. table.concat(words, " \\\n  ")
end

return curl_command
