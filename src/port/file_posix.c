#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64
#include "port/file.h"

#include "port/status_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int error_of(bool ok) {
  return ok ? 0 : errno;
}

int port_file_open(const char *path, int *descriptor) {
  *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  return error_of(*descriptor >= 0);
}

int port_file_create(const char *path, bool is_private, int *descriptor) {
  *descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_private ? 0600 : 0666);
  return error_of(*descriptor >= 0);
}

int port_file_status(int descriptor, struct port_status *status) {
  struct stat found;
  if (fstat(descriptor, &found) != 0)
    return errno;
  *status = status_of(&found);
  return 0;
}

int port_file_look(const char *path, struct port_status *status) {
  struct stat found;
  if (stat(path, &found) != 0)
    return errno;
  *status = status_of(&found);
  return 0;
}

int port_file_check_writable(const char *path) {
  return error_of(access(path, W_OK) == 0);
}

int port_file_read(int descriptor, void *bytes, size_t count, size_t *length) {
  ssize_t got;
  do
    got = read(descriptor, bytes, count);
  while (got < 0 && errno == EINTR);
  *length = got > 0 ? (size_t)got : 0;
  return error_of(got >= 0);
}

int port_file_write(int descriptor, const void *bytes, size_t count, int64_t *length) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return errno;
    *length += written;
    bytes = (const char *)bytes + written;
    count -= (size_t)written;
  }
  return 0;
}

int port_file_flush(int descriptor) {
  return error_of(fsync(descriptor) == 0);
}

int port_file_empty(int descriptor) {
  return error_of(lseek(descriptor, 0, SEEK_SET) == 0 && ftruncate(descriptor, 0) == 0);
}

int port_file_set_mode(int descriptor, int mode) {
  return error_of(fchmod(descriptor, (mode_t)mode) == 0);
}

int port_file_close(int descriptor) {
  return error_of(close(descriptor) == 0);
}

int port_file_replace(const char *from, const char *to) {
  return error_of(rename(from, to) == 0);
}

void port_file_remove(const char *path) {
  unlink(path);
}

char *port_file_real_path(const char *path) {
  return realpath(path, NULL);
}

const char *port_file_whole_path(const char *path, char text[PORT_PATH_SIZE]) {
  if (path[0] == '/' || path[0] == '\0' || !getcwd(text, PORT_PATH_SIZE))
    return path;
  size_t length = strlen(text), count = strlen(path);
  if (length + 1 + count >= PORT_PATH_SIZE)
    return path;
  text[length] = '/';
  memcpy(text + length + 1, path, count + 1);
  return text;
}

int port_file_make_directories(const char *path) {
  char text[PORT_PATH_SIZE];
  size_t length = strlen(path);
  if (length >= sizeof text)
    return ENAMETOOLONG;
  memcpy(text, path, length + 1);
  for (char *at = text + 1; length > 0; at++) {
    char byte = *at;
    if (byte != '/' && byte != '\0')
      continue;
    *at = '\0';
    if (mkdir(text, 0700) != 0 && errno != EEXIST && errno != EISDIR && errno != EROFS)
      return errno;
    *at = byte;
    if (byte == '\0')
      break;
  }
  return 0;
}

void port_file_make_parent(char *path) {
  char *slash = strrchr(path, '/');
  if (!slash || slash == path)
    return;
  *slash = '\0';
  mkdir(path, 0700); /* it may be there */
  *slash = '/';
}
