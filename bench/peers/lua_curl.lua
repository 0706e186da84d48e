-- Lua-cURLv3 and lua-cjson, as a program without a client library uses them; see README.md.
local hand = require "bench.peers.hand"
local curl = require "cURL"

local reader
local easy

local function prepare(url, how, prompt)
  return curl.easy {
    url = url, post = true, postfields = hand.body(how, prompt), failonerror = true,
    httpheader = { "Content-Type: application/json", "x-api-key: bench-key", "Expect:" },
    http_version = os.getenv "BENCH_HTTP_VERSION" == "2" and curl.HTTP_VERSION_2TLS or curl.HTTP_VERSION_1_1,
    cainfo = os.getenv "BENCH_CA_FILE",
    writefunction = function(bytes)
      reader.feed(bytes)
      return true
    end,
  }
end

hand.run(function(url, how, prompt)
  reader = hand.reader(how)
  easy = easy or prepare(url, how, prompt)
  easy:perform()
  return reader.finish()
end)
