#include "lua_modules.h"

int luaopen_anthropic_core(lua_State *L) {
  lua_newtable(L);
  json_open(L);
  return 1;
}
