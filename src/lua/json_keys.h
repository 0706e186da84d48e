/* The keys of a Lua table that becomes a JSON object. */
#ifndef ANTHROPIC_LUA_JSON_KEYS_H
#define ANTHROPIC_LUA_JSON_KEYS_H

#include "lua/compat.h"

#pragma GCC visibility push(hidden)

/* What a table's keys are. */
struct survey {
  size_t names, name_bytes;
  size_t numbers; /* integers, from `lowest` to `highest` */
  int64_t lowest, highest;
  const char *other; /* the type of a key that is neither, or NULL */
};

enum key_kind { NAME_KEY, NUMBER_KEY, MERGED_KEY, NULL_KEY, EMPTY_KEY };

/* `number` is what a NUMBER_KEY's name was made of. */
struct key {
  const char *name;
  size_t length;
  int64_t number;
  enum key_kind kind;
};

/* The names, each with a NUL after it, are copies: a table may lose keys while it is encoded (it
 * may be weak, or a finalizer may write to it). */
struct keys {
  size_t count, capacity;
  char *names, *names_end;
  struct key list[];
};

/* What the keys of the table at a stack index are. Allocates nothing. */
struct survey bind_keys_survey(lua_State *L, int table);

/* Where an object's names are: stack indices of its table, and of tables or nil. */
struct sources {
  int table;
  int nulls;     /* a set of names that are null if the table lacks them */
  int unencoded; /* a set of names that are left out */
  int merged;    /* its members are written among the table's */
};

/* Pushes a userdata with all keys. `kept`: the index below what bind_json_push_kept pushed, for an
 * object in a request that keeps a member's text, or 0. That member is an object even if it is null
 * or broken (EMPTY_KEY), and the names in `beside` are left out. */
struct keys *bind_keys_push(lua_State *L, const struct sources *sources,
                            const struct survey *survey, int kept);

/* Sorts by the bytes of the names. Returns the first of two keys with the same name, before the
 * other, or NULL. */
const struct key *bind_keys_sort(struct keys *keys);

/* Pushes the value of a key that is in a table. Its name is at the index `name`. */
void bind_keys_push_value(lua_State *L, const struct sources *sources, const struct key *key,
                          int name);

#pragma GCC visibility pop

#endif
