#include "decode/body_form.h"

#include <string.h>

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool ends_line(char byte) {
  return byte == '\r' || byte == '\n';
}

/* False while the bytes at hand could begin a byte order mark. */
static bool skip_bom(struct body_start *start, const char *bytes, size_t length) {
  static const char bom[] = {'\xEF', '\xBB', '\xBF'};
  size_t have = length < sizeof bom ? length : sizeof bom;
  if (start->line > 0)
    return true;
  if (have == 0 || memcmp(bytes, bom, have) != 0)
    return have > 0;
  if (have == sizeof bom)
    start->line = sizeof bom;
  return have == sizeof bom;
}

/* Skips blanks and comments. False if the next line has not begun. */
static bool skip_silence(struct body_start *start, const char *bytes, size_t length) {
  while (start->line < length) {
    if (is_blank(bytes[start->line])) {
      start->line++;
      continue;
    }
    if (bytes[start->line] != ':')
      return true;
    start->has_comments = true;
    size_t end = start->searched > start->line ? start->searched : start->line;
    while (end < length && !ends_line(bytes[end]))
      end++;
    start->searched = end;
    if (end == length)
      return false;
    start->line = end;
  }
  return false;
}

/* What the line is, by the names of an event stream's fields. */
static enum body_form form_of_line(const char *line, size_t length) {
  static const char *const fields[] = {"data", "event", "id", "retry"};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    size_t name = strlen(fields[i]);
    if (length <= name && memcmp(line, fields[i], length) == 0)
      return FORM_UNKNOWN;
    if (length > name && memcmp(line, fields[i], name) == 0 &&
        (line[name] == ':' || ends_line(line[name])))
      return FORM_EVENTS;
  }
  return FORM_TEXT;
}

enum body_form body_form_read(struct body_start *start, const char *bytes, size_t length) {
  if (!skip_bom(start, bytes, length) || !skip_silence(start, bytes, length))
    return FORM_UNKNOWN;
  const char *line = bytes + start->line;
  if (*line == '{' || *line == '[')
    return FORM_JSON;
  return form_of_line(line, length - start->line);
}
