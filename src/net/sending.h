/* Whether a request went out, and that it goes out once: libcurl sends it again where a connection
 * that it kept ends without an answer, and where a server refuses a stream. No Lua. */
#ifndef ANTHROPIC_NET_SENDING_H
#define ANTHROPIC_NET_SENDING_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Zero-initialise. */
struct sending {
  bool is_counted; /* libcurl tells when it sends: sending_begin is called each time */
  bool is_sent;    /* it has begun to send the request */
  bool held_back;  /* it was kept from sending it again */
  bool is_refused; /* of the stream, by the server (HTTP/2) */
  bool downgrades; /* it was about to send it by HTTP/1.1 */
};

/* libcurl is about to send the request. False where it must not. */
bool sending_begin(struct sending *sending);

/* Takes a line of text of libcurl's log. What a server says of a request by HTTP/2 stands there
 * alone: that it refused the stream (which libcurl does not say where others had used the
 * connection before), that it ends the connection and has processed nothing of it, or that it wants
 * HTTP/1.1. */
void sending_note_log(struct sending *sending, const char *text, size_t length);

#pragma GCC visibility pop

#endif
