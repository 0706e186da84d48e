/* A body as it came, in pieces with their times: for tests only (`anthropic.testing` stores
 * exchanges). No Lua. */
#ifndef ANTHROPIC_NET_RECORDING_H
#define ANTHROPIC_NET_RECORDING_H

#include "util/buffer.h"

#pragma GCC visibility push(hidden)

/* A piece: when it came, in seconds since the start, and where it ends. */
struct recording_piece {
  double seconds;
  size_t end;
};

/* Zero-initialise; recording_free ends it. */
struct recording {
  struct buffer bytes;
  struct buffer pieces; /* of struct recording_piece */
};

/* Adds a piece. False when memory ran out. */
bool recording_add(struct recording *recording, double seconds, const char *bytes, size_t length);

/* How many pieces there are. */
size_t recording_count(const struct recording *recording);

/* The piece at an index. */
struct recording_piece recording_piece(const struct recording *recording, size_t index);

void recording_free(struct recording *recording);

#pragma GCC visibility pop

#endif
