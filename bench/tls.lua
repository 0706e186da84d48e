-- What the first and the second HTTPS connection of a process cost by the way in which certificates are trusted:
-- CPU time of a request over each. Run by `make bench-parts`.
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"

local ROUNDS = 5
local SYSTEM = "/etc/ssl/certs"
local WAYS = { -- in a directory of certificates of the specs
  { name = "ca_file with the system's certificates", option = "ca_file", path = "system.crt" },
  { name = "ca_path with the same", option = "ca_path", path = "system" },
  { name = "ca_file with one certificate", option = "ca_file", path = "ca.crt" },
}

local option, path, port = arg[1], arg[2], arg[3]

-- A process of its own: libcurl remembers what it has read.
if option then
  local anthropic = require "anthropic"
  anthropic.preload()
  local client = anthropic.new {
    base_url = "https://127.0.0.1:" .. port, api_key = "a key", max_retries = 0, [option] = path,
  }
  for _ = 1, 2 do -- the server closes each connection
    local began = os.clock()
    assert(client.messages.create { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } })
    print((os.clock() - began) * 1000)
  end
  os.exit(true)
end

local MESSAGE = '{"id":"msg","type":"message","role":"assistant","model":"m","content":[],"usage":{}}'
local directory = assert(certificates.make())
assert(os.execute(("cd %s && cat %s/ca-certificates.crt ca.crt >system.crt && mkdir system && "
  .. "cp -L %s/*.[0-9] authorities/*.[0-9] system"):format(directory, SYSTEM, SYSTEM)))
local here = directory .. "/here"
local server = child.start("spec/support/tls_server.lua", here .. ".crt", here .. ".key", MESSAGE, 60, "")
print "milliseconds of CPU of a request over the first and the second connection"
for _, way in ipairs(WAYS) do
  local least = {}
  for _ = 1, ROUNDS do
    local pipe = assert(io.popen(("%s bench/tls.lua %s %s/%s %d"):format(arg[-1], way.option, directory, way.path,
      server.port)))
    for i = 1, 2 do
      least[i] = math.min(least[i] or math.huge, assert(tonumber(pipe:read "*l")))
    end
    pipe:close()
  end
  print(("%-45s %5.1f %5.1f"):format(way.name, least[1], least[2]))
end
server:stop()
certificates.remove(directory)
