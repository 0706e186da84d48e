#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64
#include "util/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, MOST_NAMES = 32, MOST_TRIES = 100, NAME_SIZE = 64 };

const char folder_missing[] = "it does not exist";
const char folder_exists[] = "it exists already";

static const char link_on_the_way[] = "a symbolic link is on the way";

static const char *words_of(int error) {
  return error == ENOENT ? folder_missing : error == EEXIST ? folder_exists : strerror(error);
}

/* --- paths ------------------------------------------------------------------------------------ */

/* Where a path leads: the open directory that it ends in, and the name there. */
struct place {
  int parent;
  const char *name;
  char text[PATH_SIZE];
};

static bool is_name(const char *name) {
  return name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int open_directory(int parent, const char *name) {
  return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool is_link(int parent, const char *name) {
  struct stat status;
  return fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

static const char *enter(struct place *place, const char *name, bool make) {
  if (make && mkdirat(place->parent, name, 0700) != 0 && errno != EEXIST)
    return words_of(errno);
  int next = open_directory(place->parent, name);
  if (next < 0) {
    int error = errno;
    return is_link(place->parent, name) ? link_on_the_way : words_of(error);
  }
  close(place->parent);
  place->parent = next;
  return NULL;
}

static void leave(struct place *place) {
  close(place->parent);
}

/* Finds the place of a path; on success the caller leaves it. `make`: with the directories on the
 * way. */
static const char *find(const struct folder *folder, const char *path, bool make,
                        struct place *place) {
  size_t length = strlen(path);
  place->parent = -1;
  place->name = place->text;
  if (folder->descriptor < 0)
    return "it is closed";
  if (length >= sizeof place->text)
    return "the path is too long";
  memcpy(place->text, path, length + 1);
  place->parent = fcntl(folder->descriptor, F_DUPFD_CLOEXEC, 0);
  if (place->parent < 0)
    return strerror(errno);
  char *name = place->text;
  const char *problem = NULL;
  for (int depth = 1; !problem; depth++) {
    char *end = strchr(name, '/');
    if (end)
      *end = '\0';
    if (!is_name(name))
      problem = "the path has a name that is none";
    else if (depth > MOST_NAMES)
      problem = "the path has too many names";
    else if (!end)
      break;
    else
      problem = enter(place, name, make);
    name = end ? end + 1 : name;
  }
  place->name = name;
  if (problem)
    leave(place);
  return problem;
}

/* --- the directory ---------------------------------------------------------------------------- */

/* Makes a directory and those above it. */
static const char *make_all(const char *path) {
  char text[PATH_SIZE];
  size_t length = strlen(path);
  if (length >= sizeof text)
    return "the path is too long";
  memcpy(text, path, length + 1);
  for (char *at = text + 1; length > 0; at++) {
    char byte = *at;
    if (byte != '/' && byte != '\0')
      continue;
    *at = '\0';
    if (mkdir(text, 0700) != 0 && errno != EEXIST && errno != EISDIR && errno != EROFS)
      return strerror(errno);
    *at = byte;
    if (byte == '\0')
      break;
  }
  return NULL;
}

const char *folder_open(struct folder *folder, const char *path) {
  folder->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder->descriptor >= 0)
    return NULL;
  const char *problem = errno == ENOENT && path[0] ? make_all(path) : strerror(errno);
  if (problem)
    return problem;
  folder->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return folder->descriptor >= 0 ? NULL : strerror(errno);
}

void folder_close(struct folder *folder) {
  if (folder->descriptor >= 0)
    close(folder->descriptor);
  folder->descriptor = -1;
}

/* --- looking ---------------------------------------------------------------------------------- */

static struct folder_entry entry_of(const struct stat *status) {
  struct folder_entry entry = {FOLDER_OTHER, status->st_size};
  if (S_ISREG(status->st_mode))
    entry.kind = FOLDER_FILE;
  else if (S_ISDIR(status->st_mode))
    entry.kind = FOLDER_DIRECTORY;
  return entry;
}

static const char *look(int parent, const char *name, struct stat *status) {
  return fstatat(parent, name, status, AT_SYMLINK_NOFOLLOW) == 0 ? NULL : words_of(errno);
}

const char *folder_look(const struct folder *folder, const char *path, struct folder_entry *entry) {
  struct stat status;
  if (path[0] == '\0') {
    if (fstat(folder->descriptor, &status) != 0)
      return strerror(errno);
    *entry = entry_of(&status);
    return NULL;
  }
  struct place place;
  const char *problem = find(folder, path, false, &place);
  if (problem)
    return problem;
  problem = look(place.parent, place.name, &status);
  leave(&place);
  if (!problem)
    *entry = entry_of(&status);
  return problem;
}

/* The descriptor of the directory at a path, which the caller closes; -1 and words. */
static int open_at(const struct folder *folder, const char *path, const char **problem) {
  struct place place;
  int descriptor;
  if (path[0] == '\0') {
    descriptor = openat(folder->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *problem = descriptor < 0 ? strerror(errno) : NULL;
    return descriptor;
  }
  *problem = find(folder, path, false, &place);
  if (*problem)
    return -1;
  *problem = enter(&place, place.name, false);
  if (*problem) {
    leave(&place);
    return -1;
  }
  return place.parent;
}

/* Calls `visit` with each entry, and what it is, until it gives words; then gives those. Closes the
 * descriptor. */
typedef const char *visitor(int parent, const char *name, const struct stat *status, void *data);

static const char *visit_all(int descriptor, visitor *visit, void *data) {
  DIR *stream = fdopendir(descriptor);
  if (!stream) {
    const char *problem = strerror(errno);
    close(descriptor);
    return problem;
  }
  const char *problem = NULL;
  const struct dirent *entry;
  struct stat status;
  while (!problem && (entry = readdir(stream)) != NULL) {
    if (is_name(entry->d_name) && !look(descriptor, entry->d_name, &status))
      problem = visit(descriptor, entry->d_name, &status, data);
  }
  closedir(stream);
  return problem;
}

static const char enough[] = "";

struct listing {
  struct buffer *bytes;
  size_t most;
};

static const char *list_entry(int parent, const char *name, const struct stat *status, void *data) {
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
  const char *problem;
  int descriptor = open_at(folder, path, &problem);
  if (descriptor < 0)
    return problem;
  struct listing listing = {bytes, most};
  problem = visit_all(descriptor, list_entry, &listing);
  return problem == enough ? NULL : problem;
}

struct measure {
  size_t most, entries;
  int64_t bytes;
  int depth;
};

static const char *measure_entry(int parent, const char *name, const struct stat *status,
                                 void *data) {
  struct measure *measure = data;
  if (++measure->entries > measure->most)
    return enough;
  if (S_ISREG(status->st_mode))
    measure->bytes += status->st_size;
  if (!S_ISDIR(status->st_mode) || measure->depth >= MOST_NAMES)
    return NULL;
  int descriptor = open_directory(parent, name);
  if (descriptor < 0)
    return NULL;
  measure->depth++;
  const char *problem = visit_all(descriptor, measure_entry, measure);
  measure->depth--;
  return problem;
}

const char *folder_measure(const struct folder *folder, size_t most, size_t *entries,
                           int64_t *bytes) {
  const char *problem;
  int descriptor = open_at(folder, "", &problem);
  if (descriptor < 0)
    return problem;
  struct measure measure = {most, 0, 0, 1};
  problem = visit_all(descriptor, measure_entry, &measure);
  *entries = measure.entries;
  *bytes = measure.bytes;
  return problem == enough ? NULL : problem;
}

/* --- reading ---------------------------------------------------------------------------------- */

static const char *problem_of_file(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0)
    return strerror(errno);
  if (!S_ISREG(status.st_mode))
    return S_ISDIR(status.st_mode) ? "it is a directory" : "it is no regular file";
  return status.st_nlink > 1 ? "it has another name (a hard link)" : NULL;
}

static const char *read_all(int descriptor, size_t most, struct buffer *bytes) {
  char piece[16384];
  size_t count = 0;
  for (;;) {
    ssize_t length = read(descriptor, piece, sizeof piece);
    if (length < 0 && errno == EINTR)
      continue;
    if (length <= 0)
      return length < 0 ? strerror(errno) : NULL;
    count += (size_t)length;
    if (count > most)
      return "it is too large";
    if (!buffer_append(bytes, piece, (size_t)length))
      return "not enough memory";
  }
}

const char *folder_read(const struct folder *folder, const char *path, size_t most,
                        struct buffer *bytes) {
  struct place place;
  const char *problem = find(folder, path, false, &place);
  if (problem)
    return problem;
  int descriptor = openat(place.parent, place.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    int error = errno;
    problem = is_link(place.parent, place.name) ? "it is a symbolic link" : words_of(error);
  }
  leave(&place);
  if (descriptor < 0)
    return problem;
  problem = problem_of_file(descriptor);
  if (!problem)
    problem = read_all(descriptor, most, bytes);
  close(descriptor);
  return problem;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The descriptor of a new file with a name of its own; -1: errno. */
static int create_temporary(int parent, char *name) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  for (unsigned i = 0; i < MOST_TRIES; i++) {
    snprintf(name, NAME_SIZE, ".%lx%08x.part", (unsigned long)getpid(), (unsigned)now.tv_nsec + i);
    int descriptor =
        openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor >= 0 || errno != EEXIST)
      return descriptor;
  }
  return -1;
}

static const char *write_all(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return strerror(errno);
    bytes += written;
    count -= (size_t)written;
  }
  return NULL;
}

