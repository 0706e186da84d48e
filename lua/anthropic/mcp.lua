--- The Model Context Protocol, without a transport: a server's tools as tools of a run, its results as content blocks.
--
--     local list = request("tools/list", {})                      -- by an MCP client of your own
--     local tools = anthropic.mcp.tools(list.tools, function(name, arguments)
--       return request("tools/call", { name = name, arguments = arguments })
--     end)
--     client.messages.run { tools = tools, ... }
--
-- What a server sends never raises. What the API has no block for becomes a text that says so.

local json = require "anthropic.base.json"
local tables = require "anthropic.base.tables"
local tools = require "anthropic.helpers.tools"
local values = require "anthropic.base.values"

---@class anthropic.mcp
local mcp = {}

local table_or_nil, string_or_nil = values.table_or_nil, values.string_or_nil

-- --- tools ---------------------------------------------------------------------------------------

local LONGEST_NAME = 128

-- A name as the API takes it, and that no other tool has.
local function name_for(name, taken)
  local base = name:gsub("[^%w_-]", "_"):sub(1, LONGEST_NAME)
  local own, number = base, 1
  while own == "" or taken[own] do
    number = number + 1
    local suffix = "_" .. number
    own = base:sub(1, LONGEST_NAME - #suffix) .. suffix
  end
  taken[own] = true
  return own
end

-- A table that is no list, or JSON of an object. (Some servers write an empty object as an empty list.)
local function object_or_nil(value)
  if json.is_raw(value) then
    return tostring(value):find "^%s*{" and value or nil
  end
  return type(value) == "table" and not json.is_array(value) and value[1] == nil and value or nil
end

-- The same as a table to be read.
local function plain(object)
  return json.is_raw(object) and json.decode(tostring(object)) or object
end

-- The API wants a schema of an object.
local function schema_of(given)
  given = object_or_nil(given)
  local read = plain(given)
  if json.is_raw(given) and read.type == "object" and object_or_nil(read.properties) then
    return given
  end
  local schema = json.copy(read and json.mend(read) or {})
  schema.type = "object"
  schema.properties = object_or_nil(schema.properties) or {}
  if next(plain(schema.properties)) == nil then
    schema.properties = json.object {}
  end
  schema.required = table_or_nil(schema.required)
  if schema.required and schema.required[1] == nil then
    schema.required = nil
  end
  return schema
end

local function run_of(name, call)
  return function(input, tool_call)
    local result, err = call(name, input, tool_call)
    if result == nil then
      return nil, err == nil and "the server gave no result" or err
    end
    local content, is_error = mcp.content(result)
    if is_error then
      return nil, content[1] and content or "the server said that the tool failed"
    end
    return content[1] and content or nil
  end
end

--- Makes tools of a server's tools. A name that the API does not take is changed; `call` gets the server's own.
---@param list table what `tools/list` returned, or its `tools`
---@param call fun(name: string, arguments: table, call: anthropic.ToolCall): table?, any calls a tool of the server:
---  what `tools/call` returned; nil and what is wrong. May wait
---@return anthropic.Tool[] tools
function mcp.tools(list, call)
  if type(list) ~= "table" then
    error("mcp.tools: a list of tools expected, got " .. type(list), 2)
  elseif type(call) ~= "function" then
    error("mcp.tools: a function expected, got " .. type(call), 2)
  end
  local made, taken, seen = {}, {}, {}
  for _, given in ipairs(tables.items(table_or_nil(list.tools) or list)) do
    local name = string_or_nil(table_or_nil(given) and given.name)
    if name and not seen[name] then
      seen[name] = true
      made[#made + 1] = tools.tool {
        name = name_for(name, taken),
        description = json.mend(string_or_nil(given.description) or string_or_nil(given.title)),
        input_schema = schema_of(given.inputSchema),
        run = run_of(name, call),
      }
    end
  end
  return made
end

-- --- results -------------------------------------------------------------------------------------

local IMAGES = tables.set { "image/jpeg", "image/png", "image/gif", "image/webp" }

local function text_block(text)
  return { type = "text", text = json.mend(text) }
end

local function as_json(value)
  return text_block(json.encode_mended(value) or "[a result that cannot be read]")
end

-- A text in place of something that cannot be shown.
local function note(what, kind)
  return text_block(("[%s%s: it cannot be shown]"):format(what, string_or_nil(kind) and " (" .. kind .. ")" or ""))
end

-- A text of base64 without white space; nil if it is no base64.
local function base64_of(data)
  data = string_or_nil(data) and data:gsub("%s", "")
  if data and data ~= "" and not data:find "[^%w+/=]" then
    return data
  end
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- The bytes of base64 without white space.
local function decode_base64(data)
  local digits, bytes, length = { [("="):byte()] = 0 }, {}, #data:gsub("=", "")
  for i = 1, #ALPHABET do
    digits[ALPHABET:byte(i)] = i - 1
  end
  for i = 1, length, 4 do
    local a, b, c, d = data:byte(i, i + 3)
    local group = ((digits[a] * 64 + (digits[b] or 0)) * 64 + (digits[c] or 0)) * 64 + (digits[d] or 0)
    bytes[#bytes + 1] = string.char(math.floor(group / 65536), math.floor(group / 256) % 256, group % 256)
  end
  return table.concat(bytes):sub(1, math.floor(length * 3 / 4))
end

local function base64_block(kind, data, media_type)
  return { type = kind, source = { type = "base64", media_type = media_type, data = data } }
end

local function text_document(text)
  return { type = "document", source = { type = "text", media_type = "text/plain", data = json.mend(text) } }
end

-- The media type alone, in lower case, "" if it is missing.
local function media_type_of(value)
  return (string_or_nil(value) or ""):match("^[^;]*"):lower():gsub("%s", "")
end

local CONTENT = {}

function CONTENT.text(item)
  if string_or_nil(item.text) then
    return text_block(item.text)
  end
  return item.text ~= nil and item.text ~= json.null and as_json(item) or nil
end

function CONTENT.image(item)
  local kind, data = media_type_of(item.mimeType), base64_of(item.data)
  return IMAGES[kind] and data and base64_block("image", data, kind) or note("an image", item.mimeType)
end

function CONTENT.audio(item)
  return note("a sound", item.mimeType)
end

function CONTENT.resource(item)
  local resource = table_or_nil(item.resource) or {}
  local kind, data = media_type_of(resource.mimeType), base64_of(resource.blob)
  if string_or_nil(resource.text) then
    return resource.text:find "%S" and text_document(resource.text)
  elseif data and IMAGES[kind] then
    return base64_block("image", data, kind)
  elseif data and kind == "application/pdf" then
    return base64_block("document", data, kind)
  elseif data and (kind == "" or kind:sub(1, 5) == "text/") then
    return text_document(decode_base64(data))
  end
  return note("the resource " .. (string_or_nil(resource.uri) or "without a URI"), resource.mimeType)
end

function CONTENT.resource_link(item)
  local lines = { ("[a resource: %s%s]"):format(string_or_nil(item.uri) or "without a URI",
    string_or_nil(item.mimeType) and " (" .. item.mimeType .. ")" or "") }
  lines[#lines + 1] = string_or_nil(item.title) or string_or_nil(item.name)
  lines[#lines + 1] = string_or_nil(item.description)
  return text_block(table.concat(lines, "\n"))
end

local function block_of(item)
  local read = type(item) == "table" and CONTENT[item.type]
  if read then
    return read(item)
  end
  return type(item) == "string" and text_block(item) or as_json(item)
end

local function is_blank(block)
  return block.type == "text" and not block.text:find "%S"
end

--- Makes content blocks of a result: texts, images, and documents for resources. A result without content is the JSON
--- of its `structuredContent`.
---@param result any what `tools/call` returned
---@return table[] content
---@return boolean is_error the server said that the tool failed
function mcp.content(result)
  if type(result) ~= "table" then
    return json.array { as_json(result) }, false
  end
  local blocks, content = json.array {}, table_or_nil(result.content)
  if content and content.type ~= nil then -- one block, not in a list
    content = { content }
  end
  local items = content and tables.items(content) or {}
  for _, item in ipairs(items) do
    local block = block_of(item)
    blocks[#blocks + 1] = block and not is_blank(block) and block or nil
  end
  if #blocks == 0 and table_or_nil(result.structuredContent) then
    blocks[1] = as_json(result.structuredContent)
  elseif #items == 0 and (not content or next(content) ~= nil) then
    blocks[1] = as_json(result)
  end
  return blocks, result.isError == true
end

return mcp
