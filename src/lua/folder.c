/* The Lua type of util/folder.h: core.folder(path) -> folder. */
#include "lua/modules.h"

#include "lua/json.h"
#include "util/folder.h"
#include "util/folder_place.h"

#include <string.h>

#define FOLDER "anthropic.folder"

enum { FOLDER_INDEX = 1, PATH_INDEX, ARGUMENT };

static const struct folder *check_folder(lua_State *L) {
  return luaL_checkudata(L, FOLDER_INDEX, FOLDER);
}

/* A path, or NULL if it contains NUL. */
static const char *check_path(lua_State *L, int index) {
  size_t length;
  const char *path = luaL_checklstring(L, index, &length);
  return strlen(path) == length ? path : NULL;
}

static const char nul[] = "the path contains NUL";

/* nil, words, and a word for what the caller may have expected */
static int fail(lua_State *L, const char *problem) {
  lua_pushnil(L);
  lua_pushstring(L, problem);
  if (problem == folder_missing)
    lua_pushliteral(L, "missing");
  else if (problem == folder_exists)
    lua_pushliteral(L, "exists");
  else
    lua_pushnil(L);
  return 3;
}

static int done(lua_State *L, const char *problem) {
  if (problem)
    return fail(L, problem);
  lua_pushboolean(L, 1);
  return 1;
}

/* folder(path) -> folder | nil, words: the directory, made if it is missing */
static int new_folder(lua_State *L) {
  const char *path = check_path(L, 1);
  struct folder *folder = lua_newuserdata(L, sizeof *folder);
  folder->directory = NO_DIRECTORY;
  luaL_getmetatable(L, FOLDER);
  lua_setmetatable(L, -2);
  const char *problem = path ? folder_open(folder, path) : nul;
  return problem ? fail(L, problem) : 1;
}

static const char *const kinds[] = {
    [FOLDER_FILE] = "file", [FOLDER_DIRECTORY] = "directory", [FOLDER_OTHER] = "other"};

/* look(path) -> "file" | "directory" | "other", size | nil, words, word */
static int look(lua_State *L) {
  const struct folder *folder = check_folder(L);
  const char *path = check_path(L, PATH_INDEX);
  struct folder_entry entry;
  const char *problem = path ? folder_look(folder, path, &entry) : nul;
  if (problem)
    return fail(L, problem);
  lua_pushstring(L, kinds[entry.kind]);
  lua_pushinteger(L, (lua_Integer)entry.size);
  return 2;
}

/* read(path, most) -> bytes | nil, words, word */
static int read_file(lua_State *L) {
  const struct folder *folder = check_folder(L);
  const char *path = check_path(L, PATH_INDEX);
  size_t most = bind_size(luaL_checknumber(L, ARGUMENT));
  struct buffer *bytes = bind_json_new_buffer(L);
  const char *problem = path ? folder_read(folder, path, most, bytes) : nul;
  if (problem)
    return fail(L, problem);
  lua_pushlstring(L, bytes->length ? buffer_bytes(bytes) : "", bytes->length);
  buffer_free(bytes);
  return 1;
}

/* list(path, most) -> { { name, kind, size }, ... } | nil, words, word */
static int list(lua_State *L) {
  const struct folder *folder = check_folder(L);
  const char *path = check_path(L, PATH_INDEX);
  size_t most = bind_size(luaL_checknumber(L, ARGUMENT));
  struct buffer *bytes = bind_json_new_buffer(L);
  const char *problem = path ? folder_list(folder, path, most, bytes) : nul;
  if (problem)
    return fail(L, problem);
  lua_newtable(L);
  const char *at = buffer_bytes(bytes);
  const char *end = at ? at + bytes->length : at;
  for (int i = 1; at < end; i++) {
    struct folder_entry entry;
    memcpy(&entry, at, sizeof entry);
    at += sizeof entry;
    lua_createtable(L, 3, 0);
    lua_pushstring(L, at);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, kinds[entry.kind]);
    lua_rawseti(L, -2, 2);
    lua_pushinteger(L, (lua_Integer)entry.size);
    lua_rawseti(L, -2, 3);
    lua_rawseti(L, -2, i);
    at += strlen(at) + 1;
  }
  buffer_free(bytes);
  return 1;
}

static int write_file(lua_State *L, bool is_new) {
  const struct folder *folder = check_folder(L);
  const char *path = check_path(L, PATH_INDEX);
  size_t length;
  const char *bytes = luaL_checklstring(L, ARGUMENT, &length);
  return done(L, path ? folder_write(folder, path, bytes, length, is_new) : nul);
}

/* create(path, bytes) -> true | nil, words, word */
static int create(lua_State *L) {
  return write_file(L, true);
}

/* replace(path, bytes) -> true | nil, words, word */
static int replace(lua_State *L) {
  return write_file(L, false);
}

/* remove(path) -> true | nil, words, word */
static int remove_path(lua_State *L) {
  const struct folder *folder = check_folder(L);
  const char *path = check_path(L, PATH_INDEX);
  return done(L, path ? folder_remove(folder, path) : nul);
}

/* rename(from, to) -> true | nil, words, word */
static int rename_path(lua_State *L) {
  const struct folder *folder = check_folder(L);
  const char *from = check_path(L, PATH_INDEX), *to = check_path(L, ARGUMENT);
  return done(L, from && to ? folder_rename(folder, from, to) : nul);
}

/* measure(most) -> entries, bytes | nil, words; stops after more than `most` entries */
static int measure(lua_State *L) {
  const struct folder *folder = check_folder(L);
  size_t most = bind_size(luaL_checknumber(L, PATH_INDEX)), entries;
  int64_t bytes;
  const char *problem = folder_measure(folder, most, &entries, &bytes);
  if (problem)
    return fail(L, problem);
  lua_pushinteger(L, (lua_Integer)entries);
  lua_pushnumber(L, (lua_Number)bytes);
  return 2;
}

static int close_folder(lua_State *L) {
  folder_close(luaL_checkudata(L, FOLDER_INDEX, FOLDER));
  return 0;
}

static const luaL_Reg metamethods[] = {
    {"__gc", close_folder},
    {"__close", close_folder},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"look", look},          {"read", read_file},
    {"list", list},          {"create", create},
    {"replace", replace},    {"remove", remove_path},
    {"rename", rename_path}, {"measure", measure},
    {"close", close_folder}, {NULL, NULL},
};

void bind_folder_open(lua_State *L) {
  bind_type_make(L, FOLDER, metamethods, methods);
  lua_pushcfunction(L, new_folder);
  lua_setfield(L, -2, "folder");
}
