/* A TLS write to a closed peer must not end the host: keeps SIGPIPE from the calling thread. No
 * Lua, no curl. */
#ifndef ANTHROPIC_NET_SIGPIPE_H
#define ANTHROPIC_NET_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Zero-initialise. */
struct sigpipe_guard {
  /* private part */
  size_t depth;
  sigset_t mask;
  bool was_pending;
};

/* Blocks the signal, until the sigpipe_restore that belongs to the outermost call. */
void sigpipe_block(struct sigpipe_guard *guard);

/* Takes away a signal that came meanwhile, and restores the thread's mask. */
void sigpipe_restore(struct sigpipe_guard *guard);

#pragma GCC visibility pop

#endif
