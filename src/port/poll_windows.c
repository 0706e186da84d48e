#include "port/poll.h"

enum { LONGEST = 100 /* milliseconds: what came with Ctrl-C has its turn */ };

/* Without sockets WSAPoll is an error, and not a wait. */
int port_poll(struct pollfd *sockets, size_t count, long milliseconds) {
  int timeout = milliseconds < 0 || milliseconds > LONGEST ? LONGEST : (int)milliseconds;
  if (count == 0) {
    Sleep((DWORD)timeout);
    return 0;
  }
  return WSAPoll(sockets, (ULONG)count, timeout);
}
