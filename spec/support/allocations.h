/* Allocations that fail, for the specs. */
#ifndef ANTHROPIC_SPEC_ALLOCATIONS_H
#define ANTHROPIC_SPEC_ALLOCATIONS_H

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>

enum source { CORE, LUA, CURL_LIBRARY, SOURCES };

/* Counts an allocation, and tells whether it is to fail. */
bool allocation_fails(enum source source);

/* The C library's own, where the link wraps it. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);

/* A table of what scripts do with them: package.loadlib(core, "luaopen_allocations"), or a part of
 * require "host". */
int luaopen_allocations(lua_State *L);

#endif
