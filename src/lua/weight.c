/* What decoded values cost: core.weigh(value) -> bytes, by the measure of json/weight.h. */
#include "lua/modules.h"

#include "json/weight.h"

static void weigh(lua_State *L, uint64_t *sum);

static void weigh_string(lua_State *L, uint64_t *sum) {
  *sum += WEIGHT_STRING + lua_rawlen(L, -1);
}

/* The key is below the top of the stack. */
static void weigh_key(lua_State *L, uint64_t *sum) {
  bool is_name = lua_type(L, -2) == LUA_TSTRING;
  *sum += is_name ? WEIGHT_MEMBER + lua_rawlen(L, -2) : WEIGHT_ELEMENT;
}

static void weigh_table(lua_State *L, uint64_t *sum) {
  int table = lua_gettop(L);
  luaL_checkstack(L, LUA_MINSTACK, "JSON nested too deep");
  *sum += WEIGHT_TABLE;
  if (lua_getmetatable(L, table)) {
    lua_pushliteral(L, "__nulls");
    lua_rawget(L, -2);
    *sum += lua_isnil(L, -1) ? 0 : WEIGHT_NULLS;
    if (lua_istable(L, -1))
      weigh(L, sum);
    lua_settop(L, table);
  }
  lua_pushnil(L);
  while (lua_next(L, table)) {
    weigh_key(L, sum);
    weigh(L, sum);
    lua_settop(L, table + 1);
  }
}

/* The value on top of the stack. */
static void weigh(lua_State *L, uint64_t *sum) {
  if (lua_type(L, -1) == LUA_TSTRING)
    weigh_string(L, sum);
  else if (lua_istable(L, -1))
    weigh_table(L, sum);
}

static int weigh_value(lua_State *L) {
  uint64_t sum = 0;
  lua_settop(L, 1);
  weigh(L, &sum);
  lua_pushnumber(L, (lua_Number)sum);
  return 1;
}

void bind_weight_open(lua_State *L) {
  lua_pushcfunction(L, weigh_value);
  lua_setfield(L, -2, "weigh");
}
