-- avante.nvim, asked as its own helpers ask; see README.md.

local avante = {}

local NAMES = { anthropic = "claude", openai = "openai" }

function avante.setup(url, provider)
  require("avante.config").setup {
    provider = NAMES[provider],
    providers = {
      claude = { endpoint = url, model = "model", api_key_name = "BENCH_KEY" },
      openai = { endpoint = url .. "/v1", model = "model", api_key_name = "BENCH_KEY" },
    },
  }
  require "avante.llm"
  return require("bench.plugins.example").replace_plenary_curl()
end

function avante.ask(provider, prompt, on_text, on_error, on_done)
  local llm, is_over = require "avante.llm", false
  require("avante.utils").error = function() end -- what is shown beside it
  llm.curl {
    provider = require("avante.providers")[NAMES[provider]],
    prompt_opts = { system_prompt = "", messages = { { role = "user", content = prompt } } },
    handler_opts = {
      on_start = function() end,
      on_chunk = function(text)
        if text and text ~= "" then
          on_text(text)
        end
      end,
      on_stop = function(stop)
        if stop.reason ~= "complete" and stop.reason ~= "cancelled" then
          on_error(stop.error or stop.reason)
        end
        if not is_over then
          is_over = true
          on_done()
        end
      end,
    },
  }
  return function()
    vim.api.nvim_exec_autocmds("User", { pattern = llm.CANCEL_PATTERN })
  end
end

return avante
