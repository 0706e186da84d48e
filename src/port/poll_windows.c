#include "port/poll.h"

enum { LONGEST = 100 /* milliseconds: so that the host can act on Ctrl-C */ };

/* Without sockets WSAPoll fails instead of waiting. */
int port_poll(struct pollfd *sockets, size_t count, long milliseconds) {
  int timeout = milliseconds < 0 || milliseconds > LONGEST ? LONGEST : (int)milliseconds;
  if (count == 0) {
    Sleep((DWORD)timeout);
    return 0;
  }
  return WSAPoll(sockets, (ULONG)count, timeout);
}
