#define _POSIX_C_SOURCE 200809L
#include "net/transfer.h"

#include "net/easy_pool.h"
#include "net/loop.h"
#include "net/multipart.h"
#include "net/transfer_callbacks.h"
#include "util/clock.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- set-up ---------------------------------------------------------------------------------- */

/* Whether the host of a URL is an address with an interface: [fe80::1%25eth0]. */
static bool has_zone(const char *url) {
  const char *host = strstr(url, "://[");
  const char *zone = host ? strchr(host, '%') : NULL;
  return zone && memchr(host, ']', (size_t)(zone - host)) == NULL;
}

/* Takes a handle that has been used before, or makes one, and sets it up. */
static CURLcode set_up(struct transfer *transfer, struct loop *loop,
                       const struct transfer_options *options) {
  transfer->entry.easy = loop ? easy_pool_take(loop_easy_pool(loop)) : NULL;
  if (!transfer->entry.easy)
    transfer->entry.easy = curl_easy_init();
  if (!transfer->entry.easy)
    return CURLE_OUT_OF_MEMORY;
  CURLcode code = easy_options_set(transfer->entry.easy, options);
  return code == CURLE_OK ? transfer_callbacks_set(transfer, options) : code;
}

/* A large body is sent as a file is: its timeouts need to know when libcurl asks for its bytes. */
static bool add_large_body(struct transfer *transfer, const struct transfer_options *options) {
  const struct part part = {.data = options->body, .length = options->body_length};
  return !easy_options_have_large_body(options) || transfer_add_joined(transfer, &part, 1);
}

struct transfer *transfer_new(struct loop *loop, const struct transfer_options *options,
                              CURLcode *code) {
  struct transfer *transfer = calloc(1, sizeof *transfer);
  *code = CURLE_OUT_OF_MEMORY;
  if (!transfer)
    return NULL;
  transfer->entry.callbacks = &transfer_loop_callbacks;
  transfer->entry.is_http2 = options->http2;
  transfer->entry.has_zone = has_zone(options->url);
  transfer->entry.origin = easy_options_origin(options);
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
  /* libcurl would ask a server whether it may send a large body, and wait up to a second; an
   * answer is unpacked, but not asked to be compressed: that makes a stream's events late */
  if (transfer_add_header(transfer, "Expect:") &&
      transfer_add_header(transfer, "Accept-Encoding:") && add_large_body(transfer, options))
    return transfer;
  *code = CURLE_OUT_OF_MEMORY;
fail:
  transfer_free(transfer);
  return NULL;
}

struct transfer *transfer_new_fed(long status, size_t max_body_bytes) {
  struct transfer *transfer = calloc(1, sizeof *transfer);
  if (!transfer)
    return NULL;
  transfer->entry.callbacks = &transfer_loop_callbacks;
  transfer->status = status;
  transfer->body.max_bytes = max_body_bytes;
  body_collect(&transfer->body);
  return transfer;
}

bool transfer_feed(struct transfer *transfer, const char *bytes, size_t length) {
  if (transfer->entry.done)
    return false;
  enum body_result result = body_write(&transfer->body, 0, bytes, length);
  transfer->entry.news = true;
  if (result != BODY_TAKEN)
    transfer_finish(transfer, result == BODY_NO_MEMORY ? TRANSFER_NO_MEMORY : TRANSFER_TOO_LARGE);
  return result == BODY_TAKEN;
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

bool transfer_add_joined(struct transfer *transfer, const struct part *parts, size_t count) {
  transfer->multipart =
      multipart_joined(transfer->entry.easy, parts, count, transfer_on_part, transfer);
  return transfer->multipart && !transfer_fail_by_part(transfer);
}

bool transfer_begin_parts(struct transfer *transfer, size_t count) {
  transfer->multipart = multipart_new(transfer->entry.easy, count, transfer_on_part, transfer);
  return transfer->multipart != NULL;
}

bool transfer_add_part(struct transfer *transfer, const struct part *part) {
  if (multipart_add(transfer->multipart, part))
    return true;
  transfer_fail_by_part(transfer);
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
    easy_pool_give(loop_easy_pool(loop), transfer->entry.easy);
    transfer->entry.easy = NULL;
  }
  transfer_free(transfer);
}

/* --- reading --------------------------------------------------------------------------------- */

/* libcurl may call back from here, and bring bytes. */
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
  if (transfer->body.is_whole || transfer->lent)
    return;
  if (!body_collect(&transfer->body))
    transfer_refuse(transfer, TRANSFER_TOO_LARGE);
  resume(transfer);
}

void transfer_refuse(struct transfer *transfer, enum transfer_failure failure) {
  transfer_finish(transfer, failure);
  if (transfer->failure == TRANSFER_OK) { /* the success becomes a failure */
    transfer->failure = failure;
    transfer_tell(transfer);
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
  transfer_note_deadline(transfer);
}
