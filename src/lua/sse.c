/* The Lua type of decode/sse.h: core.sse(max_event_bytes) -> decoder. */
#include "lua/modules.h"

#include "decode/sse.h"

#include <string.h>

#define DECODER "anthropic.sse.decoder"

/* While an event is being made into Lua strings the buffer is lent: a finalizer, which runs
 * wherever Lua allocates, must not change it. It stays lent if Lua runs out of memory then: part of
 * the event may be lost. */
struct decoder {
  struct sse sse;
  struct buffer buffer;
  bool lent;
};

static struct decoder *check_decoder(lua_State *L) {
  return bind_type_check(L, 1, DECODER);
}

static struct decoder *check_usable(lua_State *L) {
  struct decoder *decoder = check_decoder(L);
  if (decoder->lent)
    luaL_error(L, "not enough memory");
  return decoder;
}

static int new_decoder(lua_State *L) {
  double limit = luaL_checknumber(L, 1);
  luaL_argcheck(L, limit >= 1 && limit < 9007199254740992.0, 1, "must be at least 1");
  struct decoder *decoder = lua_newuserdata(L, sizeof *decoder);
  memset(decoder, 0, sizeof *decoder);
  decoder->sse.max_event_bytes = bind_size(limit);
  luaL_getmetatable(L, DECODER);
  lua_setmetatable(L, -2);
  return 1;
}

/* feed(bytes) */
static int feed(lua_State *L) {
  struct decoder *decoder = check_usable(L);
  size_t length;
  const char *bytes = luaL_checklstring(L, 2, &length);
  return buffer_append(&decoder->buffer, bytes, length) ? 0 : luaL_error(L, "not enough memory");
}

/* next() -> data, name, id | nil, "again" | nil, "too_large" */
static int next(lua_State *L) {
  struct decoder *decoder = check_usable(L);
  struct sse_event event;
  switch (sse_next(&decoder->sse, &decoder->buffer, &event)) {
  case SSE_EVENT:
    decoder->lent = true;
    lua_pushlstring(L, event.data, event.data_length);
    lua_pushlstring(L, event.name, event.name_length);
    lua_pushlstring(L, event.id, event.id_length);
    decoder->lent = false;
    return 3;
  case SSE_NO_MEMORY:
    return luaL_error(L, "not enough memory");
  case SSE_TOO_LARGE:
    lua_pushnil(L);
    lua_pushliteral(L, "too_large");
    return 2;
  case SSE_FULL: /* of a run only */
  case SSE_MORE:
    break;
  }
  lua_pushnil(L);
  lua_pushliteral(L, "again");
  return 2;
}

/* retry() -> milliseconds | nil */
static int retry(lua_State *L) {
  const struct sse *sse = &check_decoder(L)->sse;
  if (!sse->has_retry)
    return 0;
#if LUA_VERSION_NUM >= 503
  lua_pushinteger(L, (lua_Integer)sse->retry);
#else
  lua_pushnumber(L, (lua_Number)sse->retry);
#endif
  return 1;
}

static int close_decoder(lua_State *L) {
  struct decoder *decoder = check_decoder(L);
  sse_free(&decoder->sse);
  buffer_free(&decoder->buffer);
  return 0;
}

static const luaL_Reg metamethods[] = {
    {"__gc", close_decoder},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"feed", feed},
    {"next", next},
    {"retry", retry},
    {NULL, NULL},
};

void bind_sse_open(lua_State *L) {
  bind_type_make(L, DECODER, metamethods, methods);
  lua_pushcfunction(L, new_decoder);
  lua_setfield(L, -2, "sse");
}
