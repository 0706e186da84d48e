#include "lua/json.h"

#include "lua/modules.h"
#include "json/scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#if LUA_VERSION_NUM >= 503
enum { HOST_OPTIONS = JSON_INTEGERS };
#else
enum { HOST_OPTIONS = 0 };
#endif

#define BUFFER "anthropic.json.buffer"
enum { ANSWER_OPTIONS = JSON_MARK | HOST_OPTIONS | JSON_REPAIR | JSON_TAKE_INPUTS };

static int free_buffer(lua_State *L) {
  buffer_free(luaL_checkudata(L, 1, BUFFER));
  return 0;
}

struct buffer *bind_json_new_buffer(lua_State *L) {
  struct buffer *buffer = lua_newuserdata(L, sizeof *buffer);
  *buffer = (struct buffer){0};
  luaL_getmetatable(L, BUFFER);
  lua_setmetatable(L, -2);
  return buffer;
}

/* json_prepare(text, options) -> text for the decoder, pending, halves | nil, message, position */
static int prepare(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  unsigned options = (unsigned)luaL_checkinteger(L, 2);
  struct buffer *output = NULL;
  struct json_scan result;
  enum json_scan_status status = json_scan(text, length, options, NULL, &result);
  if (status == JSON_NEEDS_OUTPUT) {
    output = bind_json_new_buffer(L);
    status = json_scan(text, length, options, output, &result);
  }
  switch (status) {
  case JSON_UNCHANGED:
    lua_pushvalue(L, 1);
    break;
  case JSON_REWRITTEN:
    lua_pushlstring(L, buffer_bytes(output), output->length);
    buffer_free(output);
    break;
  case JSON_INVALID: {
    char position[24];
    snprintf(position, sizeof position, "%zu", result.position);
    lua_pushnil(L);
    lua_pushfstring(L, "%s at byte %s", result.message, position);
    lua_pushnumber(L, (lua_Number)result.position);
    return 3;
  }
  default:
    return luaL_error(L, "not enough memory");
  }
  lua_pushinteger(L, (lua_Integer)result.pending);
  lua_pushboolean(L, result.halves);
  return 3;
}

enum { INPUTS = 4 }; /* in the stack of json_restore */
enum { ARRAY_METATABLE = 1, OBJECT_METATABLE };

struct restore {
  lua_State *L;
  size_t pending;
  int inputs;
  bool nulls_absent;
};

static void set_kind(lua_State *L, int metatable) {
  lua_pushvalue(L, lua_upvalueindex(metatable));
  lua_setmetatable(L, -2);
}

/* Takes the name on top of the stack from the table below it, and notes in the table's metatable
   that it was null. */
static void set_absent(lua_State *L) {
  int table = lua_gettop(L) - 1;
  lua_pushvalue(L, -1);
  lua_pushnil(L);
  lua_rawset(L, table);
  lua_pushliteral(L, "__nulls");
  if (!lua_getmetatable(L, table)) {
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, -2);
    lua_newtable(L);
    lua_rawset(L, -3);
    lua_pushvalue(L, -1);
    lua_setmetatable(L, table);
  }
  lua_insert(L, -2);
  lua_rawget(L, -2);
  lua_pushvalue(L, table + 1);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_settop(L, table + 1);
}

/* Notes the table, two below the top of the stack, and the raw text of its input. */
static void add_input(struct restore *restore, const char *text, size_t length) {
  lua_State *L = restore->L;
  int table = lua_gettop(L) - 2;
  if (restore->inputs == 0) {
    lua_newtable(L);
    lua_replace(L, INPUTS);
  }
  lua_pushvalue(L, table);
  lua_rawseti(L, INPUTS, ++restore->inputs);
  lua_pushlstring(L, text, length);
  lua_rawseti(L, INPUTS, ++restore->inputs);
}

static void restore_table(struct restore *restore);

