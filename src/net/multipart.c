#define _POSIX_C_SOURCE 200809L
#include "net/multipart.h"

#include "util/file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a part's bytes come from. A file is open only while it is being sent. */
struct source {
  struct transfer *transfer;
  const char *path;
  const char *data;
  int64_t size;
  int64_t offset;
  int descriptor;
};

struct multipart {
  curl_mime *mime;
  size_t count;
  size_t capacity;
  struct source sources[];
};

static void close_source(struct source *source) {
  if (source->descriptor >= 0)
    close(source->descriptor);
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

/* Never more than was announced, also where the file has grown. */
static size_t on_read(char *bytes, size_t size, size_t count, void *userdata) {
  struct source *source = userdata;
  const char *problem = NULL;
  size_t length = size * count;
  if (length > (uint64_t)(source->size - source->offset))
    length = (size_t)(source->size - source->offset);
  if (length == 0)
    return 0;
  if (!read_source(source, bytes, length, &problem)) {
    transfer_fail_file(source->transfer, "read", source->path, problem);
    return CURL_READFUNC_ABORT;
  }
  source->offset += (int64_t)length;
  if (source->offset == source->size)
    close_source(source);
  transfer_note_sent(source->transfer, (int64_t)length);
  return length;
}

/* --- set-up ---------------------------------------------------------------------------------- */

bool multipart_begin(struct transfer *transfer, size_t count) {
  struct multipart *multipart = NULL;
  if (count <= (SIZE_MAX - sizeof *multipart) / sizeof *multipart->sources)
    multipart = calloc(1, sizeof *multipart + count * sizeof *multipart->sources);
  if (!multipart)
    return false;
  multipart->capacity = count;
  multipart->mime = curl_mime_init(transfer->entry.easy);
  transfer->multipart = multipart;
  return multipart->mime != NULL;
}

static bool measure(struct source *source, const struct part *part) {
  const char *problem;
  source->size = (int64_t)part->length;
  if (!part->path)
    return true;
  int descriptor = file_open(part->path, &source->size, &problem);
  if (descriptor >= 0)
    return close(descriptor) == 0;
  transfer_fail_file(source->transfer, "read", part->path, problem);
  return false;
}

bool multipart_add(struct transfer *transfer, const struct part *part) {
  struct multipart *multipart = transfer->multipart;
  if (multipart->count == multipart->capacity)
    return false;
  struct source *source = &multipart->sources[multipart->count++];
  *source = (struct source){transfer, part->path, part->data, 0, 0, -1};
  if (!measure(source, part))
    return false;
  transfer->unsent += source->size;
  curl_mimepart *mime = curl_mime_addpart(multipart->mime);
  if (mime && curl_mime_name(mime, part->name) == CURLE_OK &&
      curl_mime_filename(mime, part->filename) == CURLE_OK &&
      curl_mime_type(mime, part->content_type) == CURLE_OK &&
      curl_mime_data_cb(mime, source->size, on_read, NULL, NULL, source) == CURLE_OK)
    return true;
  snprintf(transfer->message, sizeof transfer->message, "not enough memory");
  return false;
}

bool multipart_end(struct transfer *transfer) {
  return curl_easy_setopt(transfer->entry.easy, CURLOPT_MIMEPOST, transfer->multipart->mime) ==
         CURLE_OK;
}

void multipart_free(struct multipart *multipart) {
  if (!multipart)
    return;
  curl_mime_free(multipart->mime);
  for (size_t i = 0; i < multipart->count; i++)
    close_source(&multipart->sources[i]);
  free(multipart);
}
