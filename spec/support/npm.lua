-- The npm packages that tools/peers installs.

local npm = {}

local MODULES = "build/npm/node_modules/"

--- Where the vendor's clients for other platforms are.
npm.PLATFORMS = "build/npm-platforms/node_modules/"

local function succeeds(command)
  local status = os.execute(command .. " >/dev/null 2>&1")
  return status == true or status == 0
end

--- The path of a package's file; nil and the reason where it is not there.
---@param file string
---@param modules? string the folder that it is in
function npm.find(file, modules)
  modules = modules or MODULES
  if not succeeds "command -v node" then
    return nil, "node is not installed"
  end
  local found = io.open(modules .. file)
  if not found then
    local package = file:match "^@[^/]*/[^/]*" or file:match "^[^/]*"
    return nil, package .. " is not installed (tools/peers installs it, where npm is there)"
  end
  found:close()
  return modules .. file
end

return npm
