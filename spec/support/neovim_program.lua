-- Programs for a Neovim that send requests to a server, and the server that they ask.
--
--     local run, server = neovim_program.runner(editor, setup, teardown)
--     it("streams", function()
--       local text = run [[report(assert(client_at("/burst").messages.create(params)):text())]]
--       assert.equal(1, #server():requests())
--     end)

local assert = require "luassert"
local testing = require "anthropic.testing"

local neovim_program = {}

-- A client, the parameters of a request, and a wait that runs the editor.
local BEGINNING = [[
  local anthropic = require "anthropic"
  local uv = vim.uv or vim.loop
  local function client_at(path, options)
    options = options or {}
    options.base_url, options.api_key = %q .. path, options.api_key or "a key of a test"
    return anthropic.new(options)
  end
  local function client_url(path)
    return %q .. path
  end
  local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
  local function eventually(condition, seconds)
    return (vim.wait((seconds or 20) * 1000, condition, 5))
  end
  local handles, new_poll = {}, uv.new_poll
  function uv.new_poll(...)
    handles[#handles + 1] = new_poll(...)
    return handles[#handles]
  end
  local function active_handles()
    local count = 0
    for _, handle in ipairs(handles) do
      count = count + (handle:is_active() and 1 or 0)
    end
    return count
  end
]]

-- It streams slowly below "/slow", steadily below "/steady", at once below "/burst", never answers below "/hang" and
-- refuses below "/bad"; anywhere else it answers as asked.
local function start_server()
  return testing.server { script = { routes = {
    { path = "/slow/v1/messages", answers = {
      testing.stream { text = ("word "):rep(400), delay_between = 0.05 },
    } },
    { path = "/hang/v1/messages", answers = { { hang = true } } },
    { path = "/bad/v1/messages", answers = { testing.error { status = 400, type = "invalid_request_error" } } },
    { path = "/steady/v1/messages", answers = {
      testing.stream { text = ("word "):rep(2000), pieces = 2000, delay_between = 0.005 },
    } },
    { path = "/burst/v1/messages", answers = { testing.stream { text = ("word "):rep(2000), pieces = 2000 } } },
    { path = "/v1/messages", body_contains = '"stream":true', answers = {
      testing.stream { thinking = "Hm.", text = "one two three four", delay_between = 0.02 },
    } },
    { path = "/v1/messages", answers = { testing.message { text = "Hello!" } } },
  } } }
end

--- The program that runs this code.
---@param url string the server's
---@param code string may call `client_at`, `client_url`, `eventually`, `active_handles` and `report`
---@return string
function neovim_program.of(url, code)
  return BEGINNING:format(url, url) .. code
end

--- What runs programs in an editor, beside a server that is there while the tests of a block run.
---@param editor table
---@param setup function of the spec
---@param teardown function of the spec
---@return fun(code: string, environment?: table): any run returns what the code reports; the editor must print nothing
---  else and end well
---@return fun(): table server for the tests
function neovim_program.runner(editor, setup, teardown)
  local server

  setup(function()
    server = start_server()
  end)

  teardown(function()
    server:stop()
  end)

  return function(code, environment)
    local reported, output, exit_code = editor:run(neovim_program.of(server.url, code), environment)
    assert.equal("", output)
    assert.equal(0, exit_code)
    assert.is_not_nil(reported)
    return reported
  end, function()
    return server
  end
end

return neovim_program
