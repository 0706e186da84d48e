#include "lua/json.h"

#include "lua/modules.h"
#include "util/json_text.h"
#include "json/number.h"
#include "json/scan.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if LUA_VERSION_NUM >= 503
enum { HOST_OPTIONS = JSON_INTEGERS };
#else
enum { HOST_OPTIONS = 0 };
#endif

#define BUFFER "anthropic.json.buffer"
enum { LARGE_TEXT = 1024 * 1024 };
enum {
  STRICT_OPTIONS = JSON_MARK | HOST_OPTIONS,
  ANSWER_OPTIONS = STRICT_OPTIONS | JSON_REPAIR | JSON_NAN_IS_NULL | JSON_BOUNDED
};

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

void bind_json_push_number(lua_State *L, const char *digits, size_t length) {
  int64_t integer;
  bool is_integer = json_number_read_integer(digits, length, &integer);
  if (!is_integer) {
    const char *point = localeconv()->decimal_point;
    lua_pushlstring(L, digits, length);
    double number = strtod(luaL_gsub(L, lua_tostring(L, -1), ".", point), NULL);
    lua_pop(L, 2);
    is_integer = json_is_integer(number);
    if (!is_integer) {
      lua_pushnumber(L, (lua_Number)number);
      return;
    }
    integer = (int64_t)number;
  }
#if LUA_VERSION_NUM >= 503
  lua_pushinteger(L, (lua_Integer)integer);
#else
  lua_pushnumber(L, (lua_Number)integer);
#endif
}

void bind_json_push_kept(lua_State *L, int index) {
  static const int types[] = {LUA_TSTRING, LUA_TTABLE, LUA_TSTRING, LUA_TTABLE};
  if (!lua_istable(L, index)) {
    lua_settop(L, lua_gettop(L) + BIND_KEPT_BESIDE);
    return;
  }
  for (int i = BIND_KEPT_TAG; i <= BIND_KEPT_BESIDE; i++) {
    lua_rawgeti(L, index, i);
    luaL_checktype(L, lua_gettop(L), types[i - BIND_KEPT_TAG]);
  }
}

bool bind_json_is_tagged(lua_State *L, int table, int kept) {
  if (lua_isnil(L, kept + BIND_KEPT_TAG))
    return false;
  lua_pushvalue(L, kept + BIND_KEPT_TAG);
  lua_rawget(L, table);
  bool found = false;
  if (lua_type(L, -1) == LUA_TSTRING) {
    lua_rawget(L, kept + BIND_KEPT_TAGGED);
    found = lua_toboolean(L, -1);
  }
  lua_pop(L, 1);
  return found;
}

/* lua-cjson takes as much memory as the text is long. It ends the process if there is too little,
 * and leaks it if Lua then lacks memory for the values, which may be as long again. */
static void leave_room(lua_State *L, size_t length) {
  void *room = length > LARGE_TEXT ? malloc(2 * length + LARGE_TEXT) : NULL;
  if (length > LARGE_TEXT && !room)
    luaL_error(L, "not enough memory");
  free(room);
}

/* json_prepare(text, options, member?) -> text for the decoder, pending, halves, found | nil,
 * message, position */
static int prepare(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  unsigned options = (unsigned)luaL_checkinteger(L, 2);
  const char *member = lua_tostring(L, 3);
  struct buffer *output = NULL;
  struct json_scan result;
  enum json_scan_status status = json_scan(text, length, options, member, NULL, &result);
  if (status == JSON_NEEDS_OUTPUT) {
    output = bind_json_new_buffer(L);
    status = json_scan(text, length, options, member, output, &result);
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
  leave_room(L, length);
  lua_pushinteger(L, (lua_Integer)result.pending);
  lua_pushboolean(L, result.halves);
  lua_pushinteger(L, (lua_Integer)result.found);
  return 4;
}

enum { DIGITS = 5, KEPT, TAG, TAGGED, MEMBER, BESIDE, FOUND }; /* the stack of json_restore */
enum { ARRAY_METATABLE = 1, OBJECT_METATABLE };

struct restore {
  lua_State *L;
  size_t pending;
  size_t marked; /* members that are pending */
  int found;     /* values in the list FOUND */
  bool nulls_absent;
  bool in_kept; /* what is restored is a part of a member that keeps its text */
};

static void set_kind(lua_State *L, int metatable) {
  lua_pushvalue(L, lua_upvalueindex(metatable));
  lua_setmetatable(L, -2);
}

/* Takes the name on top of the stack from the table below it, and notes in the table's metatable
 * that it was null. */
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

static void add_found(struct restore *restore) {
  if (restore->found == 0) {
    lua_newtable(restore->L);
    lua_replace(restore->L, FOUND);
  }
  lua_rawseti(restore->L, FOUND, ++restore->found);
}

/* Takes the mark of a member off the table, if it has one. True if the table keeps that member's
 * text: then the table is in the list. Inside such a member no other is looked for. */
static bool take_mark(struct restore *restore, int table) {
  lua_State *L = restore->L;
  lua_pushliteral(L, "\xFF");
  lua_rawget(L, table);
  const char *mark = lua_tostring(L, -1);
  bool found = false;
  if (mark) {
    char *rest;
    size_t first = strtoul(mark, &rest, 10), last = strtoul(rest, NULL, 10);
    restore->marked--;
    restore->pending--;
    lua_pushliteral(L, "\xFF");
    lua_pushnil(L);
    lua_rawset(L, table);
    found = !restore->in_kept && bind_json_is_tagged(L, table, KEPT);
    if (found) {
      lua_pushvalue(L, table);
      add_found(restore);
      lua_pushinteger(L, (lua_Integer)first);
      add_found(restore);
      lua_pushinteger(L, (lua_Integer)last);
      add_found(restore);
    }
  }
  lua_pop(L, 1);
  return found;
}

/* Notes the digits of a member of `table`, whose key is below the top of the stack. */
static void note_digits(lua_State *L, int table, const char *digits, size_t length) {
  if (!table || !lua_istable(L, DIGITS))
    return;
  lua_pushvalue(L, table);
  lua_rawget(L, DIGITS);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, table);
    lua_pushvalue(L, -2);
    lua_rawset(L, DIGITS);
  }
  lua_pushvalue(L, -3);
  lua_pushlstring(L, digits, length);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

