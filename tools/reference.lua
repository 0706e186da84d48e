-- Writes the reference, a page for each subject, from the annotations of the sources:
--
--     lua tools/reference.lua [DIRECTORY]      default: doc/reference
--
-- reference_places.lua says what stands on which page.

package.path = "./?.lua;./lua/?.lua;" .. package.path

local layout = require "tools.reference_pages"
local places = require "tools.reference_places"
local tool_files = require "tools.files"

local PAGES, files, definitions = places.pages, places.files, places.definitions
local place_of, call_of = places.place_of, places.call_of

-- --- what pages are made of ----------------------------------------------------------------------

local out

local function put(...)
  out[#out + 1] = table.concat { ... }
end

local function anchor_of(heading)
  return (heading:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-"))
end

local function code(text)
  return text ~= "" and "`" .. text:gsub("|", "\\|") .. "`" or ""
end

-- A type, with the classes in it as links.
local function linked(text, page)
  local pieces, position = {}, 1
  for first, name, last in text:gmatch "()(anthropic%.[%w_.]*%w)()" do
    local target = place_of[name]
    if layout.resource_pages[name] then
      pieces[#pieces + 1] = code(text:sub(position, first - 1))
      pieces[#pieces + 1] = ("[`%s`](%s)"):format(name, layout.resource_pages[name])
      position = last
    elseif target and text:sub(first - 1, first - 1) ~= '"' then
      local place = target == page and "" or target.name .. ".md"
      pieces[#pieces + 1] = code(text:sub(position, first - 1))
      pieces[#pieces + 1] = ("[`%s`](%s#%s)"):format(name, place, anchor_of(name))
      position = last
    end
  end
  pieces[#pieces + 1] = code(text:sub(position))
  return table.concat(pieces)
end

local function cell(text)
  return (text:gsub("|", "\\|"))
end

-- Words, with the classes that they name as links, but for those in code.
local function with_links(text, page)
  return ((text .. "``"):gsub("([^`]*)(`[^`]*`)", function(words, span)
    words = words:gsub("()(anthropic%.[%w_.]*%w)", function(first, name)
      local is_inside = words:sub(first - 1, first - 1):find "[%[#/\"]"
      return place_of[name] and not is_inside and linked(name, page) or nil
    end)
    return words .. span
  end):gsub("``$", ""))
end

local function put_rows(head, rows, page)
  local is_open = false
  for _, row in ipairs(rows) do
    if not row.is_private then
      if not is_open then
        put("| ", head, " | type | |")
        put "|---|---|---|"
        is_open = true
      end
      local name = code(row.name .. (row.is_optional and "?" or ""))
      put("| ", name, " | ", linked(row.type, page), " | ", cell(with_links(row.words, page)), " |")
    end
  end
  if is_open then
    put ""
  end
end

-- A result's name is the first word behind its type.
local function put_results(results, page)
  local rows = {}
  for i, result in ipairs(results) do
    local name, words = result.words:match "^([%w_.]+)%s*(.*)$"
    rows[i] = { name = name or "", type = result.type, words = words or result.words }
  end
  put_rows("result", rows, page)
end

local function put_words(words, page)
  if #words > 0 and table.concat(words):find "%S" then
    put(with_links(table.concat(words, "\n"):gsub("^%s+", ""):gsub("\n+$", ""), page))
    put ""
  end
end

local function put_function(call, item, page)
  local names = {}
  for _, param in ipairs(item.params) do
    names[#names + 1] = param.name .. (param.is_optional and "?" or "")
  end
  if item.arguments and item.arguments[#item.arguments] == "..." and names[#names] ~= "..." then
    names[#names + 1] = "..."
  end
  put("## `", call, item.kind == "function" and "(" .. table.concat(names, ", ") .. ")" or "", "`")
  put ""
  put_words(item.words, page)
  put_rows("parameter", item.params, page)
  put_results(item.returns, page)
  for _, overload in ipairs(item.overloads) do
    put("Also ", (linked(overload:gsub("^fun", call), page):gsub("\\|", "|")))
    put ""
  end
  if item.kind == "value" and item.type then
    put("Type: ", linked(item.type, page), item.about ~= "" and " " or "", item.about)
    put ""
  end
end

local function put_class(item, page)
  put("## ", item.name)
  put ""
  local about = {}
  if item.about ~= "" then
    about[1] = item.about:gsub("^%l", string.upper):gsub("([^.])$", "%1.")
  end
  if item.parent then
    about[#about + 1] = "Has all fields of " .. linked(item.parent, page) .. "."
  end
  put_words(item.words, page)
  put_words(about, page)
  put_rows("field", item.fields, page)
end

local function put_alias(item, page)
  put("## ", item.name)
  put ""
  put_words(item.words, page)
  if #item.values == 0 then
    put((linked(item.about, page):gsub("\\|", "|")))
    put ""
    return
  elseif item.about ~= "" then
    put((item.about:gsub("^%l", string.upper):gsub("([^.])$", "%1.")))
    put ""
  end
  put "| value | |"
  put "|---|---|"
  for _, value in ipairs(item.values) do
    put("| ", code(value.name), " | ", cell(value.text), " |")
  end
  put ""
end

local function put_item(item, page)
  if item.kind == "class" then
    put_class(item, page)
  else
    put_alias(item, page)
  end
end

-- The methods of a class, behind it.
local function put_methods(page, class)
  local file = definitions[class.name].file
  for _, item in ipairs(file ~= "types" and files[file].items or {}) do
    if item.kind == "function" then
      local call, owner = call_of(page, file, item)
      if call and owner == class then
        put_function(call, item, page)
      end
    end
  end
end

-- --- the methods that are rows of data -----------------------------------------------------------

local function sorted_keys(set)
  local keys = {}
  for key in pairs(set) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local function put_resource(path, rows, page)
  put("## `client.", path, "`")
  put ""
  if rows.beta then
    put("Sends the beta `", rows.beta, "`.")
    put ""
  end
  put "| method | request | returns | |"
  put "|---|---|---|---|"
  for _, name in ipairs(sorted_keys(rows)) do
    if name ~= "beta" then
      local row = rows[name]
      local arguments, notes = {}, {}
      for argument in row:gmatch "{([%w_]+)}" do
        arguments[#arguments + 1] = argument
      end
      arguments[#arguments + 1] = row:find " multipart" and "params" or "params?"
      arguments[#arguments + 1] = "options?"
      local named = row:match " returns=(%S+)"
      local item = named and "anthropic.api." .. named
      local result = row:find " pages=" and "anthropic.Page" or row:find " stream" and "anthropic.Stream"
        or row:find " binary" and "string|anthropic.Download" or item or "table"
      local items = item and result == "anthropic.Page" and " of " .. linked(item, page) or ""
      for label, key in pairs { headers = "headers", query = "query" } do
        local words = row:match(" " .. key .. "=(%S+)")
        if words then
          notes[#notes + 1] = ("in the %s: `%s`"):format(label, words:gsub(",", "`, `"))
        end
      end
      table.sort(notes)
      notes[#notes + 1] = row:match " beta=(%S+)" and "beta `" .. row:match " beta=(%S+)" .. "`"
      notes[#notes + 1] = row:find " retry=safe" and '`retry` is "safe"' or nil
      notes[#notes + 1] = row:find " multipart" and "uploads: " .. linked("anthropic.UploadParams", page) or nil
      notes[#notes + 1] = row:find " binary" and "downloads: " .. linked("anthropic.DownloadParams", page) or nil
      put("| `", name, "(", table.concat(arguments, ", "), ")` | `", row:match "^%S+", " /", row:match "^%S+ (%S+)",
        "` | ", linked(result, page), items, " | ", table.concat(notes, "; "), " |")
    end
  end
  put ""
end

local RESOURCES = [[
Every method takes the parameters of its path, in the path's order, then a table `params` of all others, then options
for this request. It returns the decoded answer, or nil and an [error](errors.md). A result that is a table has
`result.response`. Path parameters are strings. Of `params`, `betas` (a list of strings) is sent as `anthropic-beta`.
What is not sent as a header goes into the query of a GET or DELETE, and into the body of a POST.

    local model = assert(client.models.retrieve("claude-sonnet-5-5"))
    for file in assert(client.beta.files.list { limit = 100 }) do print(file.filename) end
    local file = assert(client.beta.files.upload { file = "report.pdf" })
    local saved = assert(client.beta.files.download(file.id, { path = "copy.pdf" }))

An upload takes a path, or `{ path = | data =, filename =, content_type = }`. A download is returned as a string; with
the parameter `path` it is written to that file. `retry` is "safe" where the table says so: an attempt is not repeated
where the server may have acted on it; of all other methods it is "always".
]]

local function put_resources(page)
  put(RESOURCES)
  local rows = require "anthropic.api.resources"
  for _, path in ipairs(sorted_keys(rows)) do
    put_resource(path, rows[path], page)
  end
end

-- --- pages ---------------------------------------------------------------------------------------

-- The text at the top of a file, "Heading: text". The first one of a page has the page's heading.
local function put_header(page, file, is_first)
  local words = {}
  for i, line in ipairs(not layout.headerless[file] and files[file].header or {}) do
    local heading, rest = line:match "^([%w \"]+): (.*)$"
    if heading and #heading > 22 then
      heading, rest = nil, nil
    end
    if i == 1 and heading and not is_first then
      put("## ", heading)
      put ""
    end
    line = i == 1 and rest or line
    words[i] = i == 1 and line:gsub("^%l", string.upper) or line
  end
  put_words(words, page)
end

local function put_functions(page, file)
  for _, item in ipairs(files[file].items) do
    local call, class = nil, nil
    if item.kind == "function" or item.kind == "value" then
      call, class = call_of(page, file, item)
    end
    if call and not class then
      put_function(call, item, page)
    end
  end
end

-- The sources name a page alone: "(waiting.md)". One that is not of the reference is looked for below doc/.
local function located(text)
  return (text:gsub("%]%(([%w_-]+)%.md", function(name)
    for _, page in ipairs(PAGES) do
      if page.name == name then
        return nil
      end
    end
    local command = ("find doc -name %s.md -not -path 'doc/reference/*'"):format(name)
    local path = name ~= "README" and tool_files.list(command)[1]
    return path and "](" .. path:gsub("^doc/", "../")
  end))
end

local function text_of(page)
  out = {}
  put("# ", page.title)
  put ""
  put "Written from the sources by `make doc`: do not edit. [All pages](README.md)"
  put ""
  if page.has_resources then
    put_resources(page)
  elseif page.is_of_api then
    put "What the API defines, as far as the types of this library know it. Further fields and types are sent and"
    put "returned as they are. A field that the server sends as null is absent."
    put ""
  end
  local is_put = {}
  for _, name in ipairs(page.begins_with_classes and page.classes or {}) do
    is_put[definitions[name].item] = true
    put_item(definitions[name].item, page)
  end
  for i, file in ipairs(page.files) do
    put_header(page, file, i == 1 and not page.begins_with_classes and not page.has_resources)
    put_functions(page, file)
    for _, item in ipairs(page.items) do
      if definitions[item.name].file == file and not is_put[item] then
        is_put[item] = true
        put_item(item, page)
        put_methods(page, item)
      end
    end
  end
  for _, item in ipairs(page.items) do
    if not is_put[item] then
      put_item(item, page)
      put_methods(page, item)
    end
  end
  return located(table.concat(out, "\n"):gsub("\n+$", "") .. "\n")
end

local function index_text()
  out = {}
  put "# Reference"
  put ""
  put "Every public name, written from the sources by `make doc`. A `?` behind a name or a type: it may be absent."
  put "Times are in seconds, sizes in bytes. [Waiting](waiting.md) says which functions block, yield or raise."
  put ""
  put "| page | |"
  put "|---|---|"
  for _, page in ipairs(PAGES) do
    put("| [", page.title, "](", page.name, ".md) | ", page.about, " |")
  end
  put ""
  put "An editor with a language server reads the same from the sources and from `types/anthropic.lua`."
  return located(table.concat(out, "\n") .. "\n")
end

local directory = arg[1] or "doc/reference"
assert(os.execute("mkdir -p " .. directory .. " && rm -f " .. directory .. "/*.md"))
tool_files.write(directory .. "/README.md", index_text())
for _, page in ipairs(PAGES) do
  tool_files.write(directory .. "/" .. page.name .. ".md", text_of(page))
end
