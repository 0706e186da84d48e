-- A plugin's build step: gets the C core, out of an archive of `make dist` where one that fits lies here, else by a
-- compiler. Where neither is possible, one line says what to install.
--
--     lua tools/install.lua [LUA=luajit] [LIBDIR=directory] [LUADIR=directory]
--
-- LUA is who will load it: without it Neovim where that started this, else the Lua that runs this. The core goes where
-- `make` has it, and for LuaJIT beside the Lua files, where Neovim finds it. With LIBDIR it goes there instead, with
-- LUADIR the Lua files there, too, as LuaRocks wants them.

local PLACES = { "", "/dist" }
local SUMMERS = { "sha256sum", "shasum -a 256", "openssl dgst -sha256 -r" }

local script = debug.getinfo(1, "S").source:gsub("^@", "")
local root = script:match "^(.*)/tools/[^/]*$" or script:find "^tools/[^/]*$" and "."
  or (script:match "^(.*)/[^/]*$" or ".") .. "/.."

local function fail(text, ...)
  error("anthropic: " .. text:format(...), 0)
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- What a command of the shell printed, and whether it went well. A word stands for each `%s`.
local function run(command, ...)
  local words, count = { ... }, 0
  command = command:gsub("%%s", function()
    count = count + 1
    return quote(words[count])
  end)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1; code=$?; echo; echo $code"))
  local output, code = pipe:read("*a"):match "^(.*)\n(%d+)\n$"
  pipe:close()
  return output or "", code == "0"
end

local function must(...)
  local output, well = run(...)
  return well and output or fail("%s", (output:gsub("%c+", " ")))
end

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read "*a"
  return text, file and file:close()
end

-- --- for whom -----------------------------------------------------------------------------------

local function running_lua()
  return rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d+%.%d+"
end

local function read_options(words)
  local options = {}
  for _, word in ipairs(words) do
    local name, value = word:match "^(%u+)=(.+)$"
    if name ~= "LUA" and name ~= "LIBDIR" and name ~= "LUADIR" then
      fail("%s: expected LUA=, LIBDIR= or LUADIR=", word)
    end
    options[name] = value
  end
  local by_editor = os.getenv "VIMRUNTIME" and not options.LIBDIR
  options.LUA = options.LUA or by_editor and "luajit" or running_lua()
  return options
end

-- The libc is that of this program. Of musl the loader and the library are one file, which has one of these names.
local function platform()
  local system, machine = must "uname -sm":match "(%S+) (%S+)"
  local maps = read "/proc/self/maps" or ""
  local is_musl = maps:find "/ld%-musl%-" or maps:find "/libc%.so\n"
  return ("%s-%s%s"):format(system:lower(), is_musl and "musl-" or "", machine)
end

-- --- an archive ---------------------------------------------------------------------------------

local function check_sum(folder, name)
  local sums = "\n" .. (read(folder .. "/SHA256SUMS") or "")
  local _, last = sums:find("  " .. name .. "\n", 1, true)
  local expected = last and sums:sub(1, last):match("\n(%x+)  [^\n]*\n$")
  if not expected then
    fail("%s/SHA256SUMS has no checksum of %s: fetch it from where the archive is", folder, name)
  end
  for _, summer in ipairs(SUMMERS) do
    local sum = run(summer .. " <%s", folder .. "/" .. name):match("^" .. ("%x"):rep(64))
    if sum and sum ~= expected then
      fail("%s/%s differs from its checksum in SHA256SUMS: fetch both anew", folder, name)
    elseif sum then
      return
    end
  end
  fail("to check an archive one of these is needed: sha256sum, shasum, openssl")
end

-- The folder of an archive unpacked in `directory`, where it is of the same build as the Lua files here, if any.
local function unpack_archive(directory, folder, name, lua)
  check_sum(folder, name)
  must("tar -xzf %s -C %s", folder .. "/" .. name, directory)
  local unpacked = directory .. "/" .. name:gsub("%.tar%.gz$", "")
  local interface = "/lua/anthropic/base/interface.lua"
  local own = read(root .. interface)
  if own and own ~= read(unpacked .. interface) then
    print(("anthropic: %s/%s is of another build than the Lua files here"):format(folder, name))
  elseif read(unpacked .. "/lib/" .. lua .. "/anthropic/core.so") then
    return unpacked
  end
end

