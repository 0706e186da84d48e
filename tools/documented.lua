-- Compares what the library exports with doc/reference, both ways: lua tools/documented.lua
--
-- Exported is what a program can reach: the fields of public modules, the methods of their objects, the options that
-- are checked, the endpoints, the environment's variables. `---@private` is for what only the library calls. The
-- modules are loaded without the C core, so nothing has to be built.

package.path = "./?.lua;./lua/?.lua;./lua/?/init.lua;" .. package.path

local annotated = require "tools.annotated"
local files = require "tools.files"
local tables = require "anthropic.base.tables"

local nothing = setmetatable({}, { __index = function() return function() return {} end end })
package.preload["anthropic.base.core"] = function() return nothing end

local problems = {}

local function complain(...)
  problems[#problems + 1] = string.format(...)
end

-- --- the reference -------------------------------------------------------------------------------

local calls = {} -- "stream:next" -> page
local classes = {} -- "anthropic.Options" -> { name -> type as the page shows it }
local endpoints = {} -- "models.list" -> true

local function read_row(page, line, class, resource)
  local name, rest = line:match "^| `([^`]*)` | (.*)$"
  if not name then
    return
  elseif resource then
    endpoints[resource .. "." .. name:match "^[%w_]+"] = true
  elseif rest:find "^%s*|" then
    complain("doc/reference/%s.md: `%s` has no type", page, name)
  end
  if class then
    class[name:gsub("%?$", "")] = rest
  end
end

local function read_page(path)
  local page, class, resource, kind = path:match "([%w_]+)%.md$", nil, nil, nil
  for line in io.lines(path) do
    local call = line:match "^## `([%w_.:]+)%("
    local path_of_resource = line:match "^## `client%.([%w_.]+)`$"
    local name = line:match "^## (anthropic[%w_.]*)$"
    if call or path_of_resource or name then
      class, resource, kind = nil, path_of_resource, nil
    end
    if call then
      calls[call] = page
    elseif name then
      classes[name] = {}
      class = classes[name]
    end
    kind = line:match "^| (%a+) |" or kind
    read_row(page, line, (kind == "field" or kind == "value") and class or nil, resource)
  end
end

for _, path in ipairs(files.list "ls doc/reference/*.md") do
  if not path:find "README" then
    read_page(path)
  end
end

local ROOT = "lua/anthropic/"
local sources = files.list("find " .. ROOT .. " -name '*.lua'")
local items_of, is_private = annotated.check(sources, complain)

-- --- what there is -------------------------------------------------------------------------------

local function module_of(path)
  return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

-- A local of a file by its name: an upvalue of a function that the module's table leads to, or the `__index` of a
-- metatable that has the name as its `__name`.
local function find_local(value, name, source, seen)
  seen = seen or {}
  if seen[value] then
    return nil
  end
  seen[value] = true
  if type(value) == "table" then
    if rawget(value, "__name") == name and type(value.__index) == "table" then
      return value.__index
    end
    for _, member in pairs(value) do
      local found = (type(member) == "function" or type(member) == "table") and find_local(member, name, source, seen)
      if found then
        return found
      end
    end
    local metatable = getmetatable(value)
    return type(metatable) == "table" and find_local(metatable, name, source, seen) or nil
  end
  if debug.getinfo(value, "S").source ~= "@" .. source then
    return nil
  end
  for i = 1, math.huge do
    local label, member = debug.getupvalue(value, i)
    if not label then
      return nil
    elseif label == name and type(member) ~= "function" then
      return member
    elseif type(member) == "function" or type(member) == "table" and label ~= "_ENV" then
      local found = find_local(member, name, source, seen)
      if found then
        return found
      end
    end
  end
end

local function source_of(module)
  for _, form in ipairs { "./lua/%s.lua", "./lua/%s/init.lua" } do
    local path = form:format((module:gsub("%.", "/")))
    local file = io.open(path)
    if file then
      file:close()
      return path
    end
  end
  error("no module " .. module)
end

local function own_local(module, name)
  local source = source_of(module)
  local found = find_local(require(module), name, source)
  if not found then
    error(("%s has no local %s"):format(source, name))
  end
  return found
end

-- `found`: a set; `documented`: a set; both must be the same.
local function compare(what, found, documented)
  for name in pairs(found) do
    if not documented[name] then
      complain("%s: `%s` is not in the reference", what, name)
    end
  end
  for name in pairs(documented) do
    if not found[name] then
      complain("%s: the reference has `%s`, which does not exist", what, name)
    end
  end
end

local function documented_calls(prefix)
  local set = {}
  for call in pairs(calls) do
    local name = call:sub(1, #prefix) == prefix and call:sub(#prefix + 1)
    if name and name:find "^[%w_]+$" then
      set[name] = true
    end
  end
  return set
end

local function merged(...)
  local whole = {}
  for i = 1, select("#", ...) do
    for name in pairs((select(i, ...))) do
      whole[name] = true
    end
  end
  return whole
end

-- The fields of a module, those that are loaded later among them.
local function exports_of(module)
  local value, found = require(module), {}
  for name in pairs(value) do
    found[name] = true
  end
  local index = (getmetatable(value) or {}).__index
  for i = 1, type(index) == "function" and math.huge or 0 do
    local label, lazy = debug.getupvalue(index, i)
    if not label then
      break
    elseif type(lazy) == "table" and label ~= "_ENV" and lazy ~= value then
      found = merged(found, lazy)
    end
  end
  return found
end

local function without_private(found, path, owner)
  local public = {}
  for name in pairs(found) do
    if type(name) == "string" and not name:find "^_" and not is_private[path][owner .. name] then
      public[name] = true
    end
  end
  return public
end

local function returned_by(path)
  local text = files.read(path)
  return text:match "\nreturn ([%w_]+)\n*$" or text:match "\nreturn setmetatable%(([%w_]+),"
end

-- How users name a module, whose fields are documented one by one. A driver has those of all drivers, too, and flags.
local MODULES = {
  ["anthropic"] = "anthropic", ["anthropic.loop"] = "loop", ["anthropic.loop.frame"] = "loop.frame",
  ["anthropic.loop.coroutines"] = "loop.coroutines", ["anthropic.testing"] = "testing",
}
for _, path in ipairs(files.list("ls " .. ROOT .. "*.lua")) do
  local name = path:match "([%w_]+)%.lua$"
  if name ~= "init" and name ~= "version" then
    MODULES["anthropic." .. name] = name
  end
end

for module, name in pairs(MODULES) do
  local path = source_of(module):sub(3)
  local found = without_private(exports_of(module), path, returned_by(path) .. ".")
  for field in pairs(found) do
    if name == "loop.frame" and (classes["anthropic.Driver"][field] or require(module)[field] == true) then
      found[field] = nil
    end
  end
  compare(module, found, merged(documented_calls(name .. "."), classes[module] or {}))
end

-- Methods. An object is called by the last word of its class, but for these.
local OBJECTS = require("tools.reference_pages").objects

for path, items in pairs(items_of) do
  for _, item in ipairs(items) do
    if item.kind == "class" and item.variable and classes[item.name] and not MODULES[item.name] then
      local module = require(module_of(path))
      local methods = find_local(module, item.variable, "./" .. path) or find_local(module, item.name, "./" .. path)
      local found = {}
      for name, value in pairs(methods or {}) do
        found[name] = type(value) == "function" or nil
      end
      local object = (OBJECTS[item.name] or item.name:match "[^.]+$":lower()) .. ":"
      compare(item.name, without_private(found, path, item.variable .. ":"), documented_calls(object))
    end
  end
end

-- --- options and fields that are checked ---------------------------------------------------------

local function words_of(text)
  local set = {}
  for word in text:gmatch "[%w_]+" do
    set[word] = true
  end
  return set
end

local ANSWERS, SCRIPT = "anthropic.testing.answers", "anthropic.testing.script"

-- A class, and the tables of code that check its fields.
local CHECKED = {
  { "anthropic.Options", own_local("anthropic.http.options", "ROWS") },
  { "anthropic.Timeouts", own_local("anthropic.http.options", "TIMEOUTS") },
  { "anthropic.MapSettings", require("anthropic.helpers.concurrent").settings },
  { "anthropic.StreamCallbacks", require("anthropic.stream.callbacks").settings },
  { "anthropic.BatchSettings", require("anthropic.helpers.batches").methods.run.settings },
  { "anthropic.RunParams", own_local("anthropic.helpers.run_params", "OWN"), { tools = true } },
  {
    "anthropic.ToolFields",
    own_local("anthropic.helpers.tools", "OWN"), own_local("anthropic.helpers.tools", "SENT"),
  },
  { "anthropic.RequestParams", own_local("anthropic.api.endpoint", "FIELDS") },
  { "anthropic.testing.ServerOptions", own_local("anthropic.testing", "option_types") },
  { "anthropic.testing.Answer", own_local(SCRIPT, "answer_fields") },
  { "anthropic.testing.Event", own_local(SCRIPT, "event_fields") },
  { "anthropic.testing.Route", own_local(SCRIPT, "route_fields") },
  { "anthropic.testing.Pace", tables.set(own_local(ANSWERS, "answer_fields")) },
  { "anthropic.testing.MessageFields", words_of(own_local(ANSWERS, "message_fields")) },
}

for _, row in ipairs(CHECKED) do
  compare(row[1], merged(row[2], row[3] or {}), classes[row[1]] or {})
end

-- Names of an answer that are the library's own.
for class, module in pairs {
  ["anthropic.Message"] = "anthropic.message.message", ["anthropic.Page"] = "anthropic.api.pages",
} do
  local object = class:match "[^.]+$":lower() .. ":"
  for name in pairs(own_local(module, "OWN")) do
    if not classes[class][name] and not calls[object .. name] then
      complain("%s: `%s` is not in the reference", class, name)
    end
  end
end

-- --- errors --------------------------------------------------------------------------------------

local function in_quotes(set)
  local quoted = {}
  for name in pairs(set) do
    quoted['"' .. name .. '"'] = true
  end
  return quoted
end

-- Where an error's kind is worked out, it is `api` or `timeout`.
local kinds, types = {}, {}
for _, path in ipairs(sources) do
  local text = files.read(path)
  for fields in text:gmatch "errors%.new%s*%(?%s*(%b{})" do
    kinds[fields:match 'kind = "([%w_]+)"' or ""] = true
    types[fields:match '[^%w_]type = "([%w_]+)"' or ""] = true
  end
end
kinds[""], types[""] = nil, nil
compare("anthropic.ErrorKind", in_quotes(merged(kinds, { api = true, timeout = true })),
  classes["anthropic.ErrorKind"] or {})
compare("anthropic.ErrorType", in_quotes(merged(require("anthropic.base.error").STATUS_OF_TYPE, types)),
  classes["anthropic.ErrorType"] or {})

-- --- endpoints, variables, the command -----------------------------------------------------------

local function methods_of(module)
  return require(module).methods
end

local found = {}
for path, rows in pairs(require "anthropic.api.resources") do
  for name in pairs(rows) do
    found[path .. "." .. name] = name ~= "beta" or nil
  end
end
compare("the resources", found, endpoints)
compare("client.messages", methods_of "anthropic.client.messages", documented_calls "client.messages.")
compare("client.messages.batches", methods_of "anthropic.helpers.batches", documented_calls "client.messages.batches.")

-- `pattern` finds a name in code; `form` is how the page writes it.
local function compare_words(path, pattern, page, form)
  local text = files.read("doc/reference/" .. page .. ".md")
  for name in files.read(path):gmatch(pattern) do
    if not text:find(form:format(name), 1, true) then
      complain("%s: `%s` is not in doc/reference/%s.md", path, form:format(name), page)
    end
  end
end

compare_words(ROOT .. "http/options.lua", 'environment%(?"([%u_]+)"', "options", "$%s")
compare_words(ROOT .. "testing/command.lua", "\n  %-%-(%l+)", "testing", "--%s")
for event in pairs(own_local("anthropic.http.log", "LEVEL_OF_EVENT")) do
  if not (classes["anthropic.LogRecord"].event or ""):find('"' .. event .. '"', 1, true) then
    complain("anthropic.LogRecord: the event %q is not in the reference", event)
  end
end

table.sort(problems)
if #problems > 0 then
  io.stderr:write(table.concat(problems, "\n"), "\n")
  os.exit(1)
end
