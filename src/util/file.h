/* Reading regular files by path. No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_FILE_H
#define ANTHROPIC_UTIL_FILE_H

#include "port/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Opens a regular file; returns its descriptor, to be closed with file_close, and stores its size.
 * -1 with words in *problem if it cannot be read; a directory, a pipe or a device is refused at
 * once. */
int file_open(const char *path, int64_t *size, const char **problem);

/* Reads `count` bytes. False with words in *problem if that fails or the file ends early. */
bool file_read(int descriptor, void *bytes, size_t count, const char **problem);

/* Closes what file_open opened. Reports no error: a file that was only read can lose nothing. */
void file_close(int descriptor);

/* Words that say why it is not a regular file. */
const char *file_kind_problem(enum port_kind kind);

#pragma GCC visibility pop

#endif
