--- The command behind `anthropic.testing.main`: a server in the foreground.

local script = require "anthropic.testing.script"
local server = require "anthropic.testing.server"

local usage = [[
Runs a local server that answers as the Messages API does, until it is interrupted.
  --port N         the port on 127.0.0.1 (default: any free one)
  --script FILE    a Lua file that returns the script (default: a friendly demo)
  --lifetime S     ends after S seconds
]]

local function parse(arguments)
  local options = {}
  for index = 1, #arguments, 2 do
    local name, value = arguments[index]:match("^%-%-(%a+)$"), arguments[index + 1]
    if (name == "port" or name == "lifetime") and tonumber(value) then
      options[name] = tonumber(value)
    elseif name == "script" and value then
      options.script = value
    else
      return nil
    end
  end
  return options
end

--- The arguments from the first `--name` on: with `lua -e`, where the table `arg`
--- begins depends on the Lua.
local function command_line()
  local all = rawget(_G, "arg") or {}
  local first, list = 0, {}
  while all[first - 1] do
    first = first - 1
  end
  for index = first, #all do
    if #list > 0 or all[index]:find("^%-%-%a") then
      list[#list + 1] = all[index]
    end
  end
  return list
end

local function print_url(port)
  io.stdout:write(string.format("http://127.0.0.1:%d\n", port))
  io.stdout:flush()
end

---@param arguments? string[]
return function(arguments)
  local options = parse(arguments or command_line())
  if not options then
    io.stderr:write(usage)
    os.exit(1)
  end
  local ok, failure = pcall(function()
    server.run {
      plan = script.prepare(options.script and dofile(options.script) or "demo"),
      port = options.port,
      lifetime = options.lifetime,
      ready = print_url,
    }
  end)
  if not ok and not tostring(failure):find("interrupted!", 1, true) then
    io.stderr:write(tostring(failure), "\n")
    os.exit(1)
  end
  os.exit(0)
end
