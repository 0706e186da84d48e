/* What a loop runs: an easy handle of libcurl and its place there. To have one run, embed an
 * entry as the first field of a struct; its callbacks decide what the loop cannot know. No Lua. */
#ifndef ANTHROPIC_NET_LOOP_ENTRY_H
#define ANTHROPIC_NET_LOOP_ENTRY_H

#include "port/socket.h"

#include <curl/curl.h>
#include <stdbool.h>

struct loop;
struct loop_entry;

/* What the loop asks and tells the owner. No callback steps the loop or takes an entry out. */
struct loop_callbacks {
  /* When it runs out of time (of clock_now), or HUGE_VAL. */
  double (*deadline)(const struct loop_entry *entry);

  /* It ran out of time while the host did not step for `stood_still` seconds; then something came
   * on its connection. Returns whether it has time again. */
  bool (*put_off)(struct loop_entry *entry, double stood_still);

  /* It ran out of time. It leaves the loop. */
  void (*expire)(struct loop_entry *entry);

  /* libcurl is done with it. It leaves the loop. Returns the code by which its connection is
   * judged; CURLE_OK: it is not judged. */
  CURLcode (*complete)(struct loop_entry *entry, CURLcode code);

  /* It leaves the loop before libcurl is done with it; its `done` may be set. */
  void (*cancel)(struct loop_entry *entry);

  /* In a forked child: the handle is the parent's, and given up with all that it points to. It
   * leaves the loop, and `easy` is NULL from here on. */
  void (*abandon)(struct loop_entry *entry);

  /* For watched entries, which need only this and `abandon`: the descriptor is readable, or its
   * other end is closed. May end the watch. */
  void (*readable)(struct loop_entry *entry);
};

/* Zero-initialise, with callbacks and a handle. While it is in a loop, the handle's sockets and its
 * CURLOPT_PRIVATE are the loop's. */
struct loop_entry {
  const struct loop_callbacks *callbacks;
  CURL *easy;

  /* The owner's, which the loop reads. */
  bool done;       /* nothing more is wanted of it */
  bool news;       /* something changed since its reader last looked */
  bool paused;     /* libcurl buffers what comes for it */
  bool is_http2;   /* if the server speaks it */
  bool has_zone;   /* its URL names an interface of this machine */
  unsigned origin; /* equal for entries that could share a connection, rarely for others */
  bool retires;    /* its connection takes no new stream once it has left (HTTP/2) */
  int local_port;  /* of its connection, 0: unknown */
  int remote_port;

  /* The loop's, which the owner may read. */
  struct loop *loop; /* in which it is under way or in the ready list, or NULL */
  bool active;       /* under way there */

  /* private part */
  bool ready; /* stands in the ready list */
  struct loop_entry *next_ready;
  struct loop_entry *next;
  struct loop_entry *previous;
  port_socket socket;  /* that it was last seen to use, or NO_SOCKET */
  int looks;           /* its connection may have ended with another entry (http2.c) */
  unsigned generation; /* of connections (http2.c) */
};

/* The entry of a handle that is in a loop. */
static inline struct loop_entry *loop_entry_of(CURL *easy) {
  char *entry = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &entry);
  return (struct loop_entry *)(void *)entry;
}

#endif
