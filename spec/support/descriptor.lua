-- Whether this system has one descriptor for all transfers: poll(2) and Windows have none. Hosts that watch it are
-- then not described.
--
--     if not descriptor.is_there then pending(descriptor.MISSING) end

require "spec.support.abilities" -- before libcurl is used
local core = require "anthropic.core"

local loop = core.loop()
local is_there = loop:fd() ~= nil
loop:close()

return { is_there = is_there, MISSING = "of this system has no descriptor for all transfers" }
