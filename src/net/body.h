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

/* Zero-initialise, set the limits and call body_demand; body_free ends it. */
struct body {
  struct buffer bytes; /* that wait to be read */
  size_t max_bytes;
  size_t max_sink_bytes; /* if no length is announced */
  struct sink *sink;     /* the caller's, takes all bytes; NULL: none */
  const char *problem;   /* of the sink */
  bool is_announced;     /* its length is announced, and no more comes */
  bool is_encoded;       /* what comes was unpacked: one read from the wire may bring much */
  bool is_recorded;
  struct recording recording;

  bool is_whole;  /* wanted as a whole; set by body_collect */
  size_t allowed; /* bytes that may wait before it is full; set by body_demand */

  /* private part */
  int64_t taken; /* from the wire, when last fewer than `allowed` waited */
};

enum body_result {
  BODY_TAKEN,
  BODY_TOO_LARGE, /* the buffer holds its beginning */
  BODY_LARGE_DOWNLOAD,
  BODY_NO_MEMORY,
  BODY_NOT_WRITTEN /* `problem` says why */
};

/* Whether the body takes more now; if not, its transfer has to pause. `taken`: bytes of an encoded
 * body that came from the wire so far. */
bool body_has_room(struct body *body, int64_t taken);

/* Takes bytes that came `seconds` after the start. */
enum body_result body_write(struct body *body, double seconds, const char *bytes, size_t length);

/* Call when the reader has used up what it can: makes room for another window's worth. */
void body_demand(struct body *body);

/* Call when the body is wanted as a whole. False if more has come than it may hold: the rest is cut
 * off. */
bool body_collect(struct body *body);

/* See buffer_lend. */
void body_lend(struct body *body);
void body_take_back(struct body *body);

void body_free(struct body *body);

#pragma GCC visibility pop

#endif
