-- gp.nvim, asked as its commands ask; see README.md.

local gp = {}

function gp.setup(url)
  local key = os.getenv "BENCH_KEY"
  require("gp").setup {
    providers = {
      anthropic = { endpoint = url .. "/v1/messages", secret = key },
      openai = { endpoint = url .. "/v1/chat/completions", secret = key },
    },
  }
  return require("bench.plugins.example").load "gp"
end

function gp.ask(provider, prompt, on_text, on_error, on_done)
  local dispatcher, tasker = require "gp.dispatcher", require "gp.tasker"
  require("gp.logger").error = on_error
  local messages = { { role = "user", content = prompt } }
  local payload = dispatcher.prepare_payload(messages, { model = "model" }, provider)
  dispatcher.query(nil, provider, payload, vim.schedule_wrap(function(_, text)
    if text ~= "" then
      on_text(text)
    end
  end), nil, on_done)
  return tasker.stop
end

return gp
