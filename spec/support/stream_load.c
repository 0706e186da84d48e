/* Streams through a server under test, and how late their events are: plays both the service behind
 * it and the browsers before it, in one process and on one clock.
 *
 *     build/stream_load PORT STREAMS MILLISECONDS EVENTS [ABORT_AFTER_SECONDS]
 *
 * prints the port of the service on its first line and begins when a line comes on standard input.
 * Each of STREAMS browsers then asks PORT for /stream?<service's port>; the service sends each
 * EVENTS text deltas, one every MILLISECONDS, whose text is the time when it was sent, some letters
 * and a line end. The browsers expect just these texts, or the events. Meanwhile /ping is asked for
 * every 5 ms on a connection of its own. The results are "name value" lines, times in microseconds.
 * With ABORT_AFTER_SECONDS the browsers hang up then, and `freed` is the time until the service has
 * no connection any more. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  PING_INTERVAL = 5000,
  SPREAD = 1000000,
  PATIENCE = 20000000,
  HEAD = 4096,
  LONGEST_WORD = 15
};

enum role { NOBODY, LISTENER, SERVICE, BROWSER, PING };

struct peer {
  enum role role;
  int socket;
  char head[HEAD]; /* of the request or the answer, then the line that is being read */
  size_t length;
  bool in_body;
  long sent; /* SERVICE: events */
  int64_t next;
};

struct samples {
  int64_t *values;
  size_t count;
  size_t capacity;
};

static int poller, port;
static char stream_path[32];
static struct peer *peers;
static size_t peer_count;
static long streams, events, finished, connected, most_connected;
static int64_t interval, ping_sent;
static struct samples late, pings;

static void give_up(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void add_sample(struct samples *samples, int64_t value) {
  if (samples->count == samples->capacity) {
    samples->capacity = samples->capacity ? samples->capacity * 2 : 1024;
    samples->values = realloc(samples->values, samples->capacity * sizeof *samples->values);
    if (!samples->values)
      give_up("realloc");
  }
  samples->values[samples->count++] = value;
}

static int compare(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

static void report(const char *name, struct samples *samples) {
  if (samples->count == 0)
    return;
  qsort(samples->values, samples->count, sizeof *samples->values, compare);
  printf("%s_count %zu\n%s_median %lld\n%s_99 %lld\n", name, samples->count, name,
         (long long)samples->values[samples->count / 2], name,
         (long long)samples->values[samples->count - 1 - samples->count / 100]);
}

/* --- peers ----------------------------------------------------------------------------------- */

static struct peer *add_peer(enum role role, int socket) {
  struct peer *peer = NULL;
  int yes = 1;
  for (size_t i = 0; !peer && i < peer_count; i++)
    if (peers[i].role == NOBODY)
      peer = &peers[i];
  if (!peer) {
    errno = ENOBUFS;
    give_up("more connections than streams");
  }
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  memset(peer, 0, sizeof *peer);
  peer->role = role;
  peer->socket = socket;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event) != 0)
    give_up("epoll_ctl");
  return peer;
}

static void remove_peer(struct peer *peer) {
  if (peer->role == SERVICE)
    connected--;
  close(peer->socket);
  peer->role = NOBODY;
}

static void send_text(const struct peer *peer, const char *text) {
  send(peer->socket, text, strlen(text), MSG_NOSIGNAL);
}

static struct peer *ask(enum role role, const char *path) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0)
    give_up("connect");
  struct peer *peer = add_peer(role, descriptor);
  char request[128];
  snprintf(request, sizeof request, "GET %s HTTP/1.%d\r\nHost: test\r\n\r\n", path, role == PING);
  send_text(peer, request);
  return peer;
}

/* --- the service ----------------------------------------------------------------------------- */

static void answer(struct peer *peer) {
  send_text(peer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
                  "event: message_start\n"
                  "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":"
                  "\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],"
                  "\"stop_reason\":null,\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n"
                  "event: content_block_start\n"
                  "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
                  "\"text\",\"text\":\"\"}}\n\n");
  peer->in_body = true;
  peer->next = now() + interval;
}

/* As texts are: of other lengths and letters each. */
static const char *some_word(void) {
  static char word[LONGEST_WORD + 1];
  static uint32_t state = 1;
  size_t length = state >> 8 & LONGEST_WORD;
  for (size_t i = 0; i < length; i++) {
    state = state * 1664525u + 1013904223u;
    word[i] = (char)('a' + (state >> 24) % 26);
  }
  state = state * 1664525u + 1013904223u;
  word[length] = '\0';
  return word;
}

