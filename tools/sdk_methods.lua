-- Compares the methods of lua/anthropic/api/resources.lua with those of the vendor's TypeScript SDK:
--
--     lua tools/sdk_methods.lua PACKAGE      the unpacked package: what one of the two lacks is printed, and it fails
--
-- A method is its resource, its name, the HTTP method and the shape of the path.

package.path = "./?.lua;" .. package.path

local files = require "tools.files"

local package_path = assert(arg[1], "the folder of the unpacked package")

-- client/messages.lua has these.
local ELSEWHERE = {
  ["messages.create POST v1/messages"] = true,
  ["beta.messages.create POST v1/messages"] = true,
}

local VERBS = { get = "GET", getAPIList = "GET", post = "POST", put = "PUT", patch = "PATCH", delete = "DELETE" }

local function snake_case(name)
  name = name:gsub("[%-/]", { ["-"] = "_", ["/"] = "." }):gsub("OAuth", "Oauth")
  return (name:gsub("(%l)(%u)", "%1_%2"):gsub("(%u)(%u%l)", "%1_%2"):lower())
end

-- resources/beta/agents/agents.js is the resource beta.agents
local function resource_of(path)
  local name = path:match "/resources/(.*)%.js$"
  local folder, last = name:match "([^/]+)/([^/]+)$"
  if folder and folder == last then
    name = name:sub(1, -#last - 2)
  end
  return snake_case(name)
end

local function methods_of_sdk()
  local methods, count = {}, 0
  for _, path in ipairs(files.list(("find '%s/resources' -name '*.js'"):format(package_path))) do
    local method
    for line in io.lines(path) do
      method = line:match "^%s+async (%w+)%(.*{$" or line:match "^%s+(%w+)%(.*{$" or method
      local verb, rest = line:match "this%._client%.(%a+)(%(.*)$"
      local url = rest and (rest:match "^%('/([^'?]*)" or rest:match "`/([^`?]*)")
      if VERBS[verb] and url then
        local shape = url:gsub("%${[^}]*}", "{}")
        methods[("%s.%s %s %s"):format(resource_of(path), snake_case(method), VERBS[verb], shape)] = true
        count = count + 1
      end
    end
  end
  assert(count > 0, package_path .. " has no methods: is it the unpacked package?")
  return methods, count
end

local function methods_of_library()
  local methods = {}
  for resource, rows in pairs(dofile "lua/anthropic/api/resources.lua") do
    for method, row in pairs(rows) do
      local verb, url = row:match "^(%u+) (%S+)"
      if verb then
        methods[("%s.%s %s %s"):format(resource, method, verb, url:gsub("{[^}]*}", "{}"))] = true
      end
    end
  end
  return methods
end

local function print_missing(from, other, words)
  local list = {}
  for method in pairs(from) do
    if not other[method] and not ELSEWHERE[method] then
      list[#list + 1] = method
    end
  end
  table.sort(list)
  for _, method in ipairs(list) do
    print(words .. method)
  end
  return #list
end

local sdk, count = methods_of_sdk()
local own = methods_of_library()
local missing = print_missing(sdk, own, "the library lacks ") + print_missing(own, sdk, "the SDK lacks ")
print(("%d methods of the SDK; differences: %d"):format(count, missing))
os.exit(missing == 0)
