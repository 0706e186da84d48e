/* One HTTP exchange on a curl easy handle: request out, status, headers and body in. No Lua.
 *
 * A request goes out once: where libcurl would send it again (its connection, which was kept, ended
 * before an answer; the server refused the stream), the transfer fails instead. A libcurl before
 * 7.80 cannot be kept from it; then a transfer that must not be sent twice takes a new connection.
 *
 * The body of a success goes straight to the sink, where there is one. Otherwise, and where the
 * status tells of a failure, it waits in one bounded buffer. While it is read piece by piece
 * (events), the transfer pauses when the buffer holds a window's worth and goes on when the reader
 * has used it up; when the whole body is wanted, transfer_collect lifts the window up to
 * `max_body_bytes`. */
#ifndef ANTHROPIC_NET_TRANSFER_H
#define ANTHROPIC_NET_TRANSFER_H

#include "net/body.h"
#include "net/loop_entry.h"
#include "util/buffer.h"

#include <stdint.h>

#pragma GCC visibility push(hidden)

struct multipart;
struct part;
struct sink;

/* Times are in seconds, 0 means none. Strings are copied; `body`, `body_file` and `sink` are not:
 * they must outlive the transfer. NULL strings are libcurl's defaults. */
struct transfer_options {
  const char *method;
  const char *url;
  const char *body;
  size_t body_length;
  const char *body_file; /* the path of a file that is the body */
  struct sink *sink;     /* gets the body of a 2xx answer; may be NULL */
  const char *proxy;
  const char *ca_file;
  const char *ca_path;
  const char *certificate_file; /* the client's own, PEM */
  const char *key_file;         /* of that; NULL: it is in the same file */
  const char *unix_socket;      /* the path of the socket to connect to */
  bool insecure;                /* accept any certificate */
  bool http2;
  bool fresh;    /* take a new connection */
  bool once;     /* the request must not be sent twice, whatever libcurl can do */
  long max_idle; /* use no connection again that was idle for so many seconds; 0: libcurl's limit */
  double connect_timeout;
  double first_byte_timeout; /* from the request's end to that of the response's headers */
  double idle_timeout;       /* between two bytes of a body; stands still while paused */
  double total_timeout;
  size_t max_body_bytes;
  size_t max_download_bytes; /* that go to the sink where no length is announced */
  bool record;               /* keep what comes of the body, and when (for tests) */
};

enum transfer_failure {
  TRANSFER_OK,
  TRANSFER_CONNECTION, /* libcurl's words in `message` */
  TRANSFER_LOST,       /* a kept connection ended before anything of the answer came */
  TRANSFER_REFUSED,    /* the server says that it did not process the request (HTTP/2) */
  TRANSFER_DOWNGRADED, /* the server wants it by HTTP/1.1 */
  TRANSFER_CONNECT_TIMEOUT,
  TRANSFER_FIRST_BYTE_TIMEOUT,
  TRANSFER_IDLE_TIMEOUT,
  TRANSFER_TOTAL_TIMEOUT,
  TRANSFER_TRUNCATED, /* the peer ended before the announced end */
  TRANSFER_PROXY,     /* a proxy refused, and will again: libcurl's words in `message` */
  TRANSFER_FLOODED,   /* the peer sends without end what means nothing (HTTP/2) */
  TRANSFER_TOO_LARGE,
  TRANSFER_LARGE_DOWNLOAD,
  TRANSFER_COSTLY,        /* the values of its JSON would take too much memory */
  TRANSFER_LARGE_HEADERS, /* of the response */
  TRANSFER_ENCODING,      /* the content's, which libcurl cannot undo */
  TRANSFER_FILE,          /* a file could not be read or written: `message` names it */
  TRANSFER_NO_MEMORY,
  TRANSFER_CANCELLED
};

