#include "lua/json_shape.h"

#include <string.h>

/* Pushes the table that the metatable has under a name, or nil. */
static bool push_part(lua_State *L, int metatable, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, metatable);
  if (lua_istable(L, -1))
    return true;
  lua_pop(L, 1);
  lua_pushnil(L);
  return false;
}

/* Pushes the member of `table` that the metatable names in `__merged`, or nil. */
static void push_merged(lua_State *L, int metatable, int table) {
  lua_pushliteral(L, "__merged");
  lua_rawget(L, metatable);
  if (!lua_isnil(L, -1))
    lua_rawget(L, table);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
}

enum shape bind_shape_push(lua_State *L, int kinds) {
  int table = lua_gettop(L);
  static const char *const names[] = {"", "array", "empty array", "object", "raw"};
  enum shape shape = PLAIN_SHAPE;
  if (!lua_getmetatable(L, table)) {
    lua_settop(L, table + SHAPE_MERGED);
    return PLAIN_SHAPE;
  }
  int metatable = lua_gettop(L);
  lua_pushvalue(L, metatable);
  lua_rawget(L, kinds);
  if (lua_type(L, -1) == LUA_TSTRING) {
    for (int i = ARRAY_SHAPE; i <= RAW_SHAPE; i++)
      if (strcmp(lua_tostring(L, -1), names[i]) == 0)
        shape = (enum shape)i;
    lua_settop(L, table);
    lua_settop(L, table + SHAPE_MERGED);
    return shape;
  }
  lua_pop(L, 1);
  bool nulls = push_part(L, metatable, "__nulls");
  bool unencoded = push_part(L, metatable, "__unencoded");
  push_merged(L, metatable, table);
  lua_remove(L, metatable);
  return nulls || unencoded ? OBJECT_SHAPE : PLAIN_SHAPE;
}
