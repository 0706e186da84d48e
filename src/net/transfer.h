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
#include "net/easy_options.h"
#include "net/head.h"
#include "net/loop_entry.h"
#include "net/sending.h"
#include "net/verdict.h"
#include "util/buffer.h"

#include <stdint.h>

#pragma GCC visibility push(hidden)

struct multipart;
struct part;
struct transfer {
  struct loop_entry entry; /* first: the callbacks find the transfer by it */
  struct curl_slist *headers;
  struct multipart *multipart;
  double last_sent; /* when libcurl asked for bytes of that the last time, 0 before */
  struct sending sending;
  bool is_doubted;   /* if it is cancelled, its connection takes no new stream */
  struct sink *sink; /* the caller's */
  char curl_message[CURL_ERROR_SIZE];
  char message[512]; /* about the failure, where there is more to say than its name */

  long status; /* 0 until the final response's headers are complete */
  struct head head;
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
