/* Notes whether a request went out, and keeps it from going out twice: libcurl sends it again if a
 * kept connection ends without an answer, or if a server refuses a stream. No Lua. */
#ifndef ANTHROPIC_NET_SENDING_H
#define ANTHROPIC_NET_SENDING_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Zero-initialise. */
struct sending {
  bool is_counted; /* libcurl tells when it sends: sending_begin is called each time */
  bool is_sent;    /* libcurl has begun to send the request */
  bool held_back;  /* libcurl was kept from sending it again */
  bool is_refused; /* the server refused the stream (HTTP/2) */
  bool downgrades; /* libcurl was about to send it by HTTP/1.1 */
};

/* Call when libcurl is about to send the request. False if it must not. */
bool sending_begin(struct sending *sending);

/* Takes a line of text of libcurl's log. Only there stands what a server says of a request by
 * HTTP/2: that it refused the stream (which libcurl does not report if others had used the
 * connection before), that it ends the connection and has not processed the request, or that it
 * wants HTTP/1.1. */
void sending_note_log(struct sending *sending, const char *text, size_t length);

#pragma GCC visibility pop

#endif
