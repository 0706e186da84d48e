-- codecompanion.nvim, asked as its chat asks; see README.md.

local codecompanion = {}

local PATHS = { anthropic = "/v1/messages", openai = "/v1/chat/completions" }

local provider_adapter

function codecompanion.setup(url, provider)
  local adapters = {}
  for name, path in pairs(PATHS) do
    adapters[name] = function()
      return require("codecompanion.adapters").extend(name, {
        url = url .. path,
        env = { api_key = "BENCH_KEY" },
        schema = { model = { default = "model", choices = { "model" } } }, -- else it asks for the list of models
      })
    end
  end
  require("codecompanion").setup { adapters = { http = adapters }, opts = { log_level = "ERROR" } }
  local adapter = require("codecompanion.adapters").resolve(provider)
  local settings = require("codecompanion.schema").get_default(adapter)
  provider_adapter = adapter:map_schema_to_params(settings)
  return require("bench.plugins.example").load "codecompanion"
end

function codecompanion.ask(_, prompt, on_text, on_error, on_done)
  local adapters, adapter = require "codecompanion.adapters", provider_adapter
  local handle = require("codecompanion.http").new({ adapter = adapter }):send({
    messages = adapter:map_roles { { role = "user", content = prompt } },
  }, {
    on_chunk = function(data)
      local result = adapters.call_handler(adapter, "parse_chat", data, {})
      local text = result and result.status == "success" and result.output.content
      if text and text ~= "" then
        on_text(text)
      elseif result and result.status == "error" then
        on_error(tostring(result.output))
      end
    end,
    on_done = on_done,
    on_error = function(err)
      on_error(err.stderr or err.message)
      on_done()
    end,
  })
  return handle.cancel
end

return codecompanion
