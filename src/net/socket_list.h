/* A list of open sockets, each with an identity that tells it from a later socket with the same
 * number. No Lua, no curl. */
#ifndef ANTHROPIC_NET_SOCKET_LIST_H
#define ANTHROPIC_NET_SOCKET_LIST_H

#include "port/socket.h"

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

struct listed_socket {
  port_socket socket;
  struct port_socket_identity identity;
  unsigned origin; /* where an idle one leads to: the caller's number */
};

/* Zero-initialise to make an empty list. */
struct socket_list {
  struct listed_socket *items; /* the idle ones first */
  size_t count;
  size_t idle;
  size_t capacity;
};

/* Adds an open socket, which is in use. False when memory ran out or it is not a socket. */
bool socket_list_add(struct socket_list *list, port_socket socket);

/* Removes a socket, if it is there. */
void socket_list_remove(struct socket_list *list, port_socket socket);

/* Notes that a socket is idle, or in use. One that is not in the list is fine. */
void socket_list_set_idle(struct socket_list *list, port_socket socket, unsigned origin);
void socket_list_set_used(struct socket_list *list, port_socket socket);

/* Ends the connection of each idle socket on which something waits, if `may_end` (called with
 * `context`) returns true: the socket stays open, and its reader finds the end. One that `may_end`
 * refuses is noted as used. At most one system call if nothing waits. */
void socket_list_end_unclean(struct socket_list *list,
                             bool (*may_end)(void *context, const struct listed_socket *socket),
                             void *context);

/* A socket between two ports, or NO_SOCKET. */
port_socket socket_list_find(const struct socket_list *list, int local_port, int remote_port);

/* Removes the sockets that were closed without socket_list_remove. */
void socket_list_remove_closed(struct socket_list *list);

/* Frees the memory; the sockets stay as they are. */
void socket_list_free(struct socket_list *list);

#pragma GCC visibility pop

#endif
