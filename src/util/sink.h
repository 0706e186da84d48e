/* A file that is written under a temporary name beside its own and takes its place only when it is
 * complete. No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_SINK_H
#define ANTHROPIC_UTIL_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

struct sink {
  char *path; /* NULL: closed */
  int64_t length;

  /* private part */
  char *temporary;
  int descriptor;
  long owner; /* a forked child does not remove its parent's file */
};

/* Functions that return words return NULL on success. The words are never to be freed. */

/* Makes the temporary file. The path is that of now, whatever the current directory becomes. The
 * sink was zeroed; on success the caller ends it with sink_commit or sink_discard. */
const char *sink_open(struct sink *sink, const char *path);

/* Begins anew with an empty file. */
const char *sink_restart(struct sink *sink);

/* Appends `count` bytes. If that fails, `length` counts those of them that were written. */
const char *sink_write(struct sink *sink, const void *bytes, size_t count);

/* Puts the file in its place and closes the sink, also on failure: then only the file that was at
 * the path before is left. */
const char *sink_commit(struct sink *sink);

/* Removes the temporary file. A closed sink is fine. */
void sink_discard(struct sink *sink);

#pragma GCC visibility pop

#endif
