#include "lua/json_keys.h"

#include "util/json_text.h"

#include <inttypes.h>
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
  if (!json_is_whole((double)value))
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

/* Whether the table, if there is one, has a value for the key at the negative index `key`. (Nothing
   is allocated: a finalizer could change the table that is being traversed.) */
static bool has(lua_State *L, int table, int key) {
  if (!lua_istable(L, table))
    return false;
  lua_pushvalue(L, key);
  lua_rawget(L, table);
  bool found = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return found;
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

/* What a request says of a tool's input. */
struct input {
  bool is_sent; /* the object is a tool_use block in a request */
  bool known, unknown;
};

/* Whether a name of a block, whose value is on top of the stack, is written. */
static bool note_input(lua_State *L, struct input *input, const char *name, size_t length) {
  bool json = bind_keys_equal(name, length, "input_json");
  bool itself = bind_keys_equal(name, length, "input");
  bool null = itself && lua_isuserdata(L, -1);
  input->known = input->known || (itself && !null);
  input->unknown = input->unknown || json || null;
  return !json && !null && !bind_keys_equal(name, length, "input_error");
}

static void add_own(lua_State *L, struct keys *keys, const struct sources *sources,
                    struct input *input) {
  size_t length;
  bool all = !input->is_sent && !lua_istable(L, sources->unencoded);
  for (lua_pushnil(L); lua_next(L, sources->table); lua_pop(L, 1)) {
    int64_t number;
    if (lua_type(L, -2) == LUA_TSTRING) {
      const char *name = lua_tolstring(L, -2, &length);
      if (all || ((!input->is_sent || note_input(L, input, name, length)) &&
                  !has(L, sources->unencoded, -2)))
        add_key(keys, NAME_KEY, name, length, 0);
    } else if (lua_type(L, -2) == LUA_TNUMBER && read_number_key(L, -2, &number)) {
      char digits[24];
      length = (size_t)snprintf(digits, sizeof digits, "%" PRId64, number);
      add_key(keys, NUMBER_KEY, digits, length, number);
    }
  }
}

/* Whether the object has a member, which is written, of the name at the index `key`. */
static bool has_member(lua_State *L, const struct sources *sources, int key) {
  return has(L, sources->merged, key) ||
         (has(L, sources->table, key) && !has(L, sources->unencoded, key));
}

struct keys *bind_keys_push(lua_State *L, const struct sources *sources,
                            const struct survey *survey, bool empty_input) {
  struct survey nulls = {0}, merged = {0};
  if (lua_istable(L, sources->nulls))
    nulls = bind_keys_survey(L, sources->nulls);
  if (lua_istable(L, sources->merged))
    merged = bind_keys_survey(L, sources->merged);
  struct keys *keys = allocate_keys(
      L, survey->names + survey->numbers + nulls.names + merged.names + 1,
      survey->name_bytes + survey->numbers * 24 + nulls.name_bytes + merged.name_bytes + 5);
  struct input input = {.is_sent = empty_input};
  add_own(L, keys, sources, &input);
  size_t length;
  if (merged.names > 0) {
    for (lua_pushnil(L); lua_next(L, sources->merged); lua_pop(L, 1)) {
      const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &length) : NULL;
      if (name)
        add_key(keys, MERGED_KEY, name, length, 0);
    }
  }
  if (nulls.names > 0) {
    for (lua_pushnil(L); lua_next(L, sources->nulls); lua_pop(L, 1)) {
      const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &length) : NULL;
      if (name && empty_input && bind_keys_equal(name, length, "input"))
        input.unknown = true;
      else if (name && !has_member(L, sources, -2))
        add_key(keys, NULL_KEY, name, length, 0);
    }
  }
  if (input.unknown && !input.known)
    add_key(keys, EMPTY_INPUT_KEY, "input", 5, 0);
  return keys;
}

const struct key *bind_keys_sort(struct keys *keys) {
  qsort(keys->list, keys->count, sizeof *keys->list, compare_keys);
  for (size_t i = 1; i < keys->count; i++)
    if (compare_keys(&keys->list[i - 1], &keys->list[i]) == 0)
      return &keys->list[i - 1];
  return NULL;
}

void bind_keys_push_value(lua_State *L, const struct sources *sources, const struct key *key) {
  if (key->kind != NUMBER_KEY)
    lua_pushlstring(L, key->name, key->length);
  else
#if LUA_VERSION_NUM >= 503
    lua_pushinteger(L, (lua_Integer)key->number);
#else
    lua_pushnumber(L, (lua_Number)key->number);
#endif
  lua_rawget(L, key->kind == MERGED_KEY ? sources->merged : sources->table);
}
