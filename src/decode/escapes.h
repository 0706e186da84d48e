/* Text with its escapes decoded, and each byte's place in the original text: to find a word however
 * it is spelled. No Lua, no curl.
 *
 * The escapes are those of JSON and other languages (`\u0038`, `\x38`, `\/`), of URLs (`%38`) and
 * of HTML (`&#56;`, `&amp;`). Invisible characters, such as controls and marks of direction, are
 * left out. It decodes more than any one reader would: the result is for searching only. */
#ifndef ANTHROPIC_DECODE_ESCAPES_H
#define ANTHROPIC_DECODE_ESCAPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { ESCAPES_ROUNDS = 4 }; /* how often to decode, for escapes of escapes */

/* The caller owns the arrays, which have room for `length` entries, and `bytes` for a NUL more. */
struct escapes {
  unsigned char *bytes;
  uint32_t *first, *last; /* of each byte: where its original text begins and ends */
  size_t length;
};

/* Takes `length` bytes in, each standing for itself. */
void escapes_begin(struct escapes *text, const char *bytes, size_t length);

/* Decodes each escape once, in place and in linear time. False if it has no escapes. */
bool escapes_decode(struct escapes *text);

#pragma GCC visibility pop

#endif