/* What keeps a file from being written there; the mode that it is to have. */
static const char *problem_of_target(const struct place *place, bool is_new, mode_t *mode) {
  struct stat status;
  const char *problem = look(place->parent, place->name, &status);
  *mode = 0600;
  if (is_new)
    return problem == folder_missing ? NULL : problem ? problem : folder_exists;
  if (!problem && !S_ISREG(status.st_mode))
    problem = "it is no regular file";
  if (!problem)
    *mode = status.st_mode & 0777;
  return problem;
}

static const char *write_at(const struct place *place, const void *bytes, size_t count,
                            bool is_new) {
  char name[NAME_SIZE];
  mode_t mode;
  const char *problem = problem_of_target(place, is_new, &mode);
  if (problem)
    return problem;
  int descriptor = create_temporary(place->parent, name);
  if (descriptor < 0)
    return strerror(errno);
  problem = fchmod(descriptor, mode) == 0 ? write_all(descriptor, bytes, count) : strerror(errno);
  if (close(descriptor) != 0 && !problem)
    problem = strerror(errno);
  if (!problem && renameat(place->parent, name, place->parent, place->name) != 0)
    problem = words_of(errno);
  if (problem)
    unlinkat(place->parent, name, 0);
  return problem;
}

const char *folder_write(const struct folder *folder, const char *path, const void *bytes,
                         size_t count, bool is_new) {
  struct place place;
  const char *problem = find(folder, path, is_new, &place);
  if (problem)
    return problem;
  problem = write_at(&place, bytes, count, is_new);
  leave(&place);
  return problem;
}

