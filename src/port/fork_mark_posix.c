#define _DEFAULT_SOURCE /* MAP_ANONYMOUS and madvise */
#include "port/fork_mark.h"

#include "port/self.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef MADV_WIPEONFORK /* Linux, from 4.14 on */

static size_t page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

static void *new_page(void) {
  void *page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    return NULL;
  if (madvise(page, page_size(), MADV_WIPEONFORK) == 0)
    return page;
  munmap(page, page_size());
  return NULL;
}

static void free_page(volatile unsigned char *page) {
  munmap((void *)page, page_size());
}

#else

static void *new_page(void) {
  return NULL;
}

static void free_page(volatile unsigned char *page) {
  (void)page;
}

#endif

void fork_mark_set(struct fork_mark *mark) {
  mark->owner = port_self_id();
  if (!mark->page)
    mark->page = new_page();
  if (mark->page)
    *mark->page = 1;
}

bool fork_mark_is_foreign(const struct fork_mark *mark) {
  return mark->page ? *mark->page == 0 : mark->owner != port_self_id();
}

void fork_mark_free(struct fork_mark *mark) {
  if (mark->page)
    free_page(mark->page);
  mark->page = NULL;
}
