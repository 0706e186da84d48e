/* What specs cannot do in plain Lua: fork, ignore a signal, and let allocations fail. The link
 * wraps those of the core's own objects (mk/specs.mk); who else allocates asks allocation_fails. */
#define _POSIX_C_SOURCE 200809L
#include "abilities.h"

#include "lua/compat.h"

#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char *__real_realpath(const char *path, char *resolved);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_realpath(const char *path, char *resolved);
void __wrap_free(void *memory);

static const char *const source_names[] = {"core", "lua", "curl", NULL};

/* The fault of one source of allocations: those from number `first` to `last` fail. */
static struct fault { unsigned long count, first, last; } faults[SOURCES];

/* What the core's objects hold, and libcurl. */
static long blocks[SOURCES];

bool allocation_fails(enum source source) {
  struct fault *fault = &faults[source];
  fault->count++;
  if (fault->count < fault->first || fault->count > fault->last)
    return false;
  errno = ENOMEM;
  return true;
}

static void *counted(enum source source, void *memory) {
  blocks[source] += memory != NULL;
  return memory;
}

/* What was not written yet, or was freed, reads as this. */
static void *spoil(void *memory, size_t size) {
  return memory ? memset(memory, 0xA5, size) : NULL;
}

static void *counted_malloc(enum source source, size_t size) {
  return allocation_fails(source) ? NULL : counted(source, spoil(__real_malloc(size), size));
}

static void *counted_calloc(enum source source, size_t count, size_t size) {
  return allocation_fails(source) ? NULL : counted(source, __real_calloc(count, size));
}

static void *counted_realloc(enum source source, void *memory, size_t size) {
  if (allocation_fails(source))
    return NULL;
  return memory ? __real_realloc(memory, size) : counted(source, __real_realloc(memory, size));
}

static char *counted_strdup(enum source source, const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = counted_malloc(source, size);
  return copy ? memcpy(copy, text, size) : NULL;
}

static void counted_free(enum source source, void *memory) {
  blocks[source] -= memory != NULL;
  spoil(memory, malloc_usable_size(memory));
  __real_free(memory);
}

/* --- the core's objects */

void *__wrap_malloc(size_t size) {
  return counted_malloc(CORE, size);
}

void *__wrap_calloc(size_t count, size_t size) {
  return counted_calloc(CORE, count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
  return counted_realloc(CORE, memory, size);
}

char *__wrap_strdup(const char *text) {
  return counted_strdup(CORE, text);
}

char *__wrap_realpath(const char *path, char *resolved) {
  return allocation_fails(CORE) ? NULL : counted(CORE, __real_realpath(path, resolved));
}

void __wrap_free(void *memory) {
  counted_free(CORE, memory);
}

/* --- libcurl */

static void *curl_malloc(size_t size) {
  return counted_malloc(CURL_LIBRARY, size);
}

static void *curl_calloc(size_t count, size_t size) {
  return counted_calloc(CURL_LIBRARY, count, size);
}

static void *curl_realloc(void *memory, size_t size) {
  return counted_realloc(CURL_LIBRARY, memory, size);
}

static char *curl_strdup(const char *text) {
  return counted_strdup(CURL_LIBRARY, text);
}

static void curl_release(void *memory) {
  counted_free(CURL_LIBRARY, memory);
}

bool watch_curl(void) {
  return curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, curl_release, curl_realloc,
                              curl_strdup, curl_calloc) == CURLE_OK;
}

/* --- the functions for scripts */

/* attempt(source, first, last, f) -> allocations, pcall(f): of the allocations of "core", "lua" or
 * "curl" that f makes the first to the last fail; how many there were in all */
static int attempt(lua_State *L) {
  enum source source = (enum source)luaL_checkoption(L, 1, NULL, source_names);
  struct fault fault = {0, (unsigned long)luaL_checknumber(L, 2),
                        (unsigned long)luaL_checknumber(L, 3)};
  lua_settop(L, 4);
  faults[source] = fault;
  bool ok = lua_pcall(L, 0, LUA_MULTRET, 0) == 0;
  fault = faults[source];
  faults[source] = (struct fault){0, 0, 0};
  lua_pushnumber(L, (lua_Number)fault.count);
  lua_replace(L, 2);
  lua_pushboolean(L, ok);
  lua_replace(L, 3);
  return lua_gettop(L) - 1;
}

/* blocks(source) -> how many blocks "core" or "curl" has not freed */
static int count_blocks(lua_State *L) {
  lua_pushnumber(L, (lua_Number)blocks[luaL_checkoption(L, 1, NULL, source_names)]);
  return 1;
}

/* fork() -> the child's process id, 0 in the child */
static int fork_process(lua_State *L) {
  fflush(NULL);
  lua_pushinteger(L, fork());
  return 1;
}

/* wait(pid) -> the child's exit code, or the signal that ended it as a negative number */
static int wait_process(lua_State *L) {
  int status;
  if (waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0) < 0)
    return luaL_error(L, "no such child");
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  return 1;
}

/* ignore_children(whether): the system then collects all children that end, and keeps no status */
static int ignore_children(lua_State *L) {
  signal(SIGCHLD, lua_toboolean(L, 1) ? SIG_IGN : SIG_DFL);
  return 0;
}

/* change_directory(path): the current one of the process */
static int change_directory(lua_State *L) {
  return chdir(luaL_checkstring(L, 1)) == 0 ? 0 : luaL_error(L, "no such directory");
}

/* close(descriptor) */
static int close_descriptor(lua_State *L) {
  lua_pushboolean(L, close((int)luaL_checkinteger(L, 1)) == 0);
  return 1;
}

/* Writes what was counted so far, where the program counts (make coverage). */
void __gcov_dump(void) __attribute__((weak));

/* exit(code): at once, without closing the state or looking for leaks. What a forked child inherits
 * and must not free is no leak. */
static int exit_process(lua_State *L) {
  fflush(NULL);
  if (__gcov_dump)
    __gcov_dump();
  _exit((int)luaL_checkinteger(L, 1));
}

int luaopen_abilities(lua_State *L) {
  static const luaL_Reg functions[] = {{"attempt", attempt},
                                       {"blocks", count_blocks},
                                       {"fork", fork_process},
                                       {"wait", wait_process},
                                       {"exit", exit_process},
                                       {"ignore_children", ignore_children},
                                       {"change_directory", change_directory},
                                       {"close", close_descriptor},
                                       {NULL, NULL}};
  if (!watch_curl())
    return luaL_error(L, "libcurl cannot be used");
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
