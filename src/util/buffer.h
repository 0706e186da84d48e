/* A growable run of bytes with a cheap "consume from the front". No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_BUFFER_H
#define ANTHROPIC_UTIL_BUFFER_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#pragma GCC visibility push(hidden)

/* Zero-initialise to make an empty buffer. The live bytes are [buffer_bytes, + length). */
struct buffer {
  size_t length;

  /* private part */
  char *storage;
  size_t start;
  size_t capacity;
#ifdef ANTHROPIC_DEBUG
  unsigned lent;
#endif
};

/* Code that points into a buffer while it calls foreign code lends the buffer: the owner does not
 * change it until it is taken back. A debug build (-DANTHROPIC_DEBUG) ends the program if a lent
 * buffer would change; freeing one that an error kept from being taken back is fine. */
#ifdef ANTHROPIC_DEBUG
#define BUFFER_MAY_CHANGE(buffer) assert((buffer)->lent == 0)
static inline void buffer_lend(struct buffer *buffer) {
  buffer->lent++;
}
static inline void buffer_take_back(struct buffer *buffer) {
  assert(buffer->lent > 0);
  buffer->lent--;
}
#else
#define BUFFER_MAY_CHANGE(buffer) ((void)0)
static inline void buffer_lend(struct buffer *buffer) {
  (void)buffer;
}
static inline void buffer_take_back(struct buffer *buffer) {
  (void)buffer;
}
#endif

/* The first live byte, or NULL without memory. Valid until the next append, reserve or free. */
static inline char *buffer_bytes(const struct buffer *buffer) {
  return buffer->storage ? buffer->storage + buffer->start : NULL;
}

/* Makes room for `extra` more bytes. False when memory ran out; the content is then untouched. */
bool buffer_reserve(struct buffer *buffer, size_t extra);

/* Appends `count` bytes, at least 1, and returns where the caller writes them. NULL when memory ran
 * out; the content is then untouched. */
static inline char *buffer_extend(struct buffer *buffer, size_t count) {
  BUFFER_MAY_CHANGE(buffer);
  if (count > buffer->capacity - buffer->start - buffer->length && !buffer_reserve(buffer, count))
    return NULL;
  char *end = buffer_bytes(buffer) + buffer->length;
  buffer->length += count;
  return end;
}

/* Appends `count` bytes. False when memory ran out; the content is then untouched. */
static inline bool buffer_append(struct buffer *buffer, const void *bytes, size_t count) {
  if (count == 0)
    return true;
  char *end = buffer_extend(buffer, count);
  if (!end)
    return false;
  memcpy(end, bytes, count);
  return true;
}

/* Drops `count` bytes from the front; at most `length`. Offsets of the rest shift down by `count`.
 */
static inline void buffer_consume(struct buffer *buffer, size_t count) {
  BUFFER_MAY_CHANGE(buffer);
  buffer->start += count;
  buffer->length -= count;
  if (buffer->length == 0)
    buffer->start = 0;
}

/* Drops the content and keeps the memory for reuse. */
static inline void buffer_clear(struct buffer *buffer) {
  BUFFER_MAY_CHANGE(buffer);
  buffer->start = 0;
  buffer->length = 0;
}

/* Frees memory if the content needs far less than there is. */
void buffer_trim(struct buffer *buffer);

/* Frees the memory. The buffer is empty afterwards and may be used again. */
void buffer_free(struct buffer *buffer);

#pragma GCC visibility pop

#endif
