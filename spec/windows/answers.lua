-- What the server answers spec/windows/client.lua: each check has a path of its own.

local testing = require "anthropic.testing"

local words = ("word "):rep(200)

local function route(name, ...)
  return { path = "/" .. name .. "/v1/messages", answers = { ... } }
end

return { routes = {
  route("create", testing.message { text = "Hällo!" }),
  route("retries", testing.error { status = 529, retry_after = 0 }, testing.message { text = "Hello!" }),
  route("stream", testing.stream { thinking = "Hm.", text = words }),
  route("streams", testing.stream { text = words, delay_between = 0.001 }),
  route("hang", { hang = true }),
  route("cut", testing.stream { text = words, cut_after = 900 }),
  route("tools", testing.message { tool_uses = { { name = "add", input = { a = 1, b = 2 } } } },
    testing.message { text = "3" }),
  { path = "/files/v1/files", body_contains = 'filename="Grüße 世界.bin"', answers = {
    { body = { id = "file_1", type = "file", filename = "x" } },
  } },
  { path = "/files/v1/files/file_1/content", answers = { { body = ("\0\1\255\r\n\26--x--"):rep(50000) } } },
} }
