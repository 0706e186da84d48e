#define _POSIX_C_SOURCE 200809L
#include "port/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

port_socket port_socket_open(int family, int type, int protocol) {
#ifdef SOCK_CLOEXEC
  return socket(family, type | SOCK_CLOEXEC, protocol);
#else
  int descriptor = socket(family, type, protocol);
  if (descriptor >= 0)
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return descriptor;
#endif
}

int port_socket_close(port_socket socket) {
  return close(socket);
}

bool port_socket_identify(port_socket socket, struct port_socket_identity *identity) {
  struct stat status;
  if (fstat(socket, &status) != 0)
    return false;
  *identity = (struct port_socket_identity){status.st_dev, status.st_ino};
  return true;
}

bool port_socket_is(port_socket socket, const struct port_socket_identity *identity) {
  struct stat now;
  return fstat(socket, &now) == 0 && now.st_dev == identity->device &&
         now.st_ino == identity->inode;
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
  socklen_t here_size = sizeof here, there_size = sizeof there;
  if (getsockname(socket, (struct sockaddr *)&here, &here_size) != 0 ||
      getpeername(socket, (struct sockaddr *)&there, &there_size) != 0)
    return false;
  *local = port_of(&here);
  *remote = port_of(&there);
  return true;
}

/* Nothing comes after the shutdown, so what waits can be read to its end. */
void port_socket_end(port_socket socket) {
  char bytes[4096];
  shutdown(socket, SHUT_RDWR);
  while (recv(socket, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
}
