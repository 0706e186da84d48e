#include "net/transfer_callbacks.h"

#include "net/content_encoding.h"
#include "net/easy_options.h"
#include "net/loop.h"
#include "net/multipart.h"
#include "net/transfer_state.h"
#include "util/clock.h"
#include "util/sink.h"

#include <stdio.h>

/* --- what comes ------------------------------------------------------------------------------ */

/* libcurl fails if it has to undo an encoding that it does not know. If none of the words named is
 * an encoding, the content is plain, and nothing has to be undone. (From 8.5 on libcurl decides
 * before it shows the line, and fails all the same.) workaround: libcurl < 8.5 */
static void set_decoding(struct transfer *transfer) {
  curl_easy_setopt(transfer->entry.easy, CURLOPT_HTTP_CONTENT_DECODING,
                   transfer->head.encoding == ENCODING_UNKNOWN ? 0L : 1L);
}

static bool goes_to_sink(const struct transfer *transfer) {
  return transfer->sink && transfer->status / 100 == 2;
}

static void fail_as_odd(struct transfer *transfer, const char *words) {
  transfer->code = CURLE_WEIRD_SERVER_REPLY;
  snprintf(transfer->message, sizeof transfer->message, "%s", words);
  transfer_finish(transfer, TRANSFER_CONNECTION);
}

/* The headers of a response are complete; those of an interim (1xx) response mean nothing. After a
 * 101, which no request asks for, libcurl takes all that comes for a body. */
static bool end_head(struct transfer *transfer) {
  enum { SWITCHING_PROTOCOLS = 101 };
  long status = 0;
  curl_easy_getinfo(transfer->entry.easy, CURLINFO_RESPONSE_CODE, &status);
  if (status == SWITCHING_PROTOCOLS) {
    fail_as_odd(transfer, "the answer switches to another protocol (status 101)");
    return false;
  }
  if (status >= 200) {
    transfer->status = status;
    transfer->last_byte = clock_now();
    transfer_note_deadline(transfer); /* of the idle timeout, which begins here */
    transfer_tell(transfer);
  }
  if (!goes_to_sink(transfer) || !transfer_is_encoded(transfer))
    return true;
  snprintf(transfer->message, sizeof transfer->message, "a file is not written from it");
  transfer_finish(transfer, TRANSFER_ENCODING);
  return false;
}

/* After HEAD_ENDED, end_head has set the failure already. */
static void fail_by_head(struct transfer *transfer, enum head_result result) {
  if (result == HEAD_TOO_LARGE)
    transfer_finish(transfer, TRANSFER_LARGE_HEADERS);
  else if (result == HEAD_NO_MEMORY)
    transfer_finish(transfer, TRANSFER_NO_MEMORY);
  else if (result == HEAD_NO_STATUS)
    fail_as_odd(transfer, "the answer has no status");
}

/* libcurl passes whole lines. */
static size_t on_header(char *line, size_t size, size_t count, void *userdata) {
  struct transfer *transfer = userdata;
  struct head *head = &transfer->head;
  size_t length = size * count;
  unsigned encoding = head->encoding;
  enum head_result result =
      transfer->status ? head_take_trailer(head, length) : head_take(head, line, length);
  if (head->encoding != encoding)
    set_decoding(transfer);
  if (result == HEAD_TAKEN || (result == HEAD_ENDED && end_head(transfer)))
    return length;
  fail_by_head(transfer, result);
  return 0;
}

/* Decides where the body goes, when its first bytes are there. If a length is announced, libcurl
 * takes no more than that. */
