/* What Lua 5.1 (and LuaJIT) lack of the C API that the binding uses, with the newer names.
 * workaround: Lua 5.1 */
#ifndef ANTHROPIC_LUA_COMPAT_H
#define ANTHROPIC_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if LUA_VERSION_NUM >= 504
#define set_uservalue(L, index) lua_setiuservalue(L, index, 1)
#define get_uservalue(L, index) lua_getiuservalue(L, index, 1)
#elif LUA_VERSION_NUM >= 502
#define set_uservalue(L, index) lua_setuservalue(L, index)
#define get_uservalue(L, index) lua_getuservalue(L, index)
#else
#define set_uservalue(L, index) lua_setfenv(L, index)
#define get_uservalue(L, index) lua_getfenv(L, index)
#endif

#if LUA_VERSION_NUM < 502

#define lua_rawlen(L, index) lua_objlen(L, index)

static inline int lua_absindex(lua_State *L, int index) {
  return index > 0 || index <= LUA_REGISTRYINDEX ? index : lua_gettop(L) + index + 1;
}

/* LuaJIT has its own luaL_setfuncs and luaL_testudata, stock 5.1 has none: these serve both. */
static inline void compat_setfuncs(lua_State *L, const luaL_Reg *functions, int upvalues) {
  luaL_checkstack(L, upvalues, "too many upvalues");
  for (; functions->name; functions++) {
    for (int i = 0; i < upvalues; i++)
      lua_pushvalue(L, -upvalues);
    lua_pushcclosure(L, functions->func, upvalues);
    lua_setfield(L, -(upvalues + 2), functions->name);
  }
  lua_pop(L, upvalues);
}
#define luaL_setfuncs(L, functions, upvalues) compat_setfuncs(L, functions, upvalues)

static inline void *compat_testudata(lua_State *L, int index, const char *type) {
  void *userdata = lua_touserdata(L, index);
  if (!userdata || !lua_getmetatable(L, index))
    return NULL;
  luaL_getmetatable(L, type);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same ? userdata : NULL;
}
#define luaL_testudata(L, index, type) compat_testudata(L, index, type)

static inline void lua_rawgetp(lua_State *L, int index, const void *key) {
  index = lua_absindex(L, index);
  lua_pushlightuserdata(L, (void *)key);
  lua_rawget(L, index);
}

static inline void lua_rawsetp(lua_State *L, int index, const void *key) {
  index = lua_absindex(L, index);
  lua_pushlightuserdata(L, (void *)key);
  lua_insert(L, -2);
  lua_rawset(L, index);
}

#endif

#if LUA_VERSION_NUM < 503

/* These versions have no integer subtype: every number is a double. */
static inline int lua_isinteger(lua_State *L, int index) {
  (void)L;
  (void)index;
  return 0;
}

#endif

#endif
