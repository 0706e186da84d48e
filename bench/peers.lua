-- Whom `make bench` measures. Each peer is a program with the arguments of bench/peers/README.md:
--
--     command    the program
--     ways       how it can read; the others are not for it, or would be the same again
--     at_once    the most requests at a time
--     tls, http2, keep_alive, history   whether it can
--     more       times the streams of a row that has one only: for who is so fast that one is noise
--     reads_text whether the bytes it counts are bytes of text, to be held against the others'
--     environment   of the program, and of `version`: a command that prints what it is

local SDK = "build/npm/node_modules/@anthropic-ai/sdk/"

local function set(names)
  local members = {}
  for name in names:gmatch "%S+" do
    members[name] = true
  end
  return members
end

local ALL = set "load create events text message tool"
local BY_HAND = set "load create events tool"

local function version_of(interpreter, module, expression)
  return ("%s -e 'local m = require \"%s\" print(%s .. \", \" .. (jit and jit.version or _VERSION))'"):format(
    interpreter, module, expression)
end

local lua_names = { { "lua5.4", "Lua 5.4", "5.4" }, { "luajit", "LuaJIT", "5.1" } }

local peers = {
  {
    name = "libcurl", title = "bare libcurl, discarding", command = "build/bench/libcurl",
    ways = ALL, at_once = 2000, tls = true, http2 = true, keep_alive = true, history = true, more = 20,
    version = "curl-config --version",
  },
  {
    name = "curl", title = "curl command, discarding", command = "bench/peers/curl.sh",
    ways = ALL, at_once = 300, tls = true, http2 = true, keep_alive = true, more = 20,
    version = "curl --version | head -n 1 | cut -d ' ' -f 1-2",
  },
}

local function add(peer)
  peer.reads_text = true
  peers[#peers + 1] = peer
end

for _, lua in ipairs(lua_names) do
  local interpreter, title, abi = lua[1], lua[2], lua[3]
  add {
    name = "anthropic-" .. interpreter, title = "anthropic, " .. title, command = interpreter .. " bench/library.lua",
    environment = "LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='build/" .. interpreter .. "/?.so;;'",
    ways = set "load ready create events text message tool", at_once = 2000,
    tls = true, http2 = true, keep_alive = true, history = true,
    version = version_of(interpreter, "anthropic.version", "m"),
  }
  local rocks = ("LUA_PATH='build/bench/rocks/share/lua/%s/?.lua;;' LUA_CPATH='build/bench/rocks/lib/lua/%s/?.so;;'")
    :format(abi, abi)
  add {
    name = "lua-curl-" .. interpreter, title = "Lua-cURLv3 + lua-cjson, " .. title,
    command = interpreter .. " bench/peers/lua_curl.lua", environment = rocks,
    ways = BY_HAND, at_once = 1, tls = true, http2 = true, keep_alive = true,
    version = version_of(interpreter, "cURL", "m._VERSION"),
  }
  add {
    name = "pipe-" .. interpreter, title = "curl | lua-cjson, " .. title,
    command = interpreter .. " bench/peers/curl_pipe.lua",
    ways = set "load events tool", at_once = 1,
    version = version_of(interpreter, "cjson", "m._VERSION"),
  }
  add {
    name = "luasocket-" .. interpreter, title = "LuaSocket + lua-cjson, " .. title,
    command = interpreter .. " bench/peers/luasocket.lua",
    ways = BY_HAND, at_once = 1,
    version = version_of(interpreter, "socket", "m._VERSION"),
  }
end

add {
  name = "lua-http-luajit", title = "lua-http + lua-cjson, LuaJIT", command = "luajit bench/peers/lua_http.lua",
  ways = BY_HAND, at_once = 2000,
  version = version_of("luajit", "http.version", "m.version"),
}
add {
  name = "typescript", title = "TypeScript SDK", command = "node bench/peers/typescript_sdk.mjs",
  environment = "BENCH_SDK=" .. SDK .. "index.mjs",
  ways = ALL, at_once = 2000, tls = true, keep_alive = true, history = true,
  version = "echo $(sed -n 's/^ *\"version\": \"\\(.*\\)\",/\\1/p' " .. SDK .. "package.json), node $(node --version)",
}
add {
  name = "python", title = "Python SDK", command = "build/bench/python/bin/python bench/peers/python_sdk.py",
  ways = set "load create events", -- what it accumulates a stream with takes time by the square of the stream
  at_once = 200, -- of 1,000, some exceed its limit for connecting
  tls = true, keep_alive = true, history = true,
  version = "build/bench/python/bin/python -c 'import anthropic, platform; print(anthropic.__version__ + "
    .. "\", Python \" + platform.python_version())'",
}
add {
  name = "go", title = "Go SDK", command = "build/bench/go_sdk",
  ways = set "load create events text tool", -- for a message likewise
  at_once = 2000, tls = true, http2 = true, keep_alive = true, history = true,
  version = "echo $(sed -n 's/.*anthropic-sdk-go \\(v[^ ]*\\).*/\\1/p' build/bench/go/go.mod), "
    .. "$(go version | cut -d ' ' -f 3)",
}

return peers
