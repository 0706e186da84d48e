#define _POSIX_C_SOURCE 200809L
#include "net/poller.h"

#ifdef POLLER_EPOLL

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct poller {
  int epoll;
  int timer;
};

static void close_both(struct poller *poller) {
  if (poller->epoll >= 0)
    close(poller->epoll);
  if (poller->timer >= 0)
    close(poller->timer);
}

/* A host that became a daemon may have closed them, and opened others that got their numbers. */
static bool has_own(const struct poller *poller) {
  struct itimerspec left;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = poller->timer};
  if (timerfd_gettime(poller->timer, &left) != 0)
    return false;
  if (epoll_ctl(poller->epoll, EPOLL_CTL_ADD, poller->timer, &event) != 0)
    return errno == EEXIST;
  epoll_ctl(poller->epoll, EPOLL_CTL_DEL, poller->timer, &event);
  return false;
}

struct poller *poller_new(void) {
  struct poller *poller = malloc(sizeof *poller);
  if (!poller)
    return NULL;
  poller->epoll = epoll_create1(EPOLL_CLOEXEC);
  poller->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = poller->timer};
  if (poller->epoll < 0 || poller->timer < 0 ||
      epoll_ctl(poller->epoll, EPOLL_CTL_ADD, poller->timer, &event) != 0) {
    close_both(poller);
    free(poller);
    return NULL;
  }
  return poller;
}

void poller_free(struct poller *poller) {
  if (!poller)
    return;
  if (has_own(poller))
    close_both(poller);
  free(poller);
}

int poller_fd(const struct poller *poller) {
  return poller->epoll;
}

bool poller_watch(struct poller *poller, port_socket socket, bool readable, bool writable) {
  struct epoll_event event = {.data.fd = socket};
  event.events = (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0);
  if (!event.events)
    return epoll_ctl(poller->epoll, EPOLL_CTL_DEL, socket, &event) == 0 || errno == ENOENT ||
           errno == EBADF;
  if (epoll_ctl(poller->epoll, EPOLL_CTL_MOD, socket, &event) == 0)
    return true;
  return errno == ENOENT && epoll_ctl(poller->epoll, EPOLL_CTL_ADD, socket, &event) == 0;
}

void poller_set_timer(struct poller *poller, long milliseconds) {
  struct itimerspec when = {{0, 0}, {0, 0}};
  if (milliseconds >= 0) {
    when.it_value.tv_sec = milliseconds / 1000;
    when.it_value.tv_nsec = milliseconds % 1000 * 1000000;
  }
  if (milliseconds == 0)
    when.it_value.tv_nsec = 1; /* all zero would disarm it */
  timerfd_settime(poller->timer, 0, &when, NULL);
}

static void silence_timer(struct poller *poller) {
  uint64_t expirations;
  while (read(poller->timer, &expirations, sizeof expirations) < 0 && errno == EINTR)
    ;
}

void poller_wait(struct poller *poller, long milliseconds, struct poller_batch *batch) {
  struct epoll_event ready[POLLER_BATCH];
  int timeout = milliseconds < 0 ? -1 : milliseconds > INT_MAX ? INT_MAX : (int)milliseconds;
  int count = epoll_wait(poller->epoll, ready, POLLER_BATCH, timeout);
  batch->count = 0;
  batch->has_more = count == POLLER_BATCH;
  for (int i = 0; i < count; i++) {
    if (ready[i].data.fd == poller->timer) {
      silence_timer(poller);
      continue;
    }
    batch->events[batch->count++] = (struct poller_event){
        .socket = ready[i].data.fd,
        .readable = ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP),
        .writable = ready[i].events & EPOLLOUT,
        .failed = ready[i].events & EPOLLERR,
    };
  }
}

#endif
