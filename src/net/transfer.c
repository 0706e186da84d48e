#define _POSIX_C_SOURCE 200809L
#include "net/transfer.h"

#include "net/content_encoding.h"
#include "net/loop.h"
#include "net/multipart.h"
#include "util/clock.h"
#include "util/sink.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  SILENCE = 5 /* seconds without a byte, after which a cancelled stream (HTTP/2) tells of a dead
                 connection */
};

static void tell(struct transfer *transfer) {
  transfer->entry.news = true;
  if (transfer->entry.loop)
    loop_mark_ready(transfer->entry.loop, &transfer->entry);
}

static void note_deadline(struct transfer *transfer) {
  if (transfer->entry.active)
    loop_note_deadline(transfer->entry.loop, &transfer->entry);
}

/* --- libcurl's callbacks: they append, count and set flags ----------------------------------- */

/* libcurl fails where it is to undo an encoding that it does not know. Where no word that is named
 * is an encoding, the content is as it is, and it need not undo any. (From 8.5 on it decides that
 * before it shows the line, and fails all the same.) */
static void set_decoding(struct transfer *transfer) {
  curl_easy_setopt(transfer->entry.easy, CURLOPT_HTTP_CONTENT_DECODING,
                   transfer->head.encoding == ENCODING_UNKNOWN ? 0L : 1L);
}

static bool is_encoded(const struct transfer *transfer) {
  return transfer->head.encoding & ENCODING_KNOWN;
}

static bool goes_to_sink(const struct transfer *transfer) {
  return transfer->sink && transfer->status / 100 == 2;
}

/* The headers of a response are there; of an interim (1xx) one that means nothing. */
static bool end_head(struct transfer *transfer) {
  long status = 0;
  curl_easy_getinfo(transfer->entry.easy, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200) {
    transfer->status = status;
    transfer->last_byte = clock_now();
    note_deadline(transfer); /* of the idle timeout, which begins here */
    tell(transfer);
  }
  if (!goes_to_sink(transfer) || !is_encoded(transfer))
    return true;
  snprintf(transfer->message, sizeof transfer->message, "a file is not written from it");
  transfer_finish(transfer, TRANSFER_ENCODING);
  return false;
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
  if (result == HEAD_TOO_LARGE || result == HEAD_NO_MEMORY) {
    transfer_finish(transfer,
                    result == HEAD_TOO_LARGE ? TRANSFER_LARGE_HEADERS : TRANSFER_NO_MEMORY);
    return 0;
  }
  return result != HEAD_ENDED || end_head(transfer) ? length : 0;
}

/* Decides where the body goes, when its first bytes are there. Where a length is announced, libcurl
 * takes no more than that. */
