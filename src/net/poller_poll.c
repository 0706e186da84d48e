#include "net/poller.h"

#ifdef POLLER_POLL

#include "port/poll.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct poller {
  struct pollfd *sockets;
  size_t count;
  size_t capacity;
  size_t next; /* where the next scan starts, so that every socket gets its turn */
};

struct poller *poller_new(void) {
  return calloc(1, sizeof(struct poller));
}

void poller_free(struct poller *poller) {
  if (!poller)
    return;
  free(poller->sockets);
  free(poller);
}

int poller_fd(const struct poller *poller) {
  (void)poller;
  return -1;
}

static bool grow(struct poller *poller) {
  if (poller->count < poller->capacity)
    return true;
  if (poller->capacity > SIZE_MAX / 2 / sizeof *poller->sockets)
    return false;
  size_t capacity = poller->capacity ? poller->capacity * 2 : 16;
  struct pollfd *sockets = realloc(poller->sockets, capacity * sizeof *sockets);
  if (!sockets)
    return false;
  poller->sockets = sockets;
  poller->capacity = capacity;
  return true;
}

bool poller_watch(struct poller *poller, port_socket socket, bool readable, bool writable) {
  short events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  size_t i = 0;
  while (i < poller->count && poller->sockets[i].fd != socket)
    i++;
  if (!events) {
    if (i < poller->count)
      poller->sockets[i] = poller->sockets[--poller->count];
    return true;
  }
  if (i == poller->count) {
    if (!grow(poller)) {
      errno = ENOMEM;
      return false;
    }
    poller->count++;
  }
  poller->sockets[i] = (struct pollfd){.fd = socket, .events = events};
  return true;
}

/* The timer is for the descriptor, which does not exist here. */
void poller_set_timer(struct poller *poller, long milliseconds) {
  (void)poller;
  (void)milliseconds;
}

void poller_wait(struct poller *poller, long milliseconds, struct poller_batch *batch) {
  int ready = port_poll(poller->sockets, poller->count, milliseconds);
  batch->count = 0;
  size_t scanned = 0;
  for (; ready > 0 && scanned < poller->count && batch->count < POLLER_BATCH; scanned++) {
    const struct pollfd *socket = &poller->sockets[(poller->next + scanned) % poller->count];
    if (!socket->revents)
      continue;
    batch->events[batch->count++] = (struct poller_event){
        .socket = socket->fd,
        .readable = socket->revents & (POLLIN | POLLHUP),
        .writable = socket->revents & POLLOUT,
        .failed = socket->revents & (POLLERR | POLLNVAL),
    };
  }
  batch->has_more = ready > (int)batch->count;
  poller->next += scanned;
}

#endif
