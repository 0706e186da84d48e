-- Holds the documentation to the models of tools/models.tsv.
--
--     lua tools/models.lua                        every model that is named may be named there
--     lua tools/models.lua release [YYYY-MM-DD]   and none ends within half a year of the day (default: today)
--     lua tools/models.lua write                  puts the model of the docs where another one is named
--
-- A dated name (claude-x-4-5-20250929) is its alias; so is one of a platform (anthropic.claude-x-4-5-20250929-v1:0).
-- To move the docs to another model: give it the "docs" in models.tsv, then `make models`.

package.path = "./?.lua;" .. package.path

local files = require "tools.files"

local HALF_A_YEAR = 183 * 24 * 60 * 60

local PLACES = "README.md doc examples lua"

local models = {} -- name -> { ends, kind, places }
local of_docs

local function read_table()
  for line in io.lines "tools/models.tsv" do
    local name, ends, kind, places = line:match "^([^#\t]+)\t([%d-]*)\t(%a+)\t(.*)$"
    assert(name or line:find "^#", "tools/models.tsv: " .. line)
    if name then
      models[name] = { ends = ends, kind = kind, places = places }
      assert(places ~= "docs" or not of_docs, "tools/models.tsv: two models of the docs")
      of_docs = places == "docs" and name or of_docs
    end
  end
  assert(of_docs, "tools/models.tsv: no model of the docs")
end

-- The reference and Neovim's help are written from `lua`, from pages, and from the API's own list of models.
local function paths()
  return files.list("find " .. PLACES
    .. " -type f ! -name '*.so' ! -name '*.svg' ! -path 'doc/reference/*' ! -path 'doc/*.txt'")
end

local function alias_of(name)
  return (name:gsub("%-v%d+:?%d*$", ""):gsub("[-@]20%d%d%d%d%d%d$", ""))
end

-- Calls with each model that a text names; what that returns takes its place.
local function each_name(text, f)
  return (text:gsub("()(claude%-[%w@:-]*%w)", function(start, name)
    local is_inside = text:sub(math.max(start - 1, 1), start - 1):find "[%w_-]"
    return not is_inside and f(name) or nil
  end))
end

local function may_be_named(model, path)
  for place in model.places:gmatch "%S+" do
    if place == "docs" or path:sub(1, #place) == place then
      return true
    end
  end
  return false
end

local function seconds_of(day)
  local year, month, date = day:match "^(%d+)%-(%d+)%-(%d+)$"
  return os.time { year = assert(tonumber(year), day), month = tonumber(month), day = tonumber(date), hour = 12 }
end

local problems = {}

local function note(path, name, words)
  local problem = ("%s: %s %s"):format(path, name, words)
  if not problems[problem] then
    problems[problem] = true
    problems[#problems + 1] = problem
  end
end

-- `today`: of a release, in seconds; nil: not asked.
local function check(path, today)
  each_name(files.read(path), function(name)
    local model = models[alias_of(name)]
    if not model then
      note(path, name, "is not in tools/models.tsv")
    elseif not may_be_named(model, path) then
      note(path, name, "is not the model of the docs, " .. of_docs .. ": make models")
    elseif today and model.kind ~= "kept" and seconds_of(model.ends) - today < HALF_A_YEAR then
      note(path, name, "ends on " .. model.ends)
    end
  end)
end

local function replace(path)
  local text = files.read(path)
  local replaced = each_name(text, function(name)
    local model = models[alias_of(name)]
    return model and not may_be_named(model, path) and of_docs or nil
  end)
  if replaced ~= text then
    files.write(path, replaced)
    print(path)
  end
end

local command, day = arg[1], arg[2]
assert(command == nil or command == "release" or command == "write", "usage: models.lua [release [DAY] | write]")
read_table()
for _, path in ipairs(paths()) do
  if command == "write" then
    replace(path)
  else
    check(path, command == "release" and (day and seconds_of(day) or os.time()) or nil)
  end
end
if #problems > 0 then
  io.stderr:write(table.concat(problems, "\n"), "\n")
  os.exit(1)
end
