-- What json.c checks of a text that the scan accepts. A number beyond the largest double that stands
-- alone is decoded as infinity, which is not encoded.

local json = require "anthropic.base.json"

local function round_trip(text)
  for _, decode in ipairs { json.decode, json.decode_answer } do
    local value = decode(text)
    local first, err = json.encode(value == nil and 0 or value)
    assert(first or type(value) == "number" and tostring(err):find("infinity", 1, true), err)
    local second = first and assert(json.encode((decode(first))))
    if first ~= second then
      error(first .. "\n" .. second)
    end
  end
end

return { decode = require("cjson").new().decode, round_trip = round_trip }
