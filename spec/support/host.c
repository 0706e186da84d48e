/* A Lua interpreter for the specs, with anthropic.core linked in:
 *
 *     host script.lua [argument ...]
 *     host -e chunk [-- argument ...]
 *
 * so that sanitizers see both with names. `require "host"` is what abilities.c has; the allocations
 * of Lua can fail, too. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "abilities.h"

#include "lua/compat.h"

#include <lualib.h>

#include <curl/curl.h>
#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int luaopen_anthropic_core(lua_State *L);

/* --- allocations that fail ------------------------------------------------------------------- */

/* Lua relies on it that a block can be made smaller. */
static void *lua_allocate(void *unused, void *memory, size_t old_size, size_t size) {
  (void)unused;
  if (size == 0) {
    __real_free(memory);
    return NULL;
  }
  if ((!memory || size > old_size) && allocation_fails(LUA))
    return NULL;
  return __real_realloc(memory, size);
}

/* --- a name that is looked up slowly --------------------------------------------------------- */

/* Takes the place of the C library's, also for libcurl: "slow.test" is not found, after two
 * seconds.
 */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **result) {
  int (*original)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  *(void **)&original = dlsym(RTLD_NEXT, "getaddrinfo");
  if (!name || strcmp(name, "slow.test") != 0)
    return original(name, service, hints, result);
  sleep(2);
  return EAI_NONAME;
}

/* --- modules that stay loaded ---------------------------------------------------------------- */

/* Takes the place of the C library's, so that a report of what a module lost has names. */
int dlclose(void *handle) {
  (void)handle;
  return 0;
}

/* --- running the script ---------------------------------------------------------------------- */

static lua_State *interrupted;

static void raise_interrupt(lua_State *L, lua_Debug *where) {
  (void)where;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

/* As in the stand-alone interpreter: the next thing that the script does raises. */
static void on_interrupt(int number) {
  signal(number, SIG_DFL);
  lua_sethook(interrupted, raise_interrupt, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 2);
}

/* Takes the place of os.exit, and always closes the state: what is not freed then is lost. */
static int close_and_exit(lua_State *L) {
  int code = EXIT_SUCCESS;
  if (lua_isboolean(L, 1))
    code = lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
  else
    code = (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
  lua_close(L);
  exit(code);
}

struct command {
  int count;
  char **words;
};

/* Like the stand-alone interpreter: `arg` with the script at 0, and the arguments as its `...`.
 * With -e, what would be a script is only there. */
static int run(lua_State *L) {
  const struct command *command = lua_touserdata(L, 1);
  luaL_openlibs(L);
  preload(L, "anthropic.core", luaopen_anthropic_core);
  preload(L, "host", luaopen_abilities);
  lua_getglobal(L, "os");
  lua_pushcfunction(L, close_and_exit);
  lua_setfield(L, -2, "exit");
  bool chunk = strcmp(command->words[1], "-e") == 0 && command->count > 2;
  lua_createtable(L, command->count, 1);
  for (int i = 0; i < command->count; i++) {
    lua_pushstring(L, command->words[i]);
    lua_rawseti(L, -2, chunk ? i - 4 : i - 1);
  }
  lua_setglobal(L, "arg");
  lua_getglobal(L, "debug");
  lua_getfield(L, -1, "traceback");
  int handler = lua_gettop(L);
  int arguments = 0;
  bool ok;
  if (chunk) {
    ok = luaL_loadstring(L, command->words[2]) == 0;
  } else {
    ok = luaL_loadfile(L, command->words[1]) == 0;
    arguments = command->count - 2;
    luaL_checkstack(L, command->count, "too many arguments");
    for (int i = 2; i < command->count; i++)
      lua_pushstring(L, command->words[i]);
  }
  ok = ok && lua_pcall(L, arguments, 0, handler) == 0;
  if (!ok && lua_tostring(L, -1))
    fprintf(stderr, "%s: %s\n", command->words[0], lua_tostring(L, -1));
  lua_pushboolean(L, ok);
  return 1;
}

int main(int count, char **words) {
  if (count < 2) {
    fprintf(stderr, "usage: %s script.lua [argument ...]\n", words[0]);
    return EXIT_FAILURE;
  }
  if (!watch_curl())
    return EXIT_FAILURE;
  lua_State *L = lua_newstate(lua_allocate, NULL);
  if (!L)
    return EXIT_FAILURE;
  interrupted = L;
  signal(SIGINT, on_interrupt);
  struct command command = {count, words};
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &command);
  bool ok = lua_pcall(L, 1, 1, 0) == 0 && lua_toboolean(L, -1);
  lua_close(L);
  curl_global_cleanup();
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
