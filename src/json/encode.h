/* Writes JSON's scalars to a buffer, the same bytes for the same value everywhere. No Lua. */
#ifndef ANTHROPIC_JSON_ENCODE_H
#define ANTHROPIC_JSON_ENCODE_H

#include "util/buffer.h"

#include <stdint.h>

#pragma GCC visibility push(hidden)

/* All return false when memory ran out. */

/* Writes a string with its quotes. At invalid UTF-8, writing stops and *invalid becomes the byte's
 * position, from 1; else *invalid becomes 0. With `invalid` NULL each ill-formed part becomes
 * U+FFFD instead. `bytes` must have a NUL at `length`. */
bool json_encode_string(struct buffer *buffer, const char *bytes, size_t length, size_t *invalid);

bool json_encode_integer(struct buffer *buffer, int64_t value);

/* Writes a finite double in the fewest digits (15 to 17) that read back as the same double; without
 * a decimal point if it is whole and no larger than 2^53. */
bool json_encode_double(struct buffer *buffer, double value);

#pragma GCC visibility pop

#endif
