/* A growable run of bytes with a cheap "consume from the front". No Lua, no curl. */
#ifndef ANTHROPIC_BUFFER_H
#define ANTHROPIC_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Zero-initialise to make an empty buffer. The live bytes are [buffer_bytes, + length). */
struct buffer {
  char *storage;
  size_t start;
  size_t length;
  size_t capacity;
};

/* The first live byte, or NULL before any. Valid until the next append, reserve or free. */
char *buffer_bytes(const struct buffer *buffer);

/* Makes room for `extra` more bytes. False when memory ran out; the content is then untouched. */
bool buffer_reserve(struct buffer *buffer, size_t extra);

/* Appends `count` bytes. False when memory ran out; the content is then untouched. */
bool buffer_append(struct buffer *buffer, const void *bytes, size_t count);

/* Drops `count` bytes from the front; at most `length`. Offsets of the rest shift down by `count`.
 */
void buffer_consume(struct buffer *buffer, size_t count);

/* Drops the content and keeps the memory for reuse. */
void buffer_clear(struct buffer *buffer);

/* Frees the memory. The buffer is empty afterwards and may be used again. */
void buffer_free(struct buffer *buffer);

#pragma GCC visibility pop

#endif
