#include "json/scan.h"

#include "util/hex.h"
#include "util/json_text.h"
#include "util/utf8.h"
#include "json/number.h"

#include <stdio.h>

/* What an open container is. */
enum level { OBJECT = 0, ARRAY = 1, FOUND = 2 };

struct scanner {
  const unsigned char *start, *at, *end;
  const unsigned char *copied; /* the text up to here is in the output */
  unsigned options;
  struct buffer *output;
  struct json_scan *result;
  enum json_scan_status status;
  const unsigned char *value; /* the string value being read, or NULL */
  const char *member;         /* the name to look for, or NULL */
  bool found;                 /* the next value is that of such a member */
  size_t depth;               /* open containers */
  unsigned char levels[JSON_MAX_DEPTH];
  const unsigned char *starts[JSON_MAX_DEPTH]; /* of those that were found */
};

static bool fail(struct scanner *scanner, const unsigned char *at, const char *message) {
  scanner->status = JSON_INVALID;
  scanner->result->message = at == scanner->end ? "unexpected end of the text" : message;
  scanner->result->position = (size_t)(at - scanner->start) + 1;
  return false;
}

static bool marks(const struct scanner *scanner) {
  return scanner->options & JSON_MARK;
}

static bool append(struct scanner *scanner, const void *bytes, size_t count) {
  if (buffer_append(scanner->output, bytes, count))
    return true;
  scanner->status = JSON_NO_MEMORY;
  return false;
}

static bool copy_until(struct scanner *scanner, const unsigned char *end) {
  if (!scanner->output) {
    scanner->status = JSON_NEEDS_OUTPUT;
    return false;
  }
  const unsigned char *from = scanner->copied;
  scanner->copied = end;
  scanner->status = JSON_REWRITTEN;
  return append(scanner, from, (size_t)(end - from));
}

/* Puts `count` bytes in the place of [from, to). */
static bool replace(struct scanner *scanner, const unsigned char *from, const unsigned char *to,
                    const char *bytes, size_t count) {
  if (!copy_until(scanner, from))
    return false;
  scanner->copied = to;
  return append(scanner, bytes, count);
}

static void skip_space(struct scanner *scanner) {
  const unsigned char *at = scanner->at;
  while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
    at++;
  scanner->at = at;
}

static bool is_digit(unsigned char byte) {
  return byte >= '0' && byte <= '9';
}

/* Whether the other half of a lone surrogate's escape in [at, after) may be in another text. */
static bool is_cut(const struct scanner *scanner, const unsigned char *at,
                   const unsigned char *after, int unit) {
  return scanner->options & JSON_KEEP_HALVES && scanner->value &&
         (utf8_is_high_surrogate(unit) ? *after == '"' : at == scanner->value);
}

static bool keep_half(struct scanner *scanner, const unsigned char *at, const unsigned char *after,
                      int unit) {
  char bytes[4];
  size_t count = utf8_write(bytes, (uint32_t)unit);
  scanner->result->halves = true;
  return replace(scanner, at, after, bytes, count);
}

/* The scan_ functions below take the position of what they read and return the one after it, or
 * NULL after a failure. */
static const unsigned char *scan_unicode_escape(struct scanner *scanner, const unsigned char *at) {
  const unsigned char *after = at + 6;
  int unit = hex_unit(at + 2);
  if (unit < 0) {
    for (at += 2; hex_digit(*at) >= 0;)
      at++;
    fail(scanner, at, "invalid \\u escape");
    return NULL;
  }
  if (utf8_is_high_surrogate(unit) && after[0] == '\\' && after[1] == 'u' &&
      utf8_is_low_surrogate(hex_unit(after + 2)))
    return after + 6;
  if (!utf8_is_high_surrogate(unit) && !utf8_is_low_surrogate(unit))
    return after;
  if (is_cut(scanner, at, after, unit))
    return keep_half(scanner, at, after, unit) ? after : NULL;
  if (scanner->options & JSON_REPAIR)
    return replace(scanner, at, after, UTF8_REPLACEMENT, 3) ? after : NULL;
  fail(scanner, at, "lone surrogate");
  return NULL;
}

static const unsigned char *scan_escape(struct scanner *scanner, const unsigned char *at) {
  if (json_escaped((char)at[1]))
    return at + 2;
  if (at[1] == 'u')
    return scan_unicode_escape(scanner, at);
  fail(scanner, at + 1, "invalid escape");
  return NULL;
}

static const unsigned char *scan_sequence(struct scanner *scanner, const unsigned char *at) {
  while (*at >= 0x80) {
    size_t length;
    bool valid = utf8_sequence(at, &length);
    if (!valid && !(scanner->options & JSON_REPAIR)) {
      fail(scanner, at, "invalid UTF-8");
      return NULL;
    }
    if (!valid && !replace(scanner, at, at + length, UTF8_REPLACEMENT, 3))
      return NULL;
    at += length;
  }
  return at;
}

