/* A response's header block as a table. */
#include "lua_modules.h"

#include <string.h>

static bool is_space(char byte) {
  return byte == ' ' || byte == '\t';
}

/* The length of what may stand before the colon, 0 where the line is no field: a status line. */
static size_t name_length(const char *line, size_t length) {
  size_t count = 0;
  while (count < length && line[count] != ':' && (unsigned char)line[count] > ' ')
    count++;
  return count < length && line[count] == ':' ? count : 0;
}

static void push_lower(lua_State *L, const char *text, size_t length) {
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (size_t i = 0; i < length; i++) {
    char byte = text[i];
    luaL_addchar(&buffer, byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte);
  }
  luaL_pushresult(&buffer);
}

static void push_value(lua_State *L, const char *text, size_t length) {
  while (length > 0 && is_space(*text))
    text++, length--;
  while (length > 0 && is_space(text[length - 1]))
    length--;
  lua_pushlstring(L, text, length);
}

/* Adds a line to the table on top of the stack. */
static void add_field(lua_State *L, const char *line, size_t length) {
  size_t name = name_length(line, length);
  if (name == 0)
    return;
  push_lower(L, line, name);
  lua_pushvalue(L, -1);
  lua_rawget(L, -3);
  bool is_repeated = !lua_isnil(L, -1);
  if (is_repeated)
    lua_pushliteral(L, ", ");
  else
    lua_pop(L, 1);
  push_value(L, line + name + 1, length - name - 1);
  if (is_repeated)
    lua_concat(L, 3);
  lua_rawset(L, -3);
}

/* parse_headers(block) -> { name in lower case = value }; the values of a repeated field are joined
 * by ", " */
static int parse_headers(lua_State *L) {
  size_t length;
  const char *at = luaL_checklstring(L, 1, &length), *end = at + length;
  lua_createtable(L, 0, 16);
  while (at < end) {
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    line_end = line_end ? line_end : end;
    size_t line = (size_t)(line_end - at);
    add_field(L, at, line > 0 && at[line - 1] == '\r' ? line - 1 : line);
    at = line_end + 1;
  }
  return 1;
}

void headers_open(lua_State *L) {
  lua_pushcfunction(L, parse_headers);
  lua_setfield(L, -2, "parse_headers");
}
