/* The Lua type of util/sink.h: core.sink(path) -> sink, for loop:start{ sink = }. */
#include "lua/modules.h"

#include "util/sink.h"

#include <string.h>

#define SINK "anthropic.sink"

struct sink *bind_sink_check(lua_State *L, int index) {
  return luaL_checkudata(L, index, SINK);
}

static int fail(lua_State *L, const char *path, const char *problem) {
  lua_pushnil(L);
  lua_pushfstring(L, "cannot write %s: %s", path, problem);
  return 2;
}

/* sink(path) -> sink | nil, message */
static int new_sink(lua_State *L) {
  size_t length;
  const char *path = luaL_checklstring(L, 1, &length);
  if (strlen(path) != length)
    return fail(L, path, "the path contains NUL");
  struct sink *sink = lua_newuserdata(L, sizeof *sink);
  memset(sink, 0, sizeof *sink);
  luaL_getmetatable(L, SINK);
  lua_setmetatable(L, -2);
  const char *problem = sink_open(sink, path);
  return problem ? fail(L, path, problem) : 1;
}

/* length() -> bytes written */
static int length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)bind_sink_check(L, 1)->length);
  return 1;
}

/* commit() -> true | nil, what went wrong: the file takes its place */
static int commit(lua_State *L) {
  const char *problem = sink_commit(bind_sink_check(L, 1));
  if (!problem) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, problem);
  return 2;
}

static int close_sink(lua_State *L) {
  sink_discard(bind_sink_check(L, 1));
  return 0;
}

static const luaL_Reg metamethods[] = {
    {"__gc", close_sink},
    {"__close", close_sink},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"length", length},
    {"commit", commit},
    {"close", close_sink},
    {NULL, NULL},
};

void bind_sink_open(lua_State *L) {
  bind_type_make(L, SINK, metamethods, methods);
  lua_pushcfunction(L, new_sink);
  lua_setfield(L, -2, "sink");
}