struct transfer {
  struct loop_entry entry; /* first: the callbacks find the transfer by it */
  struct curl_slist *headers;
  struct multipart *multipart;
  double last_sent;  /* when libcurl asked for bytes of that the last time, 0 before */
  bool is_counted;   /* libcurl tells when it sends */
  bool is_sent;      /* it has begun to send the request */
  bool held_back;    /* it was kept from sending it again */
  bool is_refused;   /* of the stream, by the server */
  bool downgrades;   /* it was about to send it by HTTP/1.1 */
  bool is_doubted;   /* if it is cancelled, its connection takes no new stream */
  struct sink *sink; /* the caller's */
  char curl_message[CURL_ERROR_SIZE];
  char message[512]; /* about the failure, where there is more to say than its name */

  long status; /* 0 until the final response's headers are complete */
  struct buffer response_headers;
  size_t other_headers; /* bytes of interim responses' and of trailers, which libcurl keeps */
  unsigned encoding;    /* enum content_encoding, added up */
  struct body body;
  bool has_body;  /* some of it has come */
  unsigned lent;  /* so often; nothing here moves or changes while it is */
  bool held;      /* paused because it was lent */
  size_t waiting; /* bytes that libcurl keeps of it while it is paused (HTTP/2) */

  enum transfer_failure failure; /* meaningful once it is done */
  CURLcode code;

  double started; /* monotonic seconds */
  double last_byte;
  double first_byte_timeout;
  double idle_timeout;
  double total_timeout;
};

/* Makes a transfer that is not under way, with a handle that the loop (which may be NULL) has kept
 * where it has one. NULL with *code set when libcurl refused an option or memory ran out. The
 * caller frees it with transfer_free or transfer_close. */
struct transfer *transfer_new(struct loop *loop, const struct transfer_options *options,
                              CURLcode *code);

/* Starts it; see loop_add. */
bool transfer_start(struct transfer *transfer, struct loop *loop);

/* Adds one "Name: value" line to the request, before it starts. False when memory ran out. */
bool transfer_add_header(struct transfer *transfer, const char *line);

/* Gives the request the body that the option `body_file` names, before it starts. False with the
 * transfer failed, where that cannot be read, or when memory ran out. */
bool transfer_add_file(struct transfer *transfer, const char *path);

/* Gives the request a body of `count` parts, at least one, before it starts. Each is then added in
 * turn. False when memory ran out. */
bool transfer_begin_parts(struct transfer *transfer, size_t count);

/* Adds the next part (multipart.h). False with the transfer failed, where its file cannot be read,
 * or when memory ran out. */
bool transfer_add_part(struct transfer *transfer, const struct part *part);

/* Cancels it if it is under way and frees everything. NULL is fine. */
void transfer_free(struct transfer *transfer);

/* The same, but the loop keeps the easy handle where another transfer can use it. Both may be NULL.
 */
void transfer_close(struct transfer *transfer, struct loop *loop);

/* The reader has used up what it can: lets a paused transfer go on. True when bytes came at once.
 */
bool transfer_demand(struct transfer *transfer);

/* The reader wants the body as a whole. */
void transfer_collect(struct transfer *transfer);

/* Makes a body that came whole a failure, for what its reader found in it. */
void transfer_refuse(struct transfer *transfer, enum transfer_failure failure);

/* For a caller that runs foreign code while it reads what the transfer holds: a finalizer may step
 * the loop. What comes meanwhile waits in libcurl. Not to be closed or read from while lent. */
void transfer_lend(struct transfer *transfer);

/* Once for each transfer_lend. */
void transfer_take_back(struct transfer *transfer);

/* Gives the transfer at most `seconds` from now. */
void transfer_limit(struct transfer *transfer, double seconds);

/* Ends the transfer with a failure, or with TRANSFER_OK; the first end wins. */
void transfer_finish(struct transfer *transfer, enum transfer_failure failure);

/* Ends the transfer with TRANSFER_FILE. `verb` is what could not be done, such as "read". */
void transfer_fail_file(struct transfer *transfer, const char *verb, const char *path,
                        const char *problem);

/* Whether the server cannot have acted on the request: nothing of it was sent, or it says so. */
bool transfer_is_unprocessed(const struct transfer *transfer);

#pragma GCC visibility pop

#endif
