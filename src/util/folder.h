/* Files below a directory, by paths that cannot leave it: names with "/" between them, none of them
 * empty, "." or "..". No symbolic link below it is followed, even one made meanwhile: each name is
 * opened by itself, in the directory that was opened before. No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_FOLDER_H
#define ANTHROPIC_UTIL_FOLDER_H

#include "port/directory.h"
#include "util/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

struct folder {
  port_directory directory; /* NO_DIRECTORY: closed */
};

enum folder_kind { FOLDER_FILE, FOLDER_DIRECTORY, FOLDER_OTHER };

struct folder_entry {
  enum folder_kind kind; /* a link is FOLDER_OTHER */
  int64_t size;
};

/* The functions below return NULL, or words for what went wrong, never to be freed. folder_place.h
 * names some of these words. */

/* Opens a directory, which the caller closes with folder_close; makes it if it is missing. This
 * path may lead through links. */
const char *folder_open(struct folder *folder, const char *path);

/* A closed folder is fine. */
void folder_close(struct folder *folder);

/* Stores what is at a path; "" is the directory itself. */
const char *folder_look(const struct folder *folder, const char *path, struct folder_entry *entry);

/* Appends at most `most` entries of a directory: for each a struct folder_entry, then its name and
 * a NUL. The caller frees `bytes`, also after a failure. */
const char *folder_list(const struct folder *folder, const char *path, size_t most,
                        struct buffer *bytes);

/* Appends the bytes of a regular file, at most `most`. Fails if it has other names (hard links). */
const char *folder_read(const struct folder *folder, const char *path, size_t most,
                        struct buffer *bytes);

/* Writes a file: under a temporary name, which takes its place when all is written. Makes the
 * directories on the way. `is_new`: refused where something stands there; else a regular file must
 * that somebody may write, and whose mode stays. */
const char *folder_write(const struct folder *folder, const char *path, const void *bytes,
                         size_t count, bool is_new);

/* Removes a file, a link, or a directory with all that is in it. */
const char *folder_remove(const struct folder *folder, const char *path);

/* Moves a file or directory to a path that does not exist; makes the directories on the way.
 */
const char *folder_rename(const struct folder *folder, const char *from, const char *to);

/* Counts the entries at any depth, and the bytes of the files among them; stops when there are more
 * than `most` entries. */
const char *folder_measure(const struct folder *folder, size_t most, size_t *entries,
                           int64_t *bytes);

#pragma GCC visibility pop

#endif
