-- What each open stream holds beyond libcurl's own: Lua's memory and the C core's, after a collection. For
-- LuaJIT, whose FFI can ask the allocator (Lua's own memory is not in that), with a bare easy handle for the
-- same request beside it. Run by `make bench-parts`.
local ffi = require "ffi"
local anthropic = require "anthropic"
local testing = require "anthropic.testing"

ffi.cdef [[
  struct mallinfo2 { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost; };
  struct mallinfo2 mallinfo2(void);
  void *curl_easy_init(void);
  void *curl_multi_init(void);
  int curl_easy_setopt(void *, int, ...);
  int curl_multi_add_handle(void *, void *);
  int curl_multi_perform(void *, int *);
  int curl_multi_wait(void *, void *, unsigned, int, int *);
]]
local URL, POSTFIELDS, WRITEFUNCTION = 10002, 10015, 20011
local STREAMS = 300

local function kib_of_c()
  local info = ffi.C.mallinfo2()
  return tonumber(info.uordblks + info.hblkhd) / 1024
end

local function kib_of_lua()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count"
end

local server = testing.server { script = testing.stream { text = "one two three four", delay_between = 30 } }
local client = anthropic.new { base_url = server.url, api_key = "bench-key", max_retries = 0 }
local params = { model = "claude-bench", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
assert(client.messages.stream(params)):close()

local lua, c = kib_of_lua(), kib_of_c()
local streams = {}
for i = 1, STREAMS do
  streams[i] = assert(client.messages.stream(params))
end
lua, c = (kib_of_lua() - lua) / #streams, (kib_of_c() - c) / #streams

local curl = ffi.load "curl"
local multi = curl.curl_multi_init()
local discard = ffi.cast("size_t (*)(char *, size_t, size_t, void *)", function(_, size, count) return size * count end)
local body = anthropic.encode(params)
local bare = kib_of_c()
local running = ffi.new "int[1]"
for _ = 1, STREAMS do
  local easy = curl.curl_easy_init()
  curl.curl_easy_setopt(easy, URL, ffi.cast("const char *", server.url .. "/v1/messages"))
  curl.curl_easy_setopt(easy, POSTFIELDS, ffi.cast("const char *", body))
  curl.curl_easy_setopt(easy, WRITEFUNCTION, discard)
  curl.curl_multi_add_handle(multi, easy)
end
for _ = 1, 2 * STREAMS do
  curl.curl_multi_perform(multi, running)
  curl.curl_multi_wait(multi, nil, 0, 2, nil)
end
assert(running[0] == STREAMS)
bare = (kib_of_c() - bare) / STREAMS
server:stop()
print(("an open stream holds, in KiB: bare libcurl %.1f, the C core beyond it %.1f, Lua %.1f, both %.1f"):format(
  bare, c - bare, lua, c - bare + lua))
os.exit(0, false) -- the bare handles are not freed
