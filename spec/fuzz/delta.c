/* delta.h: what it reads is what lua-cjson reads, what it does not read it leaves alone, and every
 * text in the form that servers send is read. */
#include "decode/delta.h"

#include "fuzz_lua.h"
#include "json/encode.h"

#include <stdlib.h>
#include <string.h>

static void compare(lua_State *L, const struct delta *delta, const uint8_t *input, size_t size) {
  lua_pushvalue(L, 1);
  lua_pushlstring(L, (const char *)input, size);
  lua_pushstring(L, delta_names[delta->kind].type);
  lua_pushstring(L, delta_names[delta->kind].field);
  lua_pushnumber(L, (lua_Number)delta->index);
  lua_pushlstring(L, delta->text, delta->length);
  fuzz_call(L, 5, 0, input, size);
}

static void append(struct buffer *buffer, const char *text) {
  FUZZ_ASSERT(buffer_append(buffer, text, strlen(text)));
}

/* `text`, which ends in a NUL, as a delta of this kind is read as it is, where it is text at all.
 */
static void read_text(enum delta_kind kind, const char *text, size_t length) {
  struct buffer json = {0};
  struct delta delta;
  size_t invalid;
  append(&json, "{\"type\":\"content_block_delta\",\"index\":7,\"delta\":{\"type\":\"");
  append(&json, delta_names[kind].type);
  append(&json, "\",\"");
  append(&json, delta_names[kind].field);
  append(&json, "\":");
  FUZZ_ASSERT(json_encode_string(&json, text, length, &invalid));
  if (!invalid) {
    append(&json, "}}");
    char *exact = malloc(json.length);
    FUZZ_ASSERT(exact);
    memcpy(exact, buffer_bytes(&json), json.length);
    FUZZ_ASSERT(delta_read(exact, json.length, &delta));
    FUZZ_ASSERT(delta.kind == kind && delta.index == 7 && delta.length == length &&
                (!length || memcmp(delta.text, text, length) == 0));
    free(exact);
  }
  buffer_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  static lua_State *L;
  if (!L)
    L = fuzz_open_lua("delta");
  char *json = malloc(size + 1), *text = malloc(size + 1);
  FUZZ_ASSERT(json && text);
  char *end = json + 1; /* the input stands at the end of its memory, so that no byte behind it is
                           read unnoticed */
  memcpy(end, input, size);
  memcpy(text, input, size);
  text[size] = '\0';
  struct delta delta;
  if (delta_read(end, size, &delta)) {
    FUZZ_ASSERT(delta.text >= end && delta.length <= size && delta.text <= end + size);
    compare(L, &delta, input, size);
  } else {
    FUZZ_ASSERT(size == 0 || memcmp(end, input, size) == 0);
  }
  read_text((enum delta_kind)(size % DELTA_KINDS), text, size);
  free(text);
  free(json);
  return 0;
}