static void begin_body(struct transfer *transfer) {
  curl_off_t announced = -1;
  curl_easy_getinfo(transfer->entry.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  transfer->has_body = true;
  transfer->body.is_announced = announced >= 0;
  transfer->body.is_encoded = transfer_is_encoded(transfer);
  transfer->body.sink = goes_to_sink(transfer) ? transfer->sink : NULL;
}

/* Bytes of an encoded body that came over the wire so far. */
static int64_t taken_of(const struct transfer *transfer) {
  curl_off_t taken = 0;
  if (transfer->body.is_encoded)
    curl_easy_getinfo(transfer->entry.easy, CURLINFO_SIZE_DOWNLOAD_T, &taken);
  return taken;
}

static void fail_by_body(struct transfer *transfer, enum body_result result) {
  static const enum transfer_failure failures[] = {
      [BODY_TOO_LARGE] = TRANSFER_TOO_LARGE,
      [BODY_LARGE_DOWNLOAD] = TRANSFER_LARGE_DOWNLOAD,
      [BODY_NO_MEMORY] = TRANSFER_NO_MEMORY,
  };
  if (result == BODY_NOT_WRITTEN)
    transfer_fail_file(transfer, "write", transfer->sink->path, transfer->body.problem);
  else
    transfer_finish(transfer, failures[result]);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *userdata) {
  struct transfer *transfer = userdata;
  struct body *body = &transfer->body;
  size_t length = size * count;
  if (transfer->entry.done) /* nobody reads it any more */
    return length;
  transfer->last_byte = clock_now();
  if (!transfer->has_body)
    begin_body(transfer);
  if (transfer->lent || !body_has_room(body, taken_of(transfer))) {
    transfer->entry.paused = true;
    transfer->held = transfer->lent > 0;
    return CURL_WRITEFUNC_PAUSE;
  }
  enum body_result result =
      body_write(body, transfer->last_byte - transfer->started, bytes, length);
  if (result != BODY_TAKEN) {
    fail_by_body(transfer, result);
    return 0;
  }
  if (!body->sink)
    transfer_tell(transfer);
  return length;
}

/* As if libcurl had brought the answer at once. */
void transfer_answer(struct transfer *transfer, const struct transfer_answer *answer) {
  struct body *body = &transfer->body;
  enum body_result result = BODY_TAKEN;
  transfer->started = transfer->last_byte = clock_now();
  transfer->status = answer->status;
  begin_body(transfer);
  body->is_announced = true;
  body->allowed = answer->length;
  if (!buffer_append(&transfer->head.lines, answer->head, answer->head_length))
    result = BODY_NO_MEMORY;
  else if (answer->length > 0)
    result = body_write(body, 0, answer->bytes, answer->length);
  if (result != BODY_TAKEN)
    fail_by_body(transfer, result);
  else
    transfer_finish(transfer, TRANSFER_OK);
}

/* --- what goes out, and libcurl's log --------------------------------------------------------- */

static int before_sending(void *userdata, char *remote, char *local, int remote_port,
                          int local_port) {
  struct transfer *transfer = userdata;
  (void)remote;
  (void)local;
  transfer->entry.remote_port = remote_port;
  transfer->entry.local_port = local_port;
  return sending_begin(&transfer->sending) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* By HTTP/2 libcurl reads on while a transfer is paused, for the connection's other streams, and
 * buffers what comes for it: as much as the window lets a server send (32 MiB before 8.1, then 10
 * MiB). */
static void note_bytes(struct transfer *transfer, curl_infotype type, const char *bytes,
                       size_t length) {
  if (!transfer->entry.active || transfer->entry.done)
    return;
  if (!loop_note_log(transfer->entry.loop, &transfer->entry, type, bytes, length))
    transfer_finish(transfer, TRANSFER_FLOODED);
  else if (transfer->entry.paused && type == CURLINFO_DATA_IN) {
    transfer->waiting += length;
    if (transfer->waiting + transfer->body.bytes.length > transfer->body.max_bytes) {
      transfer_finish(transfer, TRANSFER_TOO_LARGE);
      loop_leave(transfer->entry.loop);
    }
  }
}

static int on_log(CURL *easy, curl_infotype type, char *text, size_t length, void *userdata) {
  struct transfer *transfer = userdata;
  (void)easy;
  if (type == CURLINFO_TEXT)
    sending_note_log(&transfer->sending, text, length);
  else
    note_bytes(transfer, type, text, length);
  return 0;
}

void transfer_on_part(void *context) {
  struct transfer *transfer = context;
  if (transfer_fail_by_part(transfer))
    return;
  transfer->last_sent = transfer->last_byte = clock_now();
  transfer_note_deadline(transfer);
}

/* --- set-up ---------------------------------------------------------------------------------- */

#define SET(call)                                                                                  \
  if (code == CURLE_OK)                                                                            \
  code = (call)

static CURLcode set_callbacks(struct transfer *transfer) {
  CURL *easy = transfer->entry.easy;
  CURLcode code = CURLE_OK;
  SET(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_message));
  SET(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
  SET(curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer));
  SET(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
  SET(curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer));
  if (transfer->entry.is_http2) {
    SET(curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_log));
    SET(curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer));
    SET(curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L));
  }
  return code;
}

/* Makes libcurl call before it sends. A libcurl that cannot (before 7.80) sends again only on
 * connections that it kept. */
static CURLcode set_sending(struct transfer *transfer, bool is_fresh, bool is_once) {
  CURL *easy = transfer->entry.easy;
  transfer->sending.is_counted =
      curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK;
  if (is_fresh || (is_once && !transfer->sending.is_counted))
    return curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  return CURLE_OK;
}

#undef SET

CURLcode transfer_callbacks_set(struct transfer *transfer, const struct transfer_options *options) {
  CURLcode code = set_callbacks(transfer);
  return code == CURLE_OK ? set_sending(transfer, options->fresh, options->once) : code;
}
