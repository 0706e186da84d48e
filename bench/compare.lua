-- Plays the same faults to this library and to other clients, and writes the table of doc/explanation/comparison.md:
-- lua bench/compare.lua [--lua-openai=DIR --tableshape=DIR] [--ug-lua-llm=DIR]
--
-- The directories are checkouts. A client that is not there is left out, with a line that says so, and then the page
-- stays as it is. bench/compare/README.md says what a client's program prints.
local documentation = require "spec.support.documentation"
local socket = require "socket"
local testing = require "anthropic.testing"

local PAGE = "doc/explanation/comparison.md"
local KEY = "sk-compare-0123456789abcdef"
local TEXT = "Once upon a time there was"
local WORDS = "refused on purpose"
local PATIENCE = 10 -- seconds after the request; every client was told to wait for one
local SDK = "build/npm/node_modules/@anthropic-ai/sdk/"

local options = {}
for _, argument in ipairs(arg) do
  local name, value = argument:match "^%-%-([%w-]+)=(.+)$"
  if not name then
    io.stderr:write("not an option: ", argument, "\n")
    os.exit(2)
  end
  options[name] = value
end

-- --- the clients -----------------------------------------------------------------------------------

-- Debian has a part of what lua-http needs for Lua 5.1 alone.
local function lua_path(...)
  local templates = {}
  for _, name in ipairs { ... } do
    templates[#templates + 1] = ("%s/?.lua;%s/?/init.lua"):format(options[name] or "/none", options[name] or "/none")
  end
  return "LUA_PATH='" .. table.concat(templates, ";") .. ";;/usr/share/lua/5.1/?.lua'"
end

local OPENAI, UG = options["lua-openai"] or "/none", options["ug-lua-llm"] or "/none"
local ALL = { "events", "message", "batch" }

-- `needs` is a file without which the client is not there; `shape` what it speaks, if not the Messages API.
local CLIENTS = {
  {
    title = "**anthropic**", command = "lua5.4 bench/compare/library.lua", ways = ALL,
    needs = "build/lua5.4/anthropic/core.so", version = "cat lua/anthropic/version.lua | grep -o '[0-9][0-9.]*'",
  },
  {
    title = "TypeScript SDK", command = "node bench/compare/typescript_sdk.mjs", ways = ALL,
    environment = "COMPARE_SDK=" .. SDK .. "index.mjs", needs = SDK .. "index.mjs",
    version = "sed -n 's/^ *\"version\": \"\\(.*\\)\",/\\1/p' " .. SDK .. "package.json",
  },
  {
    title = "Python SDK", command = "build/bench/python/bin/python -u bench/compare/python_sdk.py",
    ways = ALL, needs = "build/bench/python/bin/python",
    version = "build/bench/python/bin/python -c 'import anthropic; print(anthropic.__version__)'",
  },
  {
    title = "Go SDK", command = "build/bench/go_compare", ways = ALL,
    needs = "build/bench/go_compare",
    version = "sed -n 's/.*anthropic-sdk-go v\\([^ ]*\\).*/\\1/p' build/bench/go/go.mod",
  },
  {
    title = "lua-openai", command = "lua5.1 bench/compare/lua_openai.lua", ways = { "message" }, shape = "completion",
    environment = lua_path("lua-openai", "tableshape"), needs = OPENAI .. "/openai/init.lua",
    version = "sed -n 's/^local VERSION = \"\\(.*\\)\"/\\1/p' " .. OPENAI .. "/openai/init.lua",
  },
  {
    -- Lua 5.3, because up to 5.2 (and in LuaJIT) the end of each of its streams raises.
    title = "ug-lua-llm", command = "lua5.3 bench/compare/ug_lua_llm.lua", ways = { "message" },
    environment = lua_path "ug-lua-llm", needs = UG .. "/ug-lua-llm/init.lua",
    version = "ls " .. UG .. " | sed -n 's/^ug-lua-llm-\\(.*\\)-1.rockspec/\\1/p'",
  },
  {
    title = "curl by `io.popen`", command = "lua5.4 bench/compare/curl_pipe.lua", ways = { "message" },
    needs = "/usr/bin/curl", version = "curl --version | head -n 1 | cut -d ' ' -f 2",
  },
}

-- --- the faults ------------------------------------------------------------------------------------

-- A stream as far as the first event of a type, and others in its place.
local function until_event(answer, type, ...)
  local events = {}
  for _, event in ipairs(answer.events) do
    if event.event == type then
      break
    end
    events[#events + 1] = event
  end
  for _, event in ipairs { ... } do
    events[#events + 1] = event
  end
  answer.events = events
  return answer
end

local OVERLOADED = { event = "error",
  data = '{"type":"error","error":{"type":"overloaded_error","message":"' .. WORDS .. '"}}' }

local whole = {
  native = function() return testing.stream { text = TEXT } end,
  completion = function() return testing.completion_stream { content = TEXT } end,
}

-- A stream up to the end of its text, and other events after that.
local function beginning(shape, ...)
  local answer = whole[shape]()
  if shape == "native" then
    return until_event(answer, "content_block_stop", ...)
  end
  table.remove(answer.events) -- [DONE]
  table.remove(answer.events) -- the finish reason
  for _, event in ipairs { ... } do
    table.insert(answer.events, event)
  end
  return answer
end

local function with(answer, name, value)
  answer[name] = value
  return answer
end

local function refusal(status, type)
  return testing.error { status = status, type = type, message = WORDS, retry_after = 0.01 }
end

-- Judges get what came of a run: `text`, `error`, `status`, `ended` as the program printed them, `requests` that the
-- server got, `waits_on`, `shows_key`.
local function error_or(result, otherwise)
  if not result.error then
    return result.ended and otherwise or "the program died"
  end
  return "error"
end

local function status_or(result, otherwise)
  return error_or(result, otherwise) .. (result.status and " " .. result.status or "")
end

local CASES = {
  {
    title = "400 to a stream", ways = { "events", "message" }, refuses = true,
    script = function() return { refusal(400, "invalid_request_error") } end,
    judge = function(result)
      return status_or(result, "**no error**") .. (result.error and not result.error:find(WORDS, 1, true)
        and ", without the server's words" or "")
    end,
  },
  {
    title = "`error` event after text", ways = { "events", "message" },
    script = function(shape) return { beginning(shape, OVERLOADED) } end,
    judge = function(result) return status_or(result, "**no error**") end,
  },
  {
    title = "`error` event before text", ways = { "events", "message" },
    script = function(shape)
      local first = shape == "native" and until_event(whole.native(), "content_block_start", OVERLOADED)
        or with(whole.completion(), "events", { OVERLOADED })
      return { first, whole[shape]() }
    end,
    judge = function(result)
      return result.ended and result.text == TEXT and "asked again" or status_or(result, "**no error, no text**")
    end,
  },
  {
    title = "connection closed in the text", ways = { "events", "message" },
    script = function(shape) return { with(with(beginning(shape), "framing", "close"), "cut_after", 100000) } end,
    judge = function(result) return error_or(result, "**unnoticed**") end,
  },
  {
    title = "a chunk cut short", ways = { "events", "message" },
    script = function(shape) return { with(with(whole[shape](), "framing", "chunked"), "cut_after", 700) } end,
    judge = function(result) return error_or(result, "**unnoticed**") end,
  },
  {
    title = "529, then the answer", ways = { "message" },
    script = function(shape) return { refusal(529, "overloaded_error"), whole[shape]() } end,
    judge = function(result)
      return result.ended and result.text == TEXT and "asked again" or status_or(result, "no text")
    end,
  },
  {
    title = "silence after the first text", ways = { "events", "message" },
    script = function(shape) return { with(beginning(shape), "hang_after", 100000) } end,
    looks = true,
    judge = function(result)
      return result.waits_on and "**waits on**" or error_or(result, "**unnoticed**")
    end,
  },
  {
    title = "a batch is created, the answer lost", ways = { "batch" },
    script = function() return { { close = true } } end,
    judge = function(result) return ("sent %d time%s"):format(result.requests, result.requests == 1 and "" or "s") end,
  },
}

-- --- running ---------------------------------------------------------------------------------------

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read "*a" or ""
  if file then
    file:close()
  end
  return text
end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

local function exists(path)
  local file = io.open(path, "rb")
  return file ~= nil and (file:close() or true)
end

-- A stream gets the scripted answers in turn. A client that asks again without streaming gets a whole message, unless
-- the case refuses everything.
local function script_of(answers, case)
  return { routes = {
    { body_match = '"stream"%s*:%s*true', answers = answers },
    { path = "/v1/messages", answers = case.refuses and answers or { testing.message { text = TEXT } } },
    { answers = answers },
  } }
end

local function run(client, way, case)
  local directory = output_of("mktemp -d"):match "[^\n]+"
  local file = assert(io.open(directory .. "/key", "w"))
  file:write(KEY)
  file:close()
  local server = testing.server { script = script_of(case.script(client.shape or "native"), case) }
  -- The shell's command line stands in the list of processes, too, so the key comes from a file.
  local command = ("env %s COMPARE_KEY=\"$(cat %s/key)\" timeout 120 %s %s %s"):format(
    client.environment or "", directory, client.command, server.url, way)
  os.execute(("(%s & echo $! >%s/pid; wait; touch %s/ended) >%s/output 2>%s/errors &"):format(
    command, directory, directory, directory, directory))
  local asked_at, result = nil, { text = "" }
  repeat
    socket.sleep(0.02)
    asked_at = asked_at or #server:requests() > 0 and socket.gettime() or nil
    if case.looks and asked_at and not result.shows_key then
      result.shows_key = output_of("cat /proc/[0-9]*/cmdline 2>/dev/null"):find(KEY, 1, true) ~= nil
    end
    if asked_at and not result.waits_on and socket.gettime() > asked_at + PATIENCE then
      result.waits_on = true
      os.execute("kill " .. read(directory .. "/pid"))
    end
  until exists(directory .. "/ended")
  for line in read(directory .. "/output"):gmatch "[^\n]+" do
    local word, rest = line:match "^(%a+) ?(.*)$"
    if word == "text" then
      result.text = result.text .. rest
    elseif word == "error" then
      local status, words = rest:match "^STATUS=(%d*) ?(.*)$"
      result.error, result.status = words or rest, status ~= "" and status or nil
    elseif word == "end" then
      result.ended = true
    end
  end
  if not result.error and not result.ended and not result.waits_on then
    io.stderr:write(client.title, ": ", read(directory .. "/errors"), "\n")
  end
  result.requests = #server:requests()
  server:stop()
  os.execute("rm -rf " .. directory)
  return result
end

-- --- the table -------------------------------------------------------------------------------------

-- What came of the ways of reading: once, if they agree.
local function cell(client, case, seen)
  local texts = {}
  for _, way in ipairs(case.ways) do
    for _, can in ipairs(client.ways) do
      if can == way then
        local result = run(client, way, case)
        seen.shows_key = seen.shows_key or result.shows_key
        local text = case.judge(result)
        if #result.text > #TEXT then
          text = text .. ", **text twice**"
        end
        texts[#texts + 1] = { way = way, text = text }
        io.stderr:write(("%s, %s, %s: %s\n"):format(client.title, case.title, way, result.error or "no error"))
      end
    end
  end
  if #texts == 0 then
    return "-"
  elseif #texts == 1 or texts[1].text == texts[2].text then
    return texts[1].text
  end
  return ("%s; as a whole: %s"):format(texts[1].text, texts[2].text)
end

local is_whole, columns = true, {}
for _, client in ipairs(CLIENTS) do
  if exists(client.needs) then
    local seen, cells = {}, {}
    for i, case in ipairs(CASES) do
      cells[i] = cell(client, case, seen)
    end
    cells[#cells + 1] = seen.shows_key and "**in the list of processes**" or "in memory"
    columns[#columns + 1] = { client.title .. " " .. output_of(client.version):match "[^\n]*", cells }
  else
    is_whole = false
    io.stderr:write("without ", client.title, ": ", client.needs, " is not there\n")
  end
end

local lines = { "| |", "|---|" }
for _, column in ipairs(columns) do
  lines[1] = lines[1] .. " " .. column[1] .. " |"
  lines[2] = lines[2] .. "---|"
end
for i = 1, #CASES + 1 do
  local line = "| " .. (CASES[i] and CASES[i].title or "where the key is") .. " |"
  for _, column in ipairs(columns) do
    line = line .. " " .. column[2][i] .. " |"
  end
  lines[#lines + 1] = line
end
local text = ("Checked on %s.\n\n%s"):format(os.date "%Y-%m-%d", table.concat(lines, "\n"))
print(text)
if is_whole then
  local page = documentation.with_table(read(PAGE), "make compare", text)
  local file = assert(io.open(PAGE, "w"))
  file:write(page)
  file:close()
end
