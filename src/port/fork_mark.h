/* A mark that tells a forked child from the process that made it. No Lua, no curl.
 *
 * If the system can empty a page in a child, checking the mark needs no system call. */
#ifndef ANTHROPIC_PORT_FORK_MARK_H
#define ANTHROPIC_PORT_FORK_MARK_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

/* Zero-initialise. */
struct fork_mark {
  /* private part */
  long owner;
  volatile unsigned char *page; /* NULL: the system has no such page, `owner` decides */
};

/* Makes the mark the calling process's. The owner frees it with fork_mark_free. */
void fork_mark_set(struct fork_mark *mark);

/* Whether another process has set the mark. */
bool fork_mark_is_foreign(const struct fork_mark *mark);

void fork_mark_free(struct fork_mark *mark);

#pragma GCC visibility pop

#endif
