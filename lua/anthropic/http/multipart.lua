--- The parts of a multipart/form-data body, from the parameters of a method that uploads files.
--
--     multipart.parts { file = "report.pdf", expires_in_seconds = 3600 }
--     multipart.parts { files = { "pdf/SKILL.md", { data = text, filename = "pdf/notes.md" } } }
--
-- Files are not opened here: the C core streams them from disk, anew for each attempt. (`multipart.text` is for bodies
-- that are signed.)

local check = require "anthropic.base.check"
local core = require "anthropic.base.core"
local memory = require "anthropic.base.memory"
local number = require "anthropic.base.number"
local paths = require "anthropic.base.path"
local tables = require "anthropic.base.tables"

---@class anthropic.UploadedFile a file, by `path` or by `data`
---@field path? string of a file; it is read while it is sent, and never held in memory as a whole
---@field data? string the file's bytes; needs `filename`
---@field filename? string the name that the server sees. Default: the last part of the path, in `files` the whole path
---@field content_type? string Default: by the end of the filename, else "application/octet-stream"

---@class anthropic.UploadParams the parameters of an upload: `file`, `files` or `archive`, as the method asks, and
---  others
---@field file? string|anthropic.UploadedFile of `files.upload`: a path, or a table
---@field files? (string|anthropic.UploadedFile)[] of `skills.create`: paths or tables
---@field archive? string|anthropic.UploadedFile of methods that take an archive: a path, or a table
---@field [string] any a further field of the form

local multipart = {}

-- The parameters that are files. The others are plain fields.
local FILES = { file = true, archive = true, files = true }

local FILE_FIELDS = { path = true, data = true, filename = true, content_type = true }

-- What the API and a later reader of a file's metadata can use.
local TYPES = {
  csv = "text/csv",
  docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  gif = "image/gif",
  htm = "text/html",
  html = "text/html",
  jpeg = "image/jpeg",
  jpg = "image/jpeg",
  json = "application/json",
  md = "text/markdown",
  pdf = "application/pdf",
  png = "image/png",
  pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  txt = "text/plain",
  webp = "image/webp",
  xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  xml = "application/xml",
  zip = "application/zip",
}

local function type_of(filename)
  local extension = filename:match("%.(%w+)$")
  return extension and TYPES[extension:lower()] or "application/octet-stream"
end

