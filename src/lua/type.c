#include "lua/type.h"

void bind_type_make(lua_State *L, const char *type, const luaL_Reg *metamethods,
                    const luaL_Reg *methods) {
  luaL_newmetatable(L, type);
  lua_pushstring(L, type);
  lua_setfield(L, -2, "__name");
  luaL_setfuncs(L, metamethods, 0);
  lua_newtable(L);
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, methods, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void bind_type_add(lua_State *L, const char *type, const luaL_Reg *methods, int count) {
  int first = lua_gettop(L) - count + 1;
  luaL_getmetatable(L, type);
  lua_getfield(L, -1, "__index");
  lua_insert(L, first);
  lua_insert(L, first + 1);
  luaL_setfuncs(L, methods, count + 1);
  lua_pop(L, 1);
}

void *bind_type_check(lua_State *L, int index, const char *type) {
  void *userdata = lua_touserdata(L, index);
  if (userdata && lua_getmetatable(L, index)) {
    bool same = lua_rawequal(L, -1, lua_upvalueindex(1));
    lua_pop(L, 1);
    if (same)
      return userdata;
  }
  return luaL_checkudata(L, index, type);
}
