#include "net/body.h"

#include "util/sink.h"

enum {
  WINDOW = 256 * 1024, /* bytes that wait before it is full */
  UNPACKED_ROOM =
      20 * 1024 * 1024 /* more than what gzip makes of the bytes that are read at once */
};

/* While a transfer is paused, libcurl buffers without a limit what it still unpacks of the bytes it
 * has read. So an encoded body takes all of that, and is full only before the next read from the
 * wire. */
bool body_has_room(struct body *body, int64_t taken) {
  if (body->sink || body->is_whole)
    return true;
  if (body->bytes.length >= body->allowed)
    return body->is_encoded && taken == body->taken;
  body->taken = taken;
  return true;
}

static enum body_result write_to_sink(struct body *body, const char *bytes, size_t length) {
  if (!body->is_announced && (uint64_t)body->sink->length + length > body->max_sink_bytes)
    return BODY_LARGE_DOWNLOAD;
  body->problem = sink_write(body->sink, bytes, length);
  return body->problem ? BODY_NOT_WRITTEN : BODY_TAKEN;
}

static enum body_result write_to_buffer(struct body *body, const char *bytes, size_t length) {
  size_t most = body->is_whole ? body->max_bytes : body->allowed + UNPACKED_ROOM;
  size_t room = most > body->bytes.length ? most - body->bytes.length : 0;
  if (length > room) {
    buffer_append(&body->bytes, bytes, room);
    return BODY_TOO_LARGE;
  }
  return buffer_append(&body->bytes, bytes, length) ? BODY_TAKEN : BODY_NO_MEMORY;
}

enum body_result body_write(struct body *body, double seconds, const char *bytes, size_t length) {
  if (body->is_recorded && !recording_add(&body->recording, seconds, bytes, length))
    return BODY_NO_MEMORY;
  return body->sink ? write_to_sink(body, bytes, length) : write_to_buffer(body, bytes, length);
}

void body_demand(struct body *body) {
  body->allowed = body->bytes.length + WINDOW;
}

bool body_collect(struct body *body) {
  bool fits = body->bytes.length <= body->max_bytes;
  BUFFER_MAY_CHANGE(&body->bytes);
  body->is_whole = true;
  if (!fits)
    body->bytes.length = body->max_bytes;
  return fits;
}

void body_lend(struct body *body) {
  buffer_lend(&body->bytes);
  buffer_lend(&body->recording.bytes);
  buffer_lend(&body->recording.pieces);
}

void body_take_back(struct body *body) {
  buffer_take_back(&body->bytes);
  buffer_take_back(&body->recording.bytes);
  buffer_take_back(&body->recording.pieces);
}

void body_free(struct body *body) {
  buffer_free(&body->bytes);
  recording_free(&body->recording);
}
