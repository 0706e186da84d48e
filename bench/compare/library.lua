-- This library; see README.md for the arguments.
local anthropic = require "anthropic"

local url, how = arg[1], arg[2]
local params = { model = "m", max_tokens = 100, messages = { { role = "user", content = "Hello" } } }

local function finish(ok, err)
  if ok then
    print "end"
  else
    print(("error STATUS=%s %s"):format(err.status or "", err))
  end
end

local client = anthropic.new {
  base_url = url, api_key = os.getenv "COMPARE_KEY",
  timeout = { connect = 1, first_byte = 1, idle = 1 },
}
if how == "batch" then
  finish(client.messages.batches.create { requests = { { custom_id = "a", params = params } } })
  os.exit(true)
end
local stream, err = client.messages.stream(params)
if not stream then
  finish(nil, err)
elseif how == "message" then
  local message, failure = stream:message()
  local seen = message or failure.partial
  print("text " .. (seen and seen:text() or ""))
  finish(message, failure)
else
  finish(pcall(function()
    for text in stream:text_deltas() do
      print("text " .. text)
    end
  end))
end
