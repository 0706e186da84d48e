/* Sets libcurl's easy options from a request's own options. No Lua.
 *
 * A libcurl that does not know an option refuses it. That fails the request if the option is needed
 * or the caller asked for it; an option that is only welcome is left out. */
#ifndef ANTHROPIC_NET_EASY_OPTIONS_H
#define ANTHROPIC_NET_EASY_OPTIONS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

struct sink;

enum { MAX_ROUTE_OPTIONS = 16 };

/* An option for the way to the server that libcurl takes unchanged: one row for each. */
struct route_option {
  const char *name;
  bool is_flag;         /* sets its easy options to 0; else they take the text */
  CURLoption needed[2]; /* 0: none */
  CURLoption welcome[2];
};

/* Ends with a row without a name. */
extern const struct route_option route_options[MAX_ROUTE_OPTIONS + 1];

/* Times are in seconds, 0 means none. Strings are copied; `body`, `body_file` and `sink` are not:
 * they must outlive the transfer. */
struct transfer_options {
  const char *method;
  const char *url;
  const char *body;
  size_t body_length;
  const char *body_file;                /* the path of a file that is the body */
  struct sink *sink;                    /* gets the body of a 2xx answer; may be NULL */
  const char *route[MAX_ROUTE_OPTIONS]; /* by route_options; NULL: absent; for a flag any text */
  bool http2;
  bool fresh;    /* take a new connection */
  bool once;     /* the request must not be sent twice, whatever libcurl can do */
  long max_idle; /* seconds after which an idle connection is not used again; 0: libcurl's limit */
  double connect_timeout;
  double first_byte_timeout; /* from the request's end to the end of the response's headers */
  double idle_timeout;       /* between two bytes of a body; stands still while paused */
  double total_timeout;
  size_t max_body_bytes;
  size_t max_download_bytes; /* that go to the sink if no length is announced */
  bool record;               /* keep what comes of the body, and when (for tests) */
};

/* Sets what all requests have in common and what this one asks for, on a handle that is as good as
 * new. The other timeouts, callbacks, headers and a body that is large or a file are left to the
 * caller. */
CURLcode easy_options_set(CURL *easy, const struct transfer_options *options);

/* Whether the request has a `body` that libcurl would not send along with the headers. */
bool easy_options_have_large_body(const struct transfer_options *options);

/* A number for the other end of the connection: the proxy, or the URL's scheme and authority. Two
 * ends rarely have the same. */
unsigned easy_options_origin(const struct transfer_options *options);

#pragma GCC visibility pop

#endif
