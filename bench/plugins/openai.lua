-- lua-openai in an editor, by examples/http/openai_provider.lua: with LuaSocket Neovim crashes. See README.md.

local openai = {}

local client

function openai.setup(url)
  client = require("openai").new(os.getenv "BENCH_KEY", {})
  client.api_base = url .. "/v1"
  return function()
    require("anthropic").preload()
    package.loaded["bench.openai_provider"] = dofile "examples/http/openai_provider.lua"
    client.config.http_provider = "bench.openai_provider"
    return true
  end
end

function openai.ask(_, prompt, on_text, on_error, on_done)
  local task = require("anthropic").spawn(function()
    local ok, status, response = pcall(client.chat, client, { { role = "user", content = prompt } },
      { model = "model", stream = true }, function(chunk)
        if chunk.content and chunk.content ~= "" then
          on_text(chunk.content)
        end
      end)
    if not ok or status ~= 200 then
      on_error(ok and response or status)
    end
    on_done()
  end)
  return function()
    task:cancel()
  end
end

return openai
