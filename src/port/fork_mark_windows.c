#include "port/fork_mark.h"

#include <stddef.h>

/* No process is forked here. */

void fork_mark_set(struct fork_mark *mark) {
  mark->page = NULL;
}

bool fork_mark_is_foreign(const struct fork_mark *mark) {
  (void)mark;
  return false;
}

void fork_mark_free(struct fork_mark *mark) {
  (void)mark;
}
