-- A program that moves one large file and prints its own peak of memory in kB.
--
--     lua spec/support/large_file.lua up URL PATH
--     lua spec/support/large_file.lua down URL PATH

local action, url, path = ...
local client = require("anthropic").new { base_url = url, api_key = "test-key-1" }

local result
if action == "up" then
  result = assert(client.files.upload { file = path })
else
  result = assert(client.files.download("file_1", { path = path }))
end
print(result.bytes or result.id)
print(io.open("/proc/self/status"):read("*a"):match "VmHWM:%s*(%d+) kB")
