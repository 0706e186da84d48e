-- nginx before the load server, for TLS and HTTP/2.
local front = {}

local FOLDER = "build/bench/nginx/"
local MOST_SECONDS = 3600

local pipe

local function succeeds(command)
  local result = os.execute(command)
  return result == true or result == 0
end

local function read(path)
  local file = io.open(path)
  local text = file and file:read "*a"
  if file then
    file:close()
  end
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function make_certificate()
  return read(FOLDER .. "certificate.pem") or succeeds(("openssl req -x509 -newkey rsa:2048 -nodes -days 3650 "
    .. "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout %skey.pem -out %scertificate.pem 2>/dev/null")
    :format(FOLDER, FOLDER))
end

local function answers(url)
  return succeeds(("curl -s -o /dev/null --retry 20 --retry-connrefused --retry-delay 1 --cacert %scertificate.pem "
    .. "%s/reply=message"):format(FOLDER, url))
end

--- Starts it on a core, before the server at `url` and on two free ports.
---@return table|nil fronts { tls =, tls_close =, certificate = }, or nil and the reason
function front.start(url, ports, core)
  if not succeeds "command -v nginx >/dev/null && command -v openssl >/dev/null" then
    return nil, "there is no nginx, or no openssl"
  end
  os.execute("mkdir -p " .. FOLDER .. "temporary")
  if not make_certificate() then
    return nil, "openssl made no certificate"
  end
  local keep_alive, close = ports:match "(%d+) (%d+)"
  local words = { LOAD_SERVER = url:match "//(.*)", KEEP_ALIVE_PORT = keep_alive, CLOSE_PORT = close }
  local configuration = read("bench/nginx.conf"):gsub("[A-Z_]+", words)
  write(FOLDER .. "nginx.conf", configuration)
  pipe = assert(io.popen(("exec timeout %d taskset -c %d nginx -p \"$PWD/%s\" -c nginx.conf 2>&1")
    :format(MOST_SECONDS, core, FOLDER)))
  local fronts = {
    tls = "https://127.0.0.1:" .. keep_alive, tls_close = "https://127.0.0.1:" .. close,
    certificate = FOLDER .. "certificate.pem",
  }
  if not answers(fronts.tls) then
    return nil, "nginx does not answer: " .. front.stop()
  end
  return fronts
end

--- Stops it, where it runs.
---@return string output what it said
function front.stop()
  if not pipe then
    return ""
  end
  os.execute("kill $(cat " .. FOLDER .. "nginx.pid 2>/dev/null) 2>/dev/null")
  local output = pipe:read "*a"
  pipe:close()
  pipe = nil
  return output
end

return front
