/* What a request is made of: the options table of loop:start, at stack index 2 with the loop at 1.
 * A wrong type is a mistake in the Lua layer and raises. */
#ifndef ANTHROPIC_LUA_REQUEST_H
#define ANTHROPIC_LUA_REQUEST_H

#include "lua/compat.h"
#include "net/transfer.h"

#pragma GCC visibility push(hidden)

/* Leaves what the result points to on the stack. Call it first, with nothing above the table. */
struct transfer_options bind_request_read(lua_State *L);

/* The size in the option `name`; SIZE_MAX, for no limit, if the option is missing or 0. */
size_t bind_request_size(lua_State *L, const char *name);

/* Whether the option `name` is true. */
bool bind_request_flag(lua_State *L, const char *name);

/* Keeps the loop and what the request is made of alive as long as the userdata at an index. */
void bind_request_keep(lua_State *L, int transfer);

/* Gives the transfer its headers and parts, and empties its sink. NULL, or words for what went
 * wrong. */
const char *bind_request_add(lua_State *L, struct transfer *transfer);

#pragma GCC visibility pop

#endif
