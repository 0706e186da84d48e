/* Keyed and plain digests, and the encodings in which they are written. */
#include "lua/modules.h"

#include "lua/json.h"
#include "util/base64.h"
#include "util/sha256.h"

/* sha256(bytes) -> its 32 bytes */
static int sha256(lua_State *L) {
  size_t count;
  const char *bytes = luaL_checklstring(L, 1, &count);
  unsigned char digest[SHA256_SIZE];
  struct sha256 state;
  sha256_start(&state);
  sha256_add(&state, bytes, count);
  sha256_finish(&state, digest);
  lua_pushlstring(L, (const char *)digest, sizeof digest);
  return 1;
}

/* hmac_sha256(key, bytes) -> its 32 bytes */
static int hmac_sha256(lua_State *L) {
  size_t key_length, count;
  const char *key = luaL_checklstring(L, 1, &key_length);
  const char *bytes = luaL_checklstring(L, 2, &count);
  unsigned char digest[SHA256_SIZE];
  sha256_hmac(key, key_length, bytes, count, digest);
  lua_pushlstring(L, (const char *)digest, sizeof digest);
  return 1;
}

/* hex(bytes) -> text in lower case, of 64 bytes at most */
static int hex(lua_State *L) {
  static const char digits[] = "0123456789abcdef";
  char text[2 * 64];
  size_t count;
  const char *bytes = luaL_checklstring(L, 1, &count);
  luaL_argcheck(L, count <= sizeof text / 2, 1, "too long");
  for (size_t i = 0; i < count; i++) {
    text[2 * i] = digits[(unsigned char)bytes[i] >> 4];
    text[2 * i + 1] = digits[(unsigned char)bytes[i] & 15];
  }
  lua_pushlstring(L, text, 2 * count);
  return 1;
}

/* is_same(a, b) -> whether they are equal, in a time that does not depend on where they differ */
static int is_same(lua_State *L) {
  size_t a_length, b_length;
  const char *a = luaL_checklstring(L, 1, &a_length);
  const char *b = luaL_checklstring(L, 2, &b_length);
  unsigned char difference = a_length != b_length;
  for (size_t i = 0; i < a_length && i < b_length; i++)
    difference |= (unsigned char)(a[i] ^ b[i]);
  lua_pushboolean(L, difference == 0);
  return 1;
}

/* base64_decode(text) -> bytes | nil if it is not base64 */
static int decode_base64(lua_State *L) {
  size_t count, length;
  const char *text = luaL_checklstring(L, 1, &count);
  struct buffer *bytes = bind_json_new_buffer(L);
  if (!buffer_reserve(bytes, count + 1))
    return luaL_error(L, "not enough memory");
  if (!base64_decode(buffer_bytes(bytes), text, count, &length))
    return 0;
  lua_pushlstring(L, buffer_bytes(bytes), length);
  buffer_free(bytes);
  return 1;
}

static const luaL_Reg functions[] = {
    {"sha256", sha256},   {"hmac_sha256", hmac_sha256},     {"hex", hex},
    {"is_same", is_same}, {"base64_decode", decode_base64}, {NULL, NULL},
};

void bind_digest_open(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
