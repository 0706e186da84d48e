/* Base64 (RFC 4648, section 4) with padding, on one line. No Lua. */
#ifndef ANTHROPIC_UTIL_BASE64_H
#define ANTHROPIC_UTIL_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Stores the length of the text of `count` bytes. False if a size_t cannot hold it. */
bool base64_length(size_t count, size_t *length);

/* Writes the whole text to `text`, without a NUL. Text may be made piece by piece if each piece but
 * the last has a multiple of three bytes. */
void base64_encode(char *text, const void *bytes, size_t count);

/* Decodes `count` characters to `bytes`, which has room for three bytes per four characters and may
 * be where the text is; *length is the number of bytes. The padding may be missing; bits after the
 * last byte are ignored. False if the text is not base64. */
bool base64_decode(void *bytes, const char *text, size_t count, size_t *length);

#pragma GCC visibility pop

#endif
