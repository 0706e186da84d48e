-- CopilotChat.nvim with providers of the user's own, asked as its chat asks; see README.md.

local copilotchat = {}

local function anthropic_provider(url, key)
  return {
    get_headers = function() return { ["x-api-key"] = key, ["anthropic-version"] = "2023-06-01" } end,
    get_url = function() return url .. "/v1/messages" end,
    prepare_input = function(inputs, options)
      return { model = options.model.id, max_tokens = 100, stream = true, messages = inputs }
    end,
    prepare_output = function(output)
      return {
        content = output.type == "content_block_delta" and output.delta.text or nil,
        finish_reason = output.type == "message_stop" and "stop" or nil,
      }
    end,
  }
end

local function openai_provider(url, key)
  local theirs = require("CopilotChat.config.providers").copilot
  return {
    get_headers = function() return { Authorization = "Bearer " .. key } end,
    get_url = function() return url .. "/v1/chat/completions" end,
    prepare_input = theirs.prepare_input, prepare_output = theirs.prepare_output,
  }
end

local PROVIDERS = { anthropic = anthropic_provider, openai = openai_provider }

function copilotchat.setup(url, name)
  local provider = PROVIDERS[name](url, os.getenv "BENCH_KEY")
  function provider.get_models()
    return { { id = "model", name = "model", streaming = true } }
  end
  require("CopilotChat.client"):set_providers(function()
    return { [name] = provider }
  end)
  return require("bench.plugins.example").replace_plenary_curl { "json_request", "json_response" }
end

function copilotchat.ask(_, prompt, on_text, on_error, on_done)
  local client = require "CopilotChat.client"
  require("plenary.async").run(function()
    local ok, problem = pcall(client.ask, client, {
      model = "model", tools = {}, resources = {}, system_prompt = "", temperature = 0.1,
      history = { { role = "user", content = prompt } },
      on_progress = vim.schedule_wrap(function(message)
        if message.content ~= "" then
          on_text(message.content)
        end
      end),
    })
    vim.schedule(function()
      if not ok then
        on_error(problem)
      end
      on_done()
    end)
  end)
  return function()
    client:stop()
  end
end

return copilotchat
