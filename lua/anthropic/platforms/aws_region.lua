--- The region that AWS's own files name.

local files = require "anthropic.platforms.files"

---@param option fun(name: string): any
---@return string?
return function(option)
  local profile = files.aws_profile(option "aws_profile")
  return profile and profile.region
end
