-- core.json_encode(value, rules, mode) with rules of a spec's own.
--
--     local encoder = require "spec.support.encoder"
--     encoder.encode(setmetatable({}, encoder.ARRAY))               --> "[]"
--     encoder.fails("a: a function has no JSON form", { a = print })

local core = require "anthropic.core"

local assert = require "luassert"

-- Metatables of each kind, of an unknown one and of none.
local encoder = { ARRAY = {}, EMPTY_ARRAY = {}, OBJECT = {}, RAW = {}, STRANGE = {}, WRONG = {} }

function encoder.rules(given)
  local all = {
    kinds = {
      [encoder.ARRAY] = "array", [encoder.EMPTY_ARRAY] = "empty array", [encoder.OBJECT] = "object",
      [encoder.RAW] = "raw", [encoder.STRANGE] = "strange", [encoder.WRONG] = 5,
    },
    literals = { [core.null] = "null" },
    fields = {},
    kept = require "spec.support.kept",
    inputs = {},
    digits = {},
    is_unchanged = function() return true end,
  }
  for name, value in pairs(given or {}) do
    all[name] = value
  end
  return all
end

function encoder.encode(value, given)
  return core.json_encode(value, encoder.rules(given))
end

function encoder.encode_request(value, given)
  return core.json_encode(value, encoder.rules(given), core.json_request)
end

function encoder.fails(expected, value, given)
  local text, message = encoder.encode(value, given)
  assert.is_nil(text)
  assert.equal(expected, message)
end

function encoder.of(metatable, value)
  return setmetatable(value, metatable)
end

-- A value below so many tables, each the first element of the next.
function encoder.nested(value, levels)
  for _ = 1, levels do
    value = { value }
  end
  return value
end

return encoder
