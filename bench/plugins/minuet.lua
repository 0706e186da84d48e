-- minuet-ai.nvim, asked for a completion as its front ends ask; see README.md. It shows what came at the end.

local minuet = { is_whole = true }

local BACKENDS = { anthropic = "claude", openai = "openai" }

-- Its curl is a process of `vim.system`.
local function use_library()
  local example, system = require "bench.plugins.example", vim.system
  vim.system = function(words, options, on_exit) -- luacheck: ignore 122
    if words[1] ~= "curl" then
      return system(words, options, on_exit)
    end
    local job = example.run_curl(vim.list_slice(words, 2), nil, nil, function(exit, output, problem)
      on_exit { code = exit, signal = 0, stdout = output, stderr = problem }
    end)
    return { pid = "none", kill = function() job:shutdown() end }
  end
  require("anthropic").preload()
  return true
end

function minuet.setup(url, provider)
  local function options(path)
    return { end_point = url .. path, api_key = "BENCH_KEY", model = "model", stream = true }
  end
  require("minuet").setup {
    provider = BACKENDS[provider], request_timeout = 60, n_completions = 1, notify = "verbose",
    provider_options = { claude = options "/v1/messages", openai = options "/v1/chat/completions" },
  }
  require("minuet.backends." .. BACKENDS[provider])
  return use_library
end

function minuet.ask(provider, prompt, on_text, on_error, on_done)
  vim.notify = on_error -- luacheck: ignore 122
  local context = { lines_before = prompt, lines_after = "", opts = {} }
  require("minuet.backends." .. BACKENDS[provider]).complete(context, function(items)
    for _, text in ipairs(items or {}) do
      on_text(text)
    end
    on_done()
  end)
  return require("minuet.backends.common").terminate_all_jobs
end

return minuet
