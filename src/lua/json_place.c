#include "lua/json_place.h"

#include "json/encode.h"

#include <stdio.h>

bool bind_place_is_inside(const struct place *place, const void *table) {
  for (const struct place *outer = place->parent; outer; outer = outer->parent)
    if (outer->table == table)
      return true;
  return false;
}

static void append(lua_State *L, struct buffer *buffer, const void *bytes, size_t count) {
  if (!buffer_append(buffer, bytes, count))
    luaL_error(L, "not enough memory");
}

static bool is_word(const char *name, size_t length) {
  bool word = length > 0 && !(name[0] >= '0' && name[0] <= '9');
  for (size_t i = 0; i < length && word; i++)
    word = name[i] == '_' || (name[i] >= '0' && name[i] <= '9') ||
           ((name[i] | 0x20) >= 'a' && (name[i] | 0x20) <= 'z');
  return word;
}

/* The middle of a very long path is left out. */
static void append_path(lua_State *L, struct buffer *buffer, const struct place *place, int depth) {
  if (!place->parent)
    return;
  append_path(L, buffer, place->parent, depth);
  if (place->depth >= 16 && place->depth + 16 < depth) {
    if (place->depth == 16)
      append(L, buffer, "...", 3);
    return;
  }
  if (!place->name) {
    char index[32];
    append(L, buffer, index, (size_t)snprintf(index, sizeof index, "[%zu]", place->index));
  } else if (is_word(place->name, place->length)) {
    append(L, buffer, ".", place->parent->parent != NULL);
    append(L, buffer, place->name, place->length);
  } else {
    append(L, buffer, "[", 1);
    if (!json_encode_string(buffer, place->name, place->length, NULL))
      luaL_error(L, "not enough memory");
    append(L, buffer, "]", 1);
  }
}

void bind_place_push_message(lua_State *L, const struct place *place, struct buffer *buffer) {
  buffer_clear(buffer);
  append_path(L, buffer, place, place->depth);
  if (buffer->length == 0)
    append(L, buffer, "value", 5);
  lua_pushlstring(L, buffer_bytes(buffer), buffer->length);
  lua_pushfstring(L, "%s: %s", lua_tostring(L, -1), lua_tostring(L, -2));
}
