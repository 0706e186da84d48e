#include "port/poll.h"

#include <limits.h>

int port_poll(struct pollfd *sockets, size_t count, long milliseconds) {
  int timeout = milliseconds < 0 ? -1 : milliseconds > INT_MAX ? INT_MAX : (int)milliseconds;
  return poll(sockets, (nfds_t)count, timeout);
}
