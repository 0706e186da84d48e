#include "decode/aws_event_stream.h"

#include "util/crc32.h"

#include <stdint.h>
#include <string.h>

/* A frame's beginning: two lengths and their checksum. Its end: a checksum. */
enum { LENGTHS = 8, CHECKSUM = 4, PRELUDE = LENGTHS + CHECKSUM, OVERHEAD = PRELUDE + CHECKSUM };

/* The types of a header's value. */
enum { BYTES = 6, STRING = 7, TYPES = 10 };

static uint32_t read_number(const char *at, int size) {
  uint32_t number = 0;
  for (int i = 0; i < size; i++)
    number = number << 8 | (unsigned char)at[i];
  return number;
}

static enum aws_result refuse(struct aws_event_stream *stream) {
  stream->broken = true;
  return AWS_BROKEN;
}

static bool is_whole(const char *bytes, size_t length) {
  return read_number(bytes + length, CHECKSUM) == crc32_of(bytes, length);
}

/* Reads the lengths. */
static enum aws_result begin_frame(struct aws_event_stream *stream, const char *bytes) {
  size_t frame = read_number(bytes, 4), headers = read_number(bytes + 4, 4);
  if (!is_whole(bytes, LENGTHS) || frame < OVERHEAD || headers > frame - OVERHEAD)
    return refuse(stream);
  if (frame > stream->max_frame_bytes) {
    stream->too_large = true;
    return AWS_TOO_LARGE;
  }
  stream->frame = frame;
  stream->headers = headers;
  return AWS_MESSAGE;
}

/* Cuts `count` bytes off the front of the text. False if it has fewer. */
static bool cut(struct aws_text *rest, size_t count, struct aws_text *piece) {
  if (count > rest->length)
    return false;
  *piece = (struct aws_text){rest->bytes, count};
  rest->bytes += count;
  rest->length -= count;
  return true;
}

/* Cuts a text that follows its length, a number of `size` bytes. */
static bool cut_counted(struct aws_text *rest, int size, struct aws_text *piece) {
  struct aws_text number;
  return cut(rest, (size_t)size, &number) && cut(rest, read_number(number.bytes, size), piece);
}

/* Cuts a header's value. *text becomes the text of a string, and is empty for other types. */
static bool cut_value(struct aws_text *rest, struct aws_text *text) {
  /* true, false, byte, short, integer, long, bytes, string, time stamp, UUID */
  static const unsigned char sizes[TYPES] = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};
  struct aws_text tag, value;
  if (!cut(rest, 1, &tag) || (unsigned char)*tag.bytes >= TYPES)
    return false;
  unsigned char type = (unsigned char)*tag.bytes;
  if (!(type == BYTES || type == STRING ? cut_counted(rest, 2, &value)
                                        : cut(rest, sizes[type], &value)))
    return false;
  *text = type == STRING ? value : (struct aws_text){NULL, 0};
  return true;
}

/* Where the value of a header goes, or NULL. */
static struct aws_text *place_of(struct aws_message *message, const struct aws_text *name) {
  static const struct {
    const char *name;
    size_t place;
  } places[] = {
      {":message-type", offsetof(struct aws_message, kind)},
      {":event-type", offsetof(struct aws_message, name)},
      {":exception-type", offsetof(struct aws_message, name)},
      {":error-code", offsetof(struct aws_message, name)},
      {":error-message", offsetof(struct aws_message, text)},
  };
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (strlen(places[i].name) == name->length &&
        memcmp(places[i].name, name->bytes, name->length) == 0)
      return (struct aws_text *)((char *)message + places[i].place);
  return NULL;
}

static bool read_headers(struct aws_message *message, struct aws_text rest) {
  struct aws_text name, value;
  while (rest.length > 0) {
    if (!cut_counted(&rest, 1, &name) || !cut_value(&rest, &value))
      return false;
    struct aws_text *place = place_of(message, &name);
    if (place)
      *place = value;
  }
  return true;
}

static void drop(struct aws_event_stream *stream, struct buffer *buffer) {
  buffer_consume(buffer, stream->consumed);
  stream->consumed = 0;
}

enum aws_result aws_event_stream_next(struct aws_event_stream *stream, struct buffer *buffer,
                                      struct aws_message *message) {
  if (stream->broken)
    return AWS_BROKEN;
  if (stream->too_large)
    return AWS_TOO_LARGE;
  drop(stream, buffer);
  if (stream->frame == 0) {
    if (buffer->length < PRELUDE)
      return AWS_MORE;
    enum aws_result result = begin_frame(stream, buffer_bytes(buffer));
    if (result != AWS_MESSAGE)
      return result;
  }
  if (buffer->length < stream->frame)
    return AWS_MORE;
  const char *bytes = buffer_bytes(buffer);
  memset(message, 0, sizeof *message);
  if (!is_whole(bytes, stream->frame - CHECKSUM) ||
      !read_headers(message, (struct aws_text){bytes + PRELUDE, stream->headers}))
    return refuse(stream);
  message->payload.bytes = bytes + PRELUDE + stream->headers;
  message->payload.length = stream->frame - OVERHEAD - stream->headers;
  stream->consumed = stream->frame;
  stream->frame = 0;
  return AWS_MESSAGE;
}

void aws_event_stream_drop(struct aws_event_stream *stream, struct buffer *buffer) {
  drop(stream, buffer);
  buffer_trim(buffer);
}
