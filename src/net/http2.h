/* What many transfers on one connection need beside libcurl: connections that take no new stream,
 * and an end to what goes on without end inside of libcurl (workaround: libcurl < 8.7). No Lua. */
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
  unsigned generation; /* of connections: an entry uses none of an earlier one */
  int64_t idle_bytes;  /* that came during the step under way and told no stream of anything */
  bool has_suspects;   /* perhaps: entries to be looked at */
};

/* Before an entry starts: which connections it may use. One of HTTP/2 uses none that another entry
 * opened for HTTP/1.1. */
void http2_join(const struct http2 *http2, struct loop_entry *entry);

/* The connection of an entry that is about to leave takes no new stream. Its other streams, which
 * are in the list `entries`, go on; it closes with the last of them. */
void http2_retire(struct http2 *http2, const struct loop_entry *entry, struct loop_entry *entries);

/* Suspects the entries in a list of having ended with another, whose connection they share, where
 * `code` says that this is how it failed. */
void http2_suspect(struct http2 *http2, const struct loop_entry *ended, CURLcode code,
                   struct loop_entry *entries);

/* The socket of an entry that is under suspicion, to be looked at; NO_SOCKET: there is no such
 * entry. */
port_socket http2_next_suspect(struct http2 *http2, struct loop_entry *entries);

/* libcurl is about to be called: idle bytes are counted from here. */
void http2_begin_step(struct http2 *http2);

/* For libcurl's log, which has a line for each record of TLS and each piece of an answer. False
 * where more came in one step than any server has to send without an answer. */
bool http2_note(struct http2 *http2, curl_infotype type, const char *bytes, size_t length);

#pragma GCC visibility pop

#endif
