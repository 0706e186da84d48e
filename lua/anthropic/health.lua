--- Tells whether what the library needs is there: `:checkhealth anthropic` in Neovim; anywhere else it
--- prints. No credential is ever shown.
--
--     lua5.4 -e 'require("anthropic.health").check()'

local package, require = package, require
local places = require "anthropic.base.places"
---@class anthropic.health
local health = {}

local OLDEST_LIBCURL = { 7, 85 }

-- --- where it is printed -------------------------------------------------------------------------

local function print_item(level)
  return function(text, advice)
    print(("%-7s  %s"):format(level, text))
    for _, line in ipairs(advice or {}) do
      print("         " .. line)
    end
  end
end

local PRINTED = { start = print, ok = print_item "ok", warn = print_item "warning", error = print_item "ERROR" }

local function is_neovim()
  local vim = rawget(_G, "vim")
  return type(vim) == "table" and vim.fn and true
end

-- Neovim's functions have had these names since 0.10, and been in `vim.health` since 0.8.
local function new_report()
  local host = is_neovim() and (rawget(_G, "vim").health or require "health") or PRINTED
  local report = {}
  for name in pairs(PRINTED) do
    report[name] = host[name] or host["report_" .. name]
  end
  return report
end

-- --- checks ---------------------------------------------------------------------------------------

local function check_lua(report)
  local jit, vim = rawget(_G, "jit"), rawget(_G, "vim")
  local lua = jit and jit.version or _VERSION
  local host = type(vim) == "table" and vim.version and vim.version()
  if type(host) == "table" and host.major then
    lua = ("Neovim %d.%d.%d, %s"):format(host.major, host.minor, host.patch, lua)
  end
  local directory = debug.getinfo(1, "S").source:match "^@(.*)[/\\][^/\\]*$"
  report.ok(("anthropic %s (%s)"):format(require "anthropic.version", directory or "?"))
  report.ok(lua)
end

-- A shell's PWD is not a path as Windows has them. Windows has no variable for the current folder.
local function current_folder(separator)
  local vim = rawget(_G, "vim")
  if is_neovim() and vim.fn.getcwd then
    return vim.fn.getcwd()
  elseif separator == "/" then
    return os.getenv "PWD" or "."
  end
  local pipe = io.popen "cd"
  local folder = pipe and pipe:read "*l"
  if pipe then
    pipe:close()
  end
  return folder or "."
end

-- Of two copies every `require` finds the first.
local function check_copies(report)
  local copies = {}
  local separator = package.config:sub(1, 1)
  local current = current_folder(separator)
  local function folder_of(path)
    -- a loader may name the file as it likes
    return places.folder(path:match "^(.*)health%.lua$" or path, current, separator)
  end
  local first, first_key = folder_of(debug.getinfo(1, "S").source:sub(2))
  local seen = { [first_key] = true }
  for _, list in ipairs { places.of_editor("anthropic.health", ".lua"), places.of("anthropic.health", package.path) } do
    for _, path in ipairs(list) do
      local folder, key = folder_of(path)
      if not seen[key] then
        seen[key] = true
        copies[#copies + 1] = "also in " .. folder
      end
    end
  end
  if copies[1] then
    report.warn("there is another copy of the library; this one is used by all: " .. first, copies)
  end
end

local function is_supported(version)
  local major, minor = version:match "^(%d+)%.(%d+)"
  major, minor = tonumber(major), tonumber(minor)
  return major > OLDEST_LIBCURL[1] or major == OLDEST_LIBCURL[1] and minor >= OLDEST_LIBCURL[2]
end

local function check_curl(report, info)
  local names = table.concat(require("anthropic.base.tables").sorted_keys(info.features), ", ")
  local found = ("libcurl %s (%s)"):format(info.version, names)
  if is_supported(info.version) then
    report.ok(found)
  else
    report.error(found, { ("libcurl %d.%d or later is needed"):format(OLDEST_LIBCURL[1], OLDEST_LIBCURL[2]) })
  end
  if info.features.SSL then
    report.ok("TLS by " .. info.tls)
  else
    report.error("libcurl has no TLS", { "only http:// URLs can be reached" })
  end
  if info.features.AsynchDNS then
    report.ok "names are looked up without blocking"
  else
    report.warn("libcurl blocks while it looks a name up", {
      "install a libcurl that is built with a threaded resolver or with c-ares",
    })
  end
end

local function check_json(report)
  local found, name = pcall(require("anthropic.base.json").library)
  if found then
    report.ok("JSON by " .. name)
  else
    report.error(name)
  end
end

local function driver_name()
  local name = require("anthropic.loop").name()
  return type(name) == "string" and "the driver " .. name or "a driver of the program's own"
end

local function check_variable(report, name, value, words)
  local credential, err = require("anthropic.http.credential_text").check(name, value)
  if credential then
    report.ok(words)
  else
    report.error(err.message)
  end
end

local function check_credential(report, resolved)
  if resolved.api_key then
    check_variable(report, "ANTHROPIC_API_KEY", resolved.api_key, "the key in ANTHROPIC_API_KEY is used")
  elseif type(resolved.auth_token) == "table" then
    report.ok("a token is asked for: " .. resolved.auth_token.name)
  elseif resolved.auth_token then
    check_variable(report, "ANTHROPIC_AUTH_TOKEN", resolved.auth_token, "the token in ANTHROPIC_AUTH_TOKEN is used")
  elseif resolved.missing_credential then
    report.error(resolved.missing_credential, {
      "mend that, or set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN instead",
    })
  else
    report.warn("no key: neither ANTHROPIC_API_KEY nor ANTHROPIC_AUTH_TOKEN is set", {
      "set one of them, or give api_key or auth_token to anthropic.new",
    })
  end
end

local function check_options(report)
  local resolved = require("anthropic.http.options").of_client()
  check_credential(report, resolved)
  local fields, problem = require("anthropic.http.request").fields({}, resolved)
  if not fields then
    report.error("ANTHROPIC_CUSTOM_HEADERS: " .. problem.message)
  end
  local url, err = require("anthropic.http.url").check_base(resolved.base_url)
  if url then
    local proxy = require("anthropic.http.proxy").describe(url)
    report.ok("requests go to " .. require("anthropic.http.shown_url").of_base(url)
      .. (proxy and " by the proxy " .. proxy or ""))
  else
    report.error("ANTHROPIC_BASE_URL: " .. err.message)
  end
end

--- Prints what there is and what is missing; in Neovim into the report of `:checkhealth anthropic`.
---@return boolean well whether every request has what it needs
function health.check()
  local report, well = new_report(), true
  local report_error = report.error
  function report.error(...)
    well = false
    report_error(...)
  end
  report.start "anthropic"
  check_lua(report)
  check_copies(report)
  local fits, core = pcall(require, "anthropic.base.core")
  if not fits then
    report.error((core:gsub("^anthropic: ", "")),
      is_neovim() and { 'lazy.nvim: build = "nvim -l tools/install.lua LUA=luajit"' })
    return false
  end
  report.ok("the C core fits (" .. places.first("anthropic.core", "cpath") .. ")")
  check_curl(report, core.curl_info())
  check_json(report)
  report.ok("waits by " .. driver_name())
  check_options(report)
  return well
end

return health
