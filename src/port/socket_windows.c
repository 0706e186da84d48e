#include "port/socket.h"

#include <winsock2.h>
#include <ws2tcpip.h>

port_socket port_socket_open(int family, int type, int protocol) {
  return WSASocketW(family, type, protocol, NULL, 0,
                    WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

int port_socket_close(port_socket socket) {
  return closesocket(socket);
}

/* A socket has no lasting number of its own. A non-blocking socket does not use its receive
 * timeout, so that holds its mark: the time when it was noted. */
bool port_socket_identify(port_socket socket, struct port_socket_identity *identity) {
  LARGE_INTEGER now;
  QueryPerformanceCounter(&now);
  DWORD mark = (DWORD)(now.LowPart & 0x7fffffff) | 1;
  identity->mark = mark;
  return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, (const char *)&mark, sizeof mark) == 0;
}

bool port_socket_is(port_socket socket, const struct port_socket_identity *identity) {
  DWORD mark = 0;
  int size = sizeof mark;
  return getsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, (char *)&mark, &size) == 0 &&
         mark == identity->mark;
}

static int port_of(const struct sockaddr_storage *address) {
  if (address->ss_family == AF_INET)
    return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
  if (address->ss_family == AF_INET6)
    return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
  return -1;
}

bool port_socket_ports(port_socket socket, int *local, int *remote) {
  struct sockaddr_storage here, there;
  int here_size = sizeof here, there_size = sizeof there;
  if (getsockname(socket, (struct sockaddr *)&here, &here_size) != 0 ||
      getpeername(socket, (struct sockaddr *)&there, &there_size) != 0)
    return false;
  *local = port_of(&here);
  *remote = port_of(&there);
  return true;
}

void port_socket_end(port_socket socket) {
  shutdown(socket, SD_BOTH);
}
