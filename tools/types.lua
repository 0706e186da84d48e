-- Prints the annotations of the API's types and methods, for editors: lua tools/types.lua > types/anthropic.lua
-- The types stand in tools/types.tsv (a name, and its fields or its alternatives), the methods in
-- lua/anthropic/api/resources.lua; those that do more are taken from where they are written.

package.path = "./?.lua;./lua/?.lua;" .. package.path

local annotations = require "tools.annotations"

local PRIMITIVES = { string = "string", number = "number", boolean = "boolean", unknown = "any", null = "nil" }

local known = {}
for line in io.lines "tools/types.tsv" do
  known[line:match "^([%w_]+)\t"] = true
end

local function class(name)
  return "anthropic.api." .. name
end

-- Splits at a separator that stands outside of brackets and quotes.
local function split(text, separator)
  local parts, depth, part = {}, 0, ""
  for char in text:gmatch "[%z\1-\127\194-\244][\128-\191]*" do
    depth = depth + (char:find "[<{(%[]" and 1 or char:find "[>})%]]" and -1 or 0)
    if char == separator and depth == 0 then
      parts[#parts + 1] = part
      part = ""
    else
      part = part .. char
    end
  end
  parts[#parts + 1] = part
  return parts
end

local function trim(text)
  return text:match "^%s*(.-)%s*$"
end

local translate

local function translate_one(word)
  local inner = word:match "^Array<(.*)>$"
  if inner then
    local item = translate(inner)
    return (item:find "|" and "(" .. item .. ")" or item) .. "[]"
  elseif word:match "^'.*'$" then
    return '"' .. word:sub(2, -2) .. '"'
  elseif word:match "^{%s*%[key: string%]:" then
    return "table<string, " .. translate(word:match ":%s*string%]:%s*(.-)%s*}$" or "unknown") .. ">"
  elseif word == "(string & {})" then -- any other string
    return "string"
  elseif word == "true" or word == "false" or tonumber(word) then
    return word
  end
  local name = word:match "([%w_]+)$"
  if PRIMITIVES[word] then
    return PRIMITIVES[word]
  elseif name and known[name] and word:match "^[%w_.]+$" then
    return class(name)
  end
  return "any"
end

-- Null is an absent field in Lua.
function translate(text)
  local words, seen = {}, {}
  for _, word in ipairs(split(trim(text):gsub("^|%s*", ""), "|")) do
    local translated = translate_one(trim(word))
    if translated ~= "nil" and not seen[translated] then
      seen[translated] = true
      words[#words + 1] = translated
    end
  end
  return #words > 0 and table.concat(words, "|") or "nil"
end

local function sorted(set)
  local names = {}
  for name in pairs(set or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- The results of methods: class -> whether one alone is returned, and pages of it.
local rows = require "anthropic.api.resources"
local is_result, is_item = {}, {}
for _, methods in pairs(rows) do
  for _, row in pairs(methods) do
    local result = row:match " returns=(%S+)"
    if result then
      assert(known[result], result .. " is not in tools/types.tsv")
      local set = row:find " pages=" and is_item or is_result
      set[result] = true
    end
  end
end

local function page_of(name)
  return "anthropic." .. name .. "Page"
end

local function print_class(name, fields)
  local parent = fields:match "^%(extends ([%w_]+)%)"
  print(("---@class %s%s"):format(class(name), parent and ": " .. class(parent) or ""))
  local has_messages = fields:find "messages: Array<" -- then the option `model` is for those that name none
  for _, field in ipairs(split(fields:gsub("^%(extends [%w_]+%)%s*", ""), "·")) do
    local label, optional, kind = trim(field):match "^([%w_]+)(%??):%s*(.+)$"
    if label then
      local is_filled_in = has_messages and label == "model"
      local nullable = is_filled_in or kind:find "|%s*null" or kind:find "null%s*|"
      print(("---@field %s%s %s"):format(label, (optional ~= "" or nullable) and "?" or "", translate(kind)))
    end
  end
  if is_result[name] then
    print "---@field response? anthropic.Response of a method's result; never encoded"
  end
  print ""
end

-- A list of one type: what its walks and methods return.
local function print_page(name)
  local item, page = class(name), page_of(name)
  print(("---@class %s: anthropic.Page"):format(page))
  print(("---@field data %s[]"):format(item))
  print(("---@field next fun(self: %s): %s?, anthropic.Error?"):format(page, item))
  print(("---@field next_page fun(self: %s): %s?, anthropic.Error?"):format(page, page))
  print(("---@overload fun(): %s\n"):format(item))
end

local function is_class(fields)
  return fields:match "^%(extends" or fields:match "^[%w_]+%??:%s"
end

-- `_`: no module. `require "anthropic"` leads to lua/anthropic/init.lua.
print [[
---@meta _
-- Written by tools/types.lua: do not edit.

]]
for line in io.lines "tools/types.tsv" do
  local name, fields = line:match "^([%w_]+)\t(.*)$"
  if is_class(fields) then
    print_class(name, fields)
  else
    print(("---@alias %s %s\n"):format(class(name), translate(fields)))
  end
end

for _, name in ipairs(sorted(is_item)) do
  print_page(name)
end

-- --- the methods ---------------------------------------------------------------------------------

local children = {} -- path -> list of names

local function add_child(path)
  local parent, name = path:match "^(.*)%.([^.]+)$"
  parent, name = parent or "", name or path
  children[parent] = children[parent] or {}
  if not children[parent][name] then
    children[parent][name] = true
    if parent ~= "" then
      add_child(parent)
    end
  end
end

local paths = {}
for path in pairs(rows) do
  add_child(path)
end
for path in pairs(children) do
  paths[path] = true
end
for path in pairs(rows) do
  paths[path] = true
end

local CLASSES = {
  [""] = "anthropic.Client",
  messages = "anthropic.Messages",
  ["messages.batches"] = "anthropic.Batches",
  ["beta.messages"] = "anthropic.BetaMessages",
  ["beta.messages.batches"] = "anthropic.BetaBatches",
}

local function resource_class(path)
  return CLASSES[path] or "anthropic.resource." .. path
end

local function signature(row)
  local arguments = {}
  for name in row:gmatch "{([%w_]+)}" do
    arguments[#arguments + 1] = name .. ": string"
  end
  arguments[#arguments + 1] = row:find " multipart" and "params: anthropic.UploadParams"
    or row:find " binary" and "params?: anthropic.DownloadParams" or "params?: table"
  arguments[#arguments + 1] = "options?: anthropic.Options"
  local named = row:match " returns=(%S+)"
  local result = row:find " pages=" and (named and page_of(named) or "anthropic.Page")
    or row:find " stream" and "anthropic.Stream"
    or row:find " binary" and "string|anthropic.Download|nil"
    or named and class(named) or "table"
  return ("fun(%s): %s, anthropic.Error?"):format(table.concat(arguments, ", "), result:gsub("^[%w_.]+$", "%0?"))
end

-- Methods with code of their own: the file, and how their names begin there.
local WRITTEN = {
  messages = { "lua/anthropic/client/messages.lua", "messages.methods." },
  ["messages.batches"] = { "lua/anthropic/helpers/batches/init.lua", "batches.methods." },
}

local function print_words(item)
  for _, line in ipairs(item.words) do
    print(("--- " .. line):match "^(.-)%s*$")
  end
end

-- An item as an overload of itself.
local function overload_of(item)
  local params, returns = {}, {}
  for i, param in ipairs(item.params) do
    params[i] = ("%s%s: %s"):format(param.name, param.is_optional and "?" or "", param.type)
  end
  for i, result in ipairs(item.returns) do
    returns[i] = result.type
  end
  return ("fun(%s): %s"):format(table.concat(params, ", "), table.concat(returns, ", "))
end

-- The tags of an item, as they are written above a function. Language servers take the function first, then its
-- overloads, and the first one that fits: the one with `stream = true` goes first, as it asks for more.
local function print_annotations(item, renamed)
  print_words(item)
  local first = item.overloads[1]
  if first and first:find "anthropic%.Stream%a*Params" then
    print("---@overload " .. renamed(overload_of(item)))
    local names, returns = first:match "^fun(%b()): (.*)$"
    for name, kind in names:sub(2, -2):gmatch "([%w_?]+): ([%w_.]+)" do
      print(("---@param %s %s"):format(name, renamed(kind)))
    end
    for kind in returns:gmatch "[^%s,]+" do
      print("---@return " .. kind)
    end
    return
  elseif first then
    print("---@overload " .. renamed(first):gsub("anthropic%.StreamCallbacks", "anthropic.AnyStreamCallbacks"))
  end
  for _, param in ipairs(item.params) do
    print(("---@param %s%s %s %s"):format(param.name, param.is_optional and "?" or "", renamed(param.type), param.words)
      :match "^(.-)%s*$")
  end
  for _, result in ipairs(item.returns) do
    print(("---@return %s %s"):format(result.type, result.words):match "^(.-)%s*$")
  end
end

local function print_methods(path)
  local written = WRITTEN[path:gsub("^beta%.", "")]
  if not written then
    return
  end
  local function renamed(text)
    return path:find "^beta%." and text:gsub("anthropic%.(%a*)Params", { Message = "anthropic.BetaMessageParams",
      Stream = "anthropic.BetaStreamParams" }) or text
  end
  local variable = resource_class(path):match "[^.]+$"
  print(("local %s = {}\n"):format(variable))
  for _, item in ipairs((annotations.read(written[1]))) do
    local name = item.name:sub(1, #written[2]) == written[2] and item.name:sub(#written[2] + 1)
    if name then
      local arguments = {}
      for i, param in ipairs(item.params) do
        arguments[i] = param.name
      end
      print_annotations(item, renamed)
      print(("function %s.%s(%s) end\n"):format(variable, name, table.concat(arguments, ", ")))
    end
  end
end

print [[
---@class anthropic.MessageParams: anthropic.api.MessageCreateParamsBase the fields of the request as the API defines
---  them; the ones below are for older models, for gateways, and for servers that speak chat completion
---@field temperature? number from 0 to 1
---@field top_p? number from 0 to 1
---@field top_k? integer
---@field n? integer how many answers, where the server can send several: `message.choices`
---@field stop? string|string[] chat completion's word for `stop_sequences`
---@field presence_penalty? number
---@field frequency_penalty? number
---@field logit_bias? table<integer|string, number>
---@field response_format? { type: string }
---@field user? string
---@field seed? integer
---@field betas? string[] sent as `anthropic-beta`

---@class anthropic.StreamParams: anthropic.MessageParams
---@field stream true

---@class anthropic.BetaMessageParams: anthropic.api.BetaMessageCreateParamsBase the fields of the request as the API
---  defines them
---@field betas? string[] sent as `anthropic-beta`

---@class anthropic.BetaStreamParams: anthropic.BetaMessageParams
---@field stream true
]]

-- What calls back has one of its fields at least: else options alone would fit, too.
local function print_callbacks(name, fields)
  local classes = {}
  for i, field in ipairs(fields) do
    classes[i] = name .. "." .. field.name
    print(("---@class %s: %s\n---@field %s %s\n"):format(classes[i], name, field.name, field.type))
  end
  print(("---@alias %s %s\n"):format(name:gsub("%.", ".Any"), table.concat(classes, "|")))
end

for _, item in ipairs((annotations.read "lua/anthropic/stream/callbacks.lua")) do
  if item.name == "anthropic.StreamCallbacks" then
    print_callbacks(item.name, item.fields)
  end
end

for _, path in ipairs(sorted(paths)) do
  print("---@class " .. resource_class(path))
  for _, name in ipairs(sorted(children[path])) do
    print(("---@field %s %s"):format(name, resource_class(path == "" and name or path .. "." .. name)))
  end
  for _, name in ipairs(sorted(rows[path])) do
    if name ~= "beta" then
      print(("---@field %s %s"):format(name, signature(rows[path][name])))
    end
  end
  print_methods(path)
  print ""
end
