/* A body cut into pieces that end with an empty line, for a relay that sends it on as it comes. The
 * pieces of an event stream hold whole events and comments. Incremental and linear in the bytes. No
 * Lua, no curl. */
#ifndef ANTHROPIC_DECODE_PIECES_H
#define ANTHROPIC_DECODE_PIECES_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Zero-initialise. */
struct pieces {
  /* private part */
  size_t at;      /* how far the present piece has been searched */
  bool in_line;   /* the present line holds something */
  bool after_cr;  /* the byte before was a CR: a LF belongs to it */
  bool is_ended;  /* the CR before ended an empty line */
  bool uses_crlf; /* so far lines end in CR LF */
};

/* The length of the piece that `bytes` begin with; 0 if its end has not come. Pass what follows the
 * piece before; after a 0 pass the same bytes again, and more. */
size_t pieces_next(struct pieces *pieces, const char *bytes, size_t length);

#pragma GCC visibility pop

#endif
