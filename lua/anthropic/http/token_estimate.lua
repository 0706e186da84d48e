--- How many input tokens a request will take, roughly, before they are counted.

local segments = require "anthropic.base.segments"

local token_estimate = {}

local BYTES_PER_TOKEN = 4
-- Pictures cost by their size in pixels, which is bounded; of a document a page of text is about a hundred kilobytes.
local PICTURE, DOCUMENT_BYTES_PER_TOKEN = 1600, 64
local SHORTEST_DATA = 200

local DATA = '"data":"'

-- The end of the base64 that begins at a place, or nil.
local function end_of_data(body, first)
  local _, last = body:find('^[%w+/=]+"', first)
  return last and last - first >= SHORTEST_DATA and last - 1 or nil
end

--- Tokens of a request's body.
---@param body any JSON with sorted keys, as json.encode_request writes it
---@return integer
function token_estimate.of(body)
  body = segments.text(body)
  if type(body) ~= "string" then
    return 0
  end
  local text, tokens = #body, 0
  local _, last = body:find(DATA, 1, true)
  while last do
    local data_end = end_of_data(body, last + 1)
    if data_end then
      local size = data_end - last
      local is_picture = body:sub(data_end + 1, data_end + 40):find('"media_type":"image/', 1, true)
      text, tokens = text - size, tokens + (is_picture and PICTURE or size / DOCUMENT_BYTES_PER_TOKEN)
    end
    _, last = body:find(DATA, (data_end or last) + 1, true)
  end
  return math.ceil(tokens + text / BYTES_PER_TOKEN)
end

return token_estimate
