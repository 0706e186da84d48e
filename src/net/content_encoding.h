/* What a response's Content-Encoding names: gateways write character sets and other words there. No
 * Lua, no curl. */
#ifndef ANTHROPIC_NET_CONTENT_ENCODING_H
#define ANTHROPIC_NET_CONTENT_ENCODING_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

enum content_encoding {
  ENCODING_KNOWN = 1,  /* an encoding, whether libcurl can undo it or not */
  ENCODING_UNKNOWN = 2 /* not an encoding */
};

/* Which of these a line of the headers names, added up; 0 for any other line, and for `identity`.
 */
unsigned content_encoding_read(const char *line, size_t length);

#pragma GCC visibility pop

#endif
