/* Keeps a signal from the calling thread for a while: SIGPIPE, as a TLS write to a closed peer must
 * not end the host, and SIGINT while it waits. Threads that are made meanwhile inherit that. No
 * Lua, no curl. */
#ifndef ANTHROPIC_UTIL_HELD_SIGNAL_H
#define ANTHROPIC_UTIL_HELD_SIGNAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Zero-initialise. */
struct held_signal {
  /* private part */
  int number;
  size_t depth;
  sigset_t mask;
  bool was_blocked;
  bool was_pending;
};

/* Blocks the signal, until the signal_release that belongs to the outermost call. */
void signal_hold(struct held_signal *held, int number);

/* Restores the thread's mask. True where the outermost call took away a signal that came
 * meanwhile. One that the host has blocked itself is left to it, unless it is `is_ours`. */
bool signal_release(struct held_signal *held, bool is_ours);

#pragma GCC visibility pop

#endif
