-- lua-openai, which speaks chat completions; see README.md for the arguments. LuaSocket's timeout is a global one.
local openai = require "openai"

require("socket.http").TIMEOUT = 1
local client = openai.new(os.getenv "COMPARE_KEY")
client.api_base = arg[1] .. "/v1"
local ok, status, response = pcall(client.chat, client, { { role = "user", content = "Hello" } },
  { model = "m", stream = true }, function(chunk)
    print("text " .. (chunk.content or ""))
  end)
if not ok then
  print("error " .. tostring(status))
elseif status ~= 200 then
  print(("error STATUS=%s %s"):format(status, type(response) == "table" and response.error.message or response))
else
  print "end"
end
