#define _POSIX_C_SOURCE 200809L
#include "util/held_signal.h"

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
    int received;
    sigwait(&set, &received);
  }
  pthread_sigmask(SIG_SETMASK, &held->mask, NULL);
  return takes;
}
