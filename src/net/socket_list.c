#define _POSIX_C_SOURCE 200809L
#include "net/socket_list.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { BATCH = 64 };

static bool is_open(const struct listed_socket *socket) {
  struct stat now;
  return fstat(socket->descriptor, &now) == 0 && now.st_dev == socket->device &&
         now.st_ino == socket->inode;
}

static void swap(struct socket_list *list, size_t i, size_t j) {
  struct listed_socket item = list->items[i];
  list->items[i] = list->items[j];
  list->items[j] = item;
}

static void remove_at(struct socket_list *list, size_t i) {
  if (i < list->idle) {
    swap(list, i, --list->idle);
    i = list->idle;
  }
  list->items[i] = list->items[--list->count];
}

void socket_list_remove_closed(struct socket_list *list) {
  for (size_t i = 0; i < list->count;)
    if (is_open(&list->items[i]))
      i++;
    else
      remove_at(list, i);
}

static int port_of(const struct sockaddr_storage *address) {
  if (address->ss_family == AF_INET)
    return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
  if (address->ss_family == AF_INET6)
    return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
  return -1;
}

int socket_list_find(const struct socket_list *list, int local_port, int remote_port) {
  for (size_t i = 0; i < list->count; i++) {
    int descriptor = list->items[i].descriptor;
    struct sockaddr_storage local, remote;
    socklen_t local_size = sizeof local, remote_size = sizeof remote;
    if (is_open(&list->items[i]) &&
        getsockname(descriptor, (struct sockaddr *)&local, &local_size) == 0 &&
        getpeername(descriptor, (struct sockaddr *)&remote, &remote_size) == 0 &&
        port_of(&local) == local_port && port_of(&remote) == remote_port)
      return descriptor;
  }
  return -1;
}

void socket_list_remove(struct socket_list *list, int descriptor) {
  for (size_t i = 0; i < list->count; i++)
    if (list->items[i].descriptor == descriptor) {
      remove_at(list, i);
      return;
    }
}

void socket_list_set_idle(struct socket_list *list, int descriptor, unsigned origin) {
  for (size_t i = list->idle; i < list->count; i++)
    if (list->items[i].descriptor == descriptor) {
      list->items[i].origin = origin;
      swap(list, i, list->idle++);
      return;
    }
}

void socket_list_set_used(struct socket_list *list, int descriptor) {
  for (size_t i = 0; i < list->idle; i++)
    if (list->items[i].descriptor == descriptor) {
      swap(list, i, --list->idle);
      return;
    }
}

/* Nothing comes any more, so what waits can be read to its end. */
void socket_end(int descriptor) {
  char bytes[4096];
  shutdown(descriptor, SHUT_RDWR);
  while (recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
}

/* Of the sockets [first, last), from the last one on: the place of one that is idle no more is
 * taken by one that was looked at. */
static void end_unclean(struct socket_list *list, size_t first, size_t last,
                        bool (*may_end)(void *context, const struct listed_socket *socket),
                        void *context) {
  struct pollfd waiting[BATCH];
  for (size_t i = first; i < last; i++)
    waiting[i - first] = (struct pollfd){list->items[i].descriptor, POLLIN, 0};
  int count = poll(waiting, last - first, 0);
  for (size_t i = last; count > 0 && i-- > first;) {
    struct listed_socket *item = &list->items[i];
    if (waiting[i - first].revents == 0)
      continue;
    count--;
    if (is_open(item) && may_end(context, item))
      socket_end(item->descriptor);
    swap(list, i, --list->idle);
  }
}

void socket_list_end_unclean(struct socket_list *list,
                             bool (*may_end)(void *context, const struct listed_socket *socket),
                             void *context) {
  for (size_t last = list->idle; last > 0;) {
    size_t first = last > BATCH ? last - BATCH : 0;
    end_unclean(list, first, last, may_end, context);
    last = first;
  }
}

bool socket_list_add(struct socket_list *list, int descriptor) {
  struct stat status;
  socket_list_remove(list, descriptor); /* its number is used again after an unreported close */
  if (fstat(descriptor, &status) != 0)
    return false;
  if (list->count == list->capacity) {
    if (list->capacity > SIZE_MAX / 2 / sizeof *list->items)
      return false;
    size_t capacity = list->capacity ? list->capacity * 2 : 16;
    struct listed_socket *items = realloc(list->items, capacity * sizeof *items);
    if (!items)
      return false;
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->count++] = (struct listed_socket){descriptor, status.st_dev, status.st_ino, 0};
  return true;
}

void socket_list_free(struct socket_list *list) {
  free(list->items);
  *list = (struct socket_list){0};
}
