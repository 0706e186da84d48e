-- What lua-openai takes as its `http_provider`: a module whose `request` is LuaSocket's, with a source and a sink.
--
--     package.loaded.openai_provider = dofile "examples/http/openai_provider.lua"
--     local client = require("openai").new(key, { http_provider = "openai_provider" })
--
-- Its calls then wait in the host's way, and a stream that breaks off is an error.

local anthropic = require "anthropic"
local http = require "anthropic.http"

local provider = {}

-- All that an ltn12 source returns.
local function read_all(source)
  local pieces = {}
  local piece = source and source()
  while piece do
    pieces[#pieces + 1] = piece
    piece = source()
  end
  return source and table.concat(pieces) or nil
end

-- A sink may look at all that it has for each line. Where more has come, the host has its turn first.
local MOST_BYTES = 16384

local function pump(reader, sink)
  local bytes, err = reader:read(MOST_BYTES)
  while bytes do
    local ok, problem = sink(bytes)
    if not ok then
      reader:close()
      return nil, problem
    elseif #bytes == MOST_BYTES then
      anthropic.sleep(0)
    end
    bytes, err = reader:read(MOST_BYTES)
  end
  sink(nil, err and tostring(err))
  return not err and true or nil, err and tostring(err)
end

--- Sends a request.
---@param request { url: string, method?: string, headers?: table, source?: function, sink?: function }
---@return 1|nil ok
---@return integer|string status or what went wrong
---@return table? headers
---@return string? line
function provider.request(request)
  local reader, err = http.open {
    url = request.url, method = request.method, headers = request.headers, body = read_all(request.source),
  }
  if not reader then
    return nil, tostring(err)
  end
  local ok, problem = pump(reader, request.sink or function() return 1 end)
  if not ok then
    return nil, problem
  end
  local response = reader.response
  return 1, response.status, response.headers, "HTTP/1.1 " .. response.status
end

return provider
