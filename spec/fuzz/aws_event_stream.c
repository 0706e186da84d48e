/* aws_event_stream.h: any chunking gives the messages of a plain reading of the frames. */
#include "decode/aws_event_stream.h"
#include "fuzz.h"

#include "util/crc32.h"

#include <string.h>

/* --- the frames, read from the whole stream at once ------------------------------------------- */

static size_t number(const unsigned char *at, int size) {
  size_t value = 0;
  for (int i = 0; i < size; i++)
    value = value << 8 | at[i];
  return value;
}

static void append_text(struct buffer *messages, const void *bytes, size_t length) {
  FUZZ_ASSERT(buffer_append(messages, &length, sizeof length) &&
              buffer_append(messages, bytes, length));
}

struct header {
  const unsigned char *bytes;
  size_t length;
};

/* The last of each of the texts; false where the headers are broken. */
static bool read_headers(const unsigned char *at, const unsigned char *end,
                         struct header texts[3]) {
  while (at < end) {
    size_t name_length = *at++, length;
    const unsigned char *name = at;
    if ((size_t)(end - at) < name_length + 1)
      return false;
    at += name_length;
    unsigned char type = *at++;
    static const size_t sizes[10] = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};
    if (type > 9)
      return false;
    length = sizes[type];
    if (type == 6 || type == 7) {
      if (end - at < 2)
        return false;
      length = number(at, 2);
      at += 2;
    }
    if ((size_t)(end - at) < length)
      return false;
    static const char *const names[] = {":message-type", ":event-type", ":exception-type",
                                        ":error-code", ":error-message"};
    static const int places[] = {0, 1, 1, 1, 2};
    for (int i = 0; i < 5; i++)
      if (strlen(names[i]) == name_length && memcmp(names[i], name, name_length) == 0)
        texts[places[i]] = (struct header){at, type == 7 ? length : 0};
    at += length;
  }
  return true;
}

static enum aws_result read_all(const unsigned char *at, size_t size, size_t limit,
                                struct buffer *messages) {
  while (size >= 12) {
    size_t frame = number(at, 4), headers = number(at + 4, 4);
    struct header texts[3] = {{NULL, 0}};
    if (crc32_of(at, 8) != number(at + 8, 4) || frame < 16 || headers > frame - 16)
      return AWS_BROKEN;
    if (frame > limit)
      return AWS_TOO_LARGE;
    if (size < frame)
      return AWS_MORE;
    if (crc32_of(at, frame - 4) != number(at + frame - 4, 4) ||
        !read_headers(at + 12, at + 12 + headers, texts))
      return AWS_BROKEN;
    for (int i = 0; i < 3; i++)
      append_text(messages, texts[i].bytes, texts[i].length);
    append_text(messages, at + 12 + headers, frame - 16 - headers);
    at += frame;
    size -= frame;
  }
  return AWS_MORE;
}

/* --- the decoder ----------------------------------------------------------------------------- */

static enum aws_result cut(struct aws_event_stream *stream, struct buffer *buffer,
                           struct buffer *messages) {
  struct aws_message message;
  enum aws_result result;
  while ((result = aws_event_stream_next(stream, buffer, &message)) == AWS_MESSAGE) {
    append_text(messages, message.kind.bytes, message.kind.length);
    append_text(messages, message.name.bytes, message.name.length);
    append_text(messages, message.text.bytes, message.text.length);
    append_text(messages, message.payload.bytes, message.payload.length);
    if (message.payload.length % 2)
      aws_event_stream_drop(stream, buffer);
  }
  return result;
}

static enum aws_result decode(const char *bytes, size_t size, size_t limit, size_t chunk, bool lazy,
                              struct buffer *messages) {
  struct aws_event_stream stream = {.max_frame_bytes = limit};
  struct buffer buffer = {0};
  enum aws_result result = AWS_MORE;
  for (size_t at = 0, count; at < size; at += count) {
    count = chunk ? chunk : 1 + at * 7 % 23;
    count = count < size - at ? count : size - at;
    FUZZ_ASSERT(buffer_append(&buffer, bytes + at, count));
    if (!lazy || at % 3 == 0)
      result = cut(&stream, &buffer, messages);
  }
  result = cut(&stream, &buffer, messages);
  buffer_free(&buffer);
  return result;
}

static bool same(const struct buffer *a, const struct buffer *b) {
  return a->length == b->length &&
         (!a->length || memcmp(buffer_bytes(a), buffer_bytes(b), a->length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  if (size == 0)
    return 0;
  const char *bytes = (const char *)input + 1;
  size_t limit = input[0] < 128 ? 16 + (size_t)input[0] : SIZE_MAX;
  struct buffer wanted = {0};
  enum aws_result result = read_all(input + 1, size - 1, limit, &wanted);
  for (size_t chunk = 0; chunk < 5; chunk++) {
    struct buffer messages = {0};
    FUZZ_ASSERT(decode(bytes, size - 1, limit, chunk == 4 ? size : chunk, chunk % 2, &messages) ==
                result);
    FUZZ_ASSERT(same(&wanted, &messages));
    buffer_free(&messages);
  }
  buffer_free(&wanted);
  return 0;
}

#ifndef FUZZ_WITHOUT_GENERATOR

static void put_number(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++)
    at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A frame whose checksums are right mostly. */
static size_t put_frame(uint8_t *frame) {
  static const char *const names[] = {
      ":message-type", ":event-type", ":exception-type", ":error-code", ":error-message", "x", ""};
  size_t size = 12;
  for (uint32_t left = fuzz_random(5); left > 0; left--) {
    const char *name = names[fuzz_random(sizeof names / sizeof *names)];
    uint8_t length = (uint8_t)fuzz_random(8);
    frame[size++] = (uint8_t)strlen(name);
    memcpy(frame + size, name, strlen(name));
    size += strlen(name);
    frame[size++] = (uint8_t)(fuzz_random(3) ? 7 : fuzz_random(11));
    frame[size++] = 0;
    frame[size++] = length;
    memset(frame + size, 'v', length);
    size += length;
  }
  size_t headers = size - 12;
  for (uint32_t left = fuzz_random(30); left > 0; left--)
    frame[size++] = (uint8_t)fuzz_random(256);
  put_number(frame, (uint32_t)size + 4 - (fuzz_random(20) == 0));
  put_number(frame + 4, (uint32_t)headers + (fuzz_random(20) == 0));
  put_number(frame + 8, crc32_of(frame, 8));
  put_number(frame + size, crc32_of(frame, size) ^ (fuzz_random(20) == 0));
  return size + 4;
}

size_t fuzz_generate(uint8_t *input, size_t capacity) {
  size_t size = 0;
  input[size++] = (uint8_t)fuzz_random(256);
  for (uint32_t left = fuzz_random(6); left > 0 && size + 256 < capacity; left--)
    size += put_frame(input + size);
  return size > 1 && fuzz_random(4) == 0 ? size - 1 : size;
}

#endif
