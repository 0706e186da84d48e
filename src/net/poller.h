/* Readiness of many sockets and one timer behind one interface: epoll with a timerfd on Linux,
 * kqueue on BSD and macOS (both one pollable descriptor), poll(2) elsewhere. No Lua, no curl. */
#ifndef ANTHROPIC_NET_POLLER_H
#define ANTHROPIC_NET_POLLER_H

#include "port/socket.h"

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

#if !defined(POLLER_EPOLL) && !defined(POLLER_KQUEUE) && !defined(POLLER_POLL)
#if defined(__linux__)
#define POLLER_EPOLL
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__)
#define POLLER_KQUEUE
#else
#define POLLER_POLL
#endif
#endif

struct poller;

struct poller_event {
  port_socket socket;
  bool readable;
  bool writable;
  bool failed;
};

enum { POLLER_BATCH = 64 }; /* the most sockets that one wait reports */

struct poller_batch {
  struct poller_event events[POLLER_BATCH];
  size_t count;
  bool has_more; /* other sockets may be ready, too */
};

/* NULL when memory or descriptors ran out. The caller frees it with poller_free. */
struct poller *poller_new(void);

/* Closes the descriptors, but no other file that has got the number of one. Safe in a forked child:
 * the parent's registrations stay as they are. */
void poller_free(struct poller *poller);

/* The descriptor that is readable while a watched socket is ready or the timer has run out; -1
 * if none exists. Owned by the poller. */
int poller_fd(const struct poller *poller);

/* Watches a socket for what is asked; if neither is, ends the watch. False and errno when the
 * system refused. */
bool poller_watch(struct poller *poller, port_socket socket, bool readable, bool writable);

/* Makes the descriptor readable after `milliseconds`, until poller_wait; negative: not at all. */
void poller_set_timer(struct poller *poller, long milliseconds);

/* Waits up to `milliseconds` (negative: for ever) and stores the ready sockets; there may be none
 * when the timer ran out or a signal came. */
void poller_wait(struct poller *poller, long milliseconds, struct poller_batch *batch);

#pragma GCC visibility pop

#endif
