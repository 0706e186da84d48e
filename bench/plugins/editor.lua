-- Runs in Neovim: one request of a plugin, measured. What it does stands in the environment, by bench/plugins.lua:
--
--     BENCH_PLUGIN, BENCH_PROVIDER   who asks whom
--     BENCH_LIBRARY                  "1": by the library; else by the plugin's own curl
--     BENCH_CANCEL                   "1": cancel at the first text
--     BENCH_URL, BENCH_KEY           the server
--     BENCH_REPORT                   the file that a line of JSON goes to; with ".cancelled", one that is made then

local uv = vim.uv or vim.loop

local TICK = 10 -- milliseconds of the timer
local PATIENCE = 60000
local WHOLE = 500 -- before a request is cancelled that shows nothing until its end
local PROMPT = "the prompt that nobody else shall read"

local plugin = require("bench.plugins." .. os.getenv "BENCH_PLUGIN")
local key, path = os.getenv "BENCH_KEY", os.getenv "BENCH_REPORT"

local function read(name)
  local file = io.open(name, "rb")
  local text = file and file:read "*a" or ""
  if file then
    file:close()
  end
  return text
end

local function write(name, text)
  local file = assert(io.open(name .. ".part", "wb"))
  file:write(text)
  file:close()
  assert(os.rename(name .. ".part", name))
end

local ffi = require "ffi"
ffi.cdef [[
  typedef struct { long seconds, microseconds; } bench_time;
  typedef struct { bench_time user, system; long others[14]; } bench_usage;
  int getrusage(int who, bench_usage *usage);
]]
local SELF, CHILDREN = 0, -1

-- Seconds of this process, and of its children that have ended.
local function cpu()
  local sum, usage = 0, ffi.new "bench_usage"
  for _, who in ipairs { SELF, CHILDREN } do
    ffi.C.getrusage(who, usage)
    for _, time in ipairs { usage.user, usage.system } do
      sum = sum + tonumber(time.seconds) + tonumber(time.microseconds) / 1e6
    end
  end
  return sum
end

local function names_in(directory)
  local scan = uv.fs_scandir(directory)
  return function()
    if scan then
      return uv.fs_scandir_next(scan)
    end
  end
end

-- Whether a text stands in the command line of a process.
local function is_in_list_of_processes(text)
  for name in names_in "/proc" do
    if name:find "^%d+$" and read("/proc/" .. name .. "/cmdline"):find(text, 1, true) then
      return true
    end
  end
  return false
end

-- Whether it stands in a file below a directory.
local function is_on_disk(text, directory)
  for name, kind in names_in(directory) do
    local here = directory .. "/" .. name
    if kind == "directory" and is_on_disk(text, here) or kind == "file" and read(here):find(text, 1, true) then
      return true
    end
  end
  return false
end

local use_library = plugin.setup(os.getenv "BENCH_URL", os.getenv "BENCH_PROVIDER")
local report = { text = "", errors = {}, shows_key = false, lateness = 0 }

local function look()
  report.shows_key = report.shows_key or is_in_list_of_processes(key)
  report.writes_key = report.writes_key or is_on_disk(key, vim.env.HOME)
  report.writes_prompt = report.writes_prompt or is_on_disk(PROMPT, vim.env.HOME)
end

if os.getenv "BENCH_LIBRARY" == "1" then
  assert(use_library(), "the library is not there")
end

local is_done, cancel, last = false, nil, uv.hrtime()
local texts = {}
local timer = uv.new_timer()
timer:start(TICK, TICK, function()
  local now = uv.hrtime()
  report.lateness = math.max(report.lateness, (now - last) / 1e6 - TICK)
  last = now
end)
vim.wait(50, function() return false end)

local began, cpu_before = uv.hrtime(), cpu()
last = began
cancel = plugin.ask(os.getenv "BENCH_PROVIDER", PROMPT, function(text)
  texts[#texts + 1] = text
  if not report.first_text then
    report.first_text = (uv.hrtime() - began) / 1e6
    if os.getenv "BENCH_CANCEL" == "1" then
      cancel()
      report.texts_before = #texts
      write(path .. ".cancelled", "")
    end
  end
end, function(err)
  report.errors[#report.errors + 1] = type(err) == "table" and (err.body or vim.inspect(err)) or tostring(err)
end, function()
  is_done = true
end)
if plugin.is_whole and os.getenv "BENCH_CANCEL" == "1" then -- there is no first text before the last
  vim.defer_fn(function()
    cancel()
    write(path .. ".cancelled", "")
  end, WHOLE)
end
if os.getenv "BENCH_LOOK" == "1" then
  vim.wait(150, function() return is_done end, 5)
  timer:stop()
  look()
  last = uv.hrtime()
  timer:again()
end
vim.wait(PATIENCE, function()
  return is_done or uv.fs_stat(path .. ".heard") ~= nil
end, 5)
vim.wait(300, function() return false end, 10) -- what comes after the end
report.seconds = cpu() - cpu_before
timer:stop()
report.text, report.texts = table.concat(texts), #texts
report.keeps_prompt = is_on_disk(PROMPT, vim.env.HOME)
write(path, vim.json.encode(report))
