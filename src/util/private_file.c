#define _XOPEN_SOURCE 700 /* strdup */
#include "util/private_file.h"

#include "port/clock.h"
#include "port/file.h"
#include "port/self.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_EXTRA = 40 };

int private_file_mode(const char *path) {
  struct port_status status;
  return port_file_look(path, &status) == 0 ? status.mode : -1;
}

/* Another writer at the same time uses a temporary file of another name. */
static const char *replace(const char *path, const char *temporary, const char *bytes,
                           size_t count) {
  int64_t length = 0;
  int descriptor;
  int problem = port_file_create(temporary, true, &descriptor);
  if (problem)
    return strerror(problem);
  problem = port_file_write(descriptor, bytes, count, &length);
  if (!problem)
    problem = port_file_flush(descriptor);
  int close_problem = port_file_close(descriptor);
  if (!problem)
    problem = close_problem;
  if (!problem)
    problem = port_file_replace(temporary, path);
  if (!problem)
    return NULL;
  port_file_remove(temporary);
  return strerror(problem);
}

const char *private_file_write(const char *path, const char *bytes, size_t count) {
  char *target = port_file_real_path(path); /* where a symbolic link leads */
  if (!target)
    target = strdup(path);
  size_t size = target ? strlen(target) + NAME_EXTRA : 0;
  char *temporary = target ? malloc(size) : NULL;
  const char *problem = "not enough memory";
  if (temporary) {
    port_file_make_parent(target);
    snprintf(temporary, size, "%s.%lx%08lx.tmp", target, (unsigned long)port_self_id(),
             port_clock_fraction());
    problem = replace(target, temporary, bytes, count);
  }
  free(temporary);
  free(target);
  return problem;
}
