-- lua-http and lua-cjson, as a program without a client library uses them; see README.md. Its requests
-- share no connection.
local hand = require "bench.peers.hand"
local http_request = require "http.request"

local function read(url, how, prompt)
  local request = http_request.new_from_uri(url)
  request.headers:upsert(":method", "POST")
  request.headers:upsert("content-type", "application/json")
  request.headers:upsert("x-api-key", "bench-key")
  request:set_body(hand.body(how, prompt))
  local headers, stream = request:go()
  assert(headers, stream)
  assert(headers:get ":status" == "200")
  local reader = hand.reader(how)
  for bytes in stream:each_chunk() do
    reader.feed(bytes)
  end
  stream:shutdown()
  return reader.finish()
end

hand.run(read, function(count, request)
  local loop = require("cqueues").new()
  for _ = 1, count do
    loop:wrap(request)
  end
  assert(loop:loop())
end)
