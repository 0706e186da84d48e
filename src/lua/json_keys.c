#include "lua/json_keys.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool bind_keys_equal(const char *name, size_t length, const char *word) {
  return length == strlen(word) && memcmp(name, word, length) == 0;
}

/* The number at `index` as an integer key; false where it is none. */
static bool read_number_key(lua_State *L, int index, int64_t *number) {
#if LUA_VERSION_NUM >= 503
  *number = (int64_t)lua_tointeger(L, index);
  return lua_isinteger(L, index);
#else
  lua_Number value = lua_tonumber(L, index);
  if (!(fabs(value) <= 9007199254740992.0) || floor(value) != value)
    return false;
  *number = (int64_t)value;
  return true;
#endif
}

struct survey bind_keys_survey(lua_State *L, int table) {
  struct survey survey = {0};
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    int64_t number;
    if (lua_type(L, -2) == LUA_TSTRING) {
      survey.names++;
      survey.name_bytes += lua_rawlen(L, -2);
    } else if (lua_type(L, -2) == LUA_TNUMBER && read_number_key(L, -2, &number)) {
      if (survey.numbers++ == 0)
        survey.lowest = survey.highest = number;
      survey.lowest = number < survey.lowest ? number : survey.lowest;
      survey.highest = number > survey.highest ? number : survey.highest;
    } else {
      survey.other = luaL_typename(L, -2);
    }
  }
  return survey;
}

static bool is_nil_field(lua_State *L, int table, const char *name, size_t length) {
  lua_pushlstring(L, name, length);
  lua_rawget(L, table);
  bool nil = lua_isnil(L, -1);
  lua_pop(L, 1);
  return nil;
}

/* For `count` names of `bytes` bytes in all, and the NUL behind each. */
static struct keys *allocate_keys(lua_State *L, size_t count, size_t bytes) {
  if (count > (SIZE_MAX / 2 - sizeof(struct keys)) / (sizeof(struct key) + 1) ||
      bytes > SIZE_MAX / 2)
    luaL_error(L, "table too large");
  size_t size = sizeof(struct keys) + count * sizeof(struct key);
  bytes += count;
  struct keys *keys = lua_newuserdata(L, size + bytes);
  keys->count = 0;
  keys->capacity = count;
  keys->names = (char *)keys + size;
  keys->names_end = keys->names + bytes;
  return keys;
}

/* Does nothing where there is no room: the table has grown since it was surveyed. */
static void add_key(struct keys *keys, enum key_kind kind, const char *name, size_t length,
                    int64_t number) {
  if (keys->count == keys->capacity || length >= (size_t)(keys->names_end - keys->names))
    return;
  struct key *key = &keys->list[keys->count++];
  key->name = memcpy(keys->names, name, length);
  key->length = length;
  key->number = number;
  key->kind = kind;
  keys->names[length] = '\0';
  keys->names += length + 1;
}

static int compare_keys(const void *left, const void *right) {
  const struct key *a = left, *b = right;
  int order = memcmp(a->name, b->name, a->length < b->length ? a->length : b->length);
  return order ? order : (a->length > b->length) - (a->length < b->length);
}

struct keys *bind_keys_push_listed(lua_State *L, int table, int list) {
  size_t count = lua_rawlen(L, list), bytes = 0;
  for (size_t i = 1; i <= count; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, list, (int)i);
    bytes += lua_type(L, -1) == LUA_TSTRING ? lua_rawlen(L, -1) : 0;
  }
  struct keys *keys = allocate_keys(L, count, bytes);
  for (size_t i = 1; i <= count; i++, lua_pop(L, 1)) {
    size_t length;
    lua_rawgeti(L, list, (int)i);
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    if (name && !is_nil_field(L, table, name, length))
      add_key(keys, NAME_KEY, name, length, 0);
  }
  return keys;
}

struct keys *bind_keys_push(lua_State *L, int table, int nulls, const struct survey *survey,
                            bool tool_use) {
  struct survey absent = {0};
  if (lua_istable(L, nulls))
    absent = bind_keys_survey(L, nulls);
  struct keys *keys =
      allocate_keys(L, survey->names + survey->numbers + absent.names + 1,
                    survey->name_bytes + survey->numbers * 24 + absent.name_bytes + 5);
  bool unknown_input = false;
  size_t length;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    int64_t number;
    if (lua_type(L, -2) == LUA_TSTRING) {
      const char *name = lua_tolstring(L, -2, &length);
      bool json = tool_use && bind_keys_equal(name, length, "input_json");
      unknown_input = unknown_input || json;
      if (!json && !(tool_use && bind_keys_equal(name, length, "input_error")))
        add_key(keys, NAME_KEY, name, length, 0);
    } else if (lua_type(L, -2) == LUA_TNUMBER && read_number_key(L, -2, &number)) {
      char digits[24];
      length = (size_t)snprintf(digits, sizeof digits, "%" PRId64, number);
      add_key(keys, NUMBER_KEY, digits, length, number);
    }
  }
  if (lua_istable(L, nulls)) {
    for (lua_pushnil(L); lua_next(L, nulls); lua_pop(L, 1)) {
      const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &length) : NULL;
      if (name && tool_use && bind_keys_equal(name, length, "input"))
        unknown_input = true;
      else if (name && is_nil_field(L, table, name, length))
        add_key(keys, NULL_KEY, name, length, 0);
    }
  }
  if (unknown_input && is_nil_field(L, table, "input", 5))
    add_key(keys, EMPTY_INPUT_KEY, "input", 5, 0);
  return keys;
}

const struct key *bind_keys_sort(struct keys *keys) {
  qsort(keys->list, keys->count, sizeof *keys->list, compare_keys);
  for (size_t i = 1; i < keys->count; i++)
    if (compare_keys(&keys->list[i - 1], &keys->list[i]) == 0)
      return &keys->list[i];
  return NULL;
}

void bind_keys_push_value(lua_State *L, int table, const struct key *key) {
  if (key->kind != NUMBER_KEY)
    lua_pushlstring(L, key->name, key->length);
  else
#if LUA_VERSION_NUM >= 503
    lua_pushinteger(L, (lua_Integer)key->number);
#else
    lua_pushnumber(L, (lua_Number)key->number);
#endif
  lua_rawget(L, table);
}
