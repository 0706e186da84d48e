rockspec_format = "3.0"
package = "anthropic"
version = "0.1.0-1"
source = {
  url = "git+file://.",
  tag = "v0.1.0",
}
description = {
  summary = "A client for the Messages API",
  detailed = "Messages, streams, tools and every other method; on libcurl, for Lua 5.1 to 5.4 and LuaJIT.",
  license = "MIT",
  labels = { "http", "neovim", "openresty" },
}
dependencies = {
  "lua >= 5.1, < 5.6",
  "lua-cjson >= 2.1",
}
external_dependencies = {
  CURL = { library = "curl" },
}
build = {
  type = "builtin",
  modules = {
    ["anthropic.core"] = {
      sources = {
        "src/buffer.c",
        "src/core.c",
        "src/delta.c",
        "src/json_encode.c",
        "src/json_scan.c",
        "src/loop.c",
        "src/lua_json.c",
        "src/lua_json_encode.c",
        "src/lua_json_keys.c",
        "src/lua_loop.c",
        "src/lua_sse.c",
        "src/lua_transfer.c",
        "src/poller_epoll.c",
        "src/poller_kqueue.c",
        "src/poller_poll.c",
        "src/sse.c",
        "src/transfer.c",
      },
      libraries = { "curl" },
      incdirs = { "$(CURL_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)" },
    },
    ["anthropic.accumulator"] = "lua/anthropic/accumulator.lua",
    ["anthropic.answer"] = "lua/anthropic/answer.lua",
    ["anthropic.chat"] = "lua/anthropic/chat.lua",
    ["anthropic.chat_completion"] = "lua/anthropic/chat_completion.lua",
    ["anthropic.client"] = "lua/anthropic/client.lua",
    ["anthropic.endpoint"] = "lua/anthropic/endpoint.lua",
    ["anthropic.error"] = "lua/anthropic/error.lua",
    ["anthropic.exchange"] = "lua/anthropic/exchange.lua",
    ["anthropic.headers"] = "lua/anthropic/headers.lua",
    ["anthropic"] = "lua/anthropic/init.lua",
    ["anthropic.json"] = "lua/anthropic/json.lua",
    ["anthropic.log"] = "lua/anthropic/log.lua",
    ["anthropic.loop.blocking"] = "lua/anthropic/loop/blocking.lua",
    ["anthropic.loop"] = "lua/anthropic/loop/init.lua",
    ["anthropic.loop.scheduler"] = "lua/anthropic/loop/scheduler.lua",
    ["anthropic.message"] = "lua/anthropic/message.lua",
    ["anthropic.messages"] = "lua/anthropic/messages.lua",
    ["anthropic.options"] = "lua/anthropic/options.lua",
    ["anthropic.pages"] = "lua/anthropic/pages.lua",
    ["anthropic.request"] = "lua/anthropic/request.lua",
    ["anthropic.resources"] = "lua/anthropic/resources.lua",
    ["anthropic.retry"] = "lua/anthropic/retry.lua",
    ["anthropic.sse"] = "lua/anthropic/sse.lua",
    ["anthropic.stream"] = "lua/anthropic/stream.lua",
    ["anthropic.surrogates"] = "lua/anthropic/surrogates.lua",
    ["anthropic.testing.answers"] = "lua/anthropic/testing/answers.lua",
    ["anthropic.testing.command"] = "lua/anthropic/testing/command.lua",
    ["anthropic.testing.completions"] = "lua/anthropic/testing/completions.lua",
    ["anthropic.testing.connection"] = "lua/anthropic/testing/connection.lua",
    ["anthropic.testing.demo"] = "lua/anthropic/testing/demo.lua",
    ["anthropic.testing.http"] = "lua/anthropic/testing/http.lua",
    ["anthropic.testing"] = "lua/anthropic/testing/init.lua",
    ["anthropic.testing.json"] = "lua/anthropic/testing/json.lua",
    ["anthropic.testing.pieces"] = "lua/anthropic/testing/pieces.lua",
    ["anthropic.testing.play"] = "lua/anthropic/testing/play.lua",
    ["anthropic.testing.process"] = "lua/anthropic/testing/process.lua",
    ["anthropic.testing.script"] = "lua/anthropic/testing/script.lua",
    ["anthropic.testing.serialize"] = "lua/anthropic/testing/serialize.lua",
    ["anthropic.testing.server"] = "lua/anthropic/testing/server.lua",
    ["anthropic.version"] = "lua/anthropic/version.lua",
  },
}
test_dependencies = {
  "busted",
  "luasocket",
  "luasec",
}
test = {
  type = "busted",
}