static void send_event(struct peer *peer) {
  char event[256];
  peer->sent++;
  snprintf(event, sizeof event,
           "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
           "\"delta\":{\"type\":\"text_delta\",\"text\":\"%lld%s\\n\"}}\n\n",
           (long long)now(), some_word());
  send_text(peer, event);
  peer->next += interval;
  if (peer->sent < events)
    return;
  send_text(peer, "event: content_block_stop\n"
                  "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
                  "event: message_delta\n"
                  "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
                  "\"usage\":{\"output_tokens\":9}}\n\n"
                  "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
  remove_peer(peer);
}

static void read_request(struct peer *peer) {
  ssize_t count = recv(peer->socket, peer->head + peer->length, HEAD - 1 - peer->length, 0);
  if (count <= 0) {
    remove_peer(peer);
    return;
  }
  peer->length += (size_t)count;
  peer->head[peer->length] = '\0';
  const char *end = strstr(peer->head, "\r\n\r\n");
  const char *length = strcasestr(peer->head, "content-length:");
  if (end && length && peer->head + peer->length - (end + 4) >= atol(length + 15))
    answer(peer);
}

/* --- the browsers ---------------------------------------------------------------------------- */

/* A line of the text, or one of an event that has such a text. */
static void note_time(const char *line, int64_t time) {
  static const char key[] = "\"text\":\"";
  if (strncmp(line, "data:", 5) == 0) {
    line = strstr(line, key);
    line = line ? line + sizeof key - 1 : "";
  }
  if (*line >= '0' && *line <= '9')
    add_sample(&late, time - strtoll(line, NULL, 10));
}

static void read_answer(struct peer *peer) {
  ssize_t count = recv(peer->socket, peer->head + peer->length, HEAD - 1 - peer->length, 0);
  int64_t time = now();
  if (count <= 0) {
    finished++;
    remove_peer(peer);
    return;
  }
  peer->length += (size_t)count;
  peer->head[peer->length] = '\0';
  char *line = peer->head;
  if (!peer->in_body) {
    line = strstr(peer->head, "\r\n\r\n");
    if (!line)
      return;
    line += 4;
    peer->in_body = true;
  }
  for (char *end; (end = strchr(line, '\n')); line = end + 1) {
    *end = '\0';
    note_time(line, time);
  }
  peer->length -= (size_t)(line - peer->head);
  memmove(peer->head, line, peer->length);
}

static void read_ping(struct peer *peer) {
  if (recv(peer->socket, peer->head, HEAD, 0) <= 0) { /* a server that is reloaded hangs up */
    remove_peer(peer);
    ask(PING, "/ping");
    ping_sent = now();
    return;
  }
  add_sample(&pings, now() - ping_sent);
  peer->next = ping_sent + PING_INTERVAL;
  ping_sent = 0;
}

/* --- both ------------------------------------------------------------------------------------ */

static void handle(struct peer *peer) {
  if (peer->role == LISTENER) {
    add_peer(SERVICE, accept4(peer->socket, NULL, NULL, SOCK_CLOEXEC));
    if (++connected > most_connected)
      most_connected = connected;
  } else if (peer->role == SERVICE) {
    read_request(peer);
  } else if (peer->role == BROWSER) {
    read_answer(peer);
  } else if (peer->role == PING) {
    read_ping(peer);
  }
}

static void work(void) {
  struct epoll_event ready[64];
  int count = epoll_wait(poller, ready, 64, 1);
  for (int i = 0; i < count; i++)
    handle(ready[i].data.ptr);
  int64_t time = now();
  for (size_t i = 0; i < peer_count; i++) {
    struct peer *peer = &peers[i];
    if (peer->role == SERVICE && peer->in_body && peer->next <= time) {
      send_event(peer);
    } else if (peer->role == PING && !ping_sent && peer->next <= time) {
      ping_sent = now();
      send_text(peer, "GET /ping HTTP/1.1\r\nHost: test\r\n\r\n");
    }
  }
}

static void open_service(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 ||
      listen(listener, 1024) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) != 0)
    give_up("listen");
  add_peer(LISTENER, listener);
  snprintf(stream_path, sizeof stream_path, "/stream?%d", ntohs(address.sin_port));
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
}

static void hang_up(void) {
  int64_t began = now();
  for (size_t i = 0; i < peer_count; i++)
    if (peers[i].role == BROWSER)
      remove_peer(&peers[i]);
  while (connected > 0 && now() < began + PATIENCE)
    work();
  printf("freed %lld\n", (long long)(now() - began));
}

int main(int argc, char **argv) {
  char line[16];
  if (argc < 5)
    return 2;
  port = atoi(argv[1]);
  streams = atol(argv[2]);
  interval = atol(argv[3]) * 1000;
  events = atol(argv[4]);
  int64_t abort_after = argc > 5 ? (int64_t)(atof(argv[5]) * 1e6) : INT64_MAX / 2;
  peer_count = (size_t)streams * 2 + 8;
  peers = calloc(peer_count, sizeof *peers);
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (!peers || poller < 0)
    give_up("begin");
  open_service();
  if (!fgets(line, sizeof line, stdin))
    return 2;

  int64_t began = now();
  int64_t deadline = began + SPREAD + interval * events + PATIENCE;
  ping_sent = began;
  ask(PING, "/ping");
  for (long i = 0; finished < streams && now() < deadline && now() < began + abort_after;) {
    for (; i < streams && now() >= began + SPREAD * i / streams; i++)
      ask(BROWSER, stream_path);
    work();
  }
  if (argc > 5)
    hang_up();
  printf("finished %ld\nconnections %ld\n", finished, most_connected);
  report("late", &late);
  report("ping", &pings);
  return 0;
}
