/* Reading regular files by path. No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_FILE_H
#define ANTHROPIC_UTIL_FILE_H

#include "port/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Opens a regular file; returns its descriptor, which file_close ends, and its size. -1 with
 * words in *problem where it cannot be read, and at once where it is a directory, a pipe or a
 * device. */
int file_open(const char *path, int64_t *size, const char **problem);

/* Reads `count` bytes. False with words in *problem where that fails or the file ends before. */
bool file_read(int descriptor, void *bytes, size_t count, const char **problem);

/* Closes what file_open opened: where a file was only read, nothing can be lost by it. */
void file_close(int descriptor);

/* Words for what is no regular file. */
const char *file_kind_problem(enum port_kind kind);

#pragma GCC visibility pop

#endif
