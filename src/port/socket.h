/* Sockets. */
#ifndef ANTHROPIC_PORT_SOCKET_H
#define ANTHROPIC_PORT_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#ifdef _WIN32
typedef uintptr_t port_socket; /* a SOCKET */
#define NO_SOCKET (~(port_socket)0)
#else
#include <sys/types.h>
typedef int port_socket;
enum { NO_SOCKET = -1 };
#endif

#pragma GCC visibility push(hidden)

/* Tells a socket from a later one that got its number after it was closed. */
struct port_socket_identity {
  /* private part */
#ifdef _WIN32
  unsigned long mark;
#else
  dev_t device;
  ino_t inode;
#endif
};

/* Opens a socket that no child inherits, or NO_SOCKET. The caller closes it. */
port_socket port_socket_open(int family, int type, int protocol);

/* Closes a socket. 0, or another number if the system refused. */
int port_socket_close(port_socket socket);

/* Stores a socket's identity, once for each socket; false if it is not a socket. */
bool port_socket_identify(port_socket socket, struct port_socket_identity *identity);

/* Whether the socket is open and still has this identity. */
bool port_socket_is(port_socket socket, const struct port_socket_identity *identity);

/* Stores the two ports of a connected socket. False if it is not connected. */
bool port_socket_ports(port_socket socket, int *local, int *remote);

/* Ends its connection at once: the socket stays open, and its reader finds the end. */
void port_socket_end(port_socket socket);

#pragma GCC visibility pop

#endif
