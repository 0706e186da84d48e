#define _POSIX_C_SOURCE 200809L
#include "net/socket_list.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool is_open(const struct listed_socket *socket) {
  struct stat now;
  return fstat(socket->descriptor, &now) == 0 && now.st_dev == socket->device &&
         now.st_ino == socket->inode;
}

void socket_list_remove_closed(struct socket_list *list) {
  size_t kept = 0;
  for (size_t i = 0; i < list->count; i++)
    if (is_open(&list->items[i]))
      list->items[kept++] = list->items[i];
  list->count = kept;
}

void socket_list_remove(struct socket_list *list, int descriptor) {
  for (size_t i = 0; i < list->count; i++)
    if (list->items[i].descriptor == descriptor) {
      list->items[i] = list->items[--list->count];
      return;
    }
}

bool socket_list_add(struct socket_list *list, int descriptor) {
  struct stat status;
  socket_list_remove(list, descriptor); /* closed without a word: its number is there again */
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
  list->items[list->count++] = (struct listed_socket){descriptor, status.st_dev, status.st_ino};
  return true;
}

void socket_list_free(struct socket_list *list) {
  free(list->items);
  *list = (struct socket_list){0};
}
