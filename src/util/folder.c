#include "util/folder.h"

#include "port/clock.h"
#include "port/directory.h"
#include "port/file.h"
#include "port/self.h"
#include "util/file.h"
#include "util/folder_place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TRIES = 100, NAME_SIZE = 64, ANY_MAY_WRITE = 0222 };

/* --- the directory ---------------------------------------------------------------------------- */

const char *folder_open(struct folder *folder, const char *path) {
  int error = port_directory_open(path, &folder->directory);
  if (error == ENOENT && path[0]) {
    error = port_file_make_directories(path);
    if (!error)
      error = port_directory_open(path, &folder->directory);
  }
  if (!error)
    return NULL;
  folder->directory = NO_DIRECTORY;
  return error == ENAMETOOLONG ? "the path is too long" : strerror(error);
}

/* A host that became a daemon may have closed it, and opened a file that got its number. */
static bool has_own(const struct folder *folder) {
  struct port_status status;
  return folder->directory != NO_DIRECTORY &&
         port_directory_status(folder->directory, &status) == 0 && status.kind == PORT_DIRECTORY;
}

void folder_close(struct folder *folder) {
  if (has_own(folder))
    port_directory_close(folder->directory);
  folder->directory = NO_DIRECTORY;
}

/* --- looking ---------------------------------------------------------------------------------- */

static struct folder_entry entry_of(const struct port_status *status) {
  struct folder_entry entry = {FOLDER_OTHER, status->size};
  if (status->kind == PORT_FILE)
    entry.kind = FOLDER_FILE;
  else if (status->kind == PORT_DIRECTORY)
    entry.kind = FOLDER_DIRECTORY;
  return entry;
}

static const char *look(port_directory parent, const char *name, struct port_status *status) {
  return folder_words_of(port_directory_look(parent, name, status));
}

const char *folder_look(const struct folder *folder, const char *path, struct folder_entry *entry) {
  struct port_status status;
  if (path[0] == '\0') {
    int error = port_directory_status(folder->directory, &status);
    if (error)
      return strerror(error);
    *entry = entry_of(&status);
    return NULL;
  }
  struct folder_place place;
  const char *problem = folder_place_find(folder->directory, path, false, &place);
  if (problem)
    return problem;
  problem = look(place.parent, place.name, &status);
  folder_place_leave(&place);
  if (!problem)
    *entry = entry_of(&status);
  return problem;
}

/* Opens the directory at a path, which the caller closes. */
static const char *open_at(const struct folder *folder, const char *path,
                           port_directory *directory) {
  struct folder_place place;
  if (path[0] == '\0') {
    int error = port_directory_copy(folder->directory, directory);
    return error ? strerror(error) : NULL;
  }
  const char *problem = folder_place_find(folder->directory, path, false, &place);
  if (problem)
    return problem;
  problem = folder_place_enter(&place, place.name, false);
  if (problem)
    folder_place_leave(&place);
  else
    *directory = place.parent;
  return problem;
}

/* Gets each entry, and what it is. Returns NULL to go on, else words, which end the visit. */
typedef const char *visitor(port_directory parent, const char *name,
                            const struct port_status *status, void *data);

struct visit {
  port_directory directory;
  visitor *visit;
  void *data;
  const char *problem;
};

static bool visit_entry(const char *name, void *data) {
  struct visit *visit = data;
  struct port_status status;
  if (!look(visit->directory, name, &status))
    visit->problem = visit->visit(visit->directory, name, &status, visit->data);
  return !visit->problem;
}

/* Visits all entries. Returns the visitor's words, or those for an error. Closes the directory. */
static const char *visit_all(port_directory directory, visitor *visitor, void *data) {
  struct visit visit = {directory, visitor, data, NULL};
  int error = port_directory_list(directory, visit_entry, &visit);
  return error ? strerror(error) : visit.problem;
}

static const char enough[] = ""; /* a visitor returns it to end the visit without an error */

struct listing {
  struct buffer *bytes;
  size_t most;
};

static const char *list_entry(port_directory parent, const char *name,
                              const struct port_status *status, void *data) {
  (void)parent;
  struct listing *listing = data;
  struct folder_entry entry = entry_of(status);
  if (listing->most == 0)
    return enough;
  listing->most--;
  if (!buffer_append(listing->bytes, &entry, sizeof entry) ||
      !buffer_append(listing->bytes, name, strlen(name) + 1))
    return "not enough memory";
  return NULL;
}

