/* json/scan.h, lua/json.c and lua/json_encode.c: text that the scan accepts is decoded by
 * lua-cjson, whatever the options; and decoding, encoding and decoding again gives the same text.
 */
#include "fuzz_lua.h"
#include "json/scan.h"

#include <stdlib.h>
#include <string.h>

static void call(lua_State *L, const char *function, const char *text, size_t length) {
  lua_getfield(L, 1, function);
  lua_pushlstring(L, text, length);
  fuzz_call(L, 1, 0, text, length);
}

/* Scans, and decodes what it accepts. Returns whether it did. */
static bool accepts(lua_State *L, const char *text, size_t length, unsigned options) {
  struct buffer output = {0};
  struct json_scan result;
  enum json_scan_status status = json_scan(text, length, options, "input", NULL, &result);
  if (status == JSON_NEEDS_OUTPUT) {
    status = json_scan(text, length, options, "input", &output, &result);
    FUZZ_ASSERT(status == JSON_REWRITTEN || status == JSON_INVALID);
  } else {
    FUZZ_ASSERT(status == JSON_UNCHANGED || status == JSON_INVALID);
  }
  if (status == JSON_UNCHANGED)
    call(L, "decode", text, length);
  else if (status == JSON_REWRITTEN)
    call(L, "decode", buffer_bytes(&output), output.length);
  else
    FUZZ_ASSERT(result.message && result.position >= 1 && result.position <= length + 1);
  buffer_free(&output);
  return status != JSON_INVALID;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  static lua_State *L;
  if (!L)
    L = fuzz_open_lua("json");
  char *text = malloc(size + 1); /* the NUL is the last byte that may be read */
  FUZZ_ASSERT(text);
  memcpy(text, input, size);
  text[size] = '\0';
  bool valid = accepts(L, text, size, 0);
  FUZZ_ASSERT(accepts(L, text, size, JSON_MARK | JSON_INTEGERS) == valid);
  bool repaired = accepts(L, text, size, JSON_REPAIR);
  FUZZ_ASSERT(repaired || !valid);
  FUZZ_ASSERT(accepts(L, text, size, JSON_MARK | JSON_REPAIR) == repaired);
  bool read = accepts(L, text, size, JSON_MARK | JSON_REPAIR | JSON_KEEP_HALVES | JSON_NAN_IS_NULL);
  FUZZ_ASSERT(read || !repaired);
  if (read)
    call(L, "round_trip", text, size);
  free(text);
  return 0;
}

#ifndef FUZZ_WITHOUT_GENERATOR

/* --- inputs: mostly valid texts -------------------------------------------------------------- */

struct writer {
  uint8_t *bytes;
  size_t size, capacity;
};

static void put(struct writer *writer, const char *text) {
  size_t length = strlen(text);
  if (length > writer->capacity - writer->size)
    return;
  memcpy(writer->bytes + writer->size, text, length);
  writer->size += length;
}

#define PICK(array) ((array)[fuzz_random(sizeof(array) / sizeof *(array))])

static void put_string(struct writer *writer) {
  static const char *const names[] = {"content", "in\\u0070ut", "input", "type", "a", ""};
  static const char *const pieces[] = {"a",        "\\n",      "\\\"", "\\u0041", "\\ud83d\\ude00",
                                       "\\ud800",  "\xC3\xA9", " ",    "\xFF",    "\\u0000",
                                       "\xE2\x82", "tool_use", "/",    "\\/",     "0123456789"};
  put(writer, "\"");
  if (fuzz_random(3))
    put(writer, PICK(names));
  else
    for (uint32_t left = fuzz_random(6); left > 0; left--)
      put(writer, PICK(pieces));
  put(writer, "\"");
}

static void put_value(struct writer *writer, int depth) {
  static const char *const scalars[] = {"null",
                                        "true",
                                        "false",
                                        "0",
                                        "-0",
                                        "1.5",
                                        "-12e3",
                                        "12345678901234567890",
                                        "9007199254740993",
                                        "1e400",
                                        "-9223372036854775808",
                                        "0.1",
                                        "1E+2",
                                        "[]",
                                        "{}",
                                        "[ ]",
                                        "123456789012345678",
                                        "1e-7",
                                        "NaN",
                                        "-Infinity",
                                        "{\"type\":\"tool_use\",\"input\":{\"a\": 1.0}}"};
  static const char *const spaces[] = {"", "", "", " ", "\n", "\t"};
  uint32_t kind = fuzz_random(depth > 0 ? 6 : 3);
  put(writer, PICK(spaces));
  if (kind == 0) {
    put_string(writer);
  } else if (kind < 3) {
    put(writer, PICK(scalars));
  } else {
    put(writer, kind == 3 ? "[" : "{");
    for (uint32_t count = fuzz_random(4), i = 0; i < count; i++) {
      put(writer, i ? "," : "");
      if (kind != 3) {
        put_string(writer);
        put(writer, ":");
      }
      put_value(writer, depth - 1);
    }
    put(writer, kind == 3 ? "]" : "}");
  }
  put(writer, PICK(spaces));
}

size_t fuzz_generate(uint8_t *input, size_t capacity) {
  struct writer writer = {input, 0, capacity};
  put_value(&writer, 6);
  return writer.size;
}

#endif
