#include "util/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST_CAPACITY = 256, LARGE_CAPACITY = 1024 * 1024 };

/* Moving the content down costs `length`; done only when at least as many bytes were consumed. */
static bool can_compact(const struct buffer *buffer, size_t needed) {
  return needed <= buffer->capacity && buffer->start >= buffer->length;
}

bool buffer_reserve(struct buffer *buffer, size_t extra) {
  BUFFER_MAY_CHANGE(buffer);
  if (extra > SIZE_MAX - buffer->length)
    return false;
  size_t needed = buffer->length + extra;
  if (needed <= buffer->capacity - buffer->start)
    return true;
  if (can_compact(buffer, needed)) {
    memmove(buffer->storage, buffer_bytes(buffer), buffer->length);
    buffer->start = 0;
    return true;
  }
  size_t capacity = buffer->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buffer->capacity;
  while (capacity < needed)
    capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
  if (buffer->start == 0) { /* large ones grow without a copy */
    char *storage = realloc(buffer->storage, capacity);
    if (!storage)
      return false;
    buffer->storage = storage;
  } else {
    char *storage = malloc(capacity);
    if (!storage)
      return false;
    memcpy(storage, buffer_bytes(buffer), buffer->length);
    free(buffer->storage);
    buffer->storage = storage;
    buffer->start = 0;
  }
  buffer->capacity = capacity;
  return true;
}

void buffer_trim(struct buffer *buffer) {
  BUFFER_MAY_CHANGE(buffer);
  if (buffer->capacity < LARGE_CAPACITY || buffer->length > buffer->capacity / 4)
    return;
  if (buffer->length == 0) {
    buffer_free(buffer);
    return;
  }
  memmove(buffer->storage, buffer_bytes(buffer), buffer->length);
  buffer->start = 0;
  char *storage = realloc(buffer->storage, buffer->length);
  if (!storage)
    return;
  buffer->storage = storage;
  buffer->capacity = buffer->length;
}

void buffer_free(struct buffer *buffer) {
  free(buffer->storage);
  *buffer = (struct buffer){0};
}
