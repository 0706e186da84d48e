-- ug-lua-llm; see README.md for the arguments.
local llm = require "ug-lua-llm"

local client = llm.new("claude", {
  api_key = os.getenv "COMPARE_KEY", model = "m", base_url = arg[1] .. "/v1", timeout = 1,
})
local response, err, details = client:stream_chat({ { role = "user", content = "Hello" } }, function(delta)
  print("text " .. (delta.content or ""))
end, { timeout = 1 })
if response then
  print "end"
else
  print(("error STATUS=%s %s"):format(details and details.status or "", err))
end
