#define _POSIX_C_SOURCE 200809L
#include "net/transfer_state.h"

#include "net/content_encoding.h"
#include "net/loop.h"
#include "net/multipart.h"
#include "util/clock.h"

#include <math.h>
#include <stdio.h>

enum {
  SILENCE = 5 /* seconds without a byte, after which the connection of a cancelled stream (HTTP/2)
                 counts as dead */
};

void transfer_tell(struct transfer *transfer) {
  transfer->entry.news = true;
  if (transfer->entry.loop)
    loop_mark_ready(transfer->entry.loop, &transfer->entry);
}

void transfer_note_deadline(struct transfer *transfer) {
  if (transfer->entry.active)
    loop_note_deadline(transfer->entry.loop, &transfer->entry);
}

bool transfer_is_encoded(const struct transfer *transfer) {
  return transfer->head.encoding & ENCODING_KNOWN;
}

/* --- the end --------------------------------------------------------------------------------- */

void transfer_finish(struct transfer *transfer, enum transfer_failure failure) {
  if (transfer->entry.done)
    return;
  transfer->entry.done = true;
  transfer->failure = failure;
  transfer_tell(transfer);
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

bool transfer_fail_by_part(struct transfer *transfer) {
  const char *path;
  const char *problem = multipart_problem(transfer->multipart, &path);
  if (problem)
    transfer_fail_file(transfer, "read", path, problem);
  return problem != NULL;
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
           fmax(fmax(transfer->started, transfer->last_sent), transfer->restarted),
           TRANSFER_FIRST_BYTE_TIMEOUT)
  CONSIDER((transfer->status || is_sending) && !transfer->entry.paused, transfer->idle_timeout,
           fmax(transfer->last_byte, transfer->restarted), TRANSFER_IDLE_TIMEOUT)
#undef CONSIDER
  return deadline;
}

/* --- what the loop is told ------------------------------------------------------------------- */

static double deadline(const struct loop_entry *entry) {
  enum transfer_failure failure;
  return first_timeout((const struct transfer *)entry, &failure);
}

/* While the host did not step, what came for this transfer was not read: its timeout starts anew. A
 * pause shorter than half the timeout does not count. */
static bool put_off(struct loop_entry *entry, double stood_still) {
  struct transfer *transfer = (struct transfer *)entry;
  enum transfer_failure failure;
  first_timeout(transfer, &failure);
  double seconds = failure == TRANSFER_IDLE_TIMEOUT         ? transfer->idle_timeout
                   : failure == TRANSFER_FIRST_BYTE_TIMEOUT ? transfer->first_byte_timeout
                                                            : HUGE_VAL;
  if (stood_still < seconds / 2)
    return false;
  transfer->restarted = clock_now();
  return true;
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
  struct verdict_facts facts = {
      .easy = entry->easy,
      .words = transfer->curl_message,
      .sending = &transfer->sending,
      .status = transfer->status,
      .has_head = transfer->head.lines.length > 0,
      .has_body = transfer->has_body,
      .is_encoded = transfer_is_encoded(transfer),
  };
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

const struct loop_callbacks transfer_loop_callbacks = {
    .deadline = deadline,
    .put_off = put_off,
    .expire = expire,
    .complete = complete,
    .cancel = cancel,
    .abandon = abandon,
};
