--- The path to a part of a value that the caller passed: messages[3].content, query.created_at.gte.

local path = {}

--- The path to a member (a name) or an element (a number) of what is at `to`.
---@param to string "" for the whole
---@param name string|integer
---@return string
function path.join(to, name)
  if type(name) == "number" then
    return ("%s[%d]"):format(to, name)
  elseif not name:find "^[%a_$][%w_$]*$" then
    return ("%s[%q]"):format(to, name)
  end
  return to == "" and name or to .. "." .. name
end

--- "path: words"
---@param to string
---@param words string
---@return string
function path.problem(to, words)
  return (to == "" and "value" or to) .. ": " .. words
end

--- What keeps a value from being a list: its type, a key that is no position, a position without a value.
---@param to string
---@param value any
---@return string|nil problem with its path; nil: it is a list
function path.problem_of_list(to, value)
  if type(value) ~= "table" then
    return path.problem(to, "a list expected, got " .. type(value))
  end
  local count = 0
  for key in next, value do
    if type(key) ~= "number" then
      return path.problem(to, "a list expected, got a table with the key " .. tostring(key))
    end
    count = count + 1
  end
  for i = 1, count do
    if rawget(value, i) == nil then
      return path.problem(path.join(to, i), "missing")
    end
  end
end

return path
