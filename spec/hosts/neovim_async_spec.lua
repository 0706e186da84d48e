-- Streams in the coroutines of Neovim's asynchronous libraries.

local neovim = require "spec.support.neovim"
local neovim_program = require "spec.support.neovim_program"
local raw_client = require "spec.support.raw_client"

for _, editor in ipairs((neovim.editors())) do
  describe(editor.name, function()
    local run, server = neovim_program.runner(editor, setup, teardown)

    describe("in a coroutine of a library's", function()
      local INSIDE = [[
        local http = require "anthropic.http"
        local libraries = require "spec.support.editor_async"
        package.loaded["nio.tasks"], package.loaded.async = libraries.nio, libraries.async
        local client = client_at ""
        local function ask()
          local text = ""
          for piece in assert(client.messages.stream(params)):text_deltas() do
            text = text .. piece
          end
          local response = assert(http.request { url = client_url "/v1/messages", body = "{}" })
          return text .. response.status
        end
      ]]

      it("waits in its way", function()
        local results = run(INSIDE .. [[
          local results = {}
          for _, name in ipairs { "nio", "async", "plenary" } do
            local task = libraries[name].run(ask)
            eventually(function() return task.state ~= "running" end)
            results[#results + 1] = { task.state, task.results[1] }
          end
          coroutine.wrap(function() results[#results + 1] = { "nobody's", ask() } end)()
          eventually(function() return results[4] end)
          report(results)
        ]])
        local text = "one two three four200"
        assert.same({ { "done", text }, { "done", text }, { "done", text }, { "nobody's", text } }, results)
      end)

      it("ends with its task, where that tells", function()
        local result = run(INSIDE .. [[
          local task = libraries.async.run(function()
            return http.request { url = client_url "/hang/v1/messages", body = "{}" }
          end)
          vim.wait(100)
          task.close()
          eventually(function() return task.state ~= "running" end)
          report { task.state, task.results[1], require("anthropic.loop").core():active() }
        ]])
        assert.same({ "failed", "closed", 0 }, result)
      end)
    end)

    describe("by nvim-nio's protocol", function()
      local WRAPPED = [[
        local nio = require("spec.support.editor_async").nio
        local client = client_at(path)
        local stream = nio.wrap(function(given, done) return client.messages.stream(given, { on_done = done }) end, 2)
      ]]

      it("awaits a stream, in one line", function()
        local result = run([[local path = ""]] .. WRAPPED .. [[
          local task = nio.run(function()
            local message, err = stream(params)
            local again = stream(params)
            client = client_at("/bad")
            return message:text() .. again:text(), err, select(2, stream(params)).status
          end)
          eventually(function() return task.state ~= "running" end)
          report { task.state, task.results[1], task.results[3] }
        ]])
        assert.same({ "done", "one two three fourone two three four", 400 }, result)
      end)

      it("is not disturbed by a task that was cancelled meanwhile", function()
        local result = run([[local path = ""]] .. WRAPPED .. [[
          local task = nio.run(function() return stream(params) end)
          task.cancel()
          eventually(function() return active_handles() == 0 end)
          report { task.state, task.results[1], vim.v.errmsg }
        ]])
        assert.same({ "failed", "cancelled", "" }, result)
      end)
    end)

    describe("by async.nvim's protocol", function()
      local AWAITING = [[
        local async = require("spec.support.editor_async").async
        local handle
        local function stream(path)
          local client = client_at(path)
          return async.await(2, function(given, done)
            handle = client.messages.stream(given, { on_done = done })
            return handle
          end, params)
        end
      ]]

      it("awaits a stream, in one line", function()
        local result = run(AWAITING .. [[
          local task = async.run(function()
            local message = stream ""
            local again = stream ""
            return message:text() .. again:text(), select(2, stream "/bad").status
          end)
          eventually(function() return task.state ~= "running" end)
          report { task.state, task.results[1], task.results[2] }
        ]])
        assert.same({ "done", "one two three fourone two three four", 400 }, result)
      end)

      for _, path in ipairs { "/hang", "/slow" } do
        it("is closed with the task that awaits it at " .. path, function()
          local result = run(AWAITING .. ([[
            local task = async.run(function() return stream %q end)
            vim.wait(200)
            local began = uv.hrtime()
            task.close()
            eventually(function() return task.state ~= "running" end)
            eventually(function() return active_handles() == 0 end, 3)
            report {
              state = task.state, reason = task.results[1], closing = handle:is_closing(), handles = active_handles(),
              at_once = uv.hrtime() - began < 2e9,
            }
          ]]):format(path))
          assert.same({ state = "failed", reason = "closed", closing = true, handles = 0, at_once = true }, result)
          assert.is_true(raw_client.eventually(function() return server():connections().open == 0 end))
        end)
      end
    end)
  end)
end
