#include "net/poller.h"

#ifdef POLLER_KQUEUE

#include "port/self.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
/* after sys/types.h */
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

enum { TIMER_IDENT = 1 };

struct poller {
  int queue;
  long owner;
};

struct poller *poller_new(void) {
  struct poller *poller = malloc(sizeof *poller);
  if (!poller)
    return NULL;
  poller->queue = kqueue();
  if (poller->queue < 0) {
    free(poller);
    return NULL;
  }
  fcntl(poller->queue, F_SETFD, FD_CLOEXEC);
  poller->owner = port_self_id();
  return poller;
}

/* A forked child does not inherit the kqueue; there the number may belong to another file. */
void poller_free(struct poller *poller) {
  if (!poller)
    return;
  if (poller->owner == port_self_id())
    close(poller->queue);
  free(poller);
}

int poller_fd(const struct poller *poller) {
  return poller->queue;
}

static bool change(struct poller *poller, uintptr_t ident, int filter, int flags, long data) {
  struct kevent event;
  EV_SET(&event, ident, filter, flags, 0, data, 0);
  if (kevent(poller->queue, &event, 1, NULL, 0, NULL) == 0)
    return true;
  return (flags & EV_DELETE) && (errno == ENOENT || errno == EBADF);
}

bool poller_watch(struct poller *poller, port_socket socket, bool readable, bool writable) {
  uintptr_t ident = (uintptr_t)socket;
  bool reads = change(poller, ident, EVFILT_READ, readable ? EV_ADD : EV_DELETE, 0);
  bool writes = change(poller, ident, EVFILT_WRITE, writable ? EV_ADD : EV_DELETE, 0);
  return reads && writes;
}

void poller_set_timer(struct poller *poller, long milliseconds) {
  if (milliseconds < 0)
    change(poller, TIMER_IDENT, EVFILT_TIMER, EV_DELETE, 0);
  else
    change(poller, TIMER_IDENT, EVFILT_TIMER, EV_ADD | EV_ONESHOT, milliseconds);
}

void poller_wait(struct poller *poller, long milliseconds, struct poller_batch *batch) {
  struct kevent ready[POLLER_BATCH];
  struct timespec timeout = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  int count =
      kevent(poller->queue, NULL, 0, ready, POLLER_BATCH, milliseconds < 0 ? NULL : &timeout);
  batch->count = 0;
  batch->has_more = count == POLLER_BATCH;
  for (int i = 0; i < count; i++) {
    if (ready[i].filter == EVFILT_TIMER)
      continue;
    batch->events[batch->count++] = (struct poller_event){
        .socket = (int)ready[i].ident,
        .readable = ready[i].filter == EVFILT_READ,
        .writable = ready[i].filter == EVFILT_WRITE,
        .failed = (ready[i].flags & EV_ERROR) != 0,
    };
  }
}

#endif
