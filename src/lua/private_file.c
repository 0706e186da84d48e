/* util/private_file.h: core.file_mode, core.write_private. */
#include "lua/modules.h"

#include "util/private_file.h"

#include <string.h>

static const char *check_path(lua_State *L) {
  size_t length;
  const char *path = luaL_checklstring(L, 1, &length);
  luaL_argcheck(L, strlen(path) == length, 1, "the path contains NUL");
  return path;
}

/* file_mode(path) -> its permissions, as chmod counts them | nil: no such file */
static int file_mode(lua_State *L) {
  int mode = private_file_mode(check_path(L));
  if (mode < 0)
    return 0;
  lua_pushinteger(L, mode);
  return 1;
}

/* write_private(path, bytes) -> true | nil, words */
static int write_private(lua_State *L) {
  size_t count;
  const char *path = check_path(L);
  const char *bytes = luaL_checklstring(L, 2, &count);
  const char *problem = private_file_write(path, bytes, count);
  if (!problem) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, problem);
  return 2;
}

static const luaL_Reg functions[] = {
    {"file_mode", file_mode},
    {"write_private", write_private},
    {NULL, NULL},
};

void bind_private_file_open(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
