#include "lua_type.h"

void type_make(lua_State *L, const char *type, const luaL_Reg *metamethods,
               const luaL_Reg *methods) {
  luaL_newmetatable(L, type);
  lua_pushstring(L, type);
  lua_setfield(L, -2, "__name");
  luaL_setfuncs(L, metamethods, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
