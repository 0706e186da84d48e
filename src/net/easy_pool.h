/* Easy handles that wait for their next transfer: making one takes longer than most of what is done
 * with it. No Lua. */
#ifndef ANTHROPIC_NET_EASY_POOL_H
#define ANTHROPIC_NET_EASY_POOL_H

#include <curl/curl.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

enum { MAX_IDLE_HANDLES = 16 };

/* Zero-initialise. */
struct easy_pool {
  /* private part */
  CURL *handles[MAX_IDLE_HANDLES];
  size_t count;
  int use; /* whether a handle can be used again, which takes long to ask; 0: not known yet */
};

/* A kept handle, which the caller then owns, or NULL. */
CURL *easy_pool_take(struct easy_pool *pool);

/* Keeps the handle of a transfer that is over, as good as new, or frees it. */
void easy_pool_give(struct easy_pool *pool, CURL *easy);

/* Frees the handles that wait. */
void easy_pool_free(struct easy_pool *pool);

#pragma GCC visibility pop

#endif
