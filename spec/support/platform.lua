-- A platform of lua/anthropic/platforms/, by what it makes of options and of requests, in an environment that has
-- nothing of the machine's.
--
--     local vertex = platform "vertex"
--     before_each(vertex.begin)
--     after_each(vertex.clear)
--     vertex.base { region = "global", project_id = "p" }             --> "https://..."
--     vertex.has("POST", "/v1/messages")                              --> true
--     vertex.write({ region = "global", project_id = "p" }, "/v1/messages", { model = "m" }).url

local adapting = require "anthropic.platforms.adapting"
local json = require "anthropic.base.json"
local platforms = require "anthropic.platforms"
local service = require "spec.support.service"
local urls = require "anthropic.http.url"

return function(name)
  local row = require("anthropic.platforms." .. name)
  local self = { clear = service.clear }

  function self.begin(variables)
    variables = type(variables) == "table" and variables or {}
    variables.HOME = variables.HOME or "/nowhere"
    service.environment(variables)
  end

  function self.apply(given)
    given.platform = name
    return platforms.apply(given)
  end

  function self.base(given)
    return self.apply(given).base_url
  end

  --- The refusal's words, too.
  function self.has(method, path)
    local resolved = { platform = name, base_url = "https://gateway.test" }
    local err = platforms.refusal(resolved, { method = method, path = path })
    return err == nil, err and err.message
  end

  --- A request of the first party's as the platform has it, its body decoded.
  function self.write(given, path, body, headers)
    local resolved = self.apply(given)
    local request = {
      url = urls.of(resolved.base_url, path), headers = headers or {}, body = body and assert(json.encode(body)),
    }
    local ok, err = adapting.adapt(row, function(option)
      return resolved[option]
    end, request, { method = "POST", path = path })
    if not ok then
      return nil, err
    end
    request.body = request.body and json.decode(request.body)
    return request
  end

  return self
end