/* `at` is after the opening quote. */
static const unsigned char *scan_string(struct scanner *scanner, const unsigned char *at) {
  for (;;) {
    at = utf8_skip_plain(at, scanner->end);
    if (*at == '"')
      return at + 1;
    if (*at == '\\') {
      at = scan_escape(scanner, at);
    } else if (*at >= 0x80) {
      at = scan_sequence(scanner, at);
    } else {
      fail(scanner, at, "control character in a string");
      return NULL;
    }
    if (!at)
      return NULL;
  }
}

static bool mark_number(struct scanner *scanner, const unsigned char *from,
                        const unsigned char *end, const char *mark) {
  scanner->result->pending += !(scanner->options & JSON_INTEGERS); /* else counted already */
  return replace(scanner, from, from, mark, 3) && replace(scanner, end, end, "\"", 1);
}

static bool mark_kind(struct scanner *scanner, const unsigned char *from,
                      const struct json_number *number) {
  switch (number->kind) {
  case JSON_NUMBER_NEGATIVE_ZERO:
    return replace(scanner, number->end, number->end, ".0", 2);
  case JSON_NUMBER_LONG:
    return mark_number(scanner, from, number->end,
                       scanner->options & JSON_INTEGERS ? "\"\xFFi" : "\"\xFFn");
  case JSON_NUMBER_INEXACT:
    return mark_number(scanner, from, number->end, "\"\xFFn");
  default:
    return true;
  }
}

static const unsigned char *scan_number(struct scanner *scanner, const unsigned char *from) {
  struct json_number number = json_number_read(from);
  if (number.kind == JSON_NUMBER_INVALID) {
    fail(scanner, number.end, "invalid number");
    return NULL;
  }
  if (!marks(scanner))
    return number.end;
  scanner->result->pending += !!(scanner->options & JSON_INTEGERS);
  return mark_kind(scanner, from, &number) ? number.end : NULL;
}

/* NaN, Infinity or -Infinity: JSON has none of these words, but many servers write them. */
static const unsigned char *scan_nan(struct scanner *scanner, const unsigned char *from) {
  const char *word = *from == 'N' ? "NaN" : *from == 'I' ? "Infinity" : "-Infinity";
  const unsigned char *end = from + strlen(word);
  if (strncmp((const char *)from, word, strlen(word)) != 0)
    fail(scanner, from, "expected a value");
  else if (!(scanner->options & JSON_NAN_IS_NULL))
    fail(scanner, from, "NaN and infinities are not JSON");
  else if (replace(scanner, from, end, "null", 4)) {
    scanner->result->pending += marks(scanner);
    return end;
  }
  return NULL;
}

static const unsigned char *scan_word(struct scanner *scanner, const unsigned char *at,
                                      const char *word) {
  for (; *word; word++, at++) {
    if (*at != (unsigned char)*word) {
      fail(scanner, at, "invalid value");
      return NULL;
    }
  }
  return at;
}

/* Whether the name in [at, end) is the word, which may be written with escapes. */
static bool is_name(const unsigned char *at, const unsigned char *end, const char *word) {
  for (; *word && at < end; word++) {
    bool escaped = *at == '\\' && at[1] == 'u';
    if (escaped ? hex_unit(at + 2) != *word : *at != (unsigned char)*word)
      return false;
    at += escaped ? 6 : 1;
  }
  return !*word && at == end;
}

/* A member's name and its colon. */
static bool scan_name(struct scanner *scanner) {
  skip_space(scanner);
  const unsigned char *name = scanner->at + 1;
  if (name[-1] != '"')
    return fail(scanner, scanner->at, "expected a name");
  const unsigned char *after = scan_string(scanner, name);
  if (!after)
    return false;
  scanner->found = scanner->member && is_name(name, after - 1, scanner->member);
  scanner->at = after;
  skip_space(scanner);
  if (*scanner->at != ':')
    return fail(scanner, scanner->at, "expected ':'");
  scanner->at++;
  return true;
}

static bool in_array(const struct scanner *scanner) {
  return scanner->depth > 0 && scanner->levels[scanner->depth - 1] & ARRAY;
}

static bool open_container(struct scanner *scanner, bool array) {
  if (scanner->depth == JSON_MAX_DEPTH)
    return fail(scanner, scanner->at, "nested deeper than 1000");
  scanner->levels[scanner->depth] =
      (unsigned char)((array ? ARRAY : OBJECT) | (scanner->found ? FOUND : 0));
  if (scanner->found)
    scanner->starts[scanner->depth] = scanner->at;
  scanner->found = false;
  scanner->depth++;
  scanner->at++;
  skip_space(scanner);
  return true;
}

