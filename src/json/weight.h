/* What the values of a JSON text cost as Lua's, told before they are made: a few bytes of text,
 * such as `[],`, may stand for a hundred bytes of memory. No Lua. */
#ifndef ANTHROPIC_JSON_WEIGHT_H
#define ANTHROPIC_JSON_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { JSON_MAX_DEPTH = 1000 }; /* deeper than that nothing is read */

#define JSON_COSTLY "the values would take too much memory"

/* Bytes, about what the Lua that needs most of them takes. What a structure costs beside its
 * content: */
enum {
  WEIGHT_TABLE = 64,
  WEIGHT_ELEMENT = 32, /* of an array */
  WEIGHT_MEMBER = 48,  /* of an object, without its name */
  WEIGHT_STRING = 56,
  WEIGHT_NULLS = 200, /* an object that has some */
  WEIGHT_NULL = 64,
  WEIGHT_DIGITS = 160, /* of a number that Lua's numbers do not hold */
  WEIGHT_INPUT = 160   /* a member `input`, whose text is kept */
};

/* The most that the values of a text of `length` bytes may cost. A reader that gets its text in
 * pieces asks with the bytes so far. */
uint64_t json_weight_limit(size_t length);

/* What the values of a text cost, which need not be valid. Linear. */
uint64_t json_weight(const char *text, size_t length);

/* Whether the values of a text of network data cost more than the limit. Fast where it is short. */
bool json_is_costly(const char *text, size_t length);

#pragma GCC visibility pop

#endif
