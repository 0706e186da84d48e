/* Open directories, and what stands in them by a name: a link is never followed there. These
 * functions return 0, or the number of the error as errno has it, unless they say otherwise. */
#ifndef ANTHROPIC_PORT_DIRECTORY_H
#define ANTHROPIC_PORT_DIRECTORY_H

#include "port/file.h"

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* What the system knows an open directory by. The caller closes it. */
typedef intptr_t port_directory;

enum { NO_DIRECTORY = -1 };

/* Opens one by its path, which may lead through links. */
int port_directory_open(const char *path, port_directory *directory);

/* Opens the same once more, with a place of its own in the list of its names. */
int port_directory_copy(port_directory directory, port_directory *copy);

void port_directory_close(port_directory directory);

/* What it is itself. */
int port_directory_status(port_directory directory, struct port_status *status);

/* Whether a name, without a slash, can be that of an entry: not "" or "..", nor a device's. */
bool port_directory_is_name(const char *name);

/* Opens a directory in another. */
int port_directory_enter(port_directory parent, const char *name, port_directory *directory);

/* Makes a directory in another, for its owner alone. */
int port_directory_make(port_directory parent, const char *name);

/* What stands at a name: of a link, the link itself. */
int port_directory_look(port_directory parent, const char *name, struct port_status *status);

/* Opens a file for reading, or makes one for its owner alone where none stands (EEXIST). The caller
 * closes the descriptor (port/file.h). */
int port_directory_open_file(port_directory parent, const char *name, int *descriptor);
int port_directory_create_file(port_directory parent, const char *name, int *descriptor);

/* Gives what stands there another place. A file that is there is replaced at once. */
int port_directory_rename(port_directory from, const char *name, port_directory to,
                          const char *new_name);

/* Removes a file or a link, or an empty directory: ENOTEMPTY or EEXIST where it is not. */
int port_directory_remove(port_directory parent, const char *name, bool is_directory);

/* Calls `visit` with each name in it but "." and "..", until that returns false; it may use the
 * directory. Then, or after an error, the directory is closed. */
int port_directory_list(port_directory directory, bool (*visit)(const char *name, void *data),
                        void *data);

#pragma GCC visibility pop

#endif
