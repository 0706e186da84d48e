/* What specs cannot do in plain Lua: fork, ignore a signal, and let allocations fail. */
#ifndef ANTHROPIC_SPEC_ABILITIES_H
#define ANTHROPIC_SPEC_ABILITIES_H

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

/* Has libcurl allocate by functions that can fail, where nobody has used it yet. False where it
 * cannot be used at all. */
bool watch_curl(void);

/* The table of it: require "spec.support.abilities" finds it, in the core that the specs load or in
 * the host. */
int luaopen_abilities(lua_State *L);

#endif
