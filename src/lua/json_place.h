/* Where the JSON encoder is, as the path that its messages name. */
#ifndef ANTHROPIC_LUA_JSON_PLACE_H
#define ANTHROPIC_LUA_JSON_PLACE_H

#include "lua/compat.h"
#include "util/buffer.h"

#pragma GCC visibility push(hidden)

/* A member (name) or an element (index) of the parent; the outermost value has none. */
struct place {
  const struct place *parent;
  const char *name;
  size_t length;
  size_t index;
  const void *table; /* the value, if it is a table */
  int depth;
};

/* Whether a table is the value of a place around this one. */
bool bind_place_is_inside(const struct place *place, const void *table);

/* Replaces the string on top of the stack by "path: " and that string. The buffer is for the path
 * and loses its content. */
void bind_place_push_message(lua_State *L, const struct place *place, struct buffer *buffer);

#pragma GCC visibility pop

#endif
