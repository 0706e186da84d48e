#include "util/file.h"

#include "port/file.h"

#include <string.h>

int file_open(const char *path, int64_t *size, const char **problem) {
  struct port_status status;
  int descriptor;
  int error = port_file_open(path, &descriptor);
  if (error) {
    *problem = strerror(error);
    return -1;
  }
  error = port_file_status(descriptor, &status);
  if (error) {
    *problem = strerror(error);
  } else if (status.kind != PORT_FILE) {
    *problem = file_kind_problem(status.kind);
  } else {
    *size = status.size;
    return descriptor;
  }
  port_file_close(descriptor);
  return -1;
}

bool file_read(int descriptor, void *bytes, size_t count, const char **problem) {
  while (count > 0) {
    size_t length;
    int error = port_file_read(descriptor, bytes, count, &length);
    if (error || length == 0) {
      *problem = error ? strerror(error) : "it became shorter";
      return false;
    }
    bytes = (char *)bytes + length;
    count -= length;
  }
  return true;
}

void file_close(int descriptor) {
  port_file_close(descriptor);
}

const char *file_kind_problem(enum port_kind kind) {
  return kind == PORT_DIRECTORY ? "it is a directory" : "it is no regular file";
}
