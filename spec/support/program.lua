-- Programs that run beside the specs, ended by process id, and by themselves after a minute.

local socket = require "socket"

local program = {}

--- A directory of its own, with a certificate for 127.0.0.1 in it: directory.."/cert.pem", "/key.pem".
function program.directory_with_certificate()
  local pipe = assert(io.popen [[
    directory=$(mktemp -d) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
      -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
      -keyout "$directory/key.pem" -out "$directory/cert.pem" 2>/dev/null && echo "$directory"]])
  local directory = pipe:read("*l")
  pipe:close()
  return assert(directory, "openssl made no certificate")
end

function program.remove(directory)
  os.execute("rm -r '" .. directory .. "'")
end

function program.free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

--- Starts a command that listens on the port, and waits until it does. Gives its process id.
function program.start(command, port)
  local pipe = assert(io.popen("PATH=$PATH:/usr/sbin; timeout -s KILL 60 " .. command .. " >/dev/null 2>&1 & echo $!"))
  local pid = pipe:read("*l")
  pipe:close()
  for _ = 1, 250 do
    local client = socket.connect("127.0.0.1", port)
    if client then
      client:close()
      return pid
    end
    socket.sleep(0.02)
  end
  program.stop(pid)
  error("not started: " .. command)
end

--- Ends it at once, as if its minute were over (nghttpd may have blocked any other signal).
function program.stop(pid)
  os.execute("kill -s ALRM " .. pid .. " 2>/dev/null")
end

--- The interpreter that runs this.
function program.interpreter()
  local lowest = 0
  while arg[lowest - 1] do
    lowest = lowest - 1
  end
  return arg[lowest]
end

return program
