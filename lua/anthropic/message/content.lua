--- Content blocks from files: images and documents.
--
--     local messages = { { role = "user", content = {
--       assert(anthropic.image "photo.jpg"),
--       assert(anthropic.document("report.pdf", { title = "Report", citations = { enabled = true } })),
--       { type = "text", text = "What do these two have in common?" },
--     } } }

local core = require "anthropic.base.core"
local memory = require "anthropic.base.memory"
local errors = require "anthropic.base.error"
local tables = require "anthropic.base.tables"

local content = {}

-- A source is one of these.
local SOURCES = { path = true, data = true, url = true, file_id = true }

local IMAGES = {
  { "^\255\216\255", "image/jpeg" },
  { "^\137PNG\r\n\26\n", "image/png" },
  { "^GIF8[79]a", "image/gif" },
  { "^RIFF....WEBP", "image/webp" },
}

local function image_type(head)
  for _, row in ipairs(IMAGES) do
    if head:find(row[1]) then
      return row[2]
    end
  end
end

-- Describes bytes in a file or in memory; `head` is their beginning.
local function describe(given)
  if given.data then
    return { data = given.data, head = given.data:sub(1, 64), name = "data" }
  end
  local head, problem = core.file_head(given.path)
  if not head then
    return nil, problem
  end
  return { path = given.path, head = head, name = given.path }
end

local function base64_source(bytes, media_type)
  local data, problem
  if bytes.path then
    data, problem = memory.attempt(core.base64_file, bytes.path)
  else
    data, problem = memory.attempt(core.base64, bytes.data)
  end
  return data and { type = "base64", media_type = media_type, data = data }, problem
end

local function text_source(bytes, media_type)
  local text, problem = bytes.data, nil
  if bytes.path then
    text, problem = memory.attempt(core.file_bytes, bytes.path)
  end
  if not text then
    return nil, problem
  end
  if not core.is_text(text) then
    return nil, bytes.name .. ": neither a PDF nor UTF-8 text"
  end
  return { type = "text", media_type = media_type, data = text }
end

local function image_source(bytes, media_type)
  media_type = media_type or image_type(bytes.head)
  if not media_type then
    return nil, bytes.name .. ": not a JPEG, PNG, GIF or WebP image"
  end
  return base64_source(bytes, media_type)
end

local function document_source(bytes, media_type)
  media_type = media_type or bytes.head:find "^%%PDF%-" and "application/pdf" or "text/plain"
  if media_type == "text/plain" then
    return text_source(bytes, media_type)
  end
  return base64_source(bytes, media_type)
end

local function make_source(given, media_type, of_bytes)
  if given.url then
    return { type = "url", url = given.url }
  elseif given.file_id then
    return { type = "file", file_id = given.file_id }
  end
  local bytes, problem = describe(given)
  if not bytes then
    return nil, problem
  elseif bytes.head == "" then
    return nil, bytes.name .. ": is empty"
  end
  return of_bytes(bytes, media_type)
end

-- Divides a table into the source of the bytes and the other fields of the block.
local function divide(given, fields)
  local source, rest = {}, {}
  for name, value in pairs(given) do
    (SOURCES[name] and source or rest)[name] = value
  end
  return source, tables.merge(rest, fields)
end

local function problem_of(source, media_type)
  local name, value = next(source)
  if name == nil or next(source, name) ~= nil then
    return "one of path, data, url and file_id expected"
  elseif type(value) ~= "string" then
    return ("%s: string expected, got %s"):format(name, type(value))
  elseif media_type ~= nil and type(media_type) ~= "string" then
    return "media_type: string expected, got " .. type(media_type)
  end
end

local function block(kind, given, fields, of_bytes)
  if type(given) == "string" then
    given = { [given:match "^https?://" and "url" or "path"] = given }
  end
  local source, made = divide(given, fields)
  local media_type = made.media_type
  made.media_type = nil
  local problem = problem_of(source, media_type)
  if not problem then
    made.source, problem = make_source(source, media_type, of_bytes)
  end
  if problem then
    return nil, errors.invalid_request(kind .. ": " .. problem)
  end
  made.type = kind
  return made
end

--- See anthropic.image, which checks the arguments' types.
function content.image(source, fields)
  return block("image", source, fields, image_source)
end

--- See anthropic.document, which checks the arguments' types.
function content.document(source, fields)
  return block("document", source, fields, document_source)
end

return content
