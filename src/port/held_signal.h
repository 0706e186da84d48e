/* Keeps a signal from the calling thread for a while: SIGPIPE, as a TLS write to a closed peer must
 * not end the host, and SIGINT while it waits. Threads made meanwhile inherit the mask. On a
 * system without signals nothing is held, and none comes. */
#ifndef ANTHROPIC_PORT_HELD_SIGNAL_H
#define ANTHROPIC_PORT_HELD_SIGNAL_H

#include <stdbool.h>
#include <stddef.h>

#ifdef _WIN32
typedef char port_signals;
#else
#include <signal.h>
typedef sigset_t port_signals;
#endif

#pragma GCC visibility push(hidden)

enum port_signal { PORT_BROKEN_PIPE, PORT_INTERRUPT };

/* Zero-initialise. */
struct held_signal {
  /* private part */
  int number;
  size_t depth;
  port_signals mask;
  bool was_blocked;
  bool was_pending;
};

/* Blocks the signal, until the signal_release that belongs to the outermost call. */
void signal_hold(struct held_signal *held, enum port_signal signal);

/* Restores the thread's mask. True if the outermost call took away a signal that came meanwhile. A
 * signal that the host itself has blocked stays pending for it, unless `is_ours`. */
bool signal_release(struct held_signal *held, bool is_ours);

#pragma GCC visibility pop

#endif
