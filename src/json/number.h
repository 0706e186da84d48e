/* Numbers of JSON text: their grammar, and which of them a double does not hold. No Lua. */
#ifndef ANTHROPIC_JSON_NUMBER_H
#define ANTHROPIC_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum json_number_kind {
  JSON_NUMBER_INVALID,
  JSON_NUMBER_PLAIN,
  JSON_NUMBER_NEGATIVE_ZERO, /* "-0": no integer has this value */
  JSON_NUMBER_LONG,          /* an integer beyond 2^53 that fits 64 bits */
  JSON_NUMBER_INEXACT        /* a double cannot hold it, or perhaps cannot */
};

struct json_number {
  enum json_number_kind kind;
  const unsigned char *end; /* the byte after the number; if it is invalid, the wrong byte */
};

/* Reads the number that starts at `from`, in text that ends in NUL. */
struct json_number json_number_read(const unsigned char *from);

/* Reads an integer: one or more digits, with or without a minus before them. False if another
 * character is among them, if 64 bits cannot hold it, and for a negative zero. */
bool json_number_read_integer(const char *digits, size_t length, int64_t *value);

#pragma GCC visibility pop

#endif
