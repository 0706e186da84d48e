/* Files that hold secrets: for their owner alone. No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_PRIVATE_FILE_H
#define ANTHROPIC_UTIL_PRIVATE_FILE_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* The mode of the file that a path leads to, as chmod counts it; -1: there is no such file. */
int private_file_mode(const char *path);

/* Replaces a file at once by one that only its owner may read and write; makes its folder if that
 * is missing. NULL, or words for what went wrong, never to be freed: then the old file is
 * unchanged. */
const char *private_file_write(const char *path, const char *bytes, size_t count);

#pragma GCC visibility pop

#endif
