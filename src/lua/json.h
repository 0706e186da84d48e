/* What the files of the JSON binding share. */
#ifndef ANTHROPIC_LUA_JSON_H
#define ANTHROPIC_LUA_JSON_H

#include "lua/compat.h"
#include "util/buffer.h"

#pragma GCC visibility push(hidden)

/* Pushes a userdata that owns the empty buffer it returns: the buffer is freed even if Lua raises.
 * Any function may use it, for JSON or not. */
struct buffer *bind_json_new_buffer(lua_State *L);

/* Which objects keep the text of one of their members: a table { tag, tagged, member, beside }, of
 * which bind_json_push_kept pushes all four. If the value of an object's member `tag` is in the set
 * `tagged`, the object keeps the text of `member`. In a request that member is an object even if it
 * is null or broken, and the names in `beside` are left out: a name's value there is true if it
 * stands for a broken member, else false. */
enum { BIND_KEPT_TAG = 1, BIND_KEPT_TAGGED, BIND_KEPT_MEMBER, BIND_KEPT_BESIDE };

/* Pushes the four fields of the table at `index`, or four times nil if it is nil. Raises if the
 * table is malformed. */
void bind_json_push_kept(lua_State *L, int index);

/* Whether the table is an object that keeps a member's text; `kept` is below what was pushed. */
bool bind_json_is_tagged(lua_State *L, int table, int kept);

/* Pushes the number in valid JSON text as the decoder of whole texts reads it: an integer if it is
 * whole and no larger than 2^53, or if it is written as an integer that fits 64 bits. */
void bind_json_push_number(lua_State *L, const char *digits, size_t length);

/* How json_encode writes: bits. */
enum {
  BIND_JSON_REQUEST = 1, /* a broken kept member becomes `{}`; see json_encode */
  BIND_JSON_MEND = 2     /* invalid UTF-8 becomes U+FFFD */
};

/* json_encode(value, rules, mode) -> text | nil, message. For a request with long strings the text
 * is a list of strings, to be sent one after the other: long ones are not copied. `rules`: a table
 * with `kinds`: metatable -> "array", "empty array" (only when empty), "object" or "raw" ([1] is
 * the text), `literals`: userdata -> its JSON text, `fields`: name -> what the name says of its
 * value: "array" (one when empty), "object" (with number keys), "members" (the names in it are the
 * user's), "data" (the user's as a whole), "data array", `kept`: see above, `inputs`: the value of
 * a kept member -> its raw text, `is_unchanged(input, raw)`: whether that text still says what the
 * table says, `digits`: what json_restore noted. In a metatable, `__nulls` is the set of names that
 * are null, `__unencoded` that of names to leave out, and `__merged` the name of a member whose own
 * members are written beside the table's. */
int bind_json_encode(lua_State *L);

#pragma GCC visibility pop

#endif
