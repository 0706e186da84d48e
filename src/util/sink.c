#define _XOPEN_SOURCE 700 /* strdup */
#include "util/sink.h"

#include "port/clock.h"
#include "port/file.h"
#include "port/self.h"
#include "util/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_EXTRA = 32, MOST_TRIES = 100, NO_MODE = -1 };

static const char *words_of(int error) {
  return error ? strerror(error) : NULL;
}

/* The temporary name begins with the first `kept` bytes of the path. Not mkstemp: a new file gets
 * the permissions that the umask allows. */
static int create_with(struct sink *sink, size_t kept, size_t size, bool is_private) {
  unsigned long fraction = port_clock_fraction();
  int error = EEXIST;
  memcpy(sink->temporary, sink->path, kept);
  for (unsigned i = 0; error == EEXIST && i < MOST_TRIES; i++) {
    snprintf(sink->temporary + kept, size - kept, ".%lx%08x.part", (unsigned long)sink->owner,
             (unsigned)fraction + i);
    error = port_file_create(sink->temporary, is_private, &sink->descriptor);
  }
  return error;
}

/* How many bytes of a path to keep, in whole characters, so that the temporary name is no longer
 * than the path's own; 0: the path's last part is too short for that. */
static size_t shortened(const char *path, size_t length) {
  if (length <= NAME_EXTRA || strpbrk(path + length - NAME_EXTRA, "/\\"))
    return 0;
  size_t kept = length - NAME_EXTRA;
  while (kept > 0 && ((unsigned char)path[kept] & 0xC0) == 0x80)
    kept--;
  return kept;
}

static int create_temporary(struct sink *sink, size_t size, bool is_private) {
  size_t length = strlen(sink->path);
  int error = create_with(sink, length, size, is_private);
  size_t kept = error == ENAMETOOLONG ? shortened(sink->path, length) : 0;
  return kept > 0 ? create_with(sink, kept, size, is_private) : error;
}

static void forget(struct sink *sink) {
  free(sink->path);
  free(sink->temporary);
  *sink = (struct sink){0};
}

/* A file that stands there already is replaced where its symbolic link leads, only if it may be
 * written, and keeps its mode (NO_MODE where there was no file); a device or a pipe is not replaced
 * at all. The current directory may be another by then.
 */
static const char *look_at_target(struct sink *sink, const char *path, int *mode) {
  struct port_status status;
  char text[PORT_PATH_SIZE];
  if (path[0] == '\0')
    return "the path is empty";
  int error = port_file_look(path, &status);
  if (error == ENAMETOOLONG)
    return strerror(error);
  bool exists = error == 0;
  if (exists && status.kind != PORT_FILE)
    return file_kind_problem(status.kind);
  error = exists ? port_file_check_writable(path) : 0;
  if (error)
    return strerror(error);
  *mode = exists ? status.mode : NO_MODE;
  sink->path = exists ? port_file_real_path(path) : strdup(port_file_whole_path(path, text));
  return sink->path ? NULL : strerror(errno);
}

const char *sink_open(struct sink *sink, const char *path) {
  int mode = NO_MODE;
  const char *problem = look_at_target(sink, path, &mode);
  if (problem)
    return problem;
  size_t size = strlen(sink->path) + NAME_EXTRA;
  sink->owner = port_self_id();
  sink->temporary = malloc(size);
  if (!sink->temporary) {
    forget(sink);
    return "not enough memory";
  }
  int error = create_temporary(sink, size, mode != NO_MODE); /* private until it has its mode */
  if (error) {
    forget(sink);
    return strerror(error);
  }
  error = mode != NO_MODE ? port_file_set_mode(sink->descriptor, mode) : 0;
  if (error)
    sink_discard(sink);
  return words_of(error);
}

const char *sink_restart(struct sink *sink) {
  if (!sink->path)
    return "it is closed";
  int error = port_file_empty(sink->descriptor);
  if (!error)
    sink->length = 0;
  return words_of(error);
}

const char *sink_write(struct sink *sink, const void *bytes, size_t count) {
  if (!sink->path)
    return "it is closed";
  return words_of(port_file_write(sink->descriptor, bytes, count, &sink->length));
}

const char *sink_commit(struct sink *sink) {
  if (!sink->path)
    return "it is closed";
  int error = port_file_close(sink->descriptor);
  if (!error)
    error = port_file_replace(sink->temporary, sink->path);
  if (error)
    port_file_remove(sink->temporary);
  forget(sink);
  return words_of(error);
}

void sink_discard(struct sink *sink) {
  if (!sink->path)
    return;
  port_file_close(sink->descriptor);
  if (sink->owner == port_self_id())
    port_file_remove(sink->temporary);
  forget(sink);
}