-- A name stands in quotes in a header of its part. (WHATWG HTML, "multipart/form-data encoding
-- algorithm")
local ESCAPES = { ['"'] = "%22", ["\r"] = "%0D", ["\n"] = "%0A" }

local function escape(name)
  return (name:gsub('["\r\n]', ESCAPES))
end

local is_windows = package.config:sub(1, 1) == "\\"

local function with_slashes(path)
  return is_windows and path:gsub("\\", "/") or path
end

local function base_name(path)
  return with_slashes(path):match("([^/]*)/*$")
end

-- If directories count, a path outside of the current directory means nothing to the server.
local function relative_name(path)
  local name = with_slashes(path):gsub("^%./+", "")
  if name:match("^/") or is_windows and name:match("^%a:") or ("/" .. name .. "/"):find("/../", 1, true) then
    return nil, ("%s needs a filename, the path that it is to have there"):format(path)
  end
  return name
end

local function problem_of_fields(where, file)
  for name, value in pairs(file) do
    if not FILE_FIELDS[name] then
      local nearest = check.nearest(name, FILE_FIELDS)
      return ("%s: unknown field %q; did you mean %q?"):format(where, tostring(name), nearest)
    elseif type(value) ~= "string" then
      return ("%s.%s: string expected, got %s"):format(where, name, type(value))
    elseif name ~= "data" and value:find("%z") then
      return ("%s.%s: must not contain NUL"):format(where, name)
    end
  end
  if (file.path == nil) == (file.data == nil) then
    return where .. ": either path or data expected"
  elseif (file.content_type or ""):find("[\r\n]") then
    return where .. ".content_type: must not contain a line break"
  end
end

local function file_part(where, name, file, name_of)
  if type(file) == "string" then
    file = { path = file }
  elseif type(file) ~= "table" then
    return nil, ("%s: a path or a table expected, got %s"):format(where, type(file))
  end
  local filename = file.filename
  local problem = problem_of_fields(where, file)
  if not problem and not filename then
    if file.path then
      filename, problem = name_of(file.path)
      problem = problem and where .. ": " .. problem
    else
      problem = where .. ": data needs a filename"
    end
  end
  if problem then
    return nil, problem
  end
  return {
    name = name,
    filename = escape(filename),
    content_type = file.content_type or type_of(filename),
    path = file.path and core.whole_path(file.path), -- a later attempt reads the same file
    data = file.data,
  }
end

local function add_files(parts, name, files)
  if type(files) ~= "table" or files[1] == nil then
    return name .. ": a list of files expected"
  end
  local problem = paths.problem_of_list(name, files)
  if problem then
    return problem
  end
  for i, file in ipairs(files) do
    local part
    part, problem = file_part(("%s[%d]"):format(name, i), name .. "[]", file, relative_name)
    if not part then
      return problem
    end
    parts[#parts + 1] = part
  end
end

local function add_file(parts, name, file)
  local part, problem = file_part(name, name, file, base_name)
  parts[#parts + 1] = part
  return problem
end

-- The text of a field's value; nil and what is wrong.
local function text_of(name, value)
  local kind = type(value)
  if kind == "number" then
    local text = number.text(value)
    return text, not text and ("%s: a finite number expected"):format(name) or nil
  elseif kind == "string" or kind == "boolean" then
    return tostring(value)
  end
  return nil, ("%s: string, number or boolean expected, got %s"):format(name, kind)
end

local function add_field(parts, name, value)
  local text, problem = text_of(name, value)
  if not text then
    return problem
  end
  parts[#parts + 1] = { name = escape(name), data = text }
end

-- Plain fields come first, so that a server that reads on the way knows them before the files.
local function is_before(one, other)
  if FILES[one] ~= FILES[other] then
    return not FILES[one]
  end
  return tables.is_before_as_text(one, other)
end

-- One part of a list.
local function add_part(parts, where, part)
  if type(part) ~= "table" or type(part.name) ~= "string" then
    return where .. ": a table with a name expected"
  elseif part.name:find "%z" then
    return where .. ".name: must not contain NUL"
  end
  local file = tables.copy(part)
  file.name = nil
  local made, problem
  if file.data ~= nil or file.path == nil and file.filename == nil and file.content_type == nil then
    file.data, problem = text_of(part.name, part.data)
  end
  if problem then
    return problem
  elseif file.data ~= nil and file.filename == nil then
    problem = problem_of_fields(where, file)
    made = { name = part.name, content_type = file.content_type, data = file.data }
  else
    made, problem = file_part(where, part.name, file, base_name)
  end
  if problem then
    return problem
  end
  made.name = escape(made.name)
  parts[#parts + 1] = made
end

--- The parts of a list: { name, data } is a field, { name, path } or { name, data, filename } a file; each may have a
--- `content_type`, and a file a `filename`.
---@param given table[]
---@return table[]|nil parts { name, filename?, content_type?, path | data }
---@return string? message what is wrong, and where
function multipart.list(given)
  local problem = given[1] == nil and "multipart: a list of parts expected" or paths.problem_of_list("multipart", given)
  local parts = {}
  for i, part in ipairs(problem and {} or given) do
    problem = problem or add_part(parts, ("multipart[%d]"):format(i), part)
  end
  if problem then
    return nil, problem
  end
  return parts
end

--- Turns parameters into parts: `file` and `archive` are one file each, `files` is a list; a file is
--- a path, or { path | data, filename?, content_type? }.
---@param params? table
---@return table[]|nil parts { name, filename?, content_type?, path | data }
---@return string? message what is wrong, and where
function multipart.parts(params)
  local parts, has_file = {}, false
  for _, name in ipairs(tables.sorted_keys(params or {}, is_before)) do
    if type(name) ~= "string" then
      return nil, ("[%s]: a parameter has a name, such as file"):format(tostring(name))
    elseif name:find "%z" then
      return nil, ("%q: a parameter's name must not contain NUL"):format(name)
    end
    local add = name == "files" and add_files or FILES[name] and add_file or add_field
    local problem = add(parts, name, params[name])
    if problem then
      return nil, problem
    end
    has_file = has_file or FILES[name]
  end
  if not has_file then
    return nil, "no file given: file, files or archive expected"
  end
  return parts
end

--- The whole body as one text, for a caller that needs all its bytes before it is sent, and its content type.
---@param parts table[] as `parts` and `list` return them
---@return string|nil body
---@return string second its content type, or what is wrong
function multipart.text(parts)
  local pieces = {}
  for _, part in ipairs(parts) do
    local bytes, problem = part.data, ""
    if part.path then
      bytes, problem = memory.attempt(core.file_bytes, part.path)
    end
    if not bytes then
      return nil, problem
    end
    local head = ('Content-Disposition: form-data; name="%s"'):format(part.name)
    if part.filename then
      head = head .. ('; filename="%s"\r\nContent-Type: %s'):format(part.filename, part.content_type)
    end
    pieces[#pieces + 1] = head .. "\r\n\r\n" .. bytes .. "\r\n"
  end
  local text = table.concat(pieces)
  local boundary = core.hex(core.sha256(text)) -- which cannot occur in the text that it is made of
  for i, piece in ipairs(pieces) do
    pieces[i] = "--" .. boundary .. "\r\n" .. piece
  end
  return table.concat(pieces) .. "--" .. boundary .. "--\r\n", "multipart/form-data; boundary=" .. boundary
end

return multipart