const char *folder_list(const struct folder *folder, const char *path, size_t most,
                        struct buffer *bytes) {
  port_directory directory;
  const char *problem = open_at(folder, path, &directory);
  if (problem)
    return problem;
  struct listing listing = {bytes, most};
  problem = visit_all(directory, list_entry, &listing);
  return problem == enough ? NULL : problem;
}

struct measure {
  size_t most, entries;
  int64_t bytes;
  int depth;
};

static const char *measure_entry(port_directory parent, const char *name,
                                 const struct port_status *status, void *data) {
  struct measure *measure = data;
  if (++measure->entries > measure->most)
    return enough;
  if (status->kind == PORT_FILE)
    measure->bytes += status->size;
  port_directory directory;
  if (status->kind != PORT_DIRECTORY || measure->depth >= FOLDER_MOST_NAMES ||
      port_directory_enter(parent, name, &directory) != 0)
    return NULL;
  measure->depth++;
  const char *problem = visit_all(directory, measure_entry, measure);
  measure->depth--;
  return problem;
}

const char *folder_measure(const struct folder *folder, size_t most, size_t *entries,
                           int64_t *bytes) {
  port_directory directory;
  const char *problem = open_at(folder, "", &directory);
  if (problem)
    return problem;
  struct measure measure = {most, 0, 0, 1};
  problem = visit_all(directory, measure_entry, &measure);
  *entries = measure.entries;
  *bytes = measure.bytes;
  return problem == enough ? NULL : problem;
}

/* --- reading ---------------------------------------------------------------------------------- */

static const char *problem_of_file(int descriptor) {
  struct port_status status;
  int error = port_file_status(descriptor, &status);
  if (error)
    return strerror(error);
  if (status.kind != PORT_FILE)
    return file_kind_problem(status.kind);
  return status.has_other_names ? "it has another name (a hard link)" : NULL;
}

static const char *read_all(int descriptor, size_t most, struct buffer *bytes) {
  char piece[16384];
  size_t count = 0;
  for (;;) {
    size_t length;
    int error = port_file_read(descriptor, piece, sizeof piece, &length);
    if (error || length == 0)
      return error ? strerror(error) : NULL;
    count += length;
    if (count > most)
      return "it is too large";
    if (!buffer_append(bytes, piece, length))
      return "not enough memory";
  }
}

