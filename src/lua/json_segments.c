#include "lua/json_segments.h"

#include "util/utf8.h"

/* Bytes: a shorter string costs less to copy than to send by itself. */
enum { LONG_STRING = 256 * 1024 };

static bool is_plain(const char *bytes, size_t length) {
  const unsigned char *start = (const unsigned char *)bytes;
  return utf8_skip_plain(start, start + length) == start + length;
}

static void append_quote(lua_State *L, struct buffer *written) {
  if (!buffer_append(written, "\"", 1))
    luaL_error(L, "not enough memory");
}

/* Pops a string off the stack and appends it to the list. */
static void add(lua_State *L, int segments) {
  lua_rawseti(L, segments, (int)lua_rawlen(L, segments) + 1);
}

/* What has been written becomes a segment. */
static void cut(lua_State *L, int segments, struct buffer *written) {
  if (lua_isnil(L, segments)) {
    lua_newtable(L);
    lua_replace(L, segments);
  }
  lua_pushlstring(L, buffer_bytes(written), written->length);
  add(L, segments);
  buffer_clear(written);
}

bool bind_segments_add_string(lua_State *L, int segments, struct buffer *written) {
  size_t length;
  const char *bytes = lua_tolstring(L, -1, &length);
  if (length < LONG_STRING || !is_plain(bytes, length))
    return false;
  append_quote(L, written);
  cut(L, segments, written);
  lua_pushvalue(L, -1);
  add(L, segments);
  append_quote(L, written);
  return true;
}

void bind_segments_push(lua_State *L, int segments, struct buffer *written) {
  bool is_list = !lua_isnil(L, segments);
  if (is_list)
    cut(L, segments, written);
  else
    lua_pushlstring(L, buffer_bytes(written), written->length);
  buffer_free(written);
  if (is_list)
    lua_pushvalue(L, segments);
}
