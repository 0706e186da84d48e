-- The agent of examples/neovim: approval by vim.ui.select, streamed into a buffer, undone in one step.

local background = require "spec.support.background"
local neovim = require "spec.support.neovim"
local testing = require "anthropic.testing"

local PROGRAM = [[
  vim.opt.runtimepath:append(%q)
  vim.cmd "runtime plugin/agent.lua"
  local subject, prompts = vim.api.nvim_get_current_buf(), {}
  vim.ui.select = function(items, options, done)
    prompts[#prompts + 1] = options.prompt:gsub("%%s+", " ")
    vim.defer_fn(function() done(items[#prompts == 3 and 2 or 1]) end, 1)
  end
  local function lines(buffer)
    return vim.api.nvim_buf_get_lines(buffer, 0, -1, true)
  end
  vim.api.nvim_buf_set_lines(subject, 0, -1, true, { "one", "tow", "threee", "four" })
  vim.cmd "Agent fix it"
  local window
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    window = vim.bo[buffer].filetype == "markdown" and buffer or window
  end
  vim.wait(20000, function() return table.concat(lines(window)):find "%%[done;" ~= nil end, 5)
  local result = { lines(subject), lines(window), prompts }
  for _, buffer in ipairs { subject, window } do
    vim.api.nvim_buf_call(buffer, function() vim.cmd "silent undo" end)
    result[#result + 1] = lines(buffer)
  end
  report(result)
]]

local STOPPED = [[
  vim.opt.runtimepath:append(%q)
  vim.cmd "runtime plugin/agent.lua"
  vim.cmd "Agent slowly"
  local window
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    window = vim.bo[buffer].filetype == "markdown" and buffer or window
  end
  local function text() return table.concat(vim.api.nvim_buf_get_lines(window, 0, -1, true), "\n") end
  vim.wait(20000, function() return text():find "word word" ~= nil end, 5)
  vim.api.nvim_set_current_win(vim.fn.win_findbuf(window)[1])
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes("<C-c>", true, false, true), "xt", false)
  vim.wait(20000, function() return text():find "%%[stopped%%]" ~= nil end, 5)
  report { text() }
]]

local editors, missing = neovim.editors()

describe("the agent of examples/neovim", function()
  if missing then
    it("runs in a current Neovim", function()
      pending(missing)
    end)
  end

  for _, editor in ipairs(editors) do
    local function run(program, script)
      local server = testing.server { script = script, on_end = "error" }
      local reported, output = editor:run(program:format(background.absolute "examples/neovim"), {
        LUA_PATH = "./?.lua;./lua/?.lua;./lua/?/init.lua", LUA_CPATH = "./build/luajit/?.so;;",
        ANTHROPIC_BASE_URL = server.url, ANTHROPIC_API_KEY = "a-key-of-a-test",
      })
      local requests = server:requests()
      server:stop()
      assert.equal("", output)
      return reported, requests
    end

    it("changes a buffer as far as it is allowed, which is one step, in " .. editor.name, function()
      local seen, requests = run(PROGRAM, {
        testing.stream { text = "I will\nlook.", pieces = 3, tool_uses = { { name = "read_buffer" } } },
        testing.stream { tool_uses = {
          { name = "replace_lines", input = { first = 2, last = 3, text = "two\nthree" } },
          { name = "replace_lines", input = { first = 1, last = 1, text = "One" } },
          { name = "replace_lines", input = { first = 4, last = 4, text = "" } },
        } },
        testing.stream { text = "Done." },
      })
      assert.same({ "One", "two", "three", "four" }, seen[1])
      assert.matches("^# fix it\n\nI will\nlook.\n\n%[read_buffer%]\n\n\n\n%[replace_lines%].*Done.\n\n%[done; "
        .. "30 tokens in, %d+ out%]$", table.concat(seen[2], "\n"))
      assert.equal(3, #seen[3])
      assert.matches('^replace_lines { first = 2, last = 3, text = "two', seen[3][1])
      assert.same({ "one", "tow", "threee", "four" }, seen[4])
      assert.same({ "# fix it", "", "" }, seen[5])
      local results = requests[3].json.messages
      results = results[#results].content
      assert.same({ "replaced", "replaced", "the user said no" },
        { results[1].content, results[2].content, results[3].content })
      assert.equal("1\tone\n2\ttow\n3\tthreee\n4\tfour", requests[2].json.messages[3].content[1].content)
    end)

    it("is stopped by <C-c>, in " .. editor.name, function()
      local seen = run(STOPPED, testing.stream { text = ("word "):rep(400), delay_between = 0.02 })
      assert.matches("word ?\n\n%[stopped%]$", seen[1])
    end)
  end
end)
