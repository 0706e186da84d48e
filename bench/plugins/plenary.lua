-- What a plugin does that calls plenary.curl, with that or with examples/http/plenary_curl.lua in its place; see
-- README.md.

local plenary = {}

local PROVIDERS = {
  anthropic = {
    path = "/v1/messages", header = "x-api-key",
    text_of = function(data) return data.delta and data.delta.text end,
  },
  openai = {
    path = "/v1/chat/completions", header = "Authorization",
    text_of = function(data) return data.choices and data.choices[1] and data.choices[1].delta.content end,
  },
}

local curl, base_url

function plenary.setup(url)
  curl, base_url = require "plenary.curl", url
  return function()
    require("anthropic").preload()
    curl = dofile "examples/http/plenary_curl.lua"
    return true
  end
end

local function on_line(provider, on_text, line)
  local json = line:match "^data: ({.*)$"
  local text = json and provider.text_of(vim.json.decode(json, { luanil = { object = true } }))
  if text and text ~= "" then
    on_text(text)
  end
end

function plenary.ask(name, prompt, on_text, on_error, on_done)
  local provider = PROVIDERS[name]
  local job = curl.post(base_url .. provider.path, {
    headers = { ["Content-Type"] = "application/json", [provider.header] = os.getenv "BENCH_KEY" },
    body = vim.json.encode { stream = true, messages = { { role = "user", content = prompt } } },
    compressed = false,
    raw = { "--no-buffer" },
    stream = vim.schedule_wrap(function(_, line)
      on_line(provider, on_text, line or "")
    end),
    callback = vim.schedule_wrap(function(response)
      if response.status >= 400 then
        on_error(response.body)
      end
      on_done()
    end),
    on_error = vim.schedule_wrap(function(err)
      on_error(err.message)
      on_done()
    end),
  })
  return function()
    job:shutdown()
  end
end

return plenary
