-- What a platform without busted runs: the client against the testing server, which may be of another Lua.
--
--     lua5.5 tools/smoke.lua [LUA OF THE SERVER]

local anthropic = require "anthropic"
local testing = require "anthropic.testing"

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

local function with(more)
  local all = {}
  for _, each in ipairs { params, more } do
    for name, value in pairs(each) do
      all[name] = value
    end
  end
  return all
end

-- What it does -> { script, what must hold of a client }
local CHECKS = {
  create = { { testing.message { text = "Hello!" } }, function(client)
    return assert(client.messages.create(params)):text() == "Hello!"
  end },
  ["create after a failure"] = {
    { testing.error { status = 529, retry_after = 0 }, testing.message { text = "Hello!" } },
    function(client)
      return assert(client.messages.create(params)):text() == "Hello!"
    end },
  stream = { { testing.stream { text = "Hello!" } }, function(client)
    local pieces = {}
    local stream = assert(client.messages.stream(params))
    for text in stream:text_deltas() do
      pieces[#pieces + 1] = text
    end
    return table.concat(pieces) == "Hello!"
  end },
  parse = { { testing.message { text = '{"name":"pancakes"}' } }, function(client)
    local schema = { type = "object", properties = { name = { type = "string" } }, required = { "name" } }
    return assert(client.messages.parse(with { schema = schema })).parsed.name == "pancakes"
  end },
  run = { {
    testing.message { tool_uses = { { name = "add", input = { a = 1, b = 2 } } } }, testing.message { text = "3" },
  }, function(client)
    local sum
    local tool = anthropic.tool {
      name = "add", description = "Adds.", input_schema = { type = "object" },
      run = function(input)
        sum = input.a + input.b
        return tostring(sum)
      end,
    }
    return assert(client.messages.run(with { tools = { tool } })):text() == "3" and sum == 3
  end },
  tasks = { { testing.message { text = "a" }, testing.message { text = "a" }, testing.message { text = "a" } },
    function(client)
      local count = 0
      anthropic.run(function()
        local tasks = {}
        for i = 1, 3 do
          tasks[i] = anthropic.spawn(function() return assert(client.messages.create(params)):text() end)
        end
        for _, task in ipairs(tasks) do
          count = count + (task:join() == "a" and 1 or 0)
        end
      end)
      return count == 3
    end },
}

local passed, failed = 0, 0
for name, check in pairs(CHECKS) do
  local server = testing.server { script = check[1], lua = arg[1] }
  local ok, result = pcall(check[2], anthropic.new { base_url = server.url, api_key = "k", max_retries = 1 })
  server:stop()
  if ok and result then
    passed = passed + 1
  else
    failed = failed + 1
    print("FAILED " .. name .. ": " .. tostring(result))
  end
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
