#define _POSIX_C_SOURCE 200809L
#include "port/held_signal.h"

#include <time.h>
#include <unistd.h>

static bool is_pending(int number) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, number) == 1;
}

static sigset_t set_of(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  return set;
}

#if defined(_POSIX_REALTIME_SIGNALS) && _POSIX_REALTIME_SIGNALS > 0 &&                             \
    !defined(WITHOUT_SIGTIMEDWAIT)

/* Takes a pending signal away. False if another thread of the process was quicker. */
static bool take(int number) {
  const struct timespec none = {0, 0};
  sigset_t set = set_of(number);
  return sigtimedwait(&set, NULL, &none) > 0;
}

#else

/* The same. A sigwait could wait for ever here; but an ignored signal is no longer pending, blocked
 * or not. A signal that another thread takes at the same moment counts as taken by both.
 * workaround: macOS and OpenBSD have no wait that ends */
static bool take(int number) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, hosts;
  if (sigaction(number, &ignore, &hosts) != 0)
    return false;
  sigaction(number, &hosts, NULL);
  return true;
}

#endif

static const int numbers[] = {[PORT_BROKEN_PIPE] = SIGPIPE, [PORT_INTERRUPT] = SIGINT};

void signal_hold(struct held_signal *held, enum port_signal signal) {
  if (held->depth++ > 0)
    return;
  held->number = numbers[signal];
  sigset_t set = set_of(held->number);
  pthread_sigmask(SIG_BLOCK, &set, &held->mask);
  held->was_blocked = sigismember(&held->mask, held->number) == 1;
  held->was_pending = held->was_blocked && is_pending(held->number);
}

bool signal_release(struct held_signal *held, bool is_ours) {
  if (--held->depth > 0)
    return false;
  bool takes = !held->was_pending && (is_ours || !held->was_blocked) && is_pending(held->number);
  if (takes)
    takes = take(held->number);
  pthread_sigmask(SIG_SETMASK, &held->mask, NULL);
  return takes;
}
