--- The project that Google's application default credentials name.

local files = require "anthropic.platforms.files"

---@return string?
return function()
  local credentials = files.google_credentials()
  local project = credentials and (credentials.project_id or credentials.quota_project_id)
  return type(project) == "string" and project or nil
end
