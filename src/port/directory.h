/* Open directories and their entries by name; an entry that is a link is never followed. These
 * functions return 0 or an errno number, unless they say otherwise. */
#ifndef ANTHROPIC_PORT_DIRECTORY_H
#define ANTHROPIC_PORT_DIRECTORY_H

#include "port/file.h"

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* The system's handle of an open directory. The caller closes it. */
typedef intptr_t port_directory;

enum { NO_DIRECTORY = -1 };

/* Opens a directory by its path, which may lead through links. */
int port_directory_open(const char *path, port_directory *directory);

/* Opens the same directory once more, with its own position in the list of names. */
int port_directory_copy(port_directory directory, port_directory *copy);

void port_directory_close(port_directory directory);

/* The status of the directory itself. */
int port_directory_status(port_directory directory, struct port_status *status);

/* Whether a name without a slash can be an entry's: not "", "." or "..", nor a device's. */
bool port_directory_is_name(const char *name);

/* Opens a directory in another. */
int port_directory_enter(port_directory parent, const char *name, port_directory *directory);

/* Makes a directory in another, for its owner alone. */
int port_directory_make(port_directory parent, const char *name);

/* The status of an entry: of a link, the link's own. */
int port_directory_look(port_directory parent, const char *name, struct port_status *status);

/* Opens a file for reading; makes one for its owner alone (EEXIST: the name is taken). The caller
 * closes the descriptor (port/file.h). */
int port_directory_open_file(port_directory parent, const char *name, int *descriptor);
int port_directory_create_file(port_directory parent, const char *name, int *descriptor);

/* Moves an entry to another place. A file that is there is replaced at once. */
int port_directory_rename(port_directory from, const char *name, port_directory to,
                          const char *new_name);

/* Removes a file or a link, or an empty directory: ENOTEMPTY or EEXIST if it is not empty. */
int port_directory_remove(port_directory parent, const char *name, bool is_directory);

/* Calls `visit` with each name except "." and "..", until it returns false; `visit` may use the
 * directory. Closes the directory at the end, also after an error. */
int port_directory_list(port_directory directory, bool (*visit)(const char *name, void *data),
                        void *data);

#pragma GCC visibility pop

#endif
