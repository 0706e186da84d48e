/* Files by their paths, which are UTF-8. These functions return 0 or an errno number, unless they
 * say otherwise; descriptors are the C library's, are not inherited by child programs, and read and
 * write bytes as they are. */
#ifndef ANTHROPIC_PORT_FILE_H
#define ANTHROPIC_PORT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { PORT_PATH_SIZE = 4096 }; /* with the NUL */

enum port_kind { PORT_FILE, PORT_DIRECTORY, PORT_LINK, PORT_OTHER };

struct port_status {
  enum port_kind kind;
  int64_t size;
  int mode;             /* as chmod counts it */
  bool has_other_names; /* hard links */
};

/* Opens a file for reading; never waits for a pipe's other end. The caller closes it. */
int port_file_open(const char *path, int *descriptor);

/* Makes a file for writing (EEXIST: the path is taken), for its owner alone or with the process's
 * usual permissions. The caller closes it. */
int port_file_create(const char *path, bool is_private, int *descriptor);

/* The status of an open file, and of what a path leads to. */
int port_file_status(int descriptor, struct port_status *status);
int port_file_look(const char *path, struct port_status *status);

/* Whether what a path leads to may be written. */
int port_file_check_writable(const char *path);

/* Reads up to `count` bytes; *length becomes their number, 0 at the end. */
int port_file_read(int descriptor, void *bytes, size_t count, size_t *length);

/* Writes all `count` bytes, and adds to *length how many were written. */
int port_file_write(int descriptor, const void *bytes, size_t count, int64_t *length);

/* Makes sure that what was written survives a loss of power. */
int port_file_flush(int descriptor);

/* Removes all bytes, and seeks to the beginning. */
int port_file_empty(int descriptor);

/* Sets a file's mode, on systems where files have one. */
int port_file_set_mode(int descriptor, int mode);

int port_file_close(int descriptor);

/* Renames a file. A file that has the new name is replaced at once. */
int port_file_replace(const char *from, const char *to);

/* Removes a file, if it exists. */
void port_file_remove(const char *path);

/* A path with all its links followed; NULL and errno if nothing is there. The caller frees it.
 */
char *port_file_real_path(const char *path);

/* A path that does not depend on the current directory, whether something stands there or not: it
 * is written to `text`, which is returned; `path` where that is one, or the whole has no room. */
const char *port_file_whole_path(const char *path, char text[PORT_PATH_SIZE]);

/* Makes a directory and those above it, for their owner alone. Some may be there. */
int port_file_make_directories(const char *path);

/* Makes the directory of a file, unless it exists, but none above that. `path` is the file's; it is
 * changed during the call. */
void port_file_make_parent(char *path);

#pragma GCC visibility pop

#endif
