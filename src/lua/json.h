/* What the files of the JSON binding share. */
#ifndef ANTHROPIC_LUA_JSON_H
#define ANTHROPIC_LUA_JSON_H

#include "lua/compat.h"
#include "util/buffer.h"

#pragma GCC visibility push(hidden)

/* Pushes a userdata that owns the empty buffer it returns. */
struct buffer *bind_json_new_buffer(lua_State *L);

/* json_encode(value, rules) -> text | nil, message. `rules` is a table with
   `kinds`: metatable -> "array", "empty array" (only when empty), "object" or "raw" ([1] is the
   text), `literals`: userdata -> its JSON text, `fields`: name -> what the name says of its value:
   "array" (one when empty), "object" (with number keys), "members" (the names in it are the
   user's), "data" (so is all of it), "data array", `inputs`: table -> the raw text of a tool's
   input, `is_unchanged(input, raw)`: whether that text still says what the table says. A
   metatable's `__encode` lists the fields to send; its `__nulls` is a set of names that are null.
 */
int bind_json_encode(lua_State *L);

#pragma GCC visibility pop

#endif
