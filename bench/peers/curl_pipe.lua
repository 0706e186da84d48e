-- A pipe from the curl command, and lua-cjson; see README.md.
local hand = require "bench.peers.hand"

hand.run(function(url, how, prompt)
  local pipe = assert(io.popen(("curl -s -f -N --http1.1 -H 'Content-Type: application/json' "
    .. "-H 'x-api-key: bench-key' -d '%s' '%s'"):format(hand.body(how, prompt), url)))
  local reader = hand.reader(how)
  for line in pipe:lines() do
    if how == "create" then
      reader.feed(line)
    else
      reader.line(line)
    end
  end
  pipe:close()
  return reader.finish()
end)
