#define _POSIX_C_SOURCE 200809L
#include "net/sigpipe.h"

static bool is_sigpipe_pending(void) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGPIPE) == 1;
}

void sigpipe_block(struct sigpipe_guard *guard) {
  sigset_t sigpipe;
  if (guard->depth++ > 0)
    return;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, &guard->mask);
  guard->was_pending = sigismember(&guard->mask, SIGPIPE) == 1 && is_sigpipe_pending();
}

void sigpipe_restore(struct sigpipe_guard *guard) {
  if (--guard->depth > 0)
    return;
  if (!guard->was_pending && is_sigpipe_pending()) {
    sigset_t sigpipe;
    int received;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    sigwait(&sigpipe, &received);
  }
  pthread_sigmask(SIG_SETMASK, &guard->mask, NULL);
}
