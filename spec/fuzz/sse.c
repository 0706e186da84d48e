/* sse.h: any chunking gives the events of a plain reading of the WHATWG's rules. */
#include "decode/sse.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

/* --- the rules, read from the whole stream at once ------------------------------------------- */

struct reading {
  struct buffer name, data, id;
  bool has_data;
  bool has_retry;
  uint64_t retry;
};

static void append_event(struct buffer *events, const char *name, size_t name_length,
                         const char *data, size_t data_length, const char *id, size_t id_length) {
  size_t lengths[] = {name_length, data_length, id_length};
  FUZZ_ASSERT(buffer_append(events, lengths, sizeof lengths) &&
              buffer_append(events, name, name_length) &&
              buffer_append(events, data, data_length) && buffer_append(events, id, id_length));
}

static void read_line(struct reading *reading, const char *line, size_t length) {
  const char *colon = length ? memchr(line, ':', length) : NULL;
  size_t name = colon ? (size_t)(colon - line) : length;
  const char *value = line + (colon ? name + 1 : length);
  size_t size = length - (size_t)(value - line);
  if (size && *value == ' ') {
    value++;
    size--;
  }
  if (name == 4 && memcmp(line, "data", 4) == 0) {
    FUZZ_ASSERT((!reading->has_data || buffer_append(&reading->data, "\n", 1)) &&
                buffer_append(&reading->data, value, size));
    reading->has_data = true;
  } else if (name == 5 && memcmp(line, "event", 5) == 0) {
    buffer_clear(&reading->name);
    FUZZ_ASSERT(buffer_append(&reading->name, value, size));
  } else if (name == 2 && memcmp(line, "id", 2) == 0 && (!size || !memchr(value, 0, size))) {
    buffer_clear(&reading->id);
    FUZZ_ASSERT(buffer_append(&reading->id, value, size));
  } else if (name == 5 && memcmp(line, "retry", 5) == 0 && size) {
    uint64_t retry = 0;
    for (size_t i = 0; i < size; i++) {
      if (value[i] < '0' || value[i] > '9')
        return;
      retry = retry * 10 + (uint64_t)(value[i] - '0');
      retry = retry > UINT64_C(1) << 53 ? UINT64_C(1) << 53 : retry;
    }
    reading->retry = retry;
    reading->has_retry = true;
  }
}

static void dispatch(struct reading *reading, struct buffer *events) {
  if (reading->has_data)
    append_event(events, buffer_bytes(&reading->name), reading->name.length,
                 buffer_bytes(&reading->data), reading->data.length, buffer_bytes(&reading->id),
                 reading->id.length);
  buffer_clear(&reading->name);
  buffer_clear(&reading->data);
  reading->has_data = false;
}

static void read_all(struct reading *reading, const char *bytes, size_t size,
                     struct buffer *events) {
  size_t start = size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  for (size_t at = start; at < size; at++) {
    if (bytes[at] != '\n' && bytes[at] != '\r')
      continue;
    if (at == start)
      dispatch(reading, events);
    else
      read_line(reading, bytes + start, at - start);
    if (bytes[at] == '\r' && at + 1 < size && bytes[at + 1] == '\n')
      at++;
    start = at + 1;
  }
}

/* --- the decoder ----------------------------------------------------------------------------- */

/* Takes the events at hand. */
static enum sse_result cut(struct sse *sse, struct buffer *buffer, struct buffer *events) {
  struct sse_event event;
  enum sse_result result;
  while ((result = sse_next(sse, buffer, &event)) == SSE_EVENT)
    append_event(events, event.name, event.name_length, event.data, event.data_length, event.id,
                 event.id_length);
  return result;
}

/* Decodes in chunks of `chunk` bytes (0: of changing sizes), asking after each or only now and
 * then. */
static enum sse_result decode(struct sse *sse, const char *bytes, size_t size, size_t chunk,
                              bool lazy, struct buffer *events) {
  struct buffer buffer = {0};
  enum sse_result result = SSE_MORE;
  for (size_t at = 0, count; at < size; at += count) {
    count = chunk ? chunk : 1 + at * 7 % 23;
    count = count < size - at ? count : size - at;
    FUZZ_ASSERT(buffer_append(&buffer, bytes + at, count));
    if (!lazy || at % 3 == 0)
      result = cut(sse, &buffer, events);
  }
  result = cut(sse, &buffer, events);
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
  size_t limit = input[0] < 128 ? (size_t)input[0] + 1 : SIZE_MAX;
  struct reading reading = {0};
  struct buffer wanted = {0}, whole = {0};
  read_all(&reading, bytes, size - 1, &wanted);
  struct sse sse = {.max_event_bytes = limit};
  enum sse_result result = decode(&sse, bytes, size - 1, size, false, &whole);
  if (result == SSE_MORE) {
    FUZZ_ASSERT(same(&wanted, &whole));
    FUZZ_ASSERT(sse.has_retry == reading.has_retry && sse.retry == reading.retry);
  } else {
    FUZZ_ASSERT(result == SSE_TOO_LARGE && limit < SIZE_MAX && whole.length <= wanted.length);
  }
  sse_free(&sse);
  for (size_t chunk = 0; chunk < 5; chunk++) {
    struct buffer events = {0};
    struct sse another = {.max_event_bytes = limit};
    FUZZ_ASSERT(decode(&another, bytes, size - 1, chunk, chunk % 2, &events) == result);
    FUZZ_ASSERT(same(&whole, &events));
    sse_free(&another);
    buffer_free(&events);
  }
  buffer_free(&wanted);
  buffer_free(&whole);
  buffer_free(&reading.name);
  buffer_free(&reading.data);
  buffer_free(&reading.id);
  return 0;
}

#ifndef FUZZ_WITHOUT_GENERATOR

size_t fuzz_generate(uint8_t *input, size_t capacity) {
  static const char *const pieces[] = {
      "data", "event", "id", "retry", ":",  ":", " ",   "\n",           "\n",     "\r",     "\r\n",
      "\n\n", "x",     "{}", "12",    "\0", "9", "dat", "\xEF\xBB\xBF", "data: ", ": ping", "7"};
  size_t size = 0;
  input[size++] = (uint8_t)fuzz_random(256);
  for (uint32_t left = fuzz_random(120); left > 0 && size + 8 < capacity; left--) {
    const char *piece = pieces[fuzz_random(sizeof pieces / sizeof *pieces)];
    size_t length = *piece ? strlen(piece) : 1;
    memcpy(input + size, piece, length);
    size += length;
  }
  return size;
}

#endif
