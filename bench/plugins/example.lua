-- The adapters of examples/http.

local example = {}

--- Returns the function that has a plugin's requests sent by the library.
function example.load(name)
  return dofile("examples/http/" .. name .. ".lua").setup
end

return example
