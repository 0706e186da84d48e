#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_open(const char *path, int64_t *size, const char **problem) {
  struct stat status;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block */
  if (descriptor < 0 || fstat(descriptor, &status) != 0) {
    *problem = strerror(errno);
  } else if (!S_ISREG(status.st_mode)) {
    *problem = S_ISDIR(status.st_mode) ? "it is a directory" : "it is no regular file";
  } else {
    *size = status.st_size;
    return descriptor;
  }
  if (descriptor >= 0)
    close(descriptor);
  return -1;
}

bool file_read(int descriptor, void *bytes, size_t count, const char **problem) {
  while (count > 0) {
    ssize_t length = read(descriptor, bytes, count);
    if (length < 0 && errno == EINTR)
      continue;
    if (length <= 0) {
      *problem = length < 0 ? strerror(errno) : "it became shorter";
      return false;
    }
    bytes = (char *)bytes + length;
    count -= (size_t)length;
  }
  return true;
}
