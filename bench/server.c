// The load server of the benchmarks: answers are made beforehand, so that it costs far less than
// the clients it serves. It starts a program, tells it the address in BENCH_URL (and two ports that
// are free, in BENCH_FREE_PORTS), and serves on loopback until the program ends:
//
//     server CORE SECONDS PROGRAM ARGUMENT...
//
// It stays on that core and lives that many seconds at most. The paths are explained in workload.h;
// what comes before the body of a request is not looked at beyond the path and the body's length.
#define _GNU_SOURCE
#include "workload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  MOST_CONNECTIONS = 2048,
  MOST_REQUESTS = 10 * 1000 * 1000,
  LARGEST_HEAD = 16 * 1024,
  LARGEST_BODY = 64 * 1024 * 1024,
  WRITES_AT_A_TIME = 64,
  EVENTS_AT_A_TIME = 256,
};

struct connection {
  int fd; // -1: free
  char head[LARGEST_HEAD + 1];
  size_t head_length;
  size_t body_left;
  bool in_body;
  const struct workload *workload; // while it is being sent
  size_t sent, write_end;
  int64_t due; // of a paced stream's next event
};

struct server {
  int epoll, listener, signals;
  pid_t program;
  int status;
  bool is_over;
  long requests;
  struct workload *workloads;
  struct connection *connections;
  size_t used; // connections from here on were never used
};

static void fail(const char *what) {
  perror(what);
  exit(EXIT_FAILURE);
}

static int64_t milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void watch(struct server *server, int fd, uint32_t events, void *pointer, int operation) {
  struct epoll_event event = {.events = events, .data.ptr = pointer};
  if (epoll_ctl(server->epoll, operation, fd, &event) != 0)
    fail("epoll_ctl");
}

static void hang_up(struct connection *connection) {
  if (connection->fd >= 0)
    close(connection->fd);
  connection->fd = -1;
}

// --- answering -------------------------------------------------------------------------------

static void finish_answer(struct server *server, struct connection *connection) {
  if (connection->workload->closes) {
    hang_up(connection);
    return;
  }
  if (connection->workload->pace == 0)
    watch(server, connection->fd, EPOLLIN, connection, EPOLL_CTL_MOD);
  connection->workload = NULL;
  connection->head_length = 0;
}

// Sends to the end of one write; false where the socket takes no more for now, or is gone.
static bool send_one(struct connection *connection) {
  const struct workload *workload = connection->workload;
  if (connection->sent == connection->write_end)
    connection->write_end = workload_write_end(workload, connection->sent);
  ssize_t count = send(connection->fd, workload->bytes + connection->sent,
                       connection->write_end - connection->sent, MSG_NOSIGNAL);
  if (count < 0) {
    if (errno != EAGAIN && errno != EINTR)
      hang_up(connection);
    return false;
  }
  connection->sent += (size_t)count;
  return connection->sent == connection->write_end;
}

static void send_some(struct server *server, struct connection *connection) {
  for (int i = 0; i < WRITES_AT_A_TIME && connection->sent < connection->workload->length; i++)
    if (!send_one(connection))
      return;
  if (connection->sent == connection->workload->length)
    finish_answer(server, connection);
}

// A paced stream that lags behind (its reader is slow) is sent what it has missed one by one.
static void send_paced(struct server *server, struct connection *connection, int64_t now) {
  while (connection->fd >= 0 && connection->workload && connection->due <= now) {
    if (!send_one(connection)) {
      connection->due = now + 1;
      return;
    }
    if (connection->sent > connection->workload->head)
      connection->due += connection->workload->pace;
    if (connection->sent == connection->workload->length)
      finish_answer(server, connection);
  }
}

static void answer(struct server *server, struct connection *connection) {
  char *path = strchr(connection->head, ' ');
  connection->workload = path ? workload_find(&server->workloads, path + 1) : NULL;
  if (!connection->workload || ++server->requests > MOST_REQUESTS) {
    static const char refusal[] =
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    (void)!send(connection->fd, refusal, sizeof refusal - 1, MSG_NOSIGNAL);
    hang_up(connection);
    return;
  }
  connection->sent = connection->write_end = 0;
  if (connection->workload->pace > 0) {
    connection->due = milliseconds();
    send_paced(server, connection, connection->due);
    return;
  }
  watch(server, connection->fd, EPOLLIN | EPOLLOUT, connection, EPOLL_CTL_MOD);
  send_some(server, connection);
}

// --- requests --------------------------------------------------------------------------------

// Reads the header's end: the length of the body. False where it is more than is taken.
static bool begin_body(struct connection *connection) {
  const char *length = strcasestr(connection->head, "\r\nContent-Length:");
  connection->body_left = length ? strtoul(strchr(length, ':') + 1, NULL, 10) : 0;
  connection->in_body = true;
  if (strcasestr(connection->head, "\r\nTransfer-Encoding:") ||
      connection->body_left > LARGEST_BODY)
    return false;
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  if (strcasestr(connection->head, "\r\nExpect: 100-continue"))
    (void)!send(connection->fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL);
  return true;
}

// Takes bytes of a request in; false where they are none that it understands.
static bool take(struct connection *connection, const char *bytes, size_t length) {
  if (!connection->in_body) {
    size_t room = LARGEST_HEAD - connection->head_length;
    size_t part = length < room ? length : room;
    memcpy(connection->head + connection->head_length, bytes, part);
    connection->head[connection->head_length + part] = '\0';
    char *end = strstr(connection->head, "\r\n\r\n");
    if (!end) {
      connection->head_length += part;
      return part == length;
    }
    size_t of_head = (size_t)(end + 4 - connection->head) - connection->head_length;
    end[2] = '\0';
    length -= of_head;
    if (!begin_body(connection))
      return false;
  }
  if (length > connection->body_left)
    return false;
  connection->body_left -= length;
  return true;
}