/* Restores the value on top of the stack; true where another took its place. */
static bool restore_value(struct restore *restore) {
  lua_State *L = restore->L;
  switch (lua_type(L, -1)) {
  case LUA_TTABLE:
    restore_table(restore);
    return false;
#if LUA_VERSION_NUM >= 503
  case LUA_TNUMBER: {
    restore->pending--;
    lua_Number number = lua_tonumber(L, -1);
    if (lua_isinteger(L, -1) || !(fabs(number) <= 9007199254740992.0) || floor(number) != number ||
        (number == 0 && signbit(number)))
      return false;
    lua_pop(L, 1);
    lua_pushinteger(L, (lua_Integer)number);
    return true;
  }
#endif
  case LUA_TSTRING: {
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    if (length == 0 || text[0] != '\xFF')
      return false;
    restore->pending--;
    if (text[1] == 'r') {
      add_input(restore, text + 2, length - 2);
      lua_pop(L, 1);
      lua_pushnil(L);
    } else if (text[1] == 'i') {
      lua_Integer integer = (lua_Integer)strtoll(text + 2, NULL, 10);
      lua_pop(L, 1);
      lua_pushinteger(L, integer);
    } else {
      lua_pop(L, 1);
      lua_newtable(L);
      set_kind(L, ARRAY_METATABLE);
    }
    return true;
  }
  case LUA_TLIGHTUSERDATA:
  case LUA_TUSERDATA:
    restore->pending--;
    lua_pop(L, 1);
    lua_pushlightuserdata(L, NULL);
    return true;
  default:
    return false;
  }
}

/* Restores what is in the table on top of the stack. */
static void restore_table(struct restore *restore) {
  lua_State *L = restore->L;
  int table = lua_gettop(L);
  luaL_checkstack(L, LUA_MINSTACK, "JSON nested too deep");
  lua_pushnil(L);
  if (!lua_next(L, table)) {
    restore->pending--;
    set_kind(L, OBJECT_METATABLE);
    return;
  }
  do {
    if (restore->nulls_absent && lua_type(L, -2) == LUA_TSTRING && lua_isuserdata(L, -1)) {
      restore->pending--;
      lua_pop(L, 1);
      set_absent(L);
    } else if (restore_value(restore)) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, table);
    } else {
      lua_pop(L, 1);
    }
  } while (restore->pending > 0 && lua_next(L, table));
  lua_settop(L, table);
}

/* json_restore(value, pending, nulls_absent) -> value, inputs
   Puts in place, within `value`, what json_prepare marked or counted: the same tables are returned.
   Every userdata is taken for the decoder's null. With `nulls_absent` an object's nulls become
   absent fields. `inputs` is nil or { block, raw text of its input, block, raw text, ... }. */
static int restore(lua_State *L) {
  lua_settop(L, INPUTS);
  struct restore restore = {L, (size_t)luaL_checkinteger(L, 2), 0, lua_toboolean(L, 3)};
  lua_pushnil(L);
  lua_replace(L, INPUTS);
  lua_pushvalue(L, 1);
  if (restore.pending > 0)
    restore_value(&restore);
  lua_pushvalue(L, INPUTS);
  return 2;
}

void bind_json_open(lua_State *L) {
  static const luaL_Reg buffer_metamethods[] = {{"__gc", free_buffer}, {NULL, NULL}};
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"json_prepare", prepare}, {"json_encode", bind_json_encode}, {NULL, NULL}};
  static const struct {
    const char *name;
    unsigned options;
  } options[] = {{"json_check", 0},
                 {"json_repair", JSON_REPAIR},
                 {"json_strict", JSON_MARK | HOST_OPTIONS},
                 {"json_answer", ANSWER_OPTIONS},
                 {"json_event", ANSWER_OPTIONS | JSON_KEEP_HALVES}};
  bind_type_make(L, BUFFER, buffer_metamethods, no_methods);
  luaL_setfuncs(L, functions, 0);
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    lua_pushinteger(L, (lua_Integer)options[i].options);
    lua_setfield(L, -2, options[i].name);
  }
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "json_array_metatable");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "json_object_metatable");
  lua_pushcclosure(L, restore, 2);
  lua_setfield(L, -2, "json_restore");
}
