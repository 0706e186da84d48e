/* Lines cut from a buffer in place, incremental and linear in the bytes whatever the chunking. No
 * Lua, no curl.
 *
 * The caller appends bytes to a `struct buffer` and asks for lines, which end in LF or CR LF. What
 * follows the last LF stays in the buffer. */
#ifndef ANTHROPIC_DECODE_LINES_H
#define ANTHROPIC_DECODE_LINES_H

#include "util/buffer.h"

#pragma GCC visibility push(hidden)

enum lines_result {
  LINES_LINE,     /* a line was cut */
  LINES_MORE,     /* no whole line in the buffer */
  LINES_TOO_LARGE /* a line above the limit; stays so */
};

/* Zero-initialise, then set `max_line_bytes`. Offsets are from the front of the buffer. */
struct lines {
  size_t max_line_bytes; /* without the line's end */
  /* private part */
  size_t consumed; /* the line handed out last, dropped at the next call */
  size_t searched; /* there is no LF before this offset */
  bool too_large;
};

/* Cuts the next line from `buffer`; `*line` is valid until the next call of any function of this
 * file or of the buffer. Always called with the same buffer. */
enum lines_result lines_next(struct lines *lines, struct buffer *buffer, const char **line,
                             size_t *length);

#pragma GCC visibility pop

#endif
