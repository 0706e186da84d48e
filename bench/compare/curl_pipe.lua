-- The curl command by io.popen, as scripts use it; see README.md for the arguments.
local cjson = require "cjson"

local body = [[{"model":"m","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hello"}]}]]
local pipe = assert(io.popen(("curl -sSN --fail-with-body -m 1 -H 'x-api-key: %s' -H 'anthropic-version: 2023-06-01' "
  .. "-H 'content-type: application/json' -d '%s' %s/v1/messages 2>&1"):format(os.getenv "COMPARE_KEY", body, arg[1])))
local other = {}
for line in pipe:lines() do
  local data = line:match "^data: (.*)"
  local ok, event = pcall(cjson.decode, data)
  if ok and event.delta and event.delta.text then
    print("text " .. event.delta.text)
  elseif not data then
    other[#other + 1] = line
  end
end
local _, _, code = pipe:close()
print(code == 0 and "end" or ("error %s exit code %d"):format(table.concat(other, " "), code))