static void read_some(struct server *server, struct connection *connection) {
  static char bytes[256 * 1024];
  ssize_t count = recv(connection->fd, bytes, sizeof bytes, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (count <= 0 || connection->workload || !take(connection, bytes, (size_t)count)) {
    hang_up(connection);
    return;
  }
  if (connection->in_body && connection->body_left == 0) {
    connection->in_body = false;
    answer(server, connection);
  }
}

static void accept_one(struct server *server) {
  int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0)
    return;
  size_t i = 0;
  while (i < server->used && server->connections[i].fd >= 0)
    i++;
  if (i == MOST_CONNECTIONS) {
    close(fd);
    return;
  }
  server->used = i < server->used ? server->used : i + 1;
  struct connection *connection = &server->connections[i];
  connection->fd = fd;
  connection->head_length = connection->body_left = 0;
  connection->in_body = false;
  connection->workload = NULL;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  watch(server, fd, EPOLLIN, connection, EPOLL_CTL_ADD);
}

// --- the loop --------------------------------------------------------------------------------

// Sends what is due, and says how long to wait for the next: milliseconds.
static int work_off_paced(struct server *server, int64_t end) {
  int64_t now = milliseconds(), soonest = end;
  for (size_t i = 0; i < server->used; i++) {
    struct connection *connection = &server->connections[i];
    if (connection->fd >= 0 && connection->workload && connection->workload->pace > 0) {
      send_paced(server, connection, now);
      if (connection->fd >= 0 && connection->workload && connection->due < soonest)
        soonest = connection->due;
    }
  }
  return soonest > now ? (int)(soonest - now) : 0;
}

static void look_after_program(struct server *server) {
  struct signalfd_siginfo ignored;
  (void)!read(server->signals, &ignored, sizeof ignored);
  if (waitpid(server->program, &server->status, WNOHANG) == server->program)
    server->is_over = true;
}

static void serve(struct server *server, int64_t end) {
  struct epoll_event events[EVENTS_AT_A_TIME];
  while (!server->is_over && milliseconds() < end) {
    int count = epoll_wait(server->epoll, events, EVENTS_AT_A_TIME, work_off_paced(server, end));
    for (int i = 0; i < count; i++) {
      void *pointer = events[i].data.ptr;
      struct connection *connection = pointer;
      if (pointer == &server->signals)
        look_after_program(server);
      else if (pointer == &server->listener)
        accept_one(server);
      else if (connection->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_some(server, connection);
      else if (connection->fd >= 0 && connection->workload)
        send_some(server, connection);
    }
  }
}

// A socket on loopback that listens at a port of the kernel's choice.
static int listen_on_loopback(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
      listen(fd, MOST_CONNECTIONS) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &length) != 0)
    fail("listen");
  *port = ntohs(address.sin_port);
  return fd;
}

static void tell_addresses(struct server *server) {
  int port, free_ports[2], free_fds[2];
  char value[64];
  server->listener = listen_on_loopback(&port);
  snprintf(value, sizeof value, "http://127.0.0.1:%d", port);
  setenv("BENCH_URL", value, 1);
  for (int i = 0; i < 2; i++)
    free_fds[i] = listen_on_loopback(&free_ports[i]);
  for (int i = 0; i < 2; i++)
    close(free_fds[i]);
  snprintf(value, sizeof value, "%d %d", free_ports[0], free_ports[1]);
  setenv("BENCH_FREE_PORTS", value, 1);
}

static void start(struct server *server, char **program) {
  sigset_t chld;
  sigemptyset(&chld);
  sigaddset(&chld, SIGCHLD);
  sigprocmask(SIG_BLOCK, &chld, NULL);
  server->signals = signalfd(-1, &chld, SFD_NONBLOCK | SFD_CLOEXEC);
  server->program = fork();
  if (server->signals < 0 || server->program < 0)
    fail("start");
  if (server->program == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_UNBLOCK, &chld, NULL);
    execvp(program[0], program);
    fail(program[0]);
  }
}

int main(int count, char **arguments) {
  if (count < 4) {
    fprintf(stderr, "usage: %s CORE SECONDS PROGRAM ARGUMENT...\n", arguments[0]);
    return EXIT_FAILURE;
  }
  struct server server = {.connections = calloc(MOST_CONNECTIONS, sizeof(struct connection))};
  server.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (!server.connections || server.epoll < 0)
    fail("server");
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < MOST_CONNECTIONS + 64) {
    files.rlim_cur =
        files.rlim_max < MOST_CONNECTIONS + 64 ? files.rlim_max : MOST_CONNECTIONS + 64;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  tell_addresses(&server);
  start(&server, arguments + 3);
  cpu_set_t core;
  CPU_ZERO(&core);
  CPU_SET(strtoul(arguments[1], NULL, 10), &core);
  sched_setaffinity(0, sizeof core, &core);
  watch(&server, server.listener, EPOLLIN, &server.listener, EPOLL_CTL_ADD);
  watch(&server, server.signals, EPOLLIN, &server.signals, EPOLL_CTL_ADD);
  serve(&server, milliseconds() + 1000 * strtol(arguments[2], NULL, 10));
  if (!server.is_over) {
    fprintf(stderr, "%s: the time is up\n", arguments[0]);
    kill(server.program, SIGTERM);
  }
  for (size_t i = 0; i < server.used; i++)
    hang_up(&server.connections[i]);
  workload_free_all(server.workloads);
  free(server.connections);
  return server.is_over && WIFEXITED(server.status) ? WEXITSTATUS(server.status) : EXIT_FAILURE;
}
