/* The lines of a response's headers as libcurl passes them, bounded: the final response's are kept;
 * those of interim (1xx) responses and trailers are only counted. No Lua, no curl. */
#ifndef ANTHROPIC_NET_HEAD_H
#define ANTHROPIC_NET_HEAD_H

#include "util/buffer.h"

#pragma GCC visibility push(hidden)

/* Zero-initialise; the owner frees `lines`. */
struct head {
  struct buffer lines; /* of the response that came last, status line included */
  unsigned encoding;   /* of the content that it announces: enum content_encoding, added up */

  /* private part */
  size_t others; /* bytes of other responses' and of trailers */
};

enum head_result {
  HEAD_TAKEN,
  HEAD_ENDED,     /* with this line */
  HEAD_NO_STATUS, /* a status line without a status of three digits */
  HEAD_TOO_LARGE,
  HEAD_NO_MEMORY
};

/* Takes the next line; a status line begins anew. */
enum head_result head_take(struct head *head, const char *line, size_t length);

/* Takes a line that comes after the final response's headers. */
enum head_result head_take_trailer(struct head *head, size_t length);

#pragma GCC visibility pop

#endif
