-- The library as a plugin of Neovim: installed, its help and its health check, and examples/neovim.

local background = require "spec.support.background"
local neovim = require "spec.support.neovim"
local raw_client = require "spec.support.raw_client"
local testing = require "anthropic.testing"

local function run_command(command)
  local output, code = background.output_of(command .. " 2>&1")
  assert.equal(0, code, output)
  return output
end

local editors, missing = neovim.editors()

describe("a current Neovim", function()
  it("has the plugin, too", function()
    if missing then
      pending(missing)
    end
  end)
end)

describe("as a plugin", function()
  local home, packages, server, environment

  -- A checkout that was built as a plugin manager builds it, and the example beside it.
  setup(function()
    home = background.make_directory()
    packages = home .. "/data/nvim/site/pack/x/start"
    run_command(("mkdir -p %s/anthropic && cp -R Makefile mk tools types *.rockspec src lua doc %s/anthropic")
      :format(packages, packages))
    run_command(("rm -f %s/anthropic/lua/anthropic/core.so && make -j2 -C %s/anthropic LUA=luajit"):format(
      packages, packages))
    run_command(("cp -R examples/neovim %s/ask"):format(packages))
    server = testing.server { script = { routes = {
      { body_contains = "slowly", answers = {
        testing.stream { thinking = "Hm.", text = ("word "):rep(400), delay_between = 0.05 },
      } },
      { body_contains = "one", answers = {
        testing.stream { thinking = "First.\nHm.", text = "The answer\nto one.", pieces = 20, delay_between = 0.02 },
      } },
      { body_contains = "two", answers = {
        testing.stream { text = "The answer to two.", pieces = 20, delay_between = 0.02 },
      } },
      { body_contains = "refused", answers = { testing.error { status = 400, message = "not so" } } },
    } } }
    environment = { ANTHROPIC_BASE_URL = server.url, ANTHROPIC_API_KEY = "a-key-of-a-test" }
  end)

  teardown(function()
    server:stop()
    os.execute("rm -rf " .. home)
  end)

  for _, editor in ipairs(editors) do
    describe("in " .. editor.name, function()
      local function run(code, given, directory)
        local reported, output, exit_code = editor:run(code, given or environment, directory or home)
        assert.equal("", output)
        assert.equal(0, exit_code)
        return reported
      end

      local ASK = [[
        local anthropic = require "anthropic"
        local message = anthropic.new():ask("one", { model = "m" })
        local origin = debug.getinfo(anthropic.new, "S").source
      ]]

      it("is found on the packpath as make LUA=luajit leaves it", function()
        local result = run(ASK .. "report { message, origin }")
        assert.equal("The answer\nto one.", result[1])
        assert.truthy(result[2]:find(packages .. "/anthropic/lua/anthropic/init.lua", 1, true), result[2])
      end)

      it("is found by the cache of Lua modules", function()
        local result = run("if vim.loader then vim.loader.enable() end " .. ASK .. "report { message, origin }")
        assert.equal("The answer\nto one.", result[1])
      end)

      it("is found in a tree of luarocks", function()
        local empty, rocks = background.make_directory(), home .. "/rocks"
        if background.output_of("ls " .. rocks .. " 2>/dev/null") == "" then
          background.write_file(home .. "/luarocks.lua",
            'rocks_servers = {}\nrocks_provided = { ["lua-cjson"] = "2.1.0-1" }\n')
          run_command(("cd %s/anthropic && HOME=%s LUAROCKS_CONFIG=%s/luarocks.lua luarocks --lua-version 5.1 "
            .. "--tree %s make --force-fast --deps-mode one"):format(packages, home, home, rocks))
        end
        local result = run(([[
          package.path = package.path .. ";%s/share/lua/5.1/?.lua;%s/share/lua/5.1/?/init.lua"
          package.cpath = package.cpath .. ";%s/lib/lua/5.1/?.so"
        ]]):format(rocks, rocks, rocks) .. ASK .. "report { message, origin }", environment, empty)
        os.execute("rm -rf " .. empty)
        assert.equal("The answer\nto one.", result[1])
        assert.truthy(result[2]:find(rocks, 1, true), result[2])
        assert.not_equal("", run_command("find " .. rocks .. " -name anthropic.txt"))
      end)

      it("has help, whose links lead somewhere", function()
        local result = run [[
          vim.cmd "helptags ALL"
          local broken, wide, links, blocks, names = {}, {}, 0, 0, {}
          local tags, count = {}, 0
          for _, path in ipairs(vim.api.nvim_get_runtime_file("doc/tags", true)) do
            for line in io.lines(path) do
              tags[line:match "^%S+"] = true
              count = count + (line:find "^anthropic" and 1 or 0)
            end
          end
          for _, subject in ipairs { "anthropic", "anthropic-reference.txt" } do
            vim.cmd("help " .. subject)
            names[#names + 1] = vim.fn.expand "%:t"
            local lines, is_code = vim.api.nvim_buf_get_lines(0, 0, -1, true), false
            for _, line in ipairs(lines) do
              is_code = (is_code or line == ">") and line ~= "<"
              for tag in line:gmatch(is_code and "$^" or "|(anthropic[^|%s%[]*)|") do
                links = links + 1
                broken[#broken + 1] = not tags[tag] and tag or nil
              end
              local is_one_word = line:find "^%s*%S+$" -- the tag of a long call, a path
              if not is_code and not is_one_word and vim.fn.strdisplaywidth(line) > 78 then
                wide[#wide + 1] = line
              end
            end
            for block in table.concat(lines, "\n"):gmatch "\n>\n(    local.-)\n<\n" do
              blocks = blocks + (loadstring(block) and 1 or 0)
            end
          end
          report { names = names, broken = broken, blocks = blocks, links = links, wide = wide, tags = count }
        ]]
        assert.same({ "anthropic.txt", "anthropic-reference.txt" }, result.names)
        assert.same({}, result.broken)
        assert.same({}, result.wide)
        assert.is_true(result.blocks > 40)
        assert.is_true(result.links > 200)
        assert.is_true(result.tags > 200)
      end)

      it("has help for what a plugin's author looks for", function()
        local result = run [[
          vim.cmd "helptags ALL"
          local found = {}
          for subject in ([=[anthropic-tools anthropic-run anthropic-parse anthropic-usage anthropic-testing
            anthropic-proxies anthropic-errors anthropic-options messages.run messages.parse messages.stream
            anthropic.tool() anthropic.new() anthropic.Options stream:text_deltas task:cancel testing.server
            err:to_curl]=]):gmatch "%S+" do
            local ok = pcall(vim.cmd, "help " .. subject)
            found[#found + 1] = not (ok and vim.fn.expand("%:t"):find "^anthropic") and subject or nil
          end
          report(found)
        ]]
        assert.same({}, result)
      end)

      -- The lines of `:checkhealth anthropic`.
      local function check_health(given, before)
        return table.concat(run((before or "") .. [[
          vim.cmd "silent checkhealth anthropic"
          report(vim.api.nvim_buf_get_lines(0, 0, -1, true))
        ]], given), "\n")
      end

      it("tells by :checkhealth what it works with, and shows no key", function()
        local text = check_health()
        for _, words in ipairs {
          "OK:? anthropic " .. require "anthropic.version", "OK:? " .. editor.name:gsub("%.", "%%."),
          "OK:? libcurl %d+%.%d+%.%d+", "OK:? TLS by ", "OK:? names are looked up without blocking",
          "OK:? JSON by ", "OK:? waits by the driver uv", "OK:? the key in ANTHROPIC_API_KEY is used",
          "OK:? requests go to http://127",
        } do
          assert.matches(words, text)
        end
        assert.is_nil(text:find("a-key-of-a-test", 1, true))
        assert.is_nil(text:find "WARNING" or text:find "ERROR")
      end)

      it("tells by :checkhealth what is missing", function()
        assert.matches("WARNING:? no key", check_health {})
        local text = check_health(nil, [[
          package.preload["anthropic.core"] = function() error("not here", 0) end
        ]])
        assert.matches("ERROR:? the C module cannot be loaded: .*not here", text)
        assert.matches("make LUA=luajit", text)
      end)

      describe("with the example", function()
        local session

        before_each(function()
          session = editor:start(environment, nil, home)
          session:lua [[
            _G.notes = {}
            vim.notify = function(text, level) table.insert(notes, { text, level }) end
          ]]
        end)

        after_each(function()
          session:stop()
        end)

        local function eventually(condition)
          assert.is_true(raw_client.eventually(condition))
        end

        -- The text of each buffer with an answer, the note at its end, and what is shown as a comment.
        local function answers()
          return session:lua [[
            local namespace, list = vim.api.nvim_create_namespace "ask", {}
            for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
              if vim.bo[buffer].filetype == "markdown" then
                local answer = { text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), "\n") }
                for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buffer, namespace, 0, -1, { details = true })) do
                  if mark[4].virt_lines then
                    answer.note = mark[4].virt_lines[1][1][1]
                  else
                    answer.comment = table.concat(vim.api.nvim_buf_get_text(
                      buffer, mark[2], mark[3], mark[4].end_row, mark[4].end_col, {}), "\n")
                  end
                end
                list[#list + 1] = answer
              end
            end
            return list
          ]]
        end

        it("streams two answers at once, thinking apart", function()
          session:type ":Ask one?<CR>:Ask two?<CR>"
          local seen
          eventually(function()
            seen = answers()
            return #seen == 2 and seen[1].note and seen[2].note
          end)
          assert.same({
            { text = "# one?\n\nFirst.\nHm.\n\nThe answer\nto one.", comment = "First.\nHm.", note = "[end_turn]" },
            { text = "# two?\n\nThe answer to two.", note = "[end_turn]" },
          }, seen)
          assert.same({}, session:lua "return notes")
          assert.equal(0, session:lua "return vim.fn.strlen(vim.v.errmsg)")
        end)

        it("closes the connection at once when the stop key is pressed", function()
          session:type ":Ask slowly<CR>"
          eventually(function() return (answers()[1] or {}).comment end)
          assert.equal(1, server:connections().open)
          session:type "<C-c>"
          local pressed = os.time()
          eventually(function() return server:connections().open == 0 end)
          assert.is_true(os.time() - pressed <= 2)
          eventually(function() return answers()[1].note == "[stopped]" end)
          session:type ":Ask two?<CR>"
          eventually(function() return answers()[2] and answers()[2].note == "[end_turn]" end)
          assert.same({}, session:lua "return notes")
        end)

        it("closes the connection when the buffer is closed", function()
          session:type ":Ask slowly<CR>"
          eventually(function() return (answers()[1] or {}).comment end)
          session:type ":quit<CR>"
          eventually(function() return server:connections().open == 0 end)
          eventually(function() return #answers() == 0 end)
          assert.equal("", session:lua "return vim.v.errmsg")
        end)

        it("shows an error as a notification", function()
          session:type ":Ask refused<CR>"
          eventually(function() return #session:lua "return notes" > 0 end)
          assert.same({ { "anthropic: api error 400 invalid_request_error: not so (req_test_error)", 4 } },
            session:lua "return notes")
          assert.equal("[failed]", answers()[1].note)
        end)

        it("is quit in the middle without a word", function()
          session:lua [[vim.cmd "Ask slowly"]]
          session:lua [[vim.cmd "Ask slowly"]]
          eventually(function() return server:connections().open == 2 end)
          local output, exit_code = session:quit()
          assert.equal("", output)
          assert.equal(0, exit_code)
          eventually(function() return server:connections().open == 0 end)
        end)
      end)
    end)
  end
end)
