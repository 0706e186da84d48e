--- The files in which the platforms' own programs keep regions, projects and credentials.
--- No error ever quotes them.

local package = package

local json = require "anthropic.base.json"

local files = {}

local LARGEST = 1024 * 1024

--- A variable of the environment, without the blanks around it; nil if it is empty.
---@param name string
---@return string?
function files.variable(name)
  local value = os.getenv(name)
  return value and value:match "^%s*(.*%S)" or nil
end

--- The text of a file, or nil.
---@param path? string
---@return string?
function files.read(path)
  local file = path and io.open(path, "rb")
  local text = file and file:read(LARGEST)
  if file then
    file:close()
  end
  return text
end

--- A path below the user's folder; nil if the folder is unknown.
---@param path string
---@return string?
function files.at_home(path)
  local home = files.variable "HOME" or files.variable "USERPROFILE"
  return home and home .. "/" .. path
end

--- A file of JSON: an object, or nil.
---@param path? string
---@return table?
function files.object(path)
  local text = files.read(path)
  local value = text and json.decode(text)
  return type(value) == "table" and value or nil
end

-- The name of a section as AWS's programs know it: one blank after "profile", and no quotes around a name that has
-- blanks itself.
local function section_name(text)
  text = text:match "^%s*(.*%S)" or ""
  local prefix, name = text:match "^(profile)%s+(.*)$"
  name = name or text
  name = name:match '^"(.*)"$' or name:match "^'(.*)'$" or name
  return prefix and prefix .. " " .. name or name
end

-- Reads "[section]" and "name = value" lines. What is indented deeper than the name before it belongs to that name, and
-- is skipped, as comments are.
local function read_sections(text)
  local sections, current, depth = {}, nil, math.huge
  for line in text:gmatch "[^\r\n]+" do
    local section = line:match "^%s*%[([^%]]*)%]"
    local blanks, name, value = line:match "^([ \t]*)([%w_]+)[ \t]*=[ \t]*(.*)$"
    if section then
      section = section_name(section)
      sections[section] = sections[section] or {}
      current, depth = sections[section], math.huge
    elseif current and name and #blanks <= depth then
      current[name:lower()] = value:match "^(.*%S)" or ""
      depth = #blanks
    end
  end
  return sections
end

local KEYS = { "aws_access_key_id", "aws_secret_access_key", "aws_session_token" }

-- Adds the fields of another file. The keys come from one file only: from the later one, if it has any.
local function add_fields(found, section)
  local has_keys = (section.aws_access_key_id or "") ~= ""
  for _, name in ipairs(KEYS) do
    local side = has_keys and found or section
    side[name] = nil
  end
  for field, value in pairs(section) do
    found[field] = value
  end
  return found
end

--- The profile that AWS's programs would take, from both of their files, or nil.
---@param name? string default: $AWS_PROFILE, else "default"
---@return table<string, string>|nil fields names in lower case
---@return string name
function files.aws_profile(name)
  name = name or files.variable "AWS_PROFILE" or files.variable "AWS_DEFAULT_PROFILE" or "default"
  local found
  for _, each in ipairs {
    { "AWS_CONFIG_FILE", ".aws/config", "profile " .. name, name == "default" and name or nil },
    { "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", name },
  } do
    local sections = read_sections(files.read(files.variable(each[1]) or files.at_home(each[2])) or "")
    local section = sections[each[3]] or sections[each[4] or each[3]]
    found = section and next(section) ~= nil and add_fields(found or {}, section) or found
  end
  return found, name
end

local function google_folder()
  local of_windows = package.config:sub(1, 1) == "\\" and files.variable "APPDATA"
  return of_windows and of_windows .. "/gcloud" or files.at_home ".config/gcloud"
end

--- Google's application default credentials: the object in the file, or nil.
---@return table?
function files.google_credentials()
  local path = files.variable "GOOGLE_APPLICATION_CREDENTIALS"
  if path then
    return files.object(path)
  end
  local folder = files.variable "CLOUDSDK_CONFIG" or google_folder()
  return files.object(folder and folder .. "/application_default_credentials.json")
end

return files
