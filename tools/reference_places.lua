-- What the annotations of the sources define, and on which page of the reference each of it stands: for
-- tools/reference.lua.
--
-- reference_pages.lua says which file stands on which page. A public module without a page (lua/anthropic/<name>.lua)
-- gets one of its own; a class without a page stands on the first one that names it. `---@private` keeps a function or
-- field out.

local annotations = require "tools.annotations"
local layout = require "tools.reference_pages"
local tool_files = require "tools.files"

local ROOT = "lua/anthropic/"

local PAGES = layout.pages

-- --- what there is -------------------------------------------------------------------------------

local files = {} -- path below ROOT -> { items, header }
local definitions = {} -- class or alias -> { item, file }

local function define(items, file)
  for _, item in ipairs(items) do
    if (item.kind == "class" or item.kind == "alias") and not definitions[item.name] then
      definitions[item.name] = { item = item, file = file }
    end
  end
end

for _, path in ipairs(tool_files.list("find " .. ROOT .. " -name '*.lua'")) do
  local items, header = annotations.read(path)
  local name = path:sub(#ROOT + 1)
  files[name] = { items = items, header = header }
  define(items, name)
end
local types = annotations.read "types/anthropic.lua"
define(types, "types")

-- Public modules without a page of their own.
local function add_pages()
  local has_page = { ["version.lua"] = true }
  for _, page in ipairs(PAGES) do
    for _, file in ipairs(page.files) do
      has_page[file] = true
    end
  end
  for _, path in ipairs(tool_files.list("find " .. ROOT .. " -maxdepth 1 -name '*.lua'")) do
    local file = path:sub(#ROOT + 1)
    local name = file:match "^(.*)%.lua$"
    if not has_page[file] then
      PAGES[#PAGES + 1] = {
        name = name, title = "Module anthropic." .. name, files = { file }, modules = { [file] = name },
        about = (table.concat(files[file].header, " "):match "^[^.;:]*"),
      }
    end
  end
  for _, page in ipairs(PAGES) do -- the class of a module without fields is its page
    for _, module in pairs(page.modules or {}) do
      local found = definitions["anthropic." .. module]
      if found and not found.item.fields[1] then
        layout.hidden[found.item.name] = true
        layout.resource_pages[found.item.name] = page.name .. ".md"
      end
    end
  end
  PAGES[#PAGES + 1] = {
    name = "types", title = "The API's types", about = "fields of requests, content blocks and events", files = {},
    is_of_api = true,
  }
end

-- --- what stands where ---------------------------------------------------------------------------

local place_of = {} -- class or alias -> the page it stands on

local function claim(page, name)
  local found = definitions[name]
  if found and not place_of[name] and not layout.hidden[name] then
    place_of[name] = page
    table.insert(page.items, found.item)
    return found.item
  end
end

local function is_public_class(item)
  return (item.kind == "class" or item.kind == "alias") and not layout.hidden[item.name]
end

local function each_type(item, f)
  for _, list in ipairs { item.params, item.returns, item.fields } do
    for _, tag in ipairs(list) do
      if not tag.is_private then
        f(tag.type)
      end
    end
  end
  for _, overload in ipairs(item.overloads) do
    f(overload)
  end
  if item.kind == "alias" then
    f(item.about)
  end
  f(item.parent or "")
end

-- How users write a function of a file; nil: it is not theirs.
local function call_of(page, file, item)
  if item.is_private or item.name:find "[.:]_" then
    return nil
  end
  local methods = page.methods and page.methods[file]
  if methods and item.name:sub(1, #methods[1]) == methods[1] then
    return methods[2] .. item.name:sub(#methods[1] + 1)
  end
  local owner, name = item.name:match "^([%w_]+)[.:]([%w_]+)$"
  local module = page.modules and page.modules[file]
  if not owner then
    return nil
  elseif module and files[file].returned == owner then
    return module .. "." .. name
  end
  for _, class in ipairs(files[file].items) do
    if class.kind == "class" and class.variable == owner and place_of[class.name] and item.name:find ":" then
      return (layout.objects[class.name] or class.name:match "[^.]+$":lower()) .. ":" .. name, class
    end
  end
end

-- The table that a file returns.
for name, file in pairs(files) do
  for line in io.lines(ROOT .. name) do
    file.returned = line:match "^return ([%w_]+)$" or line:match "^return setmetatable%(([%w_]+)," or file.returned
  end
end

local function arrange()
  for _, page in ipairs(PAGES) do
    page.items = {}
    for _, name in ipairs(page.classes or {}) do
      claim(page, name)
    end
  end
  for _, page in ipairs(PAGES) do
    for _, file in ipairs(page.files) do
      for _, item in ipairs(files[file].items) do
        if is_public_class(item) then
          claim(page, item.name)
        end
      end
    end
    if page.is_of_api then
      for _, item in ipairs(types) do
        if is_public_class(item) and item.name:find "^anthropic%.api%." then
          claim(page, item.name)
        end
      end
    end
  end
end

-- Classes that only their uses bring in, with those that they use in their turn.
local function follow_types(page)
  local function follow(item)
    each_type(item, function(text)
      for name in text:gmatch "anthropic%.[%w_.]*%w" do
        local claimed = not name:find "^anthropic%.api%." and not name:find "^anthropic%.resource%."
          and claim(page, name)
        if claimed then
          follow(claimed)
        end
      end
    end)
  end
  for _, file in ipairs(page.files) do
    for _, item in ipairs(files[file].items) do
      if (item.kind == "function" or item.kind == "value") and call_of(page, file, item) then
        follow(item)
      end
    end
  end
  for i = 1, #page.items do
    follow(page.items[i])
  end
end

add_pages()
arrange()
for _, page in ipairs(PAGES) do
  follow_types(page)
end

return { pages = PAGES, files = files, definitions = definitions, place_of = place_of, call_of = call_of }
