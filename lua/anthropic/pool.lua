--- Several clients as one: keys, gateways, platforms. If one fails, the next goes on.
--
--     local pool = anthropic.pool {
--       members = {
--         anthropic.new { api_key = first_key },
--         { client = anthropic.new { base_url = gateway }, weight = 2, models = { ["claude-sonnet-5-5"] = "sonnet" } },
--       },
--     }
--     print(pool:ask("Why is the sky blue?", { model = "claude-sonnet-5-5" }))

local require = require("anthropic.base.lazy").require

---@class anthropic.pool
---@overload fun(options: anthropic.PoolOptions): anthropic.Pool
local pool = {}

--- Makes a pool. `anthropic.pool { ... }` is the same. Raises on a wrong field.
---@param options anthropic.PoolOptions
---@return anthropic.Pool pool
function pool.new(options)
  local made = require("anthropic.client.pool").new(options, 2)
  return made -- no tail call: an error about the options blames the caller's line
end

setmetatable(pool, {
  __call = function(_, options)
    local made = require("anthropic.client.pool").new(options, 2)
    return made
  end,
})

return pool
