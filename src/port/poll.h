/* Readiness of sockets, as poll(2) has it: its struct pollfd, with a socket as `fd`. */
#ifndef ANTHROPIC_PORT_POLL_H
#define ANTHROPIC_PORT_POLL_H

#include "port/socket.h"

#include <stddef.h>

#ifdef _WIN32
#include <winsock2.h>
#else
#include <poll.h>
#endif

#pragma GCC visibility push(hidden)

/* Waits up to `milliseconds` (negative: for ever). Returns how many sockets are ready; negative: a
 * signal, or an error. On Windows, where no signal ends a wait, it returns 0 every now and then. */
int port_poll(struct pollfd *sockets, size_t count, long milliseconds);

#pragma GCC visibility pop

#endif
