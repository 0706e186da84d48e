--- The files in which the platforms' own programs keep regions, projects and credentials. Nothing in them is ever said
--- in an error.

local package = package

local json = require "anthropic.base.json"

local files = {}

local LARGEST = 1024 * 1024

--- A variable of the environment, without the blanks around it; nil where it is empty.
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

-- The name of a section as AWS's programs know it: one blank behind "profile", and no quotes around a name that has
-- blanks itself.
local function section_name(text)
  text = text:match "^%s*(.*%S)" or ""
  local prefix, name = text:match "^(profile)%s+(.*)$"
  name = name or text
  name = name:match '^"(.*)"$' or name:match "^'(.*)'$" or name
  return prefix and prefix .. " " .. name or name
end

-- Reads "[section]" and "name = value" lines. What is indented belongs to the line before, and is passed over, as
-- comments are.
local function read_sections(text)
  local sections, current = {}, nil
  for line in text:gmatch "[^\r\n]+" do
    local section = line:match "^%s*%[([^%]]*)%]"
    local name, value = line:match "^([%w_]+)[ \t]*=[ \t]*(.*)$"
    if section then
      section = section_name(section)
      sections[section] = sections[section] or {}
      current = sections[section]
    elseif current and name then
      current[name:lower()] = value:match "^(.*%S)" or ""
    end
  end
  return sections
end

--- The profile that AWS's programs would take, from both of their files, or nil.
---@param name? string default: $AWS_PROFILE, else "default"
---@return table<string, string>|nil fields names in lower case
---@return string name
function files.aws_profile(name)
  name = name or files.variable "AWS_PROFILE" or files.variable "AWS_DEFAULT_PROFILE" or "default"
  local found
  for _, each in ipairs {
    { "AWS_CONFIG_FILE", ".aws/config", name == "default" and "default" or "profile " .. name },
    { "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", name },
  } do
    local text = files.read(files.variable(each[1]) or files.at_home(each[2]))
    local section = text and read_sections(text)[each[3]]
    for field, value in pairs(section or {}) do
      found = found or {}
      found[field] = value
    end
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
