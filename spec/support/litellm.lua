-- LiteLLM's proxy, which tools/peers installs.
--
--     local program, reason = litellm.find()
--     local proxy = litellm.start { model_list = { ... } } -- its configuration
--     proxy.url; proxy:stop()

local background = require "spec.support.background"

local json = require "anthropic.base.json"

local litellm = {}
litellm.__index = litellm

local PROGRAM = "build/litellm/bin/litellm"

-- It begins by loading more than ten seconds' worth of Python, of which other specs take their share.
local LIMITS = { patience = 240, lifetime = 480 }

--- The path of its program; nil and the reason where it is not there.
function litellm.find()
  local found = io.open "build/litellm/installed"
  if not found then
    return nil, "LiteLLM is not installed (tools/peers installs it, where pip is there)"
  end
  found:close()
  return background.absolute(PROGRAM)
end

--- Starts it on the loopback, with an environment of its own; it asks nobody for prices.
---@param configuration table
function litellm.start(configuration)
  local self = setmetatable({ directory = background.make_directory() }, litellm)
  local file = self.directory .. "/configuration.yaml" -- JSON is YAML
  background.write_file(file, assert(json.encode(configuration)))
  self.process = background.start(
    ('-i PATH="$PATH" HOME=%s LITELLM_LOCAL_MODEL_COST_MAP=True %s --config %s --host 127.0.0.1 --port 0'):format(
      self.directory, assert(litellm.find()), file),
    "Uvicorn running on (%S+)", LIMITS)
  self.url = self.process.ready
  return self
end

function litellm:stop()
  self.process:stop()
  os.execute("rm -rf " .. background.quote(self.directory))
end

return litellm
