/* For fuzz targets that need Lua: what they check there is a module of this folder. */
#ifndef ANTHROPIC_FUZZ_LUA_H
#define ANTHROPIC_FUZZ_LUA_H

#include "fuzz.h"
#include "lua/compat.h"

#include <lualib.h>
#include <stdio.h>

int luaopen_anthropic_core(lua_State *L);

/* A state with the core in it and what `spec.fuzz.<module>` returns at index 1. */
static inline lua_State *fuzz_open_lua(const char *module) {
  lua_State *L = luaL_newstate();
  FUZZ_ASSERT(L);
  luaL_openlibs(L);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_anthropic_core);
  lua_setfield(L, -2, "anthropic.core");
  lua_settop(L, 0);
  lua_getglobal(L, "require");
  lua_pushfstring(L, "spec.fuzz.%s", module);
  if (lua_pcall(L, 1, 1, 0) != 0) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    FUZZ_ASSERT(false);
  }
  return L;
}

/* Calls the function below its `arguments`; an error ends the program, and shows the input. */
static inline void fuzz_call(lua_State *L, int arguments, int results, const void *input,
                             size_t size) {
  int handler = lua_gettop(L) - arguments;
  lua_getglobal(L, "debug");
  lua_getfield(L, -1, "traceback");
  lua_insert(L, handler);
  lua_pop(L, 1);
  int status = lua_pcall(L, arguments, results, handler);
  lua_remove(L, handler);
  if (status == 0)
    return;
  fprintf(stderr, "%s\nin: ", lua_tostring(L, -1));
  fwrite(input, 1, size, stderr);
  fputc('\n', stderr);
  FUZZ_ASSERT(false);
}

#endif
