#include "net/easy_pool.h"

#include <stdbool.h>

enum { FIRST_TO_DANGLE = 0x075300, FIRST_WITHOUT_DANGLING = 0x080100 };
enum { USED_ONCE = 1, USED_AGAIN };

/* From 7.83 to 8.0 libcurl reads freed memory if a handle's second answer begins with a header line
 * that continues the line before (curl's pull request 11103).
 * workaround: libcurl 7.83 to 8.0 */
static bool can_be_used_again(struct easy_pool *pool) {
  if (pool->use == 0) {
    unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
    bool dangles = version >= FIRST_TO_DANGLE && version < FIRST_WITHOUT_DANGLING;
    pool->use = dangles ? USED_ONCE : USED_AGAIN;
  }
  return pool->use == USED_AGAIN;
}

CURL *easy_pool_take(struct easy_pool *pool) {
  return pool->count > 0 ? pool->handles[--pool->count] : NULL;
}

void easy_pool_give(struct easy_pool *pool, CURL *easy) {
  if (pool->count == MAX_IDLE_HANDLES || !can_be_used_again(pool)) {
    curl_easy_cleanup(easy);
    return;
  }
  curl_easy_reset(easy);
  pool->handles[pool->count++] = easy;
}

void easy_pool_free(struct easy_pool *pool) {
  while (pool->count > 0)
    curl_easy_cleanup(easy_pool_take(pool));
}
