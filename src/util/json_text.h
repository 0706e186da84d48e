/* What all readers and writers of JSON text agree on: the letters of escapes, and which numbers are
 * integers. No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_JSON_TEXT_H
#define ANTHROPIC_UTIL_JSON_TEXT_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#define JSON_LARGEST_EXACT (INT64_C(1) << 53) /* up to here a double holds every integer */

/* The byte that a backslash and `letter` stand for, or 0. */
static inline char json_escaped(char letter) {
  switch (letter) {
  case '"':
  case '\\':
  case '/':
    return letter;
  case 'b':
    return '\b';
  case 'f':
    return '\f';
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  default:
    return '\0';
  }
}

/* Whether a number is whole, and no other number has become it by rounding. */
static inline bool json_is_whole(double number) {
  return fabs(number) <= (double)JSON_LARGEST_EXACT && floor(number) == number;
}

/* The same for an integer: a negative zero is not one. */
static inline bool json_is_integer(double number) {
  return json_is_whole(number) && !(number == 0 && signbit(number));
}

#endif
