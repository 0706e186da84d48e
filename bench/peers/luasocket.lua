-- LuaSocket and lua-cjson, as a program without a client library uses them; see README.md.
local hand = require "bench.peers.hand"
local http = require "socket.http"
local ltn12 = require "ltn12"

hand.run(function(url, how, prompt)
  local body = hand.body(how, prompt)
  local reader = hand.reader(how)
  local _, status = assert(http.request {
    url = url, method = "POST", source = ltn12.source.string(body),
    headers = { ["content-type"] = "application/json", ["x-api-key"] = "bench-key", ["content-length"] = #body },
    sink = function(bytes)
      if bytes then
        reader.feed(bytes)
      end
      return 1
    end,
  })
  assert(status == 200, status)
  return reader.finish()
end)
