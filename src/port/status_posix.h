/* The port's status from stat(2)'s. Include it after the macro that sets the size of an offset. */
#ifndef ANTHROPIC_PORT_STATUS_POSIX_H
#define ANTHROPIC_PORT_STATUS_POSIX_H

#include "port/file.h"

#include <sys/stat.h>

static inline struct port_status status_of(const struct stat *found) {
  struct port_status status = {PORT_OTHER, found->st_size, (int)(found->st_mode & 0777),
                               found->st_nlink > 1};
  if (S_ISREG(found->st_mode))
    status.kind = PORT_FILE;
  else if (S_ISDIR(found->st_mode))
    status.kind = PORT_DIRECTORY;
  else if (S_ISLNK(found->st_mode))
    status.kind = PORT_LINK;
  return status;
}

#endif
