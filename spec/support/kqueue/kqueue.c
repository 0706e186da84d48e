/* BSD's kqueue over epoll and a timerfd. As there, a socket has a registration for each filter, a
 * timer that fires once is gone with that, and a forked child has no queue of its parent's. */
#define _GNU_SOURCE
#include "sys/event.h"
#undef close

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MAX_DESCRIPTORS = 4096, MAX_READY = 64 };

struct queue {
  int timer; /* descriptor; 0: there is no such queue */
  bool is_armed;
  unsigned char filters[MAX_DESCRIPTORS]; /* of each socket: EPOLLIN, EPOLLOUT */
};

/* By descriptor. Nothing is allocated: specs have allocations fail, and a kernel's are not these.
 */
static struct queue queues[MAX_DESCRIPTORS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void drop(int queue) {
  close(queues[queue].timer);
  memset(&queues[queue], 0, sizeof queues[queue]);
}

static void before_fork(void) {
  pthread_mutex_lock(&lock);
}

static void after_fork(void) {
  pthread_mutex_unlock(&lock);
}

static void in_child(void) {
  for (int i = 0; i < MAX_DESCRIPTORS; i++)
    if (queues[i].timer) {
      drop(i);
      close(i);
    }
  pthread_mutex_unlock(&lock);
}

static void note_forks(void) {
  pthread_atfork(before_fork, after_fork, in_child);
}

int kqueue(void) {
  pthread_once(&once, note_forks);
  int queue = epoll_create1(0);
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = timer};
  if (queue < 0 || timer < 0 || queue >= MAX_DESCRIPTORS ||
      epoll_ctl(queue, EPOLL_CTL_ADD, timer, &event) != 0) {
    int problem = errno;
    close(queue);
    close(timer);
    errno = problem;
    return -1;
  }
  pthread_mutex_lock(&lock);
  queues[queue].timer = timer;
  pthread_mutex_unlock(&lock);
  return queue;
}

int kqueue_close(int queue) {
  pthread_mutex_lock(&lock);
  if (queue >= 0 && queue < MAX_DESCRIPTORS && queues[queue].timer)
    drop(queue);
  pthread_mutex_unlock(&lock);
  return close(queue);
}

static bool fail(int problem) {
  errno = problem;
  return false;
}

static bool set_timer(struct queue *queue, const struct kevent *change) {
  struct itimerspec when = {{0, 0}, {0, 0}};
  if (change->flags & EV_DELETE) {
    if (!queue->is_armed)
      return fail(ENOENT);
  } else {
    if (change->data < 0)
      return fail(EINVAL);
    when.it_value.tv_sec = change->data / 1000;
    when.it_value.tv_nsec = change->data % 1000 * 1000000 + 1; /* all zero would disarm it */
  }
  queue->is_armed = change->flags & EV_ADD;
  return timerfd_settime(queue->timer, 0, &when, NULL) == 0;
}

/* A socket that was closed is registered no more, which only the system knows. */
static bool set_filter(int descriptor, struct queue *queue, const struct kevent *change) {
  int socket = (int)change->ident;
  unsigned bit = change->filter == EVFILT_READ ? EPOLLIN : EPOLLOUT;
  if (socket < 0 || socket >= MAX_DESCRIPTORS)
    return fail(EBADF);
  unsigned before = queue->filters[socket];
  struct epoll_event event = {.data.fd = socket};
  if (change->flags & EV_DELETE) {
    queue->filters[socket] &= (unsigned char)~bit;
    event.events = before & ~bit;
    int how = event.events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    return before & bit ? epoll_ctl(descriptor, how, socket, &event) == 0 : fail(ENOENT);
  }
  event.events = before | bit;
  bool is_set = before && epoll_ctl(descriptor, EPOLL_CTL_MOD, socket, &event) == 0;
  if (!is_set) {
    event.events = bit;
    is_set = epoll_ctl(descriptor, EPOLL_CTL_ADD, socket, &event) == 0;
  }
  queue->filters[socket] = is_set ? (unsigned char)event.events : 0;
  return is_set;
}

static bool apply(int descriptor, const struct kevent *change) {
  bool is_set = fail(EBADF);
  pthread_mutex_lock(&lock);
  struct queue *queue =
      descriptor >= 0 && descriptor < MAX_DESCRIPTORS ? &queues[descriptor] : NULL;
  if (queue && queue->timer)
    is_set = change->filter == EVFILT_TIMER ? set_timer(queue, change)
                                            : set_filter(descriptor, queue, change);
  pthread_mutex_unlock(&lock);
  return is_set;
}

static bool take_timer(int descriptor, int socket) {
  uint64_t expirations;
  pthread_mutex_lock(&lock);
  bool is_timer = queues[descriptor].timer == socket;
  if (is_timer && read(socket, &expirations, sizeof expirations) > 0)
    queues[descriptor].is_armed = false;
  pthread_mutex_unlock(&lock);
  return is_timer;
}

int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout) {
  for (int i = 0; i < change_count; i++)
    if (!apply(queue, &changes[i]))
      return -1;
  if (event_count == 0)
    return 0;
  struct epoll_event ready[MAX_READY];
  int most = event_count < MAX_READY ? event_count : MAX_READY;
  intmax_t wanted = timeout ? (intmax_t)timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000 : -1;
  int found = epoll_wait(queue, ready, most, wanted > INT_MAX ? INT_MAX : (int)wanted);
  int count = found < 0 ? -1 : 0;
  for (int i = 0; i < found && count < event_count; i++) { /* what has no place comes next time */
    int socket = ready[i].data.fd;
    unsigned what = ready[i].events;
    unsigned end = what & (EPOLLHUP | EPOLLRDHUP | EPOLLERR) ? EV_EOF : 0;
    if (take_timer(queue, socket)) {
      EV_SET(&events[count++], 1, EVFILT_TIMER, EV_ONESHOT, 0, 1, NULL);
      continue;
    }
    pthread_mutex_lock(&lock);
    unsigned filters = queues[queue].filters[socket];
    pthread_mutex_unlock(&lock);
    if (filters & EPOLLIN && (what & EPOLLIN || end))
      EV_SET(&events[count++], (uintptr_t)socket, EVFILT_READ, end, 0, 0, NULL);
    if (count < event_count && filters & EPOLLOUT && (what & EPOLLOUT || end))
      EV_SET(&events[count++], (uintptr_t)socket, EVFILT_WRITE, end, 0, 0, NULL);
  }
  return count;
}