local function find_archive(directory, target, lua)
  for _, place in ipairs(PLACES) do
    local folder = root .. place
    local names, well = run("cd %s && ls anthropic-*-" .. target .. ".tar.gz", folder)
    for name in (well and names or ""):gmatch "[^\n]+" do
      local unpacked = unpack_archive(directory, folder, name, lua)
      if unpacked then
        return unpacked, name
      end
    end
  end
end

-- --- a compiler ---------------------------------------------------------------------------------

-- What is needed, how it is seen, and Debian's packages.
local NEEDED = {
  { "make", "command -v gmake || command -v make", "make" },
  { "a C compiler", "echo | ${CC:-cc} -E -include stdlib.h -", "gcc libc6-dev" },
  { "libcurl's headers", "echo | ${CC:-cc} $(curl-config --cflags 2>/dev/null) -E -include curl/curl.h -",
    "libcurl4-openssl-dev" },
  { "%s's headers", "tools/headers %s" },
}
local HEADERS_OF = { luajit = "libluajit-5.1-dev", ["lua5.1"] = "liblua5.1-0-dev" }

local function check_compiler(target, lua)
  local missing, packages = {}, {}
  for _, row in ipairs(NEEDED) do
    local _, well = run("cd %s && { " .. row[2] .. "; }", root, lua)
    if not well then
      missing[#missing + 1] = row[1]:format(lua)
      packages[#packages + 1] = row[3] or HEADERS_OF[lua] or "lib" .. lua .. "-dev"
    end
  end
  if missing[1] then
    fail("there is no archive for %s and %s, and to build it, install %s (Debian: apt-get install %s)", target, lua,
      table.concat(missing, ", "), table.concat(packages, " "))
  end
end

local function build(target, lua)
  if not read(root .. "/src/lua/core.c") then
    fail("there is neither an archive for %s and %s in %s, nor the sources", target, lua, root)
  end
  check_compiler(target, lua)
  local output, well = run("cd %s && $(command -v gmake || command -v make) -s LUA=%s", root, lua)
  if not well then
    fail("make LUA=%s failed in %s: %s", lua, root, output:match "([^\n]*)\n*$")
  end
  return root .. "/build/" .. lua .. "/anthropic/core.so"
end

-- --- both ---------------------------------------------------------------------------------------

-- By another name at first: a program may have the old file loaded.
local function put_core(core, directory)
  must("mkdir -p %s && cp %s %s/core.new && cd %s && mv -f core.new core.so", directory .. "/anthropic", core,
    directory .. "/anthropic", directory .. "/anthropic")
  return directory .. "/anthropic/core.so"
end

local function put_lua_files(from, directory)
  must("mkdir -p %s && cp -R %s %s && rm -f %s", directory, from .. "/lua/anthropic", directory,
    directory .. "/anthropic/core.so")
end

local function install(options, directory)
  local lua, target = options.LUA, platform()
  local unpacked, name = find_archive(directory, target, lua)
  local core = unpacked and unpacked .. "/lib/" .. lua .. "/anthropic/core.so" or build(target, lua)
  local has_own = read(root .. "/lua/anthropic/version.lua")
  if options.LUADIR or not has_own then
    put_lua_files(has_own and root or unpacked, options.LUADIR or root .. "/lua")
  end
  if options.LIBDIR or unpacked then
    core = put_core(core, options.LIBDIR or root .. "/build/" .. lua)
  end
  if unpacked and lua == "luajit" and not options.LIBDIR then
    put_core(core, root .. "/lua")
  end
  if lua == running_lua() then
    local loads, reason = package.loadlib(core, "luaopen_anthropic_core")
    if not loads then
      fail("the core does not load; if it is for libcurl, install 7.85 or later (Debian: apt-get install libcurl4): %s",
        (tostring(reason):gsub("%c+", " ")))
    end
  end
  print(("anthropic: the core for %s is there, by %s"):format(lua, name or "make"))
end

local function main(words)
  local options = read_options(words)
  local directory = must "mktemp -d":match "[^\n]+"
  local well, problem = pcall(install, options, directory)
  run("rm -rf %s", directory)
  if not well then
    error(problem, 0)
  end
end

local is_program = arg and arg[0] and arg[0]:find "install%.lua$"
local well, problem = pcall(main, is_program and arg or { ... }) -- `nvim -l` hands over no words
if not well and is_program then
  io.stderr:write(problem, "\n")
  os.exit(1)
elseif not well then
  error(problem, 0) -- it runs in an editor, which goes on
end
