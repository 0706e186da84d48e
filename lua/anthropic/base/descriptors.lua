--- Whether the process has run out of file descriptors: what fails for lack of one rarely says so.

local io = io

local descriptors = {}

-- EMFILE and ENFILE have these numbers on every Unix.
local TOO_MANY_FILES = { [23] = true, [24] = true }

--- What to do if no descriptor is left.
descriptors.ADVICE = "no file descriptor is left: close files or connections, or raise the limit (ulimit -n)"

--- Whether no descriptor is left.
---@return boolean is_out false also in a host that has no `io`
function descriptors.are_out()
  if not io then
    return false
  end
  local file, _, number = io.open "."
  if file then
    file:close()
  end
  return not file and TOO_MANY_FILES[number] or false
end

return descriptors
