-- Cases that each have answers of their own, all played by one server, which starts with the first case.
--
--     local played = played_cases.new(it, teardown, { max_retries = 0 })
--     played.case("a name", { testing.message { text = "Hello" } }, function()
--       played.client.messages.create { ... }
--       assert.equal(1, #played.requests())
--     end)

local anthropic = require "anthropic"
local testing = require "anthropic.testing"

local played_cases = {}

-- `it` and `teardown` are those of the spec; `options` are a client's.
function played_cases.new(it, teardown, options)
  local routes, server, prefix = {}, nil, nil
  local played = {}

  function played.new_client(more)
    local whole = { base_url = server.url .. prefix, api_key = "test-key" }
    for _, list in ipairs { options or {}, more or {} } do
      for name, value in pairs(list) do
        whole[name] = value
      end
    end
    return anthropic.new(whole)
  end

  function played.case(name, answers, f)
    local own = ("/%d"):format(#routes + 1)
    routes[#routes + 1] = { path = own .. "/v1/messages", answers = answers, on_end = "error" }
    it(name, function()
      server = server or testing.server { script = { routes = routes } }
      prefix = own
      played.client = played.new_client()
      f()
      played.client:close()
    end)
  end

  -- The same in a plain program and under the scheduler.
  function played.both(name, answers, f)
    played.case(name, answers, f)
    played.case(name .. ", under the scheduler", answers, function()
      anthropic.run(f)
    end)
  end

  -- The requests of the case that runs.
  function played.requests()
    local list = {}
    for _, request in ipairs(server:requests()) do
      if request.path == prefix .. "/v1/messages" then
        list[#list + 1] = request
      end
    end
    return list
  end

  teardown(function()
    if server then
      server:stop()
    end
  end)

  return played
end

return played_cases
