/* What all Lua types of the module have in common. */
#ifndef ANTHROPIC_LUA_TYPE_H
#define ANTHROPIC_LUA_TYPE_H

#include "compat.h"

#pragma GCC visibility push(hidden)

/* Makes a metatable that is registered under `type`, with `metamethods` and, in its __index,
 * `methods`. */
void type_make(lua_State *L, const char *type, const luaL_Reg *metamethods,
               const luaL_Reg *methods);

#pragma GCC visibility pop

#endif
