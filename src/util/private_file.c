#define _XOPEN_SOURCE 700
#include "util/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAME_EXTRA = 40 };

int private_file_mode(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 ? (int)(status.st_mode & 0777) : -1;
}

static void make_folder(char *path) {
  char *slash = strrchr(path, '/');
  if (!slash || slash == path)
    return;
  *slash = '\0';
  mkdir(path, 0700); /* it may be there */
  *slash = '/';
}

static bool write_all(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    bytes += written;
    count -= (size_t)written;
  }
  return fsync(descriptor) == 0;
}

/* Whoever else writes it at the same time has a temporary file of another name. */
static const char *replace(const char *path, char *temporary, const char *bytes, size_t count) {
  int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return strerror(errno);
  int problem = write_all(descriptor, bytes, count) ? 0 : errno;
  if (close(descriptor) != 0 && !problem)
    problem = errno;
  if (!problem && rename(temporary, path) != 0)
    problem = errno;
  if (!problem)
    return NULL;
  unlink(temporary);
  return strerror(problem);
}

const char *private_file_write(const char *path, const char *bytes, size_t count) {
  struct timespec now;
  char *target = realpath(path, NULL); /* where a symbolic link leads */
  if (!target)
    target = strdup(path);
  size_t size = target ? strlen(target) + NAME_EXTRA : 0;
  char *temporary = target ? malloc(size) : NULL;
  const char *problem = "not enough memory";
  if (temporary) {
    make_folder(target);
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(temporary, size, "%s.%lx%08lx.tmp", target, (unsigned long)getpid(),
             (unsigned long)now.tv_nsec);
    problem = replace(target, temporary, bytes, count);
  }
  free(temporary);
  free(target);
  return problem;
}
