/* A request's body as multipart/form-data, sent from files and from the caller's memory without a
 * copy of the whole; or as the parts' contents, one after the other. No Lua. */
#ifndef ANTHROPIC_NET_MULTIPART_H
#define ANTHROPIC_NET_MULTIPART_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* One part: the content of the file at `path`, or, if `path` is NULL, the `length` bytes at
 * `data`. These two must outlive the multipart, the rest is copied. NULL: no filename, no type. */
struct part {
  const char *name;
  const char *filename;
  const char *content_type;
  const char *path;
  const char *data;
  size_t length;
};

struct multipart;

/* Makes a body with room for `count` parts, at least one, of a request that has not started.
 * `on_part` is called with `context` whenever libcurl has asked for bytes and got some, or there
 * was a problem. NULL when memory ran out. The caller frees it with multipart_free. */
struct multipart *multipart_new(CURL *easy, size_t count, void (*on_part)(void *context),
                                void *context);

/* The same for a body that is the content of `count` parts, at least one, and nothing else: only
 * `path`, or `data` and `length` of a part are used. If a file cannot be read, multipart_problem
 * says so. NULL when memory ran out or libcurl refused an option. */
struct multipart *multipart_joined(CURL *easy, const struct part *parts, size_t count,
                                   void (*on_part)(void *context), void *context);

/* Adds the next part; with the last the request has its body. False if there was a problem, or
 * memory ran out. */
bool multipart_add(struct multipart *multipart, const struct part *part);

/* What kept a file from being read, and the file's path; NULL: nothing. */
const char *multipart_problem(const struct multipart *multipart, const char **path);

/* Bytes of its parts that libcurl has not asked for yet. */
int64_t multipart_unsent(const struct multipart *multipart);

/* Closes what is open and frees it, after the easy handle is gone. NULL is fine. */
void multipart_free(struct multipart *multipart);

#pragma GCC visibility pop

#endif
