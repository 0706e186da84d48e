#include "net/socket_list.h"

#include "port/poll.h"

#include <stdint.h>
#include <stdlib.h>

enum { BATCH = 64 };

static bool is_open(const struct listed_socket *item) {
  return port_socket_is(item->socket, &item->identity);
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

port_socket socket_list_find(const struct socket_list *list, int local_port, int remote_port) {
  for (size_t i = 0; i < list->count; i++) {
    const struct listed_socket *item = &list->items[i];
    int local, remote;
    if (is_open(item) && port_socket_ports(item->socket, &local, &remote) && local == local_port &&
        remote == remote_port)
      return item->socket;
  }
  return NO_SOCKET;
}

void socket_list_remove(struct socket_list *list, port_socket socket) {
  for (size_t i = 0; i < list->count; i++)
    if (list->items[i].socket == socket) {
      remove_at(list, i);
      return;
    }
}

void socket_list_set_idle(struct socket_list *list, port_socket socket, unsigned origin) {
  for (size_t i = list->idle; i < list->count; i++)
    if (list->items[i].socket == socket) {
      list->items[i].origin = origin;
      swap(list, i, list->idle++);
      return;
    }
}

void socket_list_set_used(struct socket_list *list, port_socket socket) {
  for (size_t i = 0; i < list->idle; i++)
    if (list->items[i].socket == socket) {
      swap(list, i, --list->idle);
      return;
    }
}

/* Handles the sockets [first, last) from the last one down: when a socket is no longer idle, one
 * that was looked at already takes its place. */
static void end_unclean(struct socket_list *list, size_t first, size_t last,
                        bool (*may_end)(void *context, const struct listed_socket *socket),
                        void *context) {
  struct pollfd waiting[BATCH];
  for (size_t i = first; i < last; i++)
    waiting[i - first] = (struct pollfd){list->items[i].socket, POLLIN, 0};
  int count = port_poll(waiting, last - first, 0);
  for (size_t i = last; count > 0 && i-- > first;) {
    struct listed_socket *item = &list->items[i];
    if (waiting[i - first].revents == 0)
      continue;
    count--;
    if (is_open(item) && may_end(context, item))
      port_socket_end(item->socket);
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

bool socket_list_add(struct socket_list *list, port_socket socket) {
  struct port_socket_identity identity;
  socket_list_remove(list, socket); /* its number is used again after an unreported close */
  if (!port_socket_identify(socket, &identity))
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
  list->items[list->count++] = (struct listed_socket){socket, identity, 0};
  return true;
}

void socket_list_free(struct socket_list *list) {
  free(list->items);
  *list = (struct socket_list){0};
}
