/* What a Lua table's metatable says of its JSON. */
#ifndef ANTHROPIC_LUA_JSON_SHAPE_H
#define ANTHROPIC_LUA_JSON_SHAPE_H

#include "lua/compat.h"

#pragma GCC visibility push(hidden)

enum shape { PLAIN_SHAPE, ARRAY_SHAPE, EMPTY_ARRAY_SHAPE, OBJECT_SHAPE, RAW_SHAPE };

/* What bind_shape_push pushes, counted from the table. */
enum { SHAPE_NULLS = 1, SHAPE_UNENCODED, SHAPE_MERGED };

/* Pushes three values, tables or nil, from the metatable of the table on top of the stack: names
 * that are null, names to leave out, and the member whose members stand beside the table's.
 * `kinds` is the stack index of metatable -> shape (see json.h). */
enum shape bind_shape_push(lua_State *L, int kinds);

#pragma GCC visibility pop

#endif
