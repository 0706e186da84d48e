-- The library inside Neovim, headless: Debian's, and a current one where tools/peers could install it.

local host_scenarios = require "spec.support.host_scenarios"
local neovim = require "spec.support.neovim"
local neovim_program = require "spec.support.neovim_program"
local raw_client = require "spec.support.raw_client"
local socket = require "socket"
local testing = require "anthropic.testing"

local anthropic = require "anthropic"

local editors, missing = neovim.editors()

describe("a current Neovim", function()
  it("is run, too", function()
    if missing then
      pending(missing)
    end
  end)
end)

for _, editor in ipairs(editors) do
  describe(editor.name, function()
    local run, server = neovim_program.runner(editor, setup, teardown)

    describe("gives what a plain program gives", function()
      local expected

      setup(function()
        local fresh = host_scenarios.server()
        expected = anthropic.run(host_scenarios.run, fresh.url)
        fresh:stop()
      end)

      for where, call in pairs {
        ["in a task"] = [[
          local task = anthropic.spawn(function() return host_scenarios.run(url) end)
          eventually(function() return task.done end, 60)
          local results = task:join()]],
        ["in anthropic.run"] = "local results = anthropic.run(host_scenarios.run, url)",
        ["outside of coroutines"] = "local results = host_scenarios.run(url)",
      } do
        it(where, function()
          local fresh = host_scenarios.server()
          local results = run(([[
            local url = %q
            local host_scenarios = require "spec.support.host_scenarios"
            %s
            eventually(function() return active_handles() == 0 end) -- a connection may still end
            report { results, active_handles() }
          ]]):format(fresh.url, call))
          fresh:stop()
          assert.equal(expected, results[1])
          assert.equal(0, results[2])
        end)
      end
    end)

    it("tells what a command that brings no key came to, and ends one that nobody waits for", function()
      local results = run [[
        local function fails(command, options)
          local client = client_at("", { api_key = { command = command }, timeout = 0.5 })
          return tostring(select(2, client.messages.create(params)))
        end
        local directory = os.tmpname()
        local results = {
          fails { "sh", "-c", "echo hush; exit 3" }, fails { "no-such-command-here" },
          fails { "sh", "-c", "echo $$ >" .. directory .. "; exec sleep 60" },
        }
        local file = io.open(directory)
        local pid = file:read "*n"
        file:close()
        os.remove(directory)
        results[4] = eventually(function() return uv.kill(pid, 0) ~= 0 end)
        report(results)
      ]]
      assert.equal('anthropic: invalid_request error: api_key: the command "sh" failed with status 3', results[1])
      assert.matches('the command "no%-such%-command%-here" cannot be run: ENOENT', results[2])
      assert.matches("^anthropic: timeout error %(total%)", results[3])
      assert.is_true(results[4])
    end)

    it("calls back in its main loop, by one schedule for all that came", function()
      local result = run [[
        local scheduled, schedule = 0, vim.schedule
        vim.schedule = function(f)
          scheduled = scheduled + 1
          schedule(f)
        end
        local fast, texts, finished = 0, 0, nil
        local function look()
          fast = fast + (vim.in_fast_event() and 1 or 0)
          vim.api.nvim_get_current_buf()
          vim.fn.bufname()
        end
        client_at("/burst").messages.stream(params, {
          on_event = look,
          on_text = function() texts = texts + 1 end,
          on_done = function(message) look() finished = message.stop_reason end,
        })
        eventually(function() return finished end)
        local task = anthropic.spawn(function() look() anthropic.sleep(0.01) look() return true end)
        eventually(function() return task.done end)
        report { fast = fast, texts = texts, finished = finished, scheduled = scheduled, joined = task:join() }
      ]]
      assert.equal(0, result.fast)
      assert.equal(2000, result.texts)
      assert.equal("end_turn", result.finished)
      assert.is_true(result.joined)
      assert.is_true(result.scheduled < 1500, result.scheduled .. " schedules") -- for 2,000 pieces
    end)

    it("has its turn among many callbacks that only schedule their work", function()
      local result = run [[
        local waiting, most, count, done = 0, 0, 0, nil
        local work = vim.schedule_wrap(function() waiting = waiting - 1 end)
        client_at("/burst").messages.stream(params, {
          on_text = function()
            waiting, count = waiting + 1, count + 1
            most = math.max(most, waiting)
            work()
          end,
          on_done = function(message, err) done = message and "done" or tostring(err) end,
        })
        eventually(function() return done end)
        report { done, count, most <= 64 }
      ]]
      assert.same({ "done", 2000, true }, result)
    end)

    it("can be called from its callbacks of the event loop, which cannot wait", function()
      local result = run [[
        local text, fast, waited, cancelled
        local timer = uv.new_timer()
        timer:start(1, 0, function()
          fast = vim.in_fast_event()
          waited = { pcall(client_at("").messages.create, params) }
          client_at("").messages.stream(params, {
            on_done = function(message) text = message:text() .. tostring(vim.in_fast_event()) end,
          })
          client_at("").messages.stream(params, {
            on_done = function(_, err) cancelled = err.kind .. tostring(vim.in_fast_event()) end,
          }):cancel()
          timer:close()
        end)
        eventually(function() return text end)
        report { text = text, cancelled = cancelled, fast = fast, ok = waited[1], err = waited[2] }
      ]]
      assert.same({ text = "one two three fourfalse", cancelled = "cancelledfalse", fast = true, ok = false,
        err = "a callback of the event loop cannot wait: use anthropic.spawn, or on_done of messages.stream" }, result)
    end)

    it("is watched while somebody waits, and only then", function()
      local result = run [[
        local client, done = client_at(""), 0
        local idle = active_handles()
        assert(client.messages.create(params))
        local after_wait = active_handles()
        local handle = client.messages.stream(params, { on_done = function() done = done + 1 end })
        local during = active_handles()
        eventually(function() return done == 1 end)
        eventually(function() return active_handles() == 0 end, 3)
        local after_stream = active_handles()
        handle = client_at("/hang").messages.stream(params, { on_done = function() done = done + 1 end })
        vim.wait(100)
        handle:cancel()
        eventually(function() return done == 2 end)
        report { idle, after_wait, during, after_stream, active_handles() }
      ]]
      assert.same({ 0, 0, 1, 0, 0 }, result)
    end)

    it("goes on with other streams while a callback waits for the user", function()
      local result = run [[
        local words, seen, finished = 0, nil, nil
        client_at("/slow").messages.stream(params, { on_text = function() words = words + 1 end })
        client_at("").messages.stream(params, {
          on_done = function()
            local before = words
            vim.wait(1000, function() return words >= before + 5 end)
            seen = words - before
          end,
        })
        eventually(function() return seen end)
        report(seen)
      ]]
      assert.is_true(result >= 5, result .. " words")
    end)

    it("shows what a callback raises, and goes on with the others", function()
      local texts, output = editor:run(neovim_program.of(server().url, [[
        local texts = {}
        for i = 1, 3 do
          client_at("").messages.stream(params, {
            on_text = function() if i == 2 then error "of the callback" end end,
            on_done = function(message, err) texts[i] = message and message:text() or err.message end,
          })
        end
        eventually(function() return texts[1] and texts[2] and texts[3] end)
        report(texts)
      ]]))
      assert.equal("one two three four", texts[1])
      assert.equal("one two three four", texts[3])
      assert.matches("a callback failed: .*of the callback", texts[2])
      assert.matches("^Error .*of the callback", output)
    end)

    it("cancels what blocks it on Ctrl-C", function()
      local session = editor:start()
      session:lua(neovim_program.of(server().url, [[
        vim.defer_fn(function()
          local _, err = client_at("/hang").messages.create(params)
          vim.g.outcome = err and err.kind or "none"
        end, 10)
      ]]))
      local connected = raw_client.eventually(function() return server():connections().open > 0 end)
      session:type "<C-c>"
      socket.sleep(1) -- what an older one evaluates while it waits would be interrupted instead
      local outcome
      raw_client.eventually(function()
        local answered, value = pcall(session.lua, session, "return vim.g.outcome")
        outcome = answered and value or nil
        return outcome
      end)
      session:quit()
      assert.is_true(connected)
      assert.equal("cancelled", outcome)
    end)

    it("leaves nothing behind when it is quit in the middle", function()
      local session = editor:start()
      session:lua(neovim_program.of(server().url, [[
        _G.words = 0
        client_at("/slow").messages.stream(params, { on_text = function() words = words + 1 end })
        client_at("/hang").messages.stream(params, { on_done = print })
        anthropic.spawn(function() anthropic.sleep(60) end)
        vim.wait(5000, function() return words > 3 end)
      ]]))
      local began = anthropic.now()
      local output, exit_code = session:quit()
      assert.is_true(anthropic.now() - began < 3)
      assert.equal("", output)
      assert.equal(0, exit_code)
      assert.is_true(raw_client.eventually(function() return server():connections().open == 0 end))
    end)

    it("sends a prompt of 30 MB", function()
      local before = #server():requests()
      assert.equal("Hello!", run [[
        local prompt = ("0123456789"):rep(3000000)
        local message, err = client_at("").messages.create {
          model = "m", max_tokens = 9, messages = { { role = "user", content = prompt } },
        }
        report(message and message:text() or tostring(err))
      ]])
      assert.is_true(#server():requests()[before + 1].body > 30000000)
    end)

    for name, environment in pairs {
      ["lua-cjson"] = { LUA_CPATH = "./build/luajit/?.so;/usr/lib/x86_64-linux-gnu/lua/5.1/?.so" },
      ["its own build of lua-cjson"] = { LUA_CPATH = "./build/luajit/?.so" },
    } do
      it("reads and writes JSON with " .. name, function()
        environment.LUA_PATH = "./lua/?.lua;./lua/?/init.lua"
        local answer = testing.message {
          tool_uses = { { id = "toolu_1", name = "t", input_json = '{"a":[],"b":{},"c":null,"d":1.5}' } },
        }
        local own = testing.server { script = answer }
        local has_cjson = run(([[
          local client = anthropic.new { base_url = %q, api_key = "k" }
          local message = assert(client.messages.create {
            model = "m", max_tokens = 9, metadata = vim.empty_dict(), temperature = vim.NIL,
            messages = { { role = "user", content = "Hello" } },
          })
          local again = assert(client.messages.create {
            model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" }, message },
          })
          report(package.loaded.cjson ~= nil)
        ]]):format(own.url), environment)
        local requests = own:requests()
        own:stop()
        assert.equal(name == "lua-cjson", has_cjson)
        assert.equal('{"max_tokens":9,"messages":[{"content":"Hello","role":"user"}],"metadata":{},"model":"m",'
          .. '"temperature":null}', requests[1].body)
        assert.truthy(requests[2].body:find('"input":{"a":[],"b":{},"c":null,"d":1.5}', 1, true))
      end)
    end

    it("blocks a thread of the editor's that asks, and no more than that", function()
      assert.same({ "Hello!", "blocking" }, run [[
        local result, name
        local work = uv.new_work(function(url)
          local client = require("anthropic").new { base_url = url, api_key = "k" }
          local message, err = client.messages.create {
            model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } },
          }
          return message and message:text() or tostring(err), require("anthropic.loop").name()
        end, function(...) result, name = ... end)
        work:queue(client_url "")
        eventually(function() return result end)
        report { result, name }
      ]])
    end)

    it("starts the testing server", function()
      assert.equal("From the editor", run [[
        local testing = require "anthropic.testing"
        local own = testing.server { script = testing.message { text = "From the editor" } }
        local client = anthropic.new { base_url = own.url, api_key = "k" }
        local message = assert(client.messages.create(params))
        own:stop()
        report(message:text())
      ]])
    end)
  end)
end
