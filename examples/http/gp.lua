-- Runs gp.nvim on anthropic.http: no curl child, and no key in the list of processes.
--
--     require("gp").setup { ... }
--     require("my_config.gp").setup() -- false: the library is missing, and curl goes on as before
--
-- What it asks of curl in words that are not known here (`curl_params`, speech, images) curl does.

local adapter = {}

local function nothing() end

local function add_header(request, line)
  local name, value = line:match "^([^:]+):[ \t]*(.*)$"
  request.headers[name or line] = value or ""
end

-- Word of a command line -> what it does to the request; with the next word where the function takes one.
local FLAGS = { ["--no-buffer"] = nothing, ["-N"] = nothing, ["-s"] = nothing, ["--silent"] = nothing }
local VALUES = {
  ["-H"] = add_header, ["--header"] = add_header,
  ["--proxy"] = function(request, value) request.proxy = value end,
  ["-x"] = function(request, value) request.proxy = value end,
  ["--connect-timeout"] = function(request, value) request.timeout.connect = tonumber(value) end,
  ["--max-time"] = function(request, value) request.timeout.total = tonumber(value) end,
  ["--cacert"] = function(request, value) request.ca_file = value end,
  ["-d"] = function(request, value)
    request.body_file = value:match "^@(.*)$"
    request.body = not request.body_file and value or nil
  end,
}

-- The request of a command line, or nil where only curl knows what it means.
local function request_of(words)
  local request, i = { headers = {}, timeout = {} }, 1
  while words[i] do
    local word = words[i]
    if VALUES[word] and words[i + 1] then
      i = i + 1
      VALUES[word](request, words[i])
    elseif word:find "^https?://" and not request.url then
      request.url = word
    elseif not FLAGS[word] then
      return nil
    end
    i = i + 1
  end
  return request.url and request
end

local running, started = {}, 0 -- tasks, by what stands for the number of a process

local function run(http, tasker, logger, buf, request, callback, out_reader)
  if tasker.is_busy(buf) then
    return
  end
  started = started + 1
  local id, lines = "request " .. started, {}
  local function on_line(line)
    lines[#lines + 1] = line .. "\n"
    if out_reader then
      out_reader(nil, line .. "\n") -- much at once would hold the editor up
    end
  end
  local function on_done(_, err)
    running[id] = nil
    tasker.remove_handle(id)
    if err and err.kind ~= "cancelled" then
      logger.error(tostring(err))
    end
    if out_reader then
      out_reader(nil, nil)
    end
    if callback then
      callback(err and err:exit_code() or 0, 0, table.concat(lines), err and tostring(err) or "")
    end
  end
  running[id] = http.request(request, { on_line = on_line, on_done = on_done })
  tasker.add_handle(running[id], id, buf)
end

--- Has the plugin's requests sent by the library.
---@return boolean done false where the library is missing
function adapter.setup()
  local has_http, http = pcall(require, "anthropic.http")
  if not has_http or not pcall(require, "anthropic.core") then
    return false
  end
  require("anthropic").preload() -- not with the first request, which would wait for it
  local tasker, logger = require "gp.tasker", require "gp.logger"
  local run_command, stop_commands = tasker.run, tasker.stop
  function tasker.run(buf, command, words, callback, out_reader, err_reader)
    local request = command == "curl" and request_of(words)
    if request then
      return run(http, tasker, logger, buf, request, callback, out_reader)
    end
    return run_command(buf, command, words, callback, out_reader, err_reader)
  end
  function tasker.stop(signal)
    for _, task in pairs(running) do
      task:cancel()
    end
    return stop_commands(signal) -- which passes over handles that are closing, as the cancelled tasks are
  end
  return true
end

return adapter
