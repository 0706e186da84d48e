-- The npm packages that tools/peers installs.

local npm = {}

local MODULES = "build/npm/node_modules/"

local function succeeds(command)
  local status = os.execute(command .. " >/dev/null 2>&1")
  return status == true or status == 0
end

--- The path of a package's file; nil and the reason where it is not there.
function npm.find(file)
  if not succeeds "command -v node" then
    return nil, "node is not installed"
  end
  local found = io.open(MODULES .. file)
  if not found then
    return nil, file:match("^@[^/]*/[^/]*") .. " is not installed (tools/peers installs it, where npm is there)"
  end
  found:close()
  return MODULES .. file
end

return npm
