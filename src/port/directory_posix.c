#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64
#include "port/directory.h"

#include "port/status_posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int error_of(bool ok) {
  return ok ? 0 : errno;
}

int port_directory_open(const char *path, port_directory *directory) {
  *directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return error_of(*directory >= 0);
}

int port_directory_copy(port_directory directory, port_directory *copy) {
  *copy = openat((int)directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return error_of(*copy >= 0);
}

void port_directory_close(port_directory directory) {
  close((int)directory);
}

int port_directory_status(port_directory directory, struct port_status *status) {
  return port_file_status((int)directory, status);
}

bool port_directory_is_name(const char *name) {
  return name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int port_directory_enter(port_directory parent, const char *name, port_directory *directory) {
  *directory = openat((int)parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return error_of(*directory >= 0);
}

int port_directory_make(port_directory parent, const char *name) {
  return error_of(mkdirat((int)parent, name, 0700) == 0);
}

int port_directory_look(port_directory parent, const char *name, struct port_status *status) {
  struct stat found;
  if (fstatat((int)parent, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
    return errno;
  *status = status_of(&found);
  return 0;
}

int port_directory_open_file(port_directory parent, const char *name, int *descriptor) {
  *descriptor = openat((int)parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  return error_of(*descriptor >= 0);
}

int port_directory_create_file(port_directory parent, const char *name, int *descriptor) {
  *descriptor =
      openat((int)parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  return error_of(*descriptor >= 0);
}

int port_directory_rename(port_directory from, const char *name, port_directory to,
                          const char *new_name) {
  return error_of(renameat((int)from, name, (int)to, new_name) == 0);
}

int port_directory_remove(port_directory parent, const char *name, bool is_directory) {
  return error_of(unlinkat((int)parent, name, is_directory ? AT_REMOVEDIR : 0) == 0);
}

int port_directory_list(port_directory directory, bool (*visit)(const char *name, void *data),
                        void *data) {
  DIR *stream = fdopendir((int)directory);
  if (!stream) {
    int error = errno;
    close((int)directory);
    return error;
  }
  int error = 0;
  for (bool goes_on = true; goes_on;) {
    errno = 0;
    const struct dirent *entry = readdir(stream);
    if (!entry)
      error = errno; /* 0: the end */
    goes_on = entry && (!port_directory_is_name(entry->d_name) || visit(entry->d_name, data));
  }
  closedir(stream);
  return error;
}
