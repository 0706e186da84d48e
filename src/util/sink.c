#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64
#include "util/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAME_EXTRA = 32, MOST_TRIES = 100 };

/* Not mkstemp: its files are readable by their owner alone, whatever the umask allows. */
static int create_temporary(struct sink *sink, size_t size) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  for (unsigned i = 0; i < MOST_TRIES; i++) {
    unsigned unique = (unsigned)now.tv_nsec + i;
    snprintf(sink->temporary, size, "%s.%lx%08x.part", sink->path, (unsigned long)sink->owner,
             unique);
    int descriptor = open(sink->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST)
      return descriptor;
  }
  return -1;
}

static void forget(struct sink *sink) {
  free(sink->path);
  free(sink->temporary);
  *sink = (struct sink){0};
}

/* A file that stands there already is replaced where its symbolic link leads, only if it may be
 * written, and keeps its mode; a device or a pipe is not replaced at all. */
static const char *look_at_target(struct sink *sink, const char *path, mode_t *mode) {
  struct stat status;
  if (path[0] == '\0')
    return "the path is empty";
  bool exists = stat(path, &status) == 0;
  if (exists && !S_ISREG(status.st_mode))
    return S_ISDIR(status.st_mode) ? "it is a directory" : "it is no regular file";
  if (exists && access(path, W_OK) != 0)
    return strerror(errno);
  *mode = exists ? status.st_mode & 0777 : 0;
  sink->path = exists ? realpath(path, NULL) : strdup(path);
  return sink->path ? NULL : strerror(errno);
}

const char *sink_open(struct sink *sink, const char *path) {
  mode_t mode = 0;
  const char *problem = look_at_target(sink, path, &mode);
  if (problem)
    return problem;
  size_t size = strlen(sink->path) + NAME_EXTRA;
  sink->owner = getpid();
  sink->temporary = malloc(size);
  if (!sink->temporary) {
    forget(sink);
    return "not enough memory";
  }
  sink->descriptor = create_temporary(sink, size);
  if (sink->descriptor >= 0 && (mode == 0 || fchmod(sink->descriptor, mode) == 0))
    return NULL;
  problem = strerror(errno);
  if (sink->descriptor >= 0)
    sink_discard(sink);
  else
    forget(sink);
  return problem;
}

const char *sink_restart(struct sink *sink) {
  if (!sink->path)
    return "it is closed";
  if (lseek(sink->descriptor, 0, SEEK_SET) != 0 || ftruncate(sink->descriptor, 0) != 0)
    return strerror(errno);
  sink->length = 0;
  return NULL;
}

const char *sink_write(struct sink *sink, const void *bytes, size_t count) {
  if (!sink->path)
    return "it is closed";
  while (count > 0) {
    ssize_t written = write(sink->descriptor, bytes, count);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return strerror(errno);
    sink->length += written;
    bytes = (const char *)bytes + written;
    count -= (size_t)written;
  }
  return NULL;
}

const char *sink_commit(struct sink *sink) {
  const char *problem = NULL;
  if (!sink->path)
    return "it is closed";
  if (close(sink->descriptor) != 0 || rename(sink->temporary, sink->path) != 0) {
    problem = strerror(errno);
    unlink(sink->temporary);
  }
  forget(sink);
  return problem;
}

void sink_discard(struct sink *sink) {
  if (!sink->path)
    return;
  close(sink->descriptor);
  if (sink->owner == getpid())
    unlink(sink->temporary);
  forget(sink);
}
