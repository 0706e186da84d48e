/* A request's body as multipart/form-data, sent from files and from the caller's memory without a
 * copy of the whole. No Lua. */
#ifndef ANTHROPIC_NET_MULTIPART_H
#define ANTHROPIC_NET_MULTIPART_H

#include "net/transfer.h"

#pragma GCC visibility push(hidden)

/* One part: the content of the file at `path`, or the `length` bytes at `data` where it is NULL.
 * These two must outlive the transfer, the rest is copied. NULL: no filename, no type. */
struct part {
  const char *name;
  const char *filename;
  const char *content_type;
  const char *path;
  const char *data;
  size_t length;
};

/* Gives the transfer, which has not started, a body with room for `count` parts. The transfer owns
 * it. False when memory ran out. */
bool multipart_begin(struct transfer *transfer, size_t count);

/* Adds the next part. False with transfer->message set: the file cannot be read, or memory ran
 * out. */
bool multipart_add(struct transfer *transfer, const struct part *part);

/* After the last part. */
bool multipart_end(struct transfer *transfer);

/* Closes what is open and frees it, after the easy handle is gone. NULL is fine. */
void multipart_free(struct multipart *multipart);

#pragma GCC visibility pop

#endif
