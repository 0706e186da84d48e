/* Opens the C module `anthropic.core`. */
#include "lua/modules.h"

#include "lua/interface.h"
#include "port/self.h"
#include "util/clock.h"

#include <curl/curl.h>

static int now(lua_State *L) {
  lua_pushnumber(L, clock_now());
  return 1;
}

#ifdef ANTHROPIC_TEST

/* advance(seconds): moves the clock forward, for a test */
static int advance(lua_State *L) {
  clock_advance(luaL_checknumber(L, 1));
  return 0;
}

#endif

/* libcurl's optional features, by the names that `curl --version` uses. */
static const struct {
  const char *name;
  int bit;
} features[] = {
    {"AsynchDNS", CURL_VERSION_ASYNCHDNS}, {"HTTP2", CURL_VERSION_HTTP2},
    {"HTTP3", CURL_VERSION_HTTP3},         {"HTTPS-proxy", CURL_VERSION_HTTPS_PROXY},
    {"IPv6", CURL_VERSION_IPV6},           {"SSL", CURL_VERSION_SSL},
    {"brotli", CURL_VERSION_BROTLI},       {"libz", CURL_VERSION_LIBZ},
    {"zstd", CURL_VERSION_ZSTD},
};

/* curl_info() -> { version, tls?, features }, features being a set of names */
static int curl_info(lua_State *L) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  lua_newtable(L);
  lua_pushstring(L, info->version);
  lua_setfield(L, -2, "version");
  lua_pushstring(L, info->ssl_version); /* nil if libcurl has no TLS */
  lua_setfield(L, -2, "tls");
  lua_newtable(L);
  for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
    if (info->features & features[i].bit) {
      lua_pushboolean(L, 1);
      lua_setfield(L, -2, features[i].name);
    }
  }
  lua_setfield(L, -2, "features");
  return 1;
}

static const luaL_Reg functions[] = {
    {"now", now},
    {"curl_info", curl_info},
#ifdef ANTHROPIC_TEST
    {"advance", advance},
#endif
    {NULL, NULL},
};

/* The one symbol that the module exports. */
int luaopen_anthropic_core(lua_State *L);

/* Closing a Lua state unloads its C modules. A thread inside libcurl may still be looking up a name
 * then, so this module, and libcurl with it, stays loaded. */
static void stay_loaded(void) {
  port_self_stay_loaded((void (*)(void))luaopen_anthropic_core);
}

int luaopen_anthropic_core(lua_State *L) {
  stay_loaded();
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  lua_pushliteral(L, ANTHROPIC_INTERFACE);
  lua_setfield(L, -2, "interface");
  bind_content_open(L);
  bind_delta_run_open(L);
  bind_digest_open(L);
  bind_escapes_open(L);
  bind_folder_open(L);
  bind_frames_open(L);
  bind_headers_open(L);
  bind_json_open(L);
  bind_json_partial_open(L);
  bind_loop_open(L);
  bind_private_file_open(L);
  bind_process_open(L);
  bind_sink_open(L);
  bind_sse_open(L);
  bind_transfer_open(L);
  bind_aws_events_open(L);
  bind_events_open(L);
  bind_body_open(L);
  bind_fed_open(L);
  bind_recording_open(L);
  bind_weight_open(L);
  return 1;
}
