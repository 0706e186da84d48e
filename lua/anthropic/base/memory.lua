--- Steps whose memory depends on what a caller or a server sends: if memory runs out, they return nil and words.
--
--     local text, problem = memory.attempt(core.json_encode, value)

local memory = {}

-- As Lua and the core raise it.
local WORDS = "not enough memory"

--- Whether an error says that memory ran out. (The core's may begin with the place of its call.)
---@param problem any
---@return boolean
function memory.is_lack(problem)
  return type(problem) == "string" and problem:sub(-#WORDS) == WORDS
end

local function result(ok, first, ...)
  if ok then
    return first, ...
  elseif not memory.is_lack(first) then
    error(first, 0)
  end
  return nil, WORDS
end

--- Calls a function that does not wait. Other errors are raised.
---@param step function
---@return any result what it returns, or nil
---@return any problem what it returns, or words
function memory.attempt(step, ...)
  return result(pcall(step, ...))
end

return memory
