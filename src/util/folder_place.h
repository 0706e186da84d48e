/* Where the paths of folder.h lead: each name is opened in the directory before it. */
#ifndef ANTHROPIC_UTIL_FOLDER_PLACE_H
#define ANTHROPIC_UTIL_FOLDER_PLACE_H

#include "port/directory.h"

#include <stdbool.h>

#pragma GCC visibility push(hidden)

enum { FOLDER_PATH_SIZE = 4096, FOLDER_MOST_NAMES = 32 };

/* The open directory that a path ends in, and the name there, which need not exist. */
struct folder_place {
  port_directory parent;
  const char *name;

  /* private part */
  char text[FOLDER_PATH_SIZE];
};

/* Some of the words for what went wrong. Callers may compare pointers to find these. */
extern const char folder_missing[], folder_exists[], folder_too_deep[];

/* How many names a path has. */
int folder_place_names(const char *path);

/* Finds the place of a path below a directory; NO_DIRECTORY counts as closed, a failure. After a
 * success the caller calls folder_place_leave. `make`: makes missing directories on the way. NULL,
 * or words for what went wrong, never to be freed. */
const char *folder_place_find(port_directory directory, const char *path, bool make,
                              struct folder_place *place);

/* Moves the place into the directory `name` of its parent; `make`: makes that if it is missing.
 * NULL, or words as above: then the place is unchanged. */
const char *folder_place_enter(struct folder_place *place, const char *name, bool make);

/* Closes the directory. */
void folder_place_leave(struct folder_place *place);

/* Whether the name is a symbolic link's. */
bool folder_is_link(port_directory parent, const char *name);

/* Words for an errno number, never to be freed; NULL for 0. */
const char *folder_words_of(int error);

#pragma GCC visibility pop

#endif