/* Adds the member with the first and last position of the value that ends here. */
static bool mark_member(struct scanner *scanner, const unsigned char *first) {
  char mark[64];
  int length =
      snprintf(mark, sizeof mark, ",\"\xFF\":\"%zu %zu\"", (size_t)(first - scanner->start) + 1,
               (size_t)(scanner->at - scanner->start));
  scanner->result->pending++;
  scanner->result->found++;
  return replace(scanner, scanner->at, scanner->at, mark, (size_t)length);
}

static bool close_container(struct scanner *scanner) {
  scanner->at++;
  scanner->depth--;
  return !(scanner->levels[scanner->depth] & FOUND) ||
         mark_member(scanner, scanner->starts[scanner->depth]);
}

/* Reads a scalar or an empty container, or opens a container and reads up to its first value. */
static bool start_value(struct scanner *scanner, bool *opened) {
  skip_space(scanner);
  const unsigned char *from = scanner->at;
  *opened = false;
  switch (*from) {
  case '{':
    if (!open_container(scanner, false))
      return false;
    *opened = *scanner->at != '}';
    if (*opened)
      return scan_name(scanner);
    scanner->result->pending += marks(scanner);
    return close_container(scanner);
  case '[':
    if (!open_container(scanner, true))
      return false;
    *opened = *scanner->at != ']';
    if (*opened)
      return true;
    if (marks(scanner)) {
      scanner->result->pending++;
      if (!replace(scanner, from, scanner->at + 1,
                   "\"\xFF"
                   "a\"",
                   4))
        return false;
    }
    return close_container(scanner);
  case '"':
    scanner->value = from + 1;
    scanner->at = scan_string(scanner, from + 1);
    scanner->value = NULL;
    break;
  case 't':
    scanner->at = scan_word(scanner, from, "true");
    break;
  case 'f':
    scanner->at = scan_word(scanner, from, "false");
    break;
  case 'n':
    scanner->result->pending += marks(scanner);
    scanner->at = scan_word(scanner, from, "null");
    break;
  case 'N':
  case 'I':
    scanner->at = scan_nan(scanner, from);
    break;
  default:
    if (*from != '-' && !is_digit(*from))
      return fail(scanner, from, "expected a value");
    scanner->at =
        *from == '-' && from[1] == 'I' ? scan_nan(scanner, from) : scan_number(scanner, from);
  }
  scanner->found = false;
  return scanner->at != NULL;
}

/* After a value: closes containers, up to where the next value starts or the outermost has ended.
 */
static bool end_value(struct scanner *scanner) {
  while (scanner->depth > 0) {
    bool array = in_array(scanner);
    skip_space(scanner);
    if (*scanner->at == ',') {
      scanner->at++;
      return array || scan_name(scanner);
    }
    if (*scanner->at != (array ? ']' : '}'))
      return fail(scanner, scanner->at, array ? "expected ',' or ']'" : "expected ',' or '}'");
    if (!close_container(scanner))
      return false;
  }
  return true;
}

static bool scan_text(struct scanner *scanner) {
  if (scanner->options & JSON_BOUNDED && !scanner->output &&
      json_is_costly((const char *)scanner->start, (size_t)(scanner->end - scanner->start)))
    return fail(scanner, scanner->start, JSON_COSTLY);
  if (scanner->options & JSON_REPAIR &&
      strncmp((const char *)scanner->at, "\xEF\xBB\xBF", 3) == 0) {
    if (!replace(scanner, scanner->at, scanner->at + 3, "", 0))
      return false;
    scanner->at += 3;
  }
  do {
    bool opened;
    if (!start_value(scanner, &opened))
      return false;
    if (!opened && !end_value(scanner))
      return false;
  } while (scanner->depth > 0);
  skip_space(scanner);
  if (scanner->at != scanner->end)
    return fail(scanner, scanner->at, "expected the end of the text");
  return scanner->status == JSON_UNCHANGED || copy_until(scanner, scanner->end);
}

enum json_scan_status json_scan(const char *text, size_t length, unsigned options,
                                const char *member, struct buffer *output,
                                struct json_scan *result) {
  struct scanner scanner;
  scanner.start = scanner.at = scanner.copied = (const unsigned char *)text;
  scanner.end = scanner.start + length;
  scanner.options = options;
  scanner.output = output;
  scanner.result = result;
  scanner.status = JSON_UNCHANGED;
  scanner.value = NULL;
  scanner.member = member;
  scanner.found = false;
  scanner.depth = 0;
  *result = (struct json_scan){0};
  scan_text(&scanner);
  return scanner.status;
}
