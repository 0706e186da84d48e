#include "decode/delta.h"

#include "util/hex.h"
#include "util/json_text.h"
#include "util/utf8.h"

#include <string.h>

enum { MOST_INDEX_DIGITS = 6 };

#define NAMES(type, field)                                                                         \
  { type, field, "\"" type "\",\"" field "\":", sizeof type + sizeof field + 4 }
const struct delta_names delta_names[DELTA_KINDS] = {
    NAMES("text_delta", "text"),
    NAMES("thinking_delta", "thinking"),
    NAMES("input_json_delta", "partial_json"),
};
#undef NAMES

struct cursor {
  const char *at;
  const char *end;
};

/* A string's content: from `text`, `length` bytes, with escapes if `escaped`. */
struct string {
  const char *text;
  size_t length;
  bool escaped;
};

static inline void skip_space(struct cursor *cursor) {
  while (cursor->at < cursor->end &&
         (*cursor->at == ' ' || *cursor->at == '\t' || *cursor->at == '\n' || *cursor->at == '\r'))
    cursor->at++;
}

static bool skip_loosely(struct cursor *cursor, const char *form) {
  struct cursor ahead = *cursor;
  bool in_string = false;
  for (; *form; form++) {
    if (!in_string)
      skip_space(&ahead);
    if (ahead.at == ahead.end || *ahead.at != *form)
      return false;
    in_string ^= *form == '"';
    ahead.at++;
  }
  *cursor = ahead;
  return true;
}

/* Skips `form`, whole tokens, and any space between and after them: nearly always there is none.
 * False leaves the cursor where it was. */
static inline bool skip_form(struct cursor *cursor, const char *form, size_t length) {
  if ((size_t)(cursor->end - cursor->at) >= length && memcmp(cursor->at, form, length) == 0)
    cursor->at += length;
  else if (!skip_loosely(cursor, form))
    return false;
  skip_space(cursor);
  return true;
}
#define SKIP(form) skip_form(cursor, form, sizeof form - 1)

static inline bool is_digit(const struct cursor *cursor) {
  return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

/* Reads up to so many digits; what must follow is none. */
static inline bool read_index(struct cursor *cursor, long *index) {
  const char *first = cursor->at;
  int digits = 0;
  *index = 0;
  for (; digits < MOST_INDEX_DIGITS && is_digit(cursor); cursor->at++, digits++)
    *index = *index * 10 + (*cursor->at - '0');
  return digits > 0 && (digits == 1 || *first != '0');
}

/* The value of four hexadecimal digits, or -1. */
static long read_hex(const char *at) {
  return hex_unit((const unsigned char *)at);
}

/* Reads the escape behind a backslash: its length (0: none that is known), and its code point. It
 * reads no further than a byte that belongs to no escape. */
static size_t read_escape(const char *at, long *code) {
  *code = (unsigned char)json_escaped(*at);
  if (*code)
    return 1;
  if (*at != 'u')
    return 0;
  *code = read_hex(at + 1);
  if (*code < 0 || utf8_is_low_surrogate(*code))
    return 0;
  if (!utf8_is_high_surrogate(*code))
    return 5;
  if (at[5] != '\\' || at[6] != 'u')
    return 0;
  long low = read_hex(at + 7);
  if (!utf8_is_low_surrogate(low))
    return 0;
  *code = (long)utf8_join((uint32_t)*code, (uint32_t)low);
  return 11;
}

/* Checks a string: its UTF-8, its escapes, no control characters. What it stands in ends with a
 * brace: neither a sequence of UTF-8 nor an escape is read past that. */
static inline bool read_string(struct cursor *cursor, struct string *string) {
  if (*cursor->at != '"')
    return false;
  const char *at = cursor->at + 1;
  string->text = at;
  string->escaped = false;
  for (;;) {
    at = (const char *)utf8_skip_plain((const unsigned char *)at,
                                       (const unsigned char *)cursor->end);
    size_t length = 1;
    long code;
    if (at >= cursor->end)
      return false;
    if (*at == '"')
      break;
    if (*at == '\\') {
      length = read_escape(at + 1, &code);
      if (length == 0)
        return false;
      string->escaped = true;
      length++;
    } else if ((unsigned char)*at < 0x20 || !utf8_sequence((const unsigned char *)at, &length)) {
      return false;
    }
    at += length;
  }
  string->length = (size_t)(at - string->text);
  cursor->at = at + 1;
  return true;
}

/* A checked string, unescaped where it stands: what an escape means is never longer than it. */
static size_t unescape(char *text, size_t length) {
  const char *at = text, *end = text + length;
  char *to = text;
  while (at < end) {
    const char *backslash = memchr(at, '\\', (size_t)(end - at));
    size_t plain = (size_t)((backslash ? backslash : end) - at);
    memmove(to, at, plain);
    to += plain;
    at += plain;
    if (!backslash)
      break;
    long code = 0;
    at += 1 + read_escape(at + 1, &code);
    to += utf8_write(to, (uint32_t)code);
  }
  return (size_t)(to - text);
}

static inline bool read_kind(struct cursor *cursor, enum delta_kind *kind) {
  for (int i = 0; i < DELTA_KINDS; i++)
    if (skip_form(cursor, delta_names[i].form, delta_names[i].form_length)) {
      *kind = (enum delta_kind)i;
      return true;
    }
  return false;
}

bool delta_read_text(char *json, size_t length, struct delta *delta) {
  struct cursor beginning = {json, json + length}, *cursor = &beginning;
  struct string string;
  if (length == 0 || json[length - 1] != '}')
    return false;
  if (!read_string(cursor, &string) || !SKIP("}}") || cursor->at != cursor->end)
    return false;
  delta->text = string.text;
  delta->length =
      string.escaped ? unescape(json + (string.text - json), string.length) : string.length;
  return true;
}

bool delta_read(char *json, size_t length, struct delta *delta) {
  struct cursor beginning = {json, json + length}, *cursor = &beginning;
  if (!SKIP("{\"type\":\"content_block_delta\",\"index\":") || !read_index(cursor, &delta->index) ||
      !SKIP(",\"delta\":{\"type\":") || !read_kind(cursor, &delta->kind))
    return false;
  char *text = json + (cursor->at - json);
  return delta_read_text(text, length - (size_t)(text - json), delta);
}
