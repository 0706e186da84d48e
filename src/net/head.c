#include "net/head.h"

#include "net/content_encoding.h"

enum { MAX_HEADER_BYTES = 256 * 1024 }; /* of one response; libcurl's own limit is above it */

static bool is_status_line(const char *line, size_t length) {
  return length > 5 && memcmp(line, "HTTP/", 5) == 0;
}

static bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

/* Whether a status line has a status of three digits after the version. libcurl's later versions
 * take the first three of more digits. */
static bool has_status(const char *line, size_t length) {
  const char *space = memchr(line, ' ', length);
  size_t left = space ? length - (size_t)(space - line) : 0;
  if (left < 4 || !is_digit(space[1]) || !is_digit(space[2]) || !is_digit(space[3]))
    return false;
  return left == 4 || !is_digit(space[4]);
}

/* Half a line does not count: libcurl passes it on if the connection ends in it. workaround:
 * libcurl 8.22 */
static bool is_blank(const char *line, size_t length) {
  return length > 0 && (line[0] == '\r' || line[0] == '\n') && line[length - 1] == '\n';
}

enum head_result head_take_trailer(struct head *head, size_t length) {
  head->others += length;
  return head->others <= MAX_HEADER_BYTES ? HEAD_TAKEN : HEAD_TOO_LARGE;
}

enum head_result head_take(struct head *head, const char *line, size_t length) {
  if (is_status_line(line, length)) {
    if (!has_status(line, length))
      return HEAD_NO_STATUS;
    if (head_take_trailer(head, head->lines.length) != HEAD_TAKEN)
      return HEAD_TOO_LARGE;
    buffer_clear(&head->lines);
    head->encoding = 0;
  }
  head->encoding |= content_encoding_read(line, length);
  if (length > MAX_HEADER_BYTES - head->lines.length)
    return HEAD_TOO_LARGE;
  if (!buffer_append(&head->lines, line, length))
    return HEAD_NO_MEMORY;
  return is_blank(line, length) ? HEAD_ENDED : HEAD_TAKEN;
}