static void begin_body(struct transfer *transfer) {
  curl_off_t announced = -1;
  curl_easy_getinfo(transfer->entry.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  transfer->has_body = true;
  transfer->body.is_announced = announced >= 0;
  transfer->body.is_encoded = is_encoded(transfer);
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
    tell(transfer);
  return length;
}

#if LIBCURL_VERSION_NUM >= 0x075000
static int before_sending(void *userdata, char *remote, char *local, int remote_port,
                          int local_port) {
  struct transfer *transfer = userdata;
  (void)remote;
  (void)local;
  transfer->entry.remote_port = remote_port;
  transfer->entry.local_port = local_port;
  return sending_begin(&transfer->sending) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}
#endif

/* By HTTP/2 libcurl reads on while a transfer is paused, for the others of its connection, and
 * keeps what comes of it: as much as the window lets a server send (32 MiB before 8.1, then 10
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

/* Whether a file that is sent could not be read. */
static bool fail_by_part(struct transfer *transfer) {
  const char *path;
  const char *problem = multipart_problem(transfer->multipart, &path);
  if (problem)
    transfer_fail_file(transfer, "read", path, problem);
  return problem != NULL;
}

static void on_part(void *context) {
  struct transfer *transfer = context;
  if (fail_by_part(transfer))
    return;
  transfer->last_sent = transfer->last_byte = clock_now();
  note_deadline(transfer);
}

/* --- the end --------------------------------------------------------------------------------- */

void transfer_finish(struct transfer *transfer, enum transfer_failure failure) {
  if (transfer->entry.done)
    return;
  transfer->entry.done = true;
  transfer->failure = failure;
  tell(transfer);
}

void transfer_fail_file(struct transfer *transfer, const char *verb, const char *path,
                        const char *problem) {
  snprintf(transfer->message, sizeof transfer->message, "cannot %s %.400s: %s", verb,
           path ? path : "a file", problem);
  transfer_finish(transfer, TRANSFER_FILE);
}

bool transfer_is_unprocessed(const struct transfer *transfer) {
  if (transfer->sending.is_refused && !transfer->status)
    return true;
  if (transfer->sending.is_counted)
    return !transfer->sending.is_sent;
  return transfer->failure == TRANSFER_CONNECT_TIMEOUT ||
         transfer->code == CURLE_COULDNT_RESOLVE_PROXY ||
         transfer->code == CURLE_COULDNT_RESOLVE_HOST || transfer->code == CURLE_COULDNT_CONNECT;
}

/* When the first of its timeouts will run out, and which. */
static double first_timeout(const struct transfer *transfer, enum transfer_failure *failure) {
  double deadline = HUGE_VAL;
  bool is_sending = transfer->last_sent > 0 && multipart_unsent(transfer->multipart) > 0;
  *failure = TRANSFER_OK;
#define CONSIDER(applies, seconds, since, name)                                                    \
  if ((applies) && (seconds) > 0 && (since) + (seconds) < deadline) {                              \
    deadline = (since) + (seconds);                                                                \
    *failure = (name);                                                                             \
  }
  CONSIDER(true, transfer->total_timeout, transfer->started, TRANSFER_TOTAL_TIMEOUT)
  CONSIDER(!transfer->status, transfer->first_byte_timeout,
           fmax(transfer->started, transfer->last_sent), TRANSFER_FIRST_BYTE_TIMEOUT)
  CONSIDER((transfer->status || is_sending) && !transfer->entry.paused, transfer->idle_timeout,
           transfer->last_byte, TRANSFER_IDLE_TIMEOUT)
#undef CONSIDER
  return deadline;
}

/* --- what the loop is told ------------------------------------------------------------------- */

static double deadline(const struct loop_entry *entry) {
  enum transfer_failure failure;
  return first_timeout((const struct transfer *)entry, &failure);
}

/* The connection may be dead. */
static void expire(struct loop_entry *entry) {
  enum transfer_failure failure;
  entry->retires = !entry->done;
  first_timeout((const struct transfer *)entry, &failure);
  transfer_finish((struct transfer *)entry, failure);
}

/* Ends the transfer with what libcurl made of it. */
static CURLcode complete(struct loop_entry *entry, CURLcode code) {
  struct transfer *transfer = (struct transfer *)entry;
  if (entry->done)
    return transfer->code;
  struct verdict_facts facts = {entry->easy, &transfer->sending, transfer->status,
                                transfer->has_body, is_encoded(transfer)};
  struct verdict verdict = verdict_of(code, &facts);
  transfer->code = verdict.code;
  if (verdict.has_words)
    snprintf(transfer->message, sizeof transfer->message, "%s",
             transfer->curl_message[0] ? transfer->curl_message : curl_easy_strerror(code));
  transfer_finish(transfer, verdict.failure);
  return transfer->code;
}

static bool is_silent(const struct transfer *transfer) {
  return !transfer->entry.paused && clock_now() - transfer->last_byte >= SILENCE;
}

static void cancel(struct loop_entry *entry) {
  struct transfer *transfer = (struct transfer *)entry;
  entry->retires = !entry->done && (transfer->is_doubted || is_silent(transfer));
  transfer_finish(transfer, TRANSFER_CANCELLED);
}

static void abandon(struct loop_entry *entry) {
  struct transfer *transfer = (struct transfer *)entry;
  transfer->headers = NULL;
  transfer_finish(transfer, TRANSFER_CANCELLED);
}

static const struct loop_callbacks callbacks = {deadline, expire, complete, cancel, abandon};

/* --- set-up ---------------------------------------------------------------------------------- */

/* Whether the host of a URL is an address that is followed by an interface: [fe80::1%25eth0]. */
static bool has_zone(const char *url) {
  const char *host = strstr(url, "://[");
  const char *zone = host ? strchr(host, '%') : NULL;
  return zone && memchr(host, ']', (size_t)(zone - host)) == NULL;
}

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

/* Has libcurl tell before it sends. One that cannot sends twice on connections that it kept alone.
 */
static CURLcode set_sending(struct transfer *transfer, bool is_fresh, bool is_once) {
  CURL *easy = transfer->entry.easy;
#if LIBCURL_VERSION_NUM >= 0x075000
  transfer->sending.is_counted =
      curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK;
#endif
  if (is_fresh || (is_once && !transfer->sending.is_counted))
    return curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  return CURLE_OK;
}

/* Takes a handle that has been used before, or makes one, and sets it up. */
static CURLcode set_up(struct transfer *transfer, struct loop *loop,
                       const struct transfer_options *options) {
  CURLcode code = CURLE_OK;
  transfer->entry.easy = loop ? loop_take_easy(loop) : NULL;
  if (!transfer->entry.easy)
    transfer->entry.easy = curl_easy_init();
  if (!transfer->entry.easy)
    return CURLE_OUT_OF_MEMORY;
  SET(easy_options_set(transfer->entry.easy, options));
  SET(set_callbacks(transfer));
  SET(set_sending(transfer, options->fresh, options->once));
  return code;
}

#undef SET

struct transfer *transfer_new(struct loop *loop, const struct transfer_options *options,
                              CURLcode *code) {
  struct transfer *transfer = calloc(1, sizeof *transfer);
  *code = CURLE_OUT_OF_MEMORY;
  if (!transfer)
    return NULL;
  transfer->entry.callbacks = &callbacks;
  transfer->entry.is_http2 = options->http2;
  transfer->entry.has_zone = has_zone(options->url);
  body_demand(&transfer->body);
  transfer->body.max_bytes = options->max_body_bytes;
  transfer->body.max_sink_bytes = options->max_download_bytes;
  transfer->body.is_recorded = options->record;
  transfer->sink = options->sink;
  transfer->first_byte_timeout = options->first_byte_timeout;
  transfer->idle_timeout = options->idle_timeout;
  transfer->total_timeout = options->total_timeout;
  *code = set_up(transfer, loop, options);
  if (*code != CURLE_OK)
    goto fail;
  /* libcurl would ask a server whether it may send a large body, and wait up to a second; what
   * comes compressed is unpacked, but not asked for: it makes a stream's events late */
  if (transfer_add_header(transfer, "Expect:") && transfer_add_header(transfer, "Accept-Encoding:"))
    return transfer;
  *code = CURLE_OUT_OF_MEMORY;
fail:
  transfer_free(transfer);
  return NULL;
}

bool transfer_add_header(struct transfer *transfer, const char *line) {
  struct curl_slist *headers = curl_slist_append(transfer->headers, line);
  if (!headers)
    return false;
  bool is_first = !transfer->headers; /* which stays the list's head */
  transfer->headers = headers;
  return !is_first ||
         curl_easy_setopt(transfer->entry.easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
}

bool transfer_begin_parts(struct transfer *transfer, size_t count) {
  transfer->multipart = multipart_new(transfer->entry.easy, count, on_part, transfer);
  return transfer->multipart != NULL;
}

bool transfer_add_part(struct transfer *transfer, const struct part *part) {
  if (multipart_add(transfer->multipart, part))
    return true;
  fail_by_part(transfer);
  return false;
}

bool transfer_start(struct transfer *transfer, struct loop *loop) {
  transfer->started = transfer->last_byte = clock_now();
  return loop_add(loop, &transfer->entry);
}

void transfer_free(struct transfer *transfer) {
  if (!transfer)
    return;
  if (transfer->entry.loop)
    loop_remove(transfer->entry.loop, &transfer->entry);
  curl_easy_cleanup(transfer->entry.easy);
  curl_slist_free_all(transfer->headers);
  multipart_free(transfer->multipart);
  buffer_free(&transfer->head.lines);
  body_free(&transfer->body);
  free(transfer);
}

void transfer_close(struct transfer *transfer, struct loop *loop) {
  if (!transfer)
    return;
  bool is_over =
      transfer->entry.done && transfer->failure == TRANSFER_OK && !transfer->entry.active;
  if (loop && is_over && transfer->entry.easy && !transfer->multipart) {
    curl_easy_reset(transfer->entry.easy);
    loop_give_easy(loop, transfer->entry.easy);
    transfer->entry.easy = NULL;
  }
  transfer_free(transfer);
}

/* --- reading --------------------------------------------------------------------------------- */

/* libcurl may call on_body from here. */
static bool resume(struct transfer *transfer) {
  if (!transfer->entry.paused || !transfer->entry.active)
    return false;
  size_t before = transfer->body.bytes.length;
  transfer->entry.paused = false;
  transfer->waiting = 0;
  transfer->last_byte = clock_now();
  loop_resume(transfer->entry.loop, &transfer->entry);
  return transfer->body.bytes.length > before;
}

bool transfer_demand(struct transfer *transfer) {
  body_demand(&transfer->body);
  return resume(transfer);
}

void transfer_collect(struct transfer *transfer) {
  if (transfer->body.is_whole)
    return;
  if (!body_collect(&transfer->body))
    transfer_refuse(transfer, TRANSFER_TOO_LARGE);
  resume(transfer);
}

void transfer_refuse(struct transfer *transfer, enum transfer_failure failure) {
  transfer_finish(transfer, failure);
  if (transfer->failure == TRANSFER_OK) { /* a success is one no more */
    transfer->failure = failure;
    tell(transfer);
  }
  if (transfer->entry.loop)
    loop_remove(transfer->entry.loop, &transfer->entry);
}

void transfer_lend(struct transfer *transfer) {
  transfer->lent++;
  buffer_lend(&transfer->head.lines);
  body_lend(&transfer->body);
}

void transfer_take_back(struct transfer *transfer) {
  transfer->lent--;
  buffer_take_back(&transfer->head.lines);
  body_take_back(&transfer->body);
  if (!transfer->held || transfer->lent > 0)
    return;
  transfer->held = false;
  resume(transfer);
}

void transfer_limit(struct transfer *transfer, double seconds) {
  transfer->total_timeout = fmax(clock_now() - transfer->started + seconds, DBL_MIN);
  note_deadline(transfer);
}