static void restore_table(struct restore *restore);

/* Restores the value on top of the stack; if `table` is not 0, the value's key in it is below. True
 * if another value took its place. */
static bool restore_value(struct restore *restore, int table) {
  lua_State *L = restore->L;
  switch (lua_type(L, -1)) {
  case LUA_TTABLE:
    restore_table(restore);
    return false;
#if LUA_VERSION_NUM >= 503
  case LUA_TNUMBER: {
    restore->pending--;
    lua_Number number = lua_tonumber(L, -1);
    if (lua_isinteger(L, -1) || !json_is_integer((double)number))
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
    if (text[1] == 'i' || text[1] == 'n') {
      if (text[1] == 'n')
        note_digits(L, table, text + 2, length - 2);
      bind_json_push_number(L, text + 2, length - 2);
      lua_remove(L, -2);
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

/* Restores the member on top of the stack, which keeps its text: it is user data. */
static bool restore_kept(struct restore *restore, int table) {
  bool nulls_absent = restore->nulls_absent;
  restore->in_kept = true;
  restore->nulls_absent = false;
  bool other = restore_value(restore, table);
  restore->in_kept = false;
  restore->nulls_absent = nulls_absent;
  return other;
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
  bool keeps = restore->marked > 0 && take_mark(restore, table);
  do {
    if (restore->nulls_absent && lua_type(L, -2) == LUA_TSTRING && lua_isuserdata(L, -1)) {
      restore->pending--;
      lua_pop(L, 1);
      set_absent(L);
    } else if (keeps && lua_rawequal(L, -2, MEMBER) ? restore_kept(restore, table)
                                                    : restore_value(restore, table)) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, table);
    } else {
      lua_pop(L, 1);
    }
  } while (restore->pending > 0 && lua_next(L, table));
  lua_settop(L, table);
}

/* json_restore(value, pending, nulls_absent, marked, digits, kept) -> value, found
 * Restores in place, within `value`, what json_prepare marked or counted: the same tables are
 * returned. Every userdata is taken for the decoder's null. With `nulls_absent` an object's nulls
 * become absent fields, except in a member that keeps its text (`kept`: see json.h). `marked`: how
 * many json_prepare found. `digits` gets, for each table with numbers that Lua's may not hold, a
 * table of key -> text. `found` is nil or { object that keeps a member's text, place of the text's
 * first byte, of its last, object, ... }.
 */
static int restore(lua_State *L) {
  lua_settop(L, KEPT);
  struct restore restore = {L,
                            (size_t)luaL_checkinteger(L, 2),
                            (size_t)luaL_optinteger(L, 4, 0),
                            0,
                            lua_toboolean(L, 3),
                            false};
  if (restore.marked > 0)
    bind_json_push_kept(L, KEPT);
  lua_settop(L, FOUND);
  lua_pushvalue(L, 1);
  if (restore.pending > 0)
    restore_value(&restore, 0);
  lua_pushvalue(L, FOUND);
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
                 {"json_strict", STRICT_OPTIONS},
                 {"json_input", STRICT_OPTIONS | JSON_BOUNDED},
                 {"json_answer", ANSWER_OPTIONS},
                 {"json_event", ANSWER_OPTIONS | JSON_KEEP_HALVES},
                 {"json_request", BIND_JSON_REQUEST},
                 {"json_mend", BIND_JSON_MEND}};
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
