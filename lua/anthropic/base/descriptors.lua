--- Whether file descriptors are left, which those who need one rarely say.

local io = io

local descriptors = {}

-- EMFILE and ENFILE have these numbers on every Unix.
local TOO_MANY_FILES = { [23] = true, [24] = true }

--- What to do where none is left.
descriptors.ADVICE = "no file descriptor is left: close files or connections, or raise the limit (ulimit -n)"

--- Whether none is left.
---@return boolean
function descriptors.are_out()
  local file, _, number = io.open "."
  if file then
    file:close()
  end
  return not file and TOO_MANY_FILES[number] or false
end

return descriptors
