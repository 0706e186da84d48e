--- Where a platform's requests go: base URLs and paths, with the values that options, the environment and the
--- platform's own files have.

local require = require

local files = require "anthropic.platforms.files"
local urls = require "anthropic.http.url"

local places = {}

--- The value of one of the platform's options, from wherever it may come; nil if nothing sets it.
---@param platform table
---@param option fun(name: string): any
---@param name string
---@return string?
function places.find_value(platform, option, name)
  local value = option(name)
  for _, variable in ipairs(platform.variables[name] or {}) do
    value = value or files.variable(variable)
  end
  local source = platform.sources and platform.sources[name]
  return value or source and require(source)(option) or platform.defaults and platform.defaults[name] or nil
end

--- What an error says of a value that is missing.
---@param platform table
---@param name string
---@return string
function places.words_of_missing(platform, name)
  return ("%s: missing; name one (%s = ...), or set %s"):format(name, name,
    table.concat(platform.variables[name], " or "))
end

-- Checks a region or a resource, which in a host's name could lead to another host.
local function problem_in_host(name, value)
  if not value:find "^[%w-]+$" then
    return ("%s %q: letters, digits and hyphens expected"):format(name, value)
  end
end

local function problem_in_path(name, value)
  if value == "" or value:find "^%.%.?$" or value:find "^%.?%.?;" then
    return ("%s %q: cannot stand in a path"):format(name, value)
  end
end

-- Escapes all but the characters that a segment of a path may hold.
local function escape_segment(platform, value)
  local escaped = value:gsub("[^%w%-._~!$&'()*+,;=:@]", urls.escape)
  return platform.escaped and escaped:gsub(platform.escaped, urls.escape) or escaped
end

--- A template with the values in it.
---@param platform table
---@param option fun(name: string): any
---@param template string
---@param model? string
---@return string|nil
---@return string? problem
function places.fill(platform, option, template, model)
  local problem
  local path_at = template:match "^%a+://[^/]*()" or 1
  local filled = template:gsub("(){([%w_]+)}", function(at, name)
    local value = name == "model" and model or option(name)
    if type(value) ~= "string" then
      problem = problem or places.words_of_missing(platform, name)
      return ""
    elseif at < path_at then
      problem = problem or problem_in_host(name, value)
      return value
    end
    problem = problem or problem_in_path(name, value)
    return escape_segment(platform, value)
  end)
  if problem then
    return nil, problem
  end
  return filled
end

--- Whether one of the patterns is found in a text.
---@param patterns? string[]
---@param text string
---@return boolean
function places.fits(patterns, text)
  for _, pattern in ipairs(patterns or {}) do
    if text:find(pattern) then
      return true
    end
  end
  return false
end

local function fill_base(platform, option, base)
  local region = base.by_region and option "region"
  return places.fill(platform, option, region and base.by_region[region] or base.template)
end

--- The base URL for a path.
---@param platform table
---@param option fun(name: string): any
---@param path string as the first party has it
---@return string|nil
---@return string? problem
function places.base_for(platform, option, path)
  for _, base in ipairs(platform.bases) do
    if not base.paths or places.fits(base.paths, path) then
      return fill_base(platform, option, base)
    end
  end
end

--- The base URL of most requests, else of any; "" if none is known.
---@param platform table
---@param option fun(name: string): any
---@return string
function places.find_base(platform, option)
  local found
  for i = #platform.bases, 1, -1 do
    found = found or fill_base(platform, option, platform.bases[i])
  end
  return found or ""
end

--- The path of a request as the first party has it: below the base URL if it is a whole URL.
---@param spec table
---@param base_url? string
---@return string
function places.first_party_path(spec, base_url)
  local path = spec.path
  local base = (base_url or ""):gsub("/+$", "")
  if path:find "^%a+://" and base ~= "" and path:sub(1, #base) == base then
    path = path:sub(#base + 1)
  end
  return (path:match "^[^?#]*":gsub("^/*", "/", 1))
end

return places
