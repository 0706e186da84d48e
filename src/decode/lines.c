#include "decode/lines.h"

#include <string.h>

static enum lines_result refuse(struct lines *lines) {
  lines->too_large = true;
  return LINES_TOO_LARGE;
}

enum lines_result lines_next(struct lines *lines, struct buffer *buffer, const char **line,
                             size_t *length) {
  if (lines->too_large)
    return LINES_TOO_LARGE;
  buffer_consume(buffer, lines->consumed);
  lines->consumed = 0;
  if (buffer->length == 0)
    return LINES_MORE;
  const char *bytes = buffer_bytes(buffer);
  const char *lf = memchr(bytes + lines->searched, '\n', buffer->length - lines->searched);
  if (!lf) {
    lines->searched = buffer->length;
    /* a CR at the end may yet belong to the line's end */
    size_t held = buffer->length - (bytes[buffer->length - 1] == '\r');
    return held > lines->max_line_bytes ? refuse(lines) : LINES_MORE;
  }
  *line = bytes;
  *length = (size_t)(lf - bytes);
  lines->consumed = *length + 1;
  lines->searched = 0;
  if (*length > 0 && bytes[*length - 1] == '\r')
    --*length;
  return *length > lines->max_line_bytes ? refuse(lines) : LINES_LINE;
}
