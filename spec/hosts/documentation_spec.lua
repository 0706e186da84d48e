-- The programs of the documentation that run inside a host: in Neovim and in nginx.

local background = require "spec.support.background"
local documentation = require "spec.support.documentation"
local neovim = require "spec.support.neovim"
local nginx = require "spec.support.nginx"
local testing = require "anthropic.testing"

local function each_program(host, f)
  for _, page in ipairs(documentation.pages()) do
    for i, program in ipairs(documentation.programs(page)) do
      if program.host == host then
        f(program, ("%d, in %s under %q"):format(i, page, program.title))
      end
    end
  end
end

describe("A program of the documentation", function()
  local server

  setup(function()
    server = testing.server { script = documentation.script() }
  end)

  teardown(function()
    server:stop()
  end)

  -- A user who says yes, and what the user is told.
  local USER = [[
    local told = {}
    vim.notify = function(words) told[#told + 1] = words end
    vim.ui.select = function(items, _, done) vim.schedule(function() done(items[1]) end) end
  ]]
  local END = [[
    local loop = require "anthropic.loop"
    report { ended = vim.wait(10000, loop.is_idle, 10), told = told,
      text = buffer and table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), "\n") }
  ]]

  for _, editor in ipairs((neovim.editors())) do
    each_program("nvim", function(program, name)
      it(name .. ", runs in " .. editor.name, function()
        local result, output, code = editor:run(USER .. program.code .. END, {
          LUA_PATH = "./?.lua;./lua/?.lua;./lua/?/init.lua", LUA_CPATH = "./build/luajit/?.so;;",
          ANTHROPIC_API_KEY = "test-key-1", ANTHROPIC_BASE_URL = server.url,
        })
        assert.equal(0, code, output)
        assert.is_true(result.ended)
        assert.is_nil(output:find("[Ee]rror"), output)
        if result.text then
          assert.equal("Rayleigh scattering.", result.text)
        elseif program.code:find("vim.ui.select", 1, true) then
          assert.same({ "It is sunny in Paris." }, result.told)
        else
          assert.truthy(output:find("Rayleigh scattering.", 1, true), output)
        end
      end)
    end)
  end

  each_program("ngx", function(program, name)
    it(name .. ", runs in nginx", function()
      local is_there, reason = nginx.is_installed()
      if not is_there then
        return pending(reason)
      end
      local host = nginx.start {
        main = "env ANTHROPIC_API_KEY; env ANTHROPIC_BASE_URL;",
        http = "init_by_lua_block { "
          .. 'package.path = ngx.config.prefix() .. "../../examples/openresty/?.lua;" .. package.path }',
        environment = "ANTHROPIC_API_KEY=test-key-1 ANTHROPIC_BASE_URL=" .. server.url,
        server = "location = /ask { lua_check_client_abort on; content_by_lua_block {\n"
          .. 'local client = require("anthropic").new()\n'
          .. 'local stream = assert(client.messages.stream { model = "m", max_tokens = 9, '
          .. 'messages = { { role = "user", content = "Hi" } } })\n'
          .. program.code .. "\nfor text in stream:text_deltas() do ngx.print(text) end\n} }",
      }
      local body, status = host:get "/ask"
      host:stop()
      assert.equal(200, status)
      assert.equal("Rayleigh scattering.", body)
    end)
  end)

  it("in nginx's own language is a location that answers", function()
    local is_there, reason = nginx.is_installed()
    if not is_there then
      return pending(reason)
    end
    local block = background.read_file "doc/how-to/openresty.md":match "```nginx\n(.-)\n```"
    local init = block:match "(  init_by_lua_block.-\n  }\n)"
    local location = block:match "server {\n(.*)\n  }\n}"
    local host = nginx.start {
      main = "env ANTHROPIC_API_KEY; env ANTHROPIC_BASE_URL;",
      environment = "ANTHROPIC_API_KEY=test-key-1 ANTHROPIC_BASE_URL=" .. server.url,
      http = init,
      server = location,
    }
    local body, status = host:get "/ask"
    host:stop()
    assert.equal(200, status)
    assert.equal("Rayleigh scattering.", body)
  end)
end)
