#include "json/encode.h"

#include "util/json_text.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `byte` is a quote, a backslash or a control character. */
static bool append_escape(struct buffer *buffer, unsigned char byte) {
  static const char letters[] = "\0\0\0\0\0\0\0\0btn\0fr"; /* 0x00 to 0x0D */
  static const char digits[] = "0123456789abcdef";
  if (byte >= 0x20)
    return buffer_append(buffer, (const char[]){'\\', (char)byte}, 2);
  if (byte < sizeof letters - 1 && letters[byte])
    return buffer_append(buffer, (const char[]){'\\', letters[byte]}, 2);
  return buffer_append(buffer, "\\u00", 4) &&
         buffer_append(buffer, (const char[]){digits[byte >> 4], digits[byte & 15]}, 2);
}

/* Most strings are names and words in which nothing is escaped. */
static bool append_plain(struct buffer *buffer, const char *bytes, size_t length) {
  char *quoted = length > SIZE_MAX - 2 ? NULL : buffer_extend(buffer, length + 2);
  if (!quoted)
    return false;
  quoted[0] = '"';
  memcpy(quoted + 1, bytes, length);
  quoted[length + 1] = '"';
  return true;
}

bool json_encode_string(struct buffer *buffer, const char *bytes, size_t length, size_t *invalid) {
  const unsigned char *start = (const unsigned char *)bytes, *end = start + length;
  const unsigned char *at = utf8_skip_plain(start, end), *copied = start;
  if (invalid)
    *invalid = 0;
  if (at == end)
    return append_plain(buffer, bytes, length);
  if (!buffer_append(buffer, "\"", 1))
    return false;
  while ((at = utf8_skip_plain(at, end)) < end) {
    if (*at < 0x80) {
      if (!buffer_append(buffer, copied, (size_t)(at - copied)) || !append_escape(buffer, *at))
        return false;
      copied = ++at;
      continue;
    }
    size_t sequence;
    bool valid = utf8_sequence(at, &sequence);
    if (!valid && invalid) {
      *invalid = (size_t)(at - start) + 1;
      return true;
    }
    if (!valid) {
      if (!buffer_append(buffer, copied, (size_t)(at - copied)) ||
          !buffer_append(buffer, UTF8_REPLACEMENT, 3))
        return false;
      copied = at + sequence;
    }
    at += sequence;
  }
  return buffer_append(buffer, copied, (size_t)(end - copied)) && buffer_append(buffer, "\"", 1);
}

bool json_encode_integer(struct buffer *buffer, int64_t value) {
  char digits[24];
  int length = snprintf(digits, sizeof digits, "%" PRId64, value);
  return buffer_append(buffer, digits, (size_t)length);
}

/* A locale's decimal point, of one or more bytes, becomes a point. Returns the new length. */
static size_t normalise_point(char *digits) {
  size_t length = 0;
  for (const char *at = digits; *at; at++) {
    if (strchr("0123456789+-e", *at))
      digits[length++] = *at;
    else if (length == 0 || digits[length - 1] != '.')
      digits[length++] = '.';
  }
  return length;
}

bool json_encode_double(struct buffer *buffer, double value) {
  if (value == 0 && signbit(value))
    return buffer_append(buffer, "-0.0", 4);
  if (json_is_whole(value))
    return json_encode_integer(buffer, (int64_t)value);
  char digits[40];
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, value);
    if (strtod(digits, NULL) == value)
      break;
  }
  return buffer_append(buffer, digits, normalise_point(digits));
}
