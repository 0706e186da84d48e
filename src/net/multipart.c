#include "net/multipart.h"

#include "util/file.h"

#include <stdlib.h>
#include <string.h>

/* Where a part's bytes come from. A file is open only while it is being sent. */
struct source {
  struct multipart *multipart;
  const char *path;
  const char *data;
  int64_t size;
  int64_t offset;
  int descriptor;
};

struct multipart {
  CURL *easy;
  curl_mime *mime;
  void (*on_part)(void *context);
  void *context;
  const char *problem;
  const char *problem_path;
  int64_t unsent;
  size_t next; /* of joined parts: the first that libcurl has not read to its end */
  size_t count;
  size_t capacity;
  struct source sources[];
};

static void close_source(struct source *source) {
  if (source->descriptor >= 0)
    file_close(source->descriptor);
  source->descriptor = -1;
}

/* --- libcurl's callbacks --------------------------------------------------------------------- */

static bool open_source(struct source *source, const char **problem) {
  int64_t size = 0;
  if (source->descriptor >= 0)
    return true;
  source->descriptor = file_open(source->path, &size, problem);
  if (source->descriptor < 0)
    return false;
  *problem = "it changed while it was sent";
  return size == source->size;
}

static bool read_source(struct source *source, char *bytes, size_t count, const char **problem) {
  if (source->path)
    return open_source(source, problem) && file_read(source->descriptor, bytes, count, problem);
  memcpy(bytes, source->data + source->offset, count);
  return true;
}

static void fail(struct source *source, const char *problem) {
  source->multipart->problem = problem;
  source->multipart->problem_path = source->path;
}

static size_t smaller(size_t length, int64_t left) {
  return (uint64_t)left < length ? (size_t)left : length;
}

/* Never more than was announced, even if the file has grown. */
static size_t on_read(char *bytes, size_t size, size_t count, void *userdata) {
  struct source *source = userdata;
  struct multipart *multipart = source->multipart;
  const char *problem = NULL;
  size_t length = smaller(size * count, source->size - source->offset);
  if (length == 0)
    return 0;
  if (!read_source(source, bytes, length, &problem)) {
    fail(source, problem);
    multipart->on_part(multipart->context);
    return CURL_READFUNC_ABORT;
  }
  source->offset += (int64_t)length;
  if (source->offset == source->size)
    close_source(source);
  multipart->unsent -= (int64_t)length;
  multipart->on_part(multipart->context);
  return length;
}

/* One part after the other, as much as there is room for. */
static size_t on_read_joined(char *bytes, size_t size, size_t count, void *userdata) {
  struct multipart *multipart = userdata;
  size_t room = size * count, length = 0;
  while (length < room && multipart->next < multipart->count) {
    struct source *source = &multipart->sources[multipart->next];
    size_t taken = on_read(bytes + length, 1, room - length, source);
    if (taken == CURL_READFUNC_ABORT)
      return taken;
    length += taken;
    if (source->offset == source->size)
      multipart->next++;
  }
  return length;
}

/* --- set-up ---------------------------------------------------------------------------------- */

static struct multipart *allocate(CURL *easy, size_t count, void (*on_part)(void *context),
                                  void *context) {
  struct multipart *multipart = NULL;
  if (count <= (SIZE_MAX - sizeof *multipart) / sizeof *multipart->sources)
    multipart = calloc(1, sizeof *multipart + count * sizeof *multipart->sources);
  if (!multipart)
    return NULL;
  multipart->easy = easy;
  multipart->on_part = on_part;
  multipart->context = context;
  multipart->capacity = count;
  return multipart;
}

struct multipart *multipart_new(CURL *easy, size_t count, void (*on_part)(void *context),
                                void *context) {
  struct multipart *multipart = allocate(easy, count, on_part, context);
  if (!multipart)
    return NULL;
  multipart->mime = curl_mime_init(easy);
  if (multipart->mime)
    return multipart;
  free(multipart);
  return NULL;
}

static bool measure(struct source *source) {
  const char *problem;
  if (!source->path)
    return true;
  int descriptor = file_open(source->path, &source->size, &problem);
  if (descriptor >= 0)
    file_close(descriptor);
  else
    fail(source, problem);
  return descriptor >= 0;
}

/* Takes the next source. NULL if it cannot be read. */
static struct source *add_source(struct multipart *multipart, const struct part *part) {
  struct source *source = &multipart->sources[multipart->count++];
  *source = (struct source){multipart, part->path, part->data, (int64_t)part->length, 0, -1};
  if (!measure(source))
    return NULL;
  multipart->unsent += source->size;
  return source;
}

/* libcurl asks for no bytes of an empty body; if sent in chunks, the body would lack its end. */
static bool set_joined(struct multipart *multipart) {
  CURL *easy = multipart->easy;
  curl_off_t size = (curl_off_t)multipart->unsent;
  if (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size) != CURLE_OK)
    return false;
  if (size == 0)
    return curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "") == CURLE_OK;
  return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read_joined) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_READDATA, multipart) == CURLE_OK;
}

struct multipart *multipart_joined(CURL *easy, const struct part *parts, size_t count,
                                   void (*on_part)(void *context), void *context) {
  struct multipart *multipart = allocate(easy, count, on_part, context);
  if (!multipart)
    return NULL;
  for (size_t i = 0; i < count; i++)
    if (!add_source(multipart, &parts[i]))
      return multipart;
  if (set_joined(multipart))
    return multipart;
  free(multipart);
  return NULL;
}

bool multipart_add(struct multipart *multipart, const struct part *part) {
  if (multipart->count == multipart->capacity)
    return false;
  struct source *source = add_source(multipart, part);
  if (!source)
    return false;
  curl_mimepart *mime = curl_mime_addpart(multipart->mime);
  if (!mime || curl_mime_name(mime, part->name) != CURLE_OK ||
      curl_mime_filename(mime, part->filename) != CURLE_OK ||
      curl_mime_type(mime, part->content_type) != CURLE_OK ||
      curl_mime_data_cb(mime, source->size, on_read, NULL, NULL, source) != CURLE_OK)
    return false;
  return multipart->count < multipart->capacity ||
         curl_easy_setopt(multipart->easy, CURLOPT_MIMEPOST, multipart->mime) == CURLE_OK;
}

const char *multipart_problem(const struct multipart *multipart, const char **path) {
  *path = multipart->problem_path;
  return multipart->problem;
}

int64_t multipart_unsent(const struct multipart *multipart) {
  return multipart->unsent;
}

void multipart_free(struct multipart *multipart) {
  if (!multipart)
    return;
  curl_mime_free(multipart->mime);
  for (size_t i = 0; i < multipart->count; i++)
    close_source(&multipart->sources[i]);
  free(multipart);
}
