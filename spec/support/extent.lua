-- How much of its kind a spec tries: all of it, or as much as there is time for every day. `make test` sets SPEC_QUICK;
-- `make check`, and a spec that is run by itself, try all.
--
--     for position = 1, #bytes, extent(1, 7) do

local is_quick = os.getenv "SPEC_QUICK" ~= nil

---@generic T
---@param all T
---@param everyday T
---@return T
return function(all, everyday)
  return is_quick and everyday or all
end
