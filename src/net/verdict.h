/* How a transfer ended: by libcurl's code, and what else is known of the transfer. No Lua. */
#ifndef ANTHROPIC_NET_VERDICT_H
#define ANTHROPIC_NET_VERDICT_H

#include <curl/curl.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden)

struct sending;

enum transfer_failure {
  TRANSFER_OK,
  TRANSFER_CONNECTION, /* libcurl's words say more */
  TRANSFER_LOST,       /* a kept connection ended before anything of the answer came */
  TRANSFER_REFUSED,    /* the server says that it did not process the request (HTTP/2) */
  TRANSFER_DOWNGRADED, /* the server wants it by HTTP/1.1 */
  TRANSFER_CONNECT_TIMEOUT,
  TRANSFER_FIRST_BYTE_TIMEOUT,
  TRANSFER_IDLE_TIMEOUT,
  TRANSFER_TOTAL_TIMEOUT,
  TRANSFER_TRUNCATED, /* the peer ended before the announced end */
  TRANSFER_PROXY,     /* a proxy refused, and will again: libcurl's words say more */
  TRANSFER_FLOODED,   /* the peer endlessly sends what means nothing (HTTP/2) */
  TRANSFER_TOO_LARGE,
  TRANSFER_LARGE_DOWNLOAD,
  TRANSFER_COSTLY,        /* the values of its JSON would take too much memory */
  TRANSFER_LARGE_HEADERS, /* of the response */
  TRANSFER_ENCODING,      /* libcurl cannot undo the content's encoding */
  TRANSFER_FILE,          /* a file could not be read or written */
  TRANSFER_NO_MEMORY,
  TRANSFER_CANCELLED
};

/* What is known when libcurl is done. */
struct verdict_facts {
  CURL *easy;
  const char *words; /* libcurl's, may be "" */
  const struct sending *sending;
  long status;     /* 0: the final response's headers did not come */
  bool has_head;   /* some of it came, or an interim one */
  bool has_body;   /* some of it came */
  bool is_encoded; /* the content */
};

struct verdict {
  enum transfer_failure failure;
  CURLcode code;  /* what it would be if libcurl had not tried again */
  bool has_words; /* libcurl's say more than the failure's name */
};

/* What libcurl's code means. */
struct verdict verdict_of(CURLcode code, const struct verdict_facts *facts);

#pragma GCC visibility pop

#endif
