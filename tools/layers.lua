-- The layers of the house: draws who requires whom, and fails where a file requires one of a layer below its
-- own. `lua5.4 tools/layers.lua -v` draws each arrow.
--
-- Lua: the public files at the top and testing/ may require anything, and nothing requires them. A module named in
-- a string (`package.loaded["..."]`, `require("anthropic.loop." .. name)`) is required too.
-- C: a file includes its own folder or one further up; decode and json do not know each other. A .c file and its
-- header are one unit, and no unit includes itself by way of others.

package.path = "./?.lua;" .. package.path

local files = require "tools.files"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local LUA = { "base", "loop", "http", "message", "stream", "platforms", "api", "helpers", "client" }
local C = { "port", "util", "decode", "json", "net", "lua" }

local function ranks(names)
  local rank = {}
  for i, name in ipairs(names) do
    rank[name] = i
  end
  return rank
end

local lua_rank, c_rank = ranks(LUA), ranks(C)
local problems, arrows, sizes = {}, {}, {}
local units, includes = {}, {} -- of C: their names in order, and what each includes

local function note(from, to, path, target)
  local key = from .. " -> " .. to
  arrows[key] = arrows[key] or {}
  table.insert(arrows[key], path .. ": " .. target)
end

local function count(layer, text)
  local size = sizes[layer] or { files = 0, lines = 0 }
  sizes[layer] = size
  size.files, size.lines = size.files + 1, size.lines + select(2, text:gsub("\n", "\n"))
end

local function without_comments(text)
  return ("\n" .. text):gsub("\n%s*%-%-[^\n]*", "\n")
end

-- The folder or public file that a module's name begins with; nil where it is not the library's. `is_whole`: the
-- name is no beginning.
local function place_of(target, is_whole)
  local name, rest = target:match "^anthropic%.([a-z_]+)(.*)$"
  if is_whole and rest == "" and lua_rank[name] and io.open("lua/anthropic/" .. name .. ".lua") then -- a folder's face
    return "public " .. name
  end
  local is_there = lua_rank[name] or name == "testing" or io.open("lua/anthropic/" .. name .. ".lua")
  return is_there and name ~= "version" and name or nil
end

local function is_wrong(layer, place)
  if layer == "public" or place == layer then
    return false
  end
  return layer == "testing" or not lua_rank[place] or lua_rank[place] > lua_rank[layer]
end

local function check_lua(path)
  local text = files.read(path)
  local layer = path:match "^lua/anthropic/([a-z_]+)/" or "public"
  count(layer, text)
  for target, after in without_comments(text):gmatch "[\"'](anthropic%.[a-z_.]*[a-z_])([\"'.])" do
    local place = place_of(target, after ~= ".")
    if place and place ~= layer then
      note(layer, place, path, target)
    end
    if place and is_wrong(layer, place) then
      problems[#problems + 1] = ("%s (%s) requires %s"):format(path, layer, target)
    end
  end
end

local function check_c(path)
  local text = files.read(path)
  local layer = path:match "^src/([a-z]+)/"
  local unit = path:match "^src/(.*)%.[ch]$"
  count("src/" .. layer, text)
  if not includes[unit] then
    units[#units + 1] = unit
    includes[unit] = {}
  end
  for target in text:gmatch '#include "([^"]+)"' do
    local below = target:match "^([a-z]+)/"
    table.insert(includes[unit], (target:match "^(.*)%.h$"))
    if not c_rank[below] then
      problems[#problems + 1] = ("%s includes %s, which is in no layer"):format(path, target)
    elseif below ~= layer then
      note("src/" .. layer, "src/" .. below, path, target)
      if c_rank[below] > c_rank[layer] or layer == "json" and below == "decode" then
        problems[#problems + 1] = ("%s (%s) includes %s"):format(path, layer, target)
      end
    end
  end
end

-- Follows the includes of a unit; `way` lists the units that led to it, and says of each that it is on it.
local function find_circles(unit, way, is_known)
  if way[unit] then
    table.insert(way, unit)
    problems[#problems + 1] = "the includes go round: " .. table.concat(way, " -> ", way[unit])
    table.remove(way)
  elseif not is_known[unit] then
    is_known[unit] = true
    table.insert(way, unit)
    way[unit] = #way
    for _, target in ipairs(includes[unit] or {}) do
      if target ~= unit then
        find_circles(target, way, is_known)
      end
    end
    way[unit] = nil
    table.remove(way)
  end
end

for _, path in ipairs(files.list("find lua/anthropic -name '*.lua'")) do
  check_lua(path)
end
for _, path in ipairs(files.list("find src -name '*.[ch]'")) do
  check_c(path)
end
local is_known = {}
for _, unit in ipairs(units) do
  find_circles(unit, {}, is_known)
end

local function draw(prefix, ...)
  local layers = { ... }
  for _, layer in ipairs(layers) do
    local size = sizes[prefix .. layer]
    if size then
      local to = {}
      for _, other in ipairs(layers) do
        local list = arrows[prefix .. layer .. " -> " .. prefix .. other]
        to[#to + 1] = list and ("%s %d"):format(other, #list)
      end
      local form = "%-14s %3d files %6d lines   -> %s"
      print(form:format(prefix .. layer, size.files, size.lines, table.concat(to, ", ")))
    end
  end
end

if arg[1] == "-v" then
  draw("", "public", "testing", unpack(LUA))
  draw("src/", unpack(C))
  for key, list in pairs(arrows) do
    print(key .. "\n  " .. table.concat(list, "\n  "))
  end
end
for _, problem in ipairs(problems) do
  print("layers: " .. problem)
end
os.exit(#problems == 0)
