/* As much of BSD's kqueue as the core uses, on Linux, so that poller_kqueue.c can be run there: see
 * kqueue.c. */
#ifndef SPEC_SYS_EVENT_H
#define SPEC_SYS_EVENT_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { EVFILT_READ = -1, EVFILT_WRITE = -2, EVFILT_TIMER = -7 };
enum { EV_ADD = 0x1, EV_DELETE = 0x2, EV_ONESHOT = 0x10, EV_ERROR = 0x4000, EV_EOF = 0x8000 };

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned fflags;
  intptr_t data;
  void *udata;
};

#define EV_SET(event, a, b, c, d, e, f)                                                            \
  (*(event) = (struct kevent){(a), (short)(b), (unsigned short)(c), (d), (e), (f)})

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout);

/* What belongs to a queue goes with it. */
int kqueue_close(int queue);
#define close(descriptor) kqueue_close(descriptor)

#endif
