/* What the files of the JSON binding share. */
#ifndef ANTHROPIC_LUA_JSON_H
#define ANTHROPIC_LUA_JSON_H

#include "lua/compat.h"
#include "util/buffer.h"

#pragma GCC visibility push(hidden)

/* Pushes a userdata that owns the empty buffer it returns. */
struct buffer *bind_json_new_buffer(lua_State *L);

/* Whether the table is an object that calls a tool: its `input` keeps its text. */
bool bind_json_is_tool_use(lua_State *L, int table);

/* Pushes the number of valid JSON text as the decoder of whole texts reads it: what is whole and
   no larger than 2^53 is an integer, and what else fits 64 bits. */
void bind_json_push_number(lua_State *L, const char *digits, size_t length);

/* How json_encode writes: bits. */
enum {
  BIND_JSON_REQUEST = 1, /* of a tool's input that is broken, `{}` alone */
  BIND_JSON_MEND = 2     /* what is not UTF-8 becomes U+FFFD */
};

/* json_encode(value, rules, mode) -> text | nil, message. `rules` is a table with
   `kinds`: metatable -> "array", "empty array" (only when empty), "object" or "raw" ([1] is the
   text), `literals`: userdata -> its JSON text, `fields`: name -> what the name says of its value:
   "array" (one when empty), "object" (with number keys), "members" (the names in it are the
   user's), "data" (so is all of it), "data array", `inputs`: table -> the raw text of a tool's
   input, `is_unchanged(input, raw)`: whether that text still says what the table says, `digits`:
   what json_restore noted. In a metatable, `__nulls` is a set of names that are null,
   `__unencoded` one of names that are left out, and `__merged` the name of a member whose own
   members stand beside the table's. */
int bind_json_encode(lua_State *L);

#pragma GCC visibility pop

#endif
