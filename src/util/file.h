/* Reading regular files by path. No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_FILE_H
#define ANTHROPIC_UTIL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Opens a regular file; returns its descriptor, which the caller closes, and its size. -1 with
 * words in *problem where it cannot be read, and at once where it is a directory, a pipe or a
 * device. */
int file_open(const char *path, int64_t *size, const char **problem);

/* Reads `count` bytes. False with words in *problem where that fails or the file ends before. */
bool file_read(int descriptor, void *bytes, size_t count, const char **problem);

#pragma GCC visibility pop

#endif
