/* What content blocks are made of: the beginning of a file or all of it, its whole path, base64 of
 * a file or of bytes, and whether bytes are text. */
#include "lua/modules.h"

#include "lua/json.h"
#include "util/base64.h"
#include "util/file.h"
#include "util/utf8.h"

#include <string.h>

enum { HEAD = 64, PIECE = 48 * 1024 /* a whole number of three bytes */ };

static int fail(lua_State *L, const char *path, const char *problem) {
  lua_pushnil(L);
  lua_pushfstring(L, "cannot read %s: %s", path, problem);
  return 2;
}

static int open_file(lua_State *L, int64_t *size, const char **problem) {
  size_t length;
  const char *path = luaL_checklstring(L, 1, &length);
  if (strlen(path) == length)
    return file_open(path, size, problem);
  *problem = "the path contains NUL";
  return -1;
}

/* file_head(path) -> its first bytes, 64 at most | nil, message */
static int file_head(lua_State *L) {
  char head[HEAD];
  int64_t size;
  const char *problem;
  int descriptor = open_file(L, &size, &problem);
  if (descriptor < 0)
    return fail(L, lua_tostring(L, 1), problem);
  size_t length = size < HEAD ? (size_t)size : HEAD;
  bool ok = file_read(descriptor, head, length, &problem);
  file_close(descriptor);
  if (!ok)
    return fail(L, lua_tostring(L, 1), problem);
  lua_pushlstring(L, head, length);
  return 1;
}

/* Appends to a buffer that has room for all of it. */
static void append(struct buffer *text, const void *bytes, size_t count) {
  size_t length = 0;
  base64_length(count, &length);
  base64_encode(buffer_bytes(text) + text->length, bytes, count);
  text->length += length;
}

static bool reserve(struct buffer *text, uint64_t count) {
  size_t length;
  return count <= SIZE_MAX && base64_length((size_t)count, &length) &&
         (length == 0 || buffer_reserve(text, length));
}

static bool encode_file(struct buffer *text, int descriptor, int64_t size, const char **problem) {
  unsigned char piece[PIECE];
  *problem = "not enough memory";
  if (!reserve(text, (uint64_t)size))
    return false;
  while (size > 0) {
    size_t count = size < PIECE ? (size_t)size : PIECE;
    if (!file_read(descriptor, piece, count, problem))
      return false;
    append(text, piece, count);
    size -= (int64_t)count;
  }
  return true;
}

static bool take_file(struct buffer *bytes, int descriptor, int64_t size, const char **problem) {
  char *start = size > 0 && (uint64_t)size <= SIZE_MAX ? buffer_extend(bytes, (size_t)size) : NULL;
  *problem = "not enough memory";
  return size == 0 || (start && file_read(descriptor, start, (size_t)size, problem));
}

static int push_text(lua_State *L, struct buffer *text) {
  lua_pushlstring(L, text->length ? buffer_bytes(text) : "", text->length);
  buffer_free(text);
  return 1;
}

/* Pushes what `read` makes of a file: text | nil, message */
static int push_file(lua_State *L, bool (*read)(struct buffer *, int, int64_t, const char **)) {
  int64_t size;
  const char *problem;
  struct buffer *text = bind_json_new_buffer(L);
  int descriptor = open_file(L, &size, &problem);
  if (descriptor < 0)
    return fail(L, lua_tostring(L, 1), problem);
  bool ok = read(text, descriptor, size, &problem);
  file_close(descriptor);
  return ok ? push_text(L, text) : fail(L, lua_tostring(L, 1), problem);
}

/* base64_file(path) -> text | nil, message */
static int base64_file(lua_State *L) {
  return push_file(L, encode_file);
}

/* file_bytes(path) -> bytes | nil, message */
static int file_bytes(lua_State *L) {
  return push_file(L, take_file);
}

/* whole_path(path) -> one that does not depend on the current directory */
static int whole_path(lua_State *L) {
  char text[PORT_PATH_SIZE];
  lua_pushstring(L, port_file_whole_path(luaL_checkstring(L, 1), text));
  return 1;
}

/* base64(bytes) -> text */
static int base64(lua_State *L) {
  size_t count;
  const char *bytes = luaL_checklstring(L, 1, &count);
  struct buffer *text = bind_json_new_buffer(L);
  if (!reserve(text, count))
    return luaL_error(L, "not enough memory");
  if (count)
    append(text, bytes, count);
  return push_text(L, text);
}

/* is_text(bytes) -> whether it is UTF-8 without NUL */
static int is_text(lua_State *L) {
  size_t count, length;
  const unsigned char *at = (const unsigned char *)luaL_checklstring(L, 1, &count);
  const unsigned char *end = at + count;
  for (at = utf8_skip_plain(at, end); at < end; at = utf8_skip_plain(at + length, end))
    if (!utf8_sequence(at, &length) || *at == '\0')
      break;
  lua_pushboolean(L, at == end);
  return 1;
}

static const luaL_Reg functions[] = {
    {"file_head", file_head},
    {"base64_file", base64_file},
    {"file_bytes", file_bytes},
    {"base64", base64},
    {"is_text", is_text},
    {"whole_path", whole_path},
    {NULL, NULL},
};

void bind_content_open(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
