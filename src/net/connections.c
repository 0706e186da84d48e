#include "net/connections.h"

#include "net/loop_entry.h"
#include "net/poller.h"
#include "port/socket.h"
#include "util/clock.h"

#include <errno.h>

/* libcurl's versions: see end_unclean */
enum { FIRST_TO_LOOK = 0x080000, FIRST_TO_LOOK_LATE = 0x081600 };

static const double LATE = 1.5; /* seconds: libcurl's 1, and what its clock may lag behind */

/* --- libcurl's callbacks --------------------------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *userdata, void *unused) {
  struct connections *connections = userdata;
  (void)unused;
  bool readable = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
  bool writable = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
  struct loop_entry *entry = readable || writable ? loop_entry_of(easy) : NULL;
  if (entry) {
    entry->socket = socket;
    socket_list_set_used(&connections->sockets, socket);
  }
  if (poller_watch(connections->poller, socket, readable, writable))
    return 0;
  connections->lacks_memory = errno == ENOMEM;
  return -1;
}

static curl_socket_t on_open(void *userdata, curlsocktype purpose, struct curl_sockaddr *address) {
  struct connections *connections = userdata;
  (void)purpose;
  port_socket opened = port_socket_open(address->family, address->socktype, address->protocol);
  if (opened == NO_SOCKET)
    return CURL_SOCKET_BAD;
  if (!socket_list_add(&connections->sockets, opened)) {
    port_socket_close(opened);
    return CURL_SOCKET_BAD;
  }
  return opened;
}

/* Not called for sockets that never connected (a timeout, the slower of two address families):
 * libcurl closes them without telling. */
static int on_close(void *userdata, curl_socket_t socket) {
  struct connections *connections = userdata;
  poller_watch(connections->poller, socket, false, false);
  socket_list_remove(&connections->sockets, socket);
  return port_socket_close(socket);
}

bool connections_attach(struct connections *connections, CURLM *multi) {
  unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
  connections->is_late = version >= FIRST_TO_LOOK_LATE;
  connections->looks = version < FIRST_TO_LOOK || connections->is_late;
  return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
         curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, connections) == CURLM_OK;
}

/* libcurl says which socket an entry uses only after it has read from it. */
port_socket connections_socket_of(struct connections *connections, struct loop_entry *entry) {
  if (entry->socket == NO_SOCKET && entry->local_port > 0)
    entry->socket = socket_list_find(&connections->sockets, entry->local_port, entry->remote_port);
  return entry->socket;
}

/* --- idle ones ------------------------------------------------------------------------------- */

/* HTTP/2 is left out: what waits there is legitimate, and libcurl reads it before it goes on. */
void connections_note_idle(struct connections *connections, CURL *easy) {
  long version = 0;
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (!connections->looks)
    return;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket);
  if (version < CURL_HTTP_VERSION_2_0 && socket != CURL_SOCKET_BAD)
    socket_list_set_idle(&connections->sockets, socket, loop_entry_of(easy)->origin);
}

/* Until libcurl has noted this end, the next entries of the origin take new connections. */
static void note_ended(struct connections *connections, unsigned origin) {
  double now = clock_now();
  struct ended *place = connections->ended;
  for (struct ended *each = place; each < connections->ended + MAX_ENDED; each++)
    if (each->origin == origin || (place->origin != origin && each->until < place->until))
      place = each;
  if (place->origin != origin && place->until > now)
    connections->others_until = now + LATE;
  *place = (struct ended){origin, now + LATE};
}

static bool needs_fresh(const struct connections *connections, unsigned origin) {
  double now = clock_now();
  for (size_t i = 0; i < MAX_ENDED; i++)
    if (connections->ended[i].origin == origin && connections->ended[i].until > now)
      return true;
  return connections->others_until > now;
}

struct look {
  struct connections *connections;
  const struct loop_entry *entries; /* under way */
};

/* Whether no entry under way uses the socket: an ended entry may have left it to the next already.
 */
static bool may_end(void *context, const struct listed_socket *item) {
  const struct look *look = context;
  for (const struct loop_entry *entry = look->entries; entry; entry = entry->next)
    if (entry->socket == item->socket)
      return false;
  if (look->connections->is_late)
    note_ended(look->connections, item->origin);
  return true;
}

/* What waits on an idle connection does not answer the next request: it is a late refusal, an
 * answer to no request, or the end. What comes between this look and the request cannot be caught.
 *
 * workaround: libcurl before 8.0 takes all of these for the answer, except the end of a plain
 * connection; from 8.22 on it does not look at a connection that was used, or looked at, within the
 * last second, nor does it find the end of one that is ended here before that second is over. */
static void end_unclean(struct connections *connections, const struct loop_entry *entries) {
  struct look look = {connections, entries};
  if (connections->sockets.idle > 0)
    socket_list_end_unclean(&connections->sockets, may_end, &look);
}

void connections_join(struct connections *connections, struct loop_entry *entry,
                      const struct loop_entry *entries) {
  curl_easy_setopt(entry->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(entry->easy, CURLOPT_OPENSOCKETDATA, connections);
  curl_easy_setopt(entry->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(entry->easy, CURLOPT_CLOSESOCKETDATA, connections);
  entry->socket = NO_SOCKET;
  end_unclean(connections, entries);
  if (needs_fresh(connections, entry->origin))
    curl_easy_setopt(entry->easy, CURLOPT_FRESH_CONNECT, 1L);
}

/* --- the end --------------------------------------------------------------------------------- */

size_t connections_count(struct connections *connections) {
  socket_list_remove_closed(&connections->sockets);
  return connections->sockets.count;
}

/* When memory runs out, libcurl closes sockets without telling (it never announced them). */
void connections_clear(struct connections *connections) {
  struct socket_list *sockets = &connections->sockets;
  while (sockets->count > 0)
    poller_watch(connections->poller, sockets->items[--sockets->count].socket, false, false);
  sockets->idle = 0;
  connections->lacks_memory = false;
}

void connections_abandon(struct connections *connections) {
  struct socket_list *sockets = &connections->sockets;
  socket_list_remove_closed(sockets);
  for (size_t i = 0; i < sockets->count; i++)
    port_socket_close(sockets->items[i].socket);
  sockets->count = sockets->idle = 0;
}

void connections_free(struct connections *connections) {
  socket_list_free(&connections->sockets);
}
