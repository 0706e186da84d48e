/* JSON text of which long strings are not copied: a list of strings, each a segment of it. */
#ifndef ANTHROPIC_LUA_JSON_SEGMENTS_H
#define ANTHROPIC_LUA_JSON_SEGMENTS_H

#include "lua/compat.h"
#include "util/buffer.h"

#pragma GCC visibility push(hidden)

/* At the index `segments` is nil, or the list as far as it goes; `written` follows it. */

/* Writes the string on top of the stack with its quotes, as a segment, where it is long and nothing
 * in it is escaped; false: it has written nothing. Raises when memory runs out. */
bool bind_segments_add_string(lua_State *L, int segments, struct buffer *written);

/* Pushes the text, or the list where there is one, and empties the buffer. */
void bind_segments_push(lua_State *L, int segments, struct buffer *written);

#pragma GCC visibility pop

#endif
