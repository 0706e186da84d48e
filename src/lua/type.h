/* What all Lua types of the module have in common. */
#ifndef ANTHROPIC_LUA_TYPE_H
#define ANTHROPIC_LUA_TYPE_H

#include "lua/compat.h"

#pragma GCC visibility push(hidden)

/* Registers a metatable under `type`, with `metamethods` and, in its __index, `methods`. The
 * methods' first upvalue is the metatable. */
void bind_type_make(lua_State *L, const char *type, const luaL_Reg *metamethods,
                    const luaL_Reg *methods);

/* Adds methods to a type. Their first upvalue is the metatable, the others are the `count` values
 * on top of the stack, which are popped. */
void bind_type_add(lua_State *L, const char *type, const luaL_Reg *methods, int count);

/* A number as a size: 0 if it is negative or NaN, and the largest size if it is too large for one.
 */
static inline size_t bind_size(lua_Number number) {
  if (number >= (lua_Number)(SIZE_MAX / 2))
    return SIZE_MAX;
  return number > 0 ? (size_t)number : 0;
}

/* As luaL_checkudata, with fewer instructions if a method of the type calls it. */
void *bind_type_check(lua_State *L, int index, const char *type);

#pragma GCC visibility pop

#endif
