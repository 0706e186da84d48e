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

/* Skips `form`, whole tokens, and the space between and after them, which is rare.
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

/* Reads at most MOST_INDEX_DIGITS digits; what the caller skips next refuses a further one. */
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

/* Reads the escape after a backslash: returns its length (0: invalid), stores its code point.
 * Reads no further than the first byte that cannot belong to it. */
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

/* Returns the quote that ends a string whose first byte is at `at`, or NULL: no quote comes, an
 * escape or the UTF-8 is wrong, or a control character stands in it. The byte before `end` must be
 * a brace, so that no escape and no sequence of UTF-8 is read beyond it. */
static inline const char *find_quote(const char *at, const char *end, bool *is_escaped) {
  *is_escaped = false;
  for (;;) {
    size_t length;
    long code;
    at = (const char *)utf8_skip_plain((const unsigned char *)at, (const unsigned char *)end);
    if (at >= end)
      return NULL;
    if (*at == '"')
      return at;
    if (*at == '\\') {
      length = read_escape(at + 1, &code);
      if (length == 0)
        return NULL;
      *is_escaped = true;
      length++;
    } else if ((unsigned char)*at < 0x20 || !utf8_sequence((const unsigned char *)at, &length)) {
      return NULL;
    }
    at += length;
  }
}

/* Unescapes a checked string in place: an escape is never shorter than what it stands for. */
static size_t unescape(char *text, size_t length) {
  const char *at = text, *end = text + length;
  char *to = text;
  for (;;) {
    const char *backslash = memchr(at, '\\', (size_t)(end - at));
    size_t plain = (size_t)((backslash ? backslash : end) - at);
    memmove(to, at, plain);
    to += plain;
    if (!backslash)
      return (size_t)(to - text);
    long code;
    at = backslash + 1;
    at += read_escape(at, &code);
    to += utf8_write(to, (uint32_t)code);
  }
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
  const char *end = json + length;
  bool is_escaped;
  if (length == 0 || *json != '"' || end[-1] != '}')
    return false;
  char *text = json + 1;
  const char *quote = find_quote(text, end, &is_escaped);
  if (!quote)
    return false;
  struct cursor rest = {quote + 1, end}, *cursor = &rest;
  if (!SKIP("}}") || cursor->at != end)
    return false;
  size_t size = (size_t)(quote - text);
  delta->text = text;
  delta->length = is_escaped ? unescape(text, size) : size;
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
