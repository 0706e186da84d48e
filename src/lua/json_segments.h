/* JSON text whose long strings are not copied: a list of strings, each a segment of the text. */
#ifndef ANTHROPIC_LUA_JSON_SEGMENTS_H
#define ANTHROPIC_LUA_JSON_SEGMENTS_H

#include "lua/compat.h"
#include "util/buffer.h"

#pragma GCC visibility push(hidden)

/* At the index `segments` is the list so far, or nil; the text in `written` follows it. */

/* Writes the string on top of the stack with its quotes, as a segment, if it is long and needs no
 * escapes; false: it has written nothing. Raises when memory runs out. */
bool bind_segments_add_string(lua_State *L, int segments, struct buffer *written);

/* Pushes the text, or the list if there is one, and empties the buffer. */
void bind_segments_push(lua_State *L, int segments, struct buffer *written);

#pragma GCC visibility pop

#endif
