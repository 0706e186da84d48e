/* Text as it reads once its escapes are decoded, with the place of each byte in the text as it
 * came: to find a word in whatever spelling. No Lua, no curl.
 *
 * The escapes are those of JSON and other languages (`\u0038`, `\x38`, `\/`), of URLs (`%38`) and
 * of HTML (`&#56;`, `&amp;`). Characters that nobody sees, such as controls and marks of direction,
 * are left out. It decodes more than any one reader would: what it says is for looking only. */
#ifndef ANTHROPIC_DECODE_ESCAPES_H
#define ANTHROPIC_DECODE_ESCAPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { ESCAPES_ROUNDS = 4 }; /* that are worth decoding: escapes of escapes */

/* The arrays are the caller's, with room for `length` entries, `bytes` for a NUL more. */
struct escapes {
  unsigned char *bytes;
  uint32_t *first, *last; /* of each byte: where what it stands for begins and ends */
  size_t length;
};

/* Takes `length` bytes in, each standing for itself. */
void escapes_begin(struct escapes *text, const char *bytes, size_t length);

/* Decodes each escape once, in place and in linear time. False if it has no escapes. */
bool escapes_decode(struct escapes *text);

#pragma GCC visibility pop

#endif
