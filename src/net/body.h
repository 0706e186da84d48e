/* Where the bytes of an answer's body go: to a sink, or into one bounded buffer, and into a
 * recording as well. No Lua, no curl.
 *
 * While a body is read piece by piece, the buffer is full when it holds a window's worth, until its
 * reader asks for more. When it is wanted as a whole, it takes up to `max_bytes`. */
#ifndef ANTHROPIC_NET_BODY_H
#define ANTHROPIC_NET_BODY_H

#include "net/recording.h"
#include "util/buffer.h"

#include <stdint.h>

#pragma GCC visibility push(hidden)

struct sink;

/* Zero-initialise, set the limits, and body_demand it; body_free ends it. */
struct body {
  struct buffer bytes; /* that wait to be read */
  size_t max_bytes;
  size_t max_sink_bytes; /* where no length is announced */
  struct sink *sink;     /* the caller's, takes all bytes; NULL: none */
  const char *problem;   /* of the sink */
  bool is_announced;     /* its length was, and no more than that comes */
  bool is_encoded;       /* what comes was unpacked: of one read from the wire it may be much */
  bool is_recorded;
  struct recording recording;

  bool is_whole;  /* wanted so; set by body_collect */
  size_t allowed; /* bytes that may wait before it is full; set by body_demand */

  /* private part */
  int64_t taken; /* from the wire, when fewer than `allowed` waited */
};

enum body_result {
  BODY_TAKEN,
  BODY_TOO_LARGE, /* the buffer holds its beginning */
  BODY_LARGE_DOWNLOAD,
  BODY_NO_MEMORY,
  BODY_NOT_WRITTEN /* `problem` says why */
};

/* Whether it takes more now; else its transfer is paused. `taken`: bytes of it that came from the
 * wire so far, where it is encoded. */
bool body_has_room(struct body *body, int64_t taken);

/* Takes bytes that came `seconds` after the start. */
enum body_result body_write(struct body *body, double seconds, const char *bytes, size_t length);

/* Its reader has used up what it can: there is room for another window's worth. */
void body_demand(struct body *body);

/* It is wanted as a whole. False where more has come than it may hold: the rest is cut off. */
bool body_collect(struct body *body);

/* See buffer_lend. */
void body_lend(struct body *body);
void body_take_back(struct body *body);

void body_free(struct body *body);

#pragma GCC visibility pop

#endif
