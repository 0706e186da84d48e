-- The adapters of examples/http, and what stands in for curl in plugins that have none there.

local example = {}

--- Returns the function that has a plugin's requests sent by the library.
function example.load(name)
  return dofile("examples/http/" .. name .. ".lua").setup
end

local function load_curl()
  require("anthropic").preload()
  return dofile "examples/http/plenary_curl.lua"
end

--- Returns the function that has plenary.curl's calls made by the library, also for who has required it before.
---@param own? string[] options that are the plugin's own: plenary passes over what it does not know
function example.replace_plenary_curl(own)
  return function()
    local theirs = require "plenary.curl"
    for name, call in pairs(load_curl()) do
      theirs[name] = function(url, options)
        options = vim.tbl_extend("force", {}, options or {})
        for _, option in ipairs(own or {}) do
          options[option] = nil
        end
        return call(url, options)
      end
    end
    return true
  end
end

local curl

--- Sends what the words of a command line of curl say: with `-d`, "@-" is the input, "@NAME" a file.
---@param words string[] without the command
---@param input? string
---@param on_line? fun(line: string)
---@param on_end fun(exit: integer, output: string, problem: string)
---@return table job with `shutdown` and `is_closing`
function example.run_curl(words, input, on_line, on_end)
  curl = curl or load_curl()
  local options = { raw = {} }
  local i = 1
  while words[i] do
    if words[i] == "-d" then
      i = i + 1
      local path = words[i]:match "^@(.*)$"
      options.raw_body = path == "-" and input or not path and words[i] or nil
      options.in_file = path ~= "-" and path or nil
    elseif words[i]:find "^https?://" then
      options.url = words[i]
    else
      table.insert(options.raw, words[i])
    end
    i = i + 1
  end
  options.stream = on_line and function(_, line)
    on_line(line)
  end
  function options.callback(response)
    on_end(0, response.body, "")
  end
  function options.on_error(err)
    on_end(err.exit, "", err.stderr)
  end
  return curl.post(options)
end

return example
