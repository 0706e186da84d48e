/* A response's header block as a table. */
#include "lua/modules.h"

#include <string.h>

static bool is_space(char byte) {
  return byte == ' ' || byte == '\t';
}

/* The length of the name before the colon; 0 if the line is not a field, such as a status line. */
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

/* A line without its end and the white space around it. */
static const char *trim(const char *text, size_t *length) {
  if (*length > 0 && text[*length - 1] == '\r')
    --*length;
  while (*length > 0 && is_space(*text))
    text++, --*length;
  while (*length > 0 && is_space(text[*length - 1]))
    --*length;
  return text;
}

/* A value may go on in further lines: a blank replaces each line end. (RFC 9112, 5.2) */
static void push_lines(lua_State *L, const char *text, const char *end) {
  bool is_empty = true;
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (const char *line_end; text < end; text = line_end + 1) {
    line_end = memchr(text, '\n', (size_t)(end - text));
    line_end = line_end ? line_end : end;
    size_t length = (size_t)(line_end - text);
    const char *line = trim(text, &length);
    if (length > 0 && !is_empty)
      luaL_addchar(&buffer, ' ');
    luaL_addlstring(&buffer, line, length);
    is_empty = is_empty && length == 0;
  }
  luaL_pushresult(&buffer);
}

static void push_value(lua_State *L, const char *text, size_t length) {
  if (memchr(text, '\n', length)) {
    push_lines(L, text, text + length);
    return;
  }
  text = trim(text, &length);
  lua_pushlstring(L, text, length);
}

/* The stack of parse_headers. */
enum { BLOCK = 1, FIELDS, REPEATED };

/* Pushes the list of values of a field that has a value already: that is on top of the stack, the
 * name below it. */
static void push_list(lua_State *L) {
  if (lua_isnil(L, REPEATED)) {
    lua_newtable(L);
    lua_replace(L, REPEATED);
  }
  lua_pushvalue(L, -2);
  lua_rawget(L, REPEATED);
  if (!lua_isnil(L, -1))
    return;
  lua_pop(L, 1);
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, -3);
  lua_pushvalue(L, -2);
  lua_rawset(L, REPEATED);
}

static void add_field(lua_State *L, const char *line, size_t length) {
  size_t name = name_length(line, length);
  if (name == 0)
    return;
  const char *value = line + name + 1;
  size_t value_length = length - name - 1;
  push_lower(L, line, name);
  lua_pushvalue(L, -1);
  lua_rawget(L, FIELDS);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    push_value(L, value, value_length);
    lua_rawset(L, FIELDS);
  } else {
    push_list(L);
    push_value(L, value, value_length);
    lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
  }
  lua_settop(L, REPEATED);
}

/* The end of the last line of the field that begins at `at`. */
static const char *end_of_field(const char *at, const char *end) {
  const char *line_end = memchr(at, '\n', (size_t)(end - at));
  while (line_end && end - line_end > 1 && is_space(line_end[1]))
    line_end = memchr(line_end + 1, '\n', (size_t)(end - line_end - 1));
  return line_end ? line_end : end;
}

/* parse_headers(block) -> { name in lower case = first value }, { name = all values } of the fields
 * that come more than once, or nil if none does */
static int parse_headers(lua_State *L) {
  size_t length;
  const char *at = luaL_checklstring(L, BLOCK, &length), *end = at + length;
  lua_settop(L, BLOCK);
  lua_createtable(L, 0, 16);
  lua_pushnil(L);
  while (at < end) {
    const char *line_end = end_of_field(at, end);
    add_field(L, at, (size_t)(line_end - at));
    at = line_end + 1;
  }
  return 2;
}

void bind_headers_open(lua_State *L) {
  lua_pushcfunction(L, parse_headers);
  lua_setfield(L, -2, "parse_headers");
}
