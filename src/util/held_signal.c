#define _POSIX_C_SOURCE 200809L
#include "util/held_signal.h"

#include <time.h>
#include <unistd.h>

static bool is_pending(int number) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, number) == 1;
}

/* Takes a signal that is pending away. False where another thread of the process was quicker. */
static bool take(const sigset_t *set) {
#if defined(_POSIX_REALTIME_SIGNALS) && _POSIX_REALTIME_SIGNALS > 0
  const struct timespec none = {0, 0};
  return sigtimedwait(set, NULL, &none) > 0;
#else /* workaround: macOS and OpenBSD have no wait that ends */
  int received;
  return sigwait(set, &received) == 0;
#endif
}

static sigset_t set_of(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  return set;
}

void signal_hold(struct held_signal *held, int number) {
  if (held->depth++ > 0)
    return;
  sigset_t set = set_of(number);
  held->number = number;
  pthread_sigmask(SIG_BLOCK, &set, &held->mask);
  held->was_blocked = sigismember(&held->mask, number) == 1;
  held->was_pending = held->was_blocked && is_pending(number);
}

bool signal_release(struct held_signal *held, bool is_ours) {
  if (--held->depth > 0)
    return false;
  bool takes = !held->was_pending && (is_ours || !held->was_blocked) && is_pending(held->number);
  if (takes) {
    sigset_t set = set_of(held->number);
    takes = take(&set);
  }
  pthread_sigmask(SIG_SETMASK, &held->mask, NULL);
  return takes;
}
