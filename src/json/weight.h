/* How much memory the values of a JSON text will take in Lua, known before they are made: a few
 * bytes of text, such as `[],`, may stand for a hundred bytes of memory. No Lua. */
#ifndef ANTHROPIC_JSON_WEIGHT_H
#define ANTHROPIC_JSON_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { JSON_MAX_DEPTH = 1000 }; /* deeper text is refused */

#define JSON_COSTLY "the values would take too much memory"

/* In bytes, about as many as the Lua version that needs most. What a structure costs beside its
 * content: */
enum {
  WEIGHT_TABLE = 64,
  WEIGHT_ELEMENT = 32, /* of an array */
  WEIGHT_MEMBER = 48,  /* of an object, without its name */
  WEIGHT_STRING = 56,
  WEIGHT_NULLS = 200, /* an object with null members */
  WEIGHT_NULL = 64,
  WEIGHT_DIGITS = 160, /* of a number that Lua's numbers do not hold */
  WEIGHT_INPUT = 160   /* a member `input`, whose text is kept */
};

/* The most that the values of a text of `length` bytes may cost. A reader that gets its text in
 * pieces passes the number of bytes so far. */
uint64_t json_weight_limit(size_t length);

/* What the values of a text cost; the text need not be valid. Linear in its length. */
uint64_t json_weight(const char *text, size_t length);

/* Whether the values of a text from the network cost more than the limit. Fast for short text. */
bool json_is_costly(const char *text, size_t length);

#pragma GCC visibility pop

#endif
