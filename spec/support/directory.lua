-- A directory of its own for a spec.
--
--     local directory = require("spec.support.directory").new()
--     local path = directory:write("a.txt", "text")
--     directory:remove()

local Directory = {}
Directory.__index = Directory

local directory = {}

function directory.new()
  local pipe = io.popen "mktemp -d"
  local path = pipe:read "*l"
  pipe:close()
  return setmetatable({ root = assert(path) }, Directory)
end

function Directory:path(name)
  return self.root .. "/" .. name
end

function Directory:run(command)
  local pipe = io.popen(("cd '%s' && (%s) 2>&1"):format(self.root, command))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

function Directory:write(name, bytes)
  local file = assert(io.open(self:path(name), "wb"))
  file:write(bytes)
  file:close()
  return self:path(name)
end

function Directory:read(name)
  local file = assert(io.open(self:path(name), "rb"))
  local bytes = file:read "*a"
  file:close()
  return bytes
end

--- What is in it, sorted, hidden files too.
function Directory:names()
  local names = {}
  for name in self:run("ls -A"):gmatch "[^\n]+" do
    names[#names + 1] = name
  end
  return names
end

function Directory:remove()
  os.execute("rm -rf '" .. self.root .. "'")
end

return directory
