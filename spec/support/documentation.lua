-- The programs that the documentation shows. One place says what a block of Lua on a page needs to run:
--
--     ```lua              a program; where it shows no client, it has `anthropic`, `client` and `params`
--     ```lua value        an expression that is given to something else
--     ```lua task         a program inside anthropic.run
--     ```lua love         a program of a game: its frames are run
--     ```lua my_host      a program of a host that watches descriptors
--     ```lua prosody      a module of Prosody's, which watches descriptors as well
--     ```lua mpv          a script of mpv's, which has only a timer
--     ```lua nvim         runs in Neovim (spec/hosts/documentation_spec.lua)
--     ```lua ngx          runs in nginx, with a `stream` (there, too)
--
--     for _, page in ipairs(documentation.pages()) do
--       for _, program in ipairs(documentation.programs(page)) do
--         local output, code = documentation.run(program, "ANTHROPIC_API_KEY=k ANTHROPIC_BASE_URL=http://...")
--       end
--     end

local background = require "spec.support.background"
local directories = require "spec.support.directory"
local testing = require "anthropic.testing"

local documentation = {}

-- A host calls `tick` again and again, until a task has ended.
local function hosted(before, tick)
  return { before, ([[
local task = require('anthropic').spawn(require('anthropic').sleep, 0.01)
while not task:is_closing() do
  %s
end
]]):format(tick) }
end

local PRELUDE = [[
local anthropic = require "anthropic"
local client = anthropic.new()
local params = {
  model = "m",
  max_tokens = 1024,
  messages = { { role = "user", content = "Why is the sky blue?" } },
}
]]

-- By the word behind "lua": what stands before and behind the block.
local FRAMES = {
  value = { "return ", "" },
  task = { PRELUDE .. "anthropic.run(function()\n", "\nend)\n" },
  love = {
    "love = { graphics = { print = function() end } }\n",
    "\nlove.load()\nlocal loop = require 'anthropic.loop'\n"
      .. "repeat love.update() love.draw() until loop.is_idle()\n",
  },
  my_host = hosted("local my_host, readable = {}, nil\nfunction my_host.when_readable(_, f) readable = f end\n",
    "loop.core():wait(0.1)\n  readable()"),
  prosody = hosted("local readable\n"
    .. "package.preload['net.server'] = function() return { watchfd = function(_, f) readable = f end } end\n",
    "loop.core():wait(0.1)\n  readable()"),
  mpv = hosted("local tick\nlocal mp = { add_periodic_timer = function(_, f) tick = f end }\n", "tick()"),
}

--- The words behind "lua" of blocks that run inside a host.
documentation.HOSTS = { nvim = true, ngx = true }

--- The pages whose programs run: the README, the tutorial, and all below these folders.
---@return string[]
function documentation.pages()
  local pages = {}
  local found = background.output_of("ls README.md doc/*.md doc/how-to/*.md doc/explanation/*.md | LC_ALL=C sort")
  for page in found:gmatch "[^\n]+" do
    pages[#pages + 1] = page
  end
  return pages
end

--- Every block of Lua on a page, with the heading it stands under.
---@param page string
---@return { page: string, title: string, host?: string, code: string }[]
function documentation.programs(page)
  local found, title, current, lines = {}, "", nil, nil
  for line in io.lines(page) do
    local words = line:match "^```lua *(.*)$"
    if words then
      current, lines = { page = page, title = title, host = words ~= "" and words or nil }, {}
    elseif line == "```" and current then
      current.code = table.concat(lines, "\n") .. "\n"
      found[#found + 1] = current
      current = nil
    elseif current then
      lines[#lines + 1] = line
    else
      title = line:match "^#+ (.*)" or title
    end
  end
  return found
end

-- Before a program: what it makes under temporary names is in a directory.
local TEMPORARY = "do local made = 0 function os.tmpname() made = made + 1 return %q .. made end end "

--- Runs a program in a Lua of its own; one that shows no client has one of the environment's. Leaves nothing behind.
---@param program { code: string, host?: string }
---@param environment string assignments
---@return string output errors included
---@return integer code
function documentation.run(program, environment)
  local directory = directories.new()
  local frame = program.host and assert(FRAMES[program.host], program.host)
  local begins_itself = frame or program.code:find('^local anthropic = require "anthropic"\n')
  local code = frame and frame[1] .. program.code .. frame[2] or program.code
  local path = directory:write("program.lua",
    TEMPORARY:format(directory:path "made-") .. (begins_itself and "" or PRELUDE) .. code)
  local output, exit_code = background.output_of(("%s timeout 60 %s %s 2>&1 </dev/null"):format(
    environment, background.interpreter(), path))
  directory:remove()
  return output, exit_code
end

--- Whether a program is about a failure, which it shows.
---@param program { code: string }
function documentation.shows_an_error(program)
  return program.code:find("err.kind", 1, true) ~= nil or program.code:find("max_retries = 0", 1, true) ~= nil
end

--- What the server of the programs answers.
---@return table script
function documentation.script()
  local function batch(id, count)
    return { body = {
      id = id, type = "message_batch", processing_status = "ended",
      request_counts = { processing = 0, succeeded = count, errored = 0, canceled = 0, expired = 0 },
      results_url = "/v1/messages/batches/" .. id .. "/results",
    } }
  end
  local function results(count)
    local lines = {}
    for number = 1, count do
      lines[number] = ('{"custom_id":"square-%d","result":{"type":"succeeded","message":{"type":"message",'
        .. '"role":"assistant","model":"m","content":[{"type":"text","text":"%d"}],"usage":{"input_tokens":1}}}}\n')
        :format(number, number * number)
    end
    return { body = table.concat(lines) }
  end
  local weather = { id = "toolu_1", name = "get_weather", input = { city = "Paris" } }
  return { routes = {
    { path = "/v1/chat/completions", answers = { {
      headers = { ["Content-Type"] = "text/event-stream" }, body = 'data: {"choices":[]}\n\ndata: [DONE]\n\n',
    } } },
    { path = "/v1/models", match = "after_id", answers = { { body = { data = { { id = "n" } }, has_more = false } } } },
    { path = "/v1/models", answers = { { body = { data = { { id = "m" } }, has_more = false, last_id = "m" } } } },
    { match = "^/v1/models/", answers = { { body = { id = "m", type = "model" } } } },
    { path = "/v1/files", answers = { { body = { id = "file_1", type = "file" } } } },
    { path = "/v1/files/file_1/content", answers = { { body = "bytes" } } },
    { match = "count_tokens", answers = { { body = { input_tokens = 10 } } } },
    { match = "msgbatch_1/results$", answers = { results(3) } },
    { match = "msgbatch_2/results$", answers = { results(1) } },
    { match = "batches/msgbatch_2$", answers = { batch("msgbatch_2", 1) } },
    { match = "batches", answers = { batch("msgbatch_1", 3) } },
    { body_contains = "tool_result", answers = { testing.message { text = "It is sunny in Paris." } } },
    {
      body_contains = "get_weather", body_match = '"stream":true',
      answers = { testing.stream { tool_uses = { weather }, stop_reason = "tool_use" } },
    },
    {
      body_contains = "get_weather",
      answers = { testing.message { tool_uses = { weather }, stop_reason = "tool_use" } },
    },
    { body_contains = "json_schema", answers = { testing.message { text = '{"name":"Pancakes","minutes":20}' } } },
    {
      body_contains = '"stream":true',
      answers = { testing.stream { thinking = "Hm.", text = "Rayleigh scattering." } },
    },
    { answers = { testing.message { text = "Rayleigh scattering." } } },
  } }
end

--- A page with another table in the place of the one that a command has made.
---@param page string
---@param command string as the marks before and behind it name it
---@param text string
---@return string
function documentation.with_table(page, command, text)
  local _, first = page:find("<!-- begin of " .. command .. " -->\n", 1, true)
  local last = page:find("\n<!-- end of " .. command .. " -->", 1, true)
  return page:sub(1, first) .. text .. page:sub(last)
end

return documentation
