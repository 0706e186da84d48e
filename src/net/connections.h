/* The sockets that libcurl has open for a loop's entries: opened, watched and closed here, and
 * looked at before they are used again. No Lua. */
#ifndef ANTHROPIC_NET_CONNECTIONS_H
#define ANTHROPIC_NET_CONNECTIONS_H

#include "net/socket_list.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

struct loop_entry;
struct poller;

enum { MAX_ENDED = 16 };

/* Zero-initialise; connections_free ends it. */
struct connections {
  struct poller *poller;      /* the loop's, which outlives what is open */
  struct socket_list sockets; /* libcurl may have closed some without telling */

  bool lacks_memory; /* to watch a socket: libcurl then reports an abort */

  /* private part */
  bool looks;    /* at idle sockets before they are used again */
  bool is_late;  /* libcurl notes a connection's end after a while */
  struct ended { /* connections whose end it may not have noted yet */
    unsigned origin;
    double until; /* of clock_now */
  } ended[MAX_ENDED];
  double others_until; /* of ended ones that found no place */
};

/* Has a multi handle report its sockets. False when libcurl refused. */
bool connections_attach(struct connections *connections, CURLM *multi);

/* Makes the handle of an entry that is about to start open and close its sockets here, and ends
 * idle connections on which something waits. `entries` is the list of entries under way. */
void connections_join(struct connections *connections, struct loop_entry *entry,
                      const struct loop_entry *entries);

/* The socket that an entry uses, or NO_SOCKET: unknown. */
port_socket connections_socket_of(struct connections *connections, struct loop_entry *entry);

/* Call when an entry's handle is done: its connection is idle. */
void connections_note_idle(struct connections *connections, CURL *easy);

/* How many sockets are open. */
size_t connections_count(struct connections *connections);

/* Call when the multi handle is gone: its sockets are closed. */
void connections_clear(struct connections *connections);

/* In a forked child: closes its copies of the parent's sockets, whose multi handle is given up. */
void connections_abandon(struct connections *connections);

void connections_free(struct connections *connections);

#pragma GCC visibility pop

#endif