const char *folder_read(const struct folder *folder, const char *path, size_t most,
                        struct buffer *bytes) {
  struct folder_place place;
  const char *problem = folder_place_find(folder->directory, path, false, &place);
  if (problem)
    return problem;
  int descriptor;
  int error = port_directory_open_file(place.parent, place.name, &descriptor);
  if (error)
    problem =
        folder_is_link(place.parent, place.name) ? "it is a symbolic link" : folder_words_of(error);
  folder_place_leave(&place);
  if (error)
    return problem;
  problem = problem_of_file(descriptor);
  if (!problem)
    problem = read_all(descriptor, most, bytes);
  port_file_close(descriptor);
  return problem;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Makes a new file with a name of its own. */
static int create_temporary(port_directory parent, char *name, int *descriptor) {
  unsigned long fraction = port_clock_fraction();
  int error = EEXIST;
  for (unsigned i = 0; error == EEXIST && i < MOST_TRIES; i++) {
    snprintf(name, NAME_SIZE, ".%lx%08x.part", (unsigned long)port_self_id(),
             (unsigned)fraction + i);
    error = port_directory_create_file(parent, name, descriptor);
  }
  return error;
}

/* What keeps a file from being written there, or NULL; *mode becomes the mode to write it with. */
static const char *problem_of_target(const struct folder_place *place, bool is_new, int *mode) {
  struct port_status status;
  const char *problem = look(place->parent, place->name, &status);
  *mode = 0600;
  if (is_new)
    return problem == folder_missing ? NULL : problem ? problem : folder_exists;
  if (!problem && status.kind != PORT_FILE)
    problem = "it is no regular file";
  if (!problem && !(status.mode & ANY_MAY_WRITE)) /* to give its name to another needs no leave */
    problem = strerror(EACCES);
  *mode = problem ? *mode : status.mode;
  return problem;
}

static const char *write_at(const struct folder_place *place, const void *bytes, size_t count,
                            bool is_new) {
  char name[NAME_SIZE];
  int mode, descriptor;
  int64_t length = 0;
  const char *problem = problem_of_target(place, is_new, &mode);
  if (problem)
    return problem;
  int error = create_temporary(place->parent, name, &descriptor);
  if (error)
    return strerror(error);
  error = port_file_set_mode(descriptor, mode);
  if (!error)
    error = port_file_write(descriptor, bytes, count, &length);
  int close_error = port_file_close(descriptor);
  if (!error)
    error = close_error;
  if (error)
    problem = strerror(error);
  else
    problem =
        folder_words_of(port_directory_rename(place->parent, name, place->parent, place->name));
  if (problem)
    port_directory_remove(place->parent, name, false);
  return problem;
}

const char *folder_write(const struct folder *folder, const char *path, const void *bytes,
                         size_t count, bool is_new) {
  struct folder_place place;
  const char *problem = folder_place_find(folder->directory, path, is_new, &place);
  if (problem)
    return problem;
  problem = write_at(&place, bytes, count, is_new);
  folder_place_leave(&place);
  return problem;
}

static const char *remove_entry(port_directory parent, const char *name,
                                const struct port_status *status, void *data) {
  int *depth = data;
  if (status->kind != PORT_DIRECTORY)
    return folder_words_of(port_directory_remove(parent, name, false));
  if (*depth >= 2 * FOLDER_MOST_NAMES)
    return "it has too many directories inside each other";
  ++*depth;
  const char *problem = NULL;
  int error = ENOTEMPTY;
  for (int i = 0; !problem && error && i < MOST_TRIES; i++) { /* others may add to it */
    port_directory directory;
    problem = folder_words_of(port_directory_enter(parent, name, &directory));
    if (!problem)
      problem = visit_all(directory, remove_entry, depth);
    if (problem)
      break;
    error = port_directory_remove(parent, name, true);
    if (error && error != ENOTEMPTY && error != EEXIST)
      problem = folder_words_of(error);
  }
  --*depth;
  return problem || !error ? problem : strerror(ENOTEMPTY);
}

const char *folder_remove(const struct folder *folder, const char *path) {
  struct folder_place place;
  struct port_status status;
  int depth = 0;
  const char *problem = folder_place_find(folder->directory, path, false, &place);
  if (problem)
    return problem;
  problem = look(place.parent, place.name, &status);
  if (!problem)
    problem = remove_entry(place.parent, place.name, &status, &depth);
  folder_place_leave(&place);
  return problem;
}

/* NULL if an entry whose path will have *names names can still be reached, with all that is below
 * it; else words. */
static const char *problem_of_depth(port_directory parent, const char *name,
                                    const struct port_status *status, void *data) {
  int *names = data;
  port_directory directory;
  const char *problem = NULL;
  if (*names > FOLDER_MOST_NAMES)
    return folder_too_deep;
  ++*names;
  if (status->kind == PORT_DIRECTORY && port_directory_enter(parent, name, &directory) == 0)
    problem = visit_all(directory, problem_of_depth, names);
  --*names;
  return problem;
}

/* What keeps a file or directory from getting a path of so many names, or NULL. */
static const char *problem_of_source(const struct folder_place *from, int names) {
  struct port_status status;
  const char *problem = look(from->parent, from->name, &status);
  if (problem)
    return problem;
  if (entry_of(&status).kind == FOLDER_OTHER)
    return status.kind == PORT_LINK ? "it is a symbolic link" : "it is no regular file";
  return problem_of_depth(from->parent, from->name, &status, &names);
}

static const char *rename_to(const struct folder_place *from, const struct folder_place *to) {
  struct port_status status;
  const char *problem = look(to->parent, to->name, &status);
  if (problem != folder_missing)
    return problem ? problem : folder_exists;
  int error = port_directory_rename(from->parent, from->name, to->parent, to->name);
  return error ? strerror(error) : NULL;
}

const char *folder_rename(const struct folder *folder, const char *from, const char *to) {
  struct folder_place source, target;
  size_t length = strlen(from);
  if (strncmp(to, from, length) == 0 && to[length] == '/')
    return "it cannot be moved into itself";
  const char *problem = folder_place_find(folder->directory, from, false, &source);
  if (problem)
    return problem;
  problem = problem_of_source(&source, folder_place_names(to));
  if (!problem)
    problem = folder_place_find(folder->directory, to, true, &target);
  if (!problem) {
    problem = rename_to(&source, &target);
    folder_place_leave(&target);
  }
  folder_place_leave(&source);
  return problem;
}
