-- What delta.c checks of a delta that was read: lua-cjson alone, and this library's own decoder of
-- events, read the same and nothing more.

local json = require "anthropic.base.json"

local decode = require("cjson").new().decode

local function count(value)
  local members = 0
  for _ in pairs(value) do
    members = members + 1
  end
  return members
end

return function(text, kind, field, index, expected)
  for _, event in ipairs { decode(text), assert(json.decode_event(text)) } do
    assert(count(event) == 3 and count(event.delta) == 2, "it has further members")
    assert(event.type == "content_block_delta" and event.index == index, "it is another event")
    assert(event.delta.type == kind, event.delta.type)
    assert(event.delta[field] == expected, "it has another text")
  end
end
