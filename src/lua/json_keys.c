#include "lua/json_keys.h"

#include "lua/json.h"

#include "util/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 12 };

/* The number at `index` as an integer key; false if it is not one. */
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
 * is allocated: a finalizer could change the table that is being traversed.) */
static bool has(lua_State *L, int table, int key) {
  if (!lua_istable(L, table))
    return false;
  lua_pushvalue(L, key);
  lua_rawget(L, table);
  bool found = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return found;
}

/* For `count` names of `bytes` bytes in all, and a NUL after each. */
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

/* Does nothing if there is no room: the table has grown since it was surveyed. */
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

/* What a request says of a member that keeps its text. */
struct member {
  int kept; /* see bind_keys_push */
  bool known, unknown;
};

/* Whether a member, whose name is below its value on top of the stack, is written. */
static bool note_member(lua_State *L, struct member *member) {
  if (lua_rawequal(L, -2, member->kept + BIND_KEPT_MEMBER)) {
    bool null = lua_isuserdata(L, -1);
    member->known = member->known || !null;
    member->unknown = member->unknown || null;
    return !null;
  }
  lua_pushvalue(L, -2);
  lua_rawget(L, member->kept + BIND_KEPT_BESIDE);
  bool is_beside = !lua_isnil(L, -1);
  member->unknown = member->unknown || lua_toboolean(L, -1);
  lua_pop(L, 1);
  return !is_beside;
}

static void add_own(lua_State *L, struct keys *keys, const struct sources *sources,
                    struct member *member) {
  size_t length;
  bool all = !member->kept && !lua_istable(L, sources->unencoded);
  for (lua_pushnil(L); lua_next(L, sources->table); lua_pop(L, 1)) {
    int64_t number;
    if (lua_type(L, -2) == LUA_TSTRING) {
      const char *name = lua_tolstring(L, -2, &length);
      if (all || ((!member->kept || note_member(L, member)) && !has(L, sources->unencoded, -2)))
        add_key(keys, NAME_KEY, name, length, 0);
    } else if (lua_type(L, -2) == LUA_TNUMBER && read_number_key(L, -2, &number)) {
      char digits[24];
      length = (size_t)snprintf(digits, sizeof digits, "%" PRId64, number);
      add_key(keys, NUMBER_KEY, digits, length, number);
    }
  }
}

/* Whether the object has a member that is written, with the name at the index `key`. */
static bool has_member(lua_State *L, const struct sources *sources, int key) {
  return has(L, sources->merged, key) ||
         (has(L, sources->table, key) && !has(L, sources->unencoded, key));
}

struct keys *bind_keys_push(lua_State *L, const struct sources *sources,
                            const struct survey *survey, int kept) {
  struct survey nulls = {0}, merged = {0};
  if (lua_istable(L, sources->nulls))
    nulls = bind_keys_survey(L, sources->nulls);
  if (lua_istable(L, sources->merged))
    merged = bind_keys_survey(L, sources->merged);
  size_t length, member_length = 0;
  const char *member_name = kept ? lua_tolstring(L, kept + BIND_KEPT_MEMBER, &member_length) : NULL;
  struct keys *keys =
      allocate_keys(L, survey->names + survey->numbers + nulls.names + merged.names + 1,
                    survey->name_bytes + survey->numbers * 24 + nulls.name_bytes +
                        merged.name_bytes + member_length);
  struct member member = {.kept = kept};
  add_own(L, keys, sources, &member);
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
      if (name && kept && lua_rawequal(L, -2, kept + BIND_KEPT_MEMBER))
        member.unknown = true;
      else if (name && !has_member(L, sources, -2))
        add_key(keys, NULL_KEY, name, length, 0);
    }
  }
  if (member_name && member.unknown && !member.known)
    add_key(keys, EMPTY_KEY, member_name, member_length, 0);
  return keys;
}

/* By insertion: quicker than qsort for the few keys that most objects have. */
static void sort_few(struct key *list, size_t count) {
  for (size_t i = 1; i < count; i++) {
    struct key key = list[i];
    size_t at = i;
    for (; at > 0 && compare_keys(&list[at - 1], &key) > 0; at--)
      list[at] = list[at - 1];
    list[at] = key;
  }
}

const struct key *bind_keys_sort(struct keys *keys) {
  if (keys->count <= FEW)
    sort_few(keys->list, keys->count);
  else
    qsort(keys->list, keys->count, sizeof *keys->list, compare_keys);
  for (size_t i = 1; i < keys->count; i++)
    if (compare_keys(&keys->list[i - 1], &keys->list[i]) == 0)
      return &keys->list[i - 1];
  return NULL;
}

void bind_keys_push_value(lua_State *L, const struct sources *sources, const struct key *key,
                          int name) {
  if (key->kind != NUMBER_KEY)
    lua_pushvalue(L, name);
  else
#if LUA_VERSION_NUM >= 503
    lua_pushinteger(L, (lua_Integer)key->number);
#else
    lua_pushnumber(L, (lua_Number)key->number);
#endif
  lua_rawget(L, key->kind == MERGED_KEY ? sources->merged : sources->table);
}
