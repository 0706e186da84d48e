-- What the specs of the client share: servers and clients that end with the test, an environment
-- of its own, and Lua programs run as children.
--
--     local service = require "spec.support.service"
--     after_each(service.clear)
--     local client = service.client(service.serve { testing.message { text = "Hello!" } })

local anthropic = require "anthropic"
local child = require "spec.support.child"
local hosted = require "spec.support.hosted"
local socket = require "socket"

local service = {
  KEY = "sk-test-0123456789abcdef",
}

local servers, clients, refusing = {}, {}, {}
local getenv = os.getenv
local variables = {}

-- What the machine's own environment says of the API, and of the platforms, does not reach the specs.
local function lookup(name)
  for _, pattern in ipairs { "^ANTHROPIC_", "^AWS_", "^GOOGLE_", "^CLOUDSDK_", "^CLOUD_ML_", "^GCE_", "^K_SERVICE$" } do
    if type(name) == "string" and name:find(pattern) then
      return variables[name] or name == "ANTHROPIC_CONFIG_DIR" and "/nowhere" or nil -- no profile of the machine's
    end
  end
  return variables[name] or getenv(name)
end

--- Sets variables that this process sees; all others of the API and of the platforms are unset.
function service.environment(given)
  variables = given
  os.getenv = lookup -- luacheck: ignore 122
end

--- Ends what the test started.
function service.clear()
  for _, client in ipairs(clients) do
    client:close()
  end
  for _, server in ipairs(servers) do
    server:stop()
  end
  for _, held in ipairs(refusing) do
    held:close()
  end
  servers, clients, refusing, variables = {}, {}, {}, {}
  os.getenv = getenv -- luacheck: ignore 122
end

function service.serve(script, options)
  options = options or {}
  options.script = script
  local server = hosted.server(options)
  servers[#servers + 1] = server
  return server
end

--- A port that refuses connections until `clear`: it is taken, and nobody listens.
---@return integer
function service.refusing_port()
  local held = assert(socket.tcp())
  assert(held:bind("127.0.0.1", 0))
  refusing[#refusing + 1] = held
  return tonumber((select(2, held:getsockname())))
end

--- A port for a server that is to start.
---@return integer
function service.free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return tonumber(port)
end

--- A client of the server that does not retry, with the options given on top. KEY is its key
--- unless a credential is given; `api_key = false` leaves it out.
function service.client(server, options)
  local all = { base_url = server and server.url, max_retries = 0, api_key = service.KEY }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  if all.auth_token then
    all.api_key = options.api_key
  end
  all.api_key = all.api_key or nil
  service.environment(variables)
  local client = anthropic.new(all)
  clients[#clients + 1] = client
  return client
end

--- Parameters of messages.create, with those given on top.
function service.params(given)
  local params = {
    model = "claude-test",
    max_tokens = 100,
    messages = { { role = "user", content = "Hello" } },
  }
  for name, value in pairs(given or {}) do
    params[name] = value
  end
  return params
end

--- The field of a recorded request, nil where it was not sent, "a, b" where it was sent twice.
function service.header(request, name)
  local values = {}
  for _, pair in ipairs(request.raw_headers) do
    if pair[1]:lower() == name:lower() then
      values[#values + 1] = pair[2]
    end
  end
  return values[1] and table.concat(values, ", ")
end

--- Runs a program in a Lua of its own, with the ANTHROPIC_* variables given and no others.
---@return string what it wrote to standard output and standard error
function service.run(program, environment)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(program)
  file:close()
  local words = { "env" }
  local names = "API_KEY AUTH_TOKEN BASE_URL CUSTOM_HEADERS LOG MODEL PROFILE FEDERATION_RULE_ID"
  for name in names:gmatch "%S+" do
    words[#words + 1] = "-u ANTHROPIC_" .. name
  end
  words[#words + 1] = "ANTHROPIC_CONFIG_DIR=/nowhere"
  for name, value in pairs(environment or {}) do
    words[#words + 1] = child.quote(name .. "=" .. value)
  end
  words[#words + 1] = child.quote(child.interpreter()) .. " " .. path .. " 2>&1"
  local pipe = assert(io.popen(table.concat(words, " ")))
  local output = pipe:read("*a")
  pipe:close()
  os.remove(path)
  return output
end

return service
