/* A transfer's state, its end, and what the loop asks of it. Code that runs transfers includes
 * transfer.h. No Lua. */
#ifndef ANTHROPIC_NET_TRANSFER_STATE_H
#define ANTHROPIC_NET_TRANSFER_STATE_H

#include "net/body.h"
#include "net/head.h"
#include "net/loop_entry.h"
#include "net/sending.h"
#include "net/verdict.h"

#pragma GCC visibility push(hidden)

struct multipart;

struct transfer {
  struct loop_entry entry; /* first: the callbacks find the transfer by it */
  struct curl_slist *headers;
  struct multipart *multipart;
  double last_sent; /* when libcurl last asked for bytes of the multipart, 0: not yet */
  struct sending sending;
  bool is_doubted;   /* if it is cancelled, its connection takes no new stream */
  struct sink *sink; /* the caller's */
  char curl_message[CURL_ERROR_SIZE];
  char message[512]; /* about the failure, if there is more to say than its name */

  long status; /* 0 until the final response's headers are complete */
  struct head head;
  struct body body;
  bool has_body;  /* some of it has come */
  unsigned lent;  /* how often; while lent, nothing here moves or changes */
  bool held;      /* paused because it was lent */
  size_t waiting; /* bytes that libcurl buffers while it is paused (HTTP/2) */

  enum transfer_failure failure; /* meaningful once it is done */
  CURLcode code;

  double started; /* monotonic seconds */
  double last_byte;
  double restarted; /* when the timeouts that wait for bytes last began anew, 0: never */
  double first_byte_timeout;
  double idle_timeout;
  double total_timeout;
};

/* What the loop asks of a transfer's entry. */
extern const struct loop_callbacks transfer_loop_callbacks;

/* Notes that there is news for the reader. */
void transfer_tell(struct transfer *transfer);

/* Notes that one of its timeouts runs out at another time. */
void transfer_note_deadline(struct transfer *transfer);

/* Whether the response's headers name an encoding of its content. */
bool transfer_is_encoded(const struct transfer *transfer);

/* Ends the transfer with a failure, or with TRANSFER_OK; the first end wins. */
void transfer_finish(struct transfer *transfer, enum transfer_failure failure);

/* Ends the transfer with TRANSFER_FILE. `verb` is what could not be done, such as "read". */
void transfer_fail_file(struct transfer *transfer, const char *verb, const char *path,
                        const char *problem);

/* Ends the transfer with TRANSFER_FILE if a file to send could not be read. False if none failed.
 */
bool transfer_fail_by_part(struct transfer *transfer);

/* Whether the server cannot have acted on the request: nothing was sent, or the server says so. */
bool transfer_is_unprocessed(const struct transfer *transfer);

#pragma GCC visibility pop

#endif
