/* Base64 (RFC 4648, section 4) with padding, on one line. No Lua. */
#ifndef ANTHROPIC_UTIL_BASE64_H
#define ANTHROPIC_UTIL_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* How long the text of `count` bytes is. False where that is more than a size_t holds. */
bool base64_length(size_t count, size_t *length);

/* Writes all of it to `text`, without a NUL. Pieces of a whole number of three bytes can be written
 * one after the other. */
void base64_encode(char *text, const void *bytes, size_t count);

/* Decodes `count` characters to `bytes`, which has room for three of every four and may be where
 * the text is; *length is how many bytes there are. The padding may be missing; bits behind the
 * last byte are ignored. False where it is no base64. */
bool base64_decode(void *bytes, const char *text, size_t count, size_t *length);

#pragma GCC visibility pop

#endif
