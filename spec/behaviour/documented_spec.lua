-- Pages that list all of something list all of it: errors, options.

local background = require "spec.support.background"
local errors = require "anthropic.base.error"
local failures = require "anthropic.http.failures"

-- What a message is made from: numbers are N on the page, libcurl's words three dots.
local PROFILE = {
  timeouts = { connect = 1, first_byte = 1, idle = 1, total = 1 },
  option = function() return 1 end,
}
local RESPONSE = { headers = { ["content-encoding"] = "..." } }

local function message_of(row)
  if type(row.message) ~= "function" then
    return row.message
  end
  local message = row.message(row.kind == "truncated" and "" or "...", PROFILE, RESPONSE)
  return (message:gsub("%f[%d]1%f[^%d]", "N"))
end

describe("the page of errors", function()
  local lines, page

  setup(function()
    page = background.read_file "doc/how-to/errors.md"
    lines = {}
    for line in page:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
  end)

  -- Whether a row of a table has all these texts.
  local function has_row(...)
    for _, line in ipairs(lines) do
      local has_all = line:sub(1, 1) == "|"
      for _, text in ipairs { ... } do
        has_all = has_all and line:find(text, 1, true) ~= nil
      end
      if has_all then
        return true
      end
    end
    return false
  end

  for name, row in pairs(failures.ROWS) do
    it("has the failure " .. name, function()
      local message = message_of(row)
      local kind = row.timeout and ("`%s` (`%s`)"):format(row.kind, row.timeout) or "`" .. row.kind .. "`"
      assert.is_true(has_row("| " .. kind, message and message:gsub("%.%.%.$", "") or ""), message or name)
    end)
  end

  it("has all advice", function()
    for _, rows in pairs(failures.ADVICE) do
      for _, row in ipairs(rows) do
        assert.is_true(has_row("`" .. row[2] .. "`"), row[2])
      end
    end
  end)

  it("has the API's types of errors with their statuses, and no other", function()
    for name, status in pairs(errors.STATUS_OF_TYPE) do
      assert.is_true(has_row("| `" .. name .. "` |", tostring(status)), name)
    end
    for name, status in page:gmatch "\n| `([%a_]+)` | (%d+)[ ,|]" do
      assert.equal(name, errors.type_of_status(tonumber(status)))
    end
  end)

  it("has the fields that an error is annotated with", function()
    local source = background.read_file "lua/anthropic/base/error.lua"
    local annotated = source:match "@class anthropic%.Error .-\n(.-)\nlocal Error"
    for name in annotated:gmatch "@field ([%a_]+)" do
      assert.is_true(has_row("`" .. name .. "`"), name)
    end
  end)

  it("has the kinds, and no other", function()
    local annotated = background.read_file "lua/anthropic/base/error.lua":match "@alias anthropic%.ErrorKind\n(.-)\n\n"
    local kinds = {}
    for kind in annotated:gmatch '%-%-%-| "([%a_]+)"' do
      kinds[kind] = true
      assert.is_true(has_row("| `" .. kind .. "` |"), kind)
    end
    for kind in page:match("## Errors of the transport(.-)\n## "):gmatch "\n| `([%a_]+)`" do
      assert.is_true(kinds[kind], kind)
    end
  end)
end)

describe("the page of options", function()
  local page = background.read_file "doc/how-to/options.md"
  local source = background.read_file "lua/anthropic/init.lua"
  local annotated = {}
  for name in source:match "@class anthropic%.Options .-\n(.-)\n\n":gmatch "@field ([%a_]+)" do
    annotated[name] = true
  end

  it("has every option", function()
    for name in pairs(annotated) do
      assert.truthy(page:find("\n| [^|]*`" .. name .. "`[^|]* |"), name)
    end
  end)

  it("has no option that does not exist", function()
    for cell in page:gmatch "\n| (`[^|]*`) |" do
      for name in cell:gmatch "`([%a_]+)`" do
        assert.is_true(annotated[name], name)
      end
    end
  end)
end)