static const char *remove_entry(int parent, const char *name, const struct stat *status,
                                void *data) {
  int *depth = data;
  if (!S_ISDIR(status->st_mode))
    return unlinkat(parent, name, 0) == 0 ? NULL : words_of(errno);
  if (*depth >= 2 * MOST_NAMES)
    return "it has too many directories inside each other";
  ++*depth;
  const char *problem = NULL;
  bool is_gone = false;
  for (int i = 0; !problem && !is_gone && i < MOST_TRIES; i++) { /* others may add to it */
    int descriptor = open_directory(parent, name);
    problem = descriptor < 0 ? words_of(errno) : visit_all(descriptor, remove_entry, depth);
    is_gone = !problem && unlinkat(parent, name, AT_REMOVEDIR) == 0;
    if (!problem && !is_gone && errno != ENOTEMPTY && errno != EEXIST)
      problem = words_of(errno);
  }
  --*depth;
  return problem || is_gone ? problem : strerror(ENOTEMPTY);
}

const char *folder_remove(const struct folder *folder, const char *path) {
  struct place place;
  struct stat status;
  int depth = 0;
  const char *problem = find(folder, path, false, &place);
  if (problem)
    return problem;
  problem = look(place.parent, place.name, &status);
  if (!problem)
    problem = remove_entry(place.parent, place.name, &status, &depth);
  leave(&place);
  return problem;
}

static const char *rename_to(const struct place *from, const struct place *to) {
  struct stat status;
  const char *problem = look(from->parent, from->name, &status);
  if (problem)
    return problem;
  if (entry_of(&status).kind == FOLDER_OTHER)
    return S_ISLNK(status.st_mode) ? "it is a symbolic link" : "it is no regular file";
  problem = look(to->parent, to->name, &status);
  if (problem != folder_missing)
    return problem ? problem : folder_exists;
  if (renameat(from->parent, from->name, to->parent, to->name) != 0)
    return strerror(errno);
  return NULL;
}

const char *folder_rename(const struct folder *folder, const char *from, const char *to) {
  struct place source, target;
  const char *problem = find(folder, from, false, &source);
  if (problem)
    return problem;
  problem = find(folder, to, true, &target);
  if (!problem) {
    problem = rename_to(&source, &target);
    leave(&target);
  }
  leave(&source);
  return problem;
}
