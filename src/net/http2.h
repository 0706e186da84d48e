/* What many transfers on one connection need beside libcurl: connections that take no new stream,
 * and an end to endless work inside libcurl (workaround: libcurl < 8.7). No Lua. */
#ifndef ANTHROPIC_NET_HTTP2_H
#define ANTHROPIC_NET_HTTP2_H

#include "port/socket.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

struct loop_entry;

/* Of a loop. Zero-initialise. */
struct http2 {
  /* private part */
  unsigned generation; /* of connections: an entry uses none of an earlier generation */
  int64_t idle_bytes;  /* that came during the step under way and brought no stream anything */
  bool has_suspects;   /* there may be entries to look at */
};

/* Sets which connections an entry may use, before it starts. An HTTP/2 entry uses none that another
 * entry opened for HTTP/1.1. */
void http2_join(const struct http2 *http2, struct loop_entry *entry);

/* Keeps new streams off the connection of an entry that is about to leave. Its other streams, which
 * are in the list `entries`, go on; it closes with the last of them. */
void http2_retire(struct http2 *http2, const struct loop_entry *entry, struct loop_entry *entries);

/* If `code` says that the connection of `ended` is over, suspects the entries that share it of
 * having ended, too. */
void http2_suspect(struct http2 *http2, const struct loop_entry *ended, CURLcode code,
                   struct loop_entry *entries);

/* The socket of a suspected entry, which libcurl should look at; NO_SOCKET: there is no such entry.
 */
port_socket http2_next_suspect(struct http2 *http2, struct loop_entry *entries);

/* Call before libcurl is called: idle bytes are counted from here. */
void http2_begin_step(struct http2 *http2);

/* Takes a line of libcurl's log, which has one for each TLS record and each piece of an answer.
 * False if more came in one step than any server has to send without an answer. */
bool http2_note(struct http2 *http2, curl_infotype type, const char *bytes, size_t length);

#pragma GCC visibility pop

#endif
