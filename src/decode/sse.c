#include "decode/sse.h"

#include <string.h>

#define LARGEST_RETRY (UINT64_C(1) << 53)

/* A field name, its colon and a space never add up to more than this. */
enum { FIELD_OVERHEAD = 8 };

static void shift_mark(struct sse_mark *mark, size_t count) {
  *mark = mark->at < count ? (struct sse_mark){0, false}
                           : (struct sse_mark){mark->at - count, mark->found};
}

/* Moves every offset into the buffer down by `count` after that many bytes left its front. */
static void shift(struct sse *sse, struct buffer *buffer, size_t count) {
  buffer_consume(buffer, count);
  sse->line -= count;
  shift_mark(&sse->lf, count);
  shift_mark(&sse->cr, count);
  sse->data -= sse->has_data ? count : 0;
}

/* Skips a byte order mark at the very start. False while the bytes at hand could begin one. */
static bool skip_bom(struct sse *sse, const struct buffer *buffer) {
  static const char bom[] = {'\xEF', '\xBB', '\xBF'};
  size_t have = buffer->length < sizeof bom ? buffer->length : sizeof bom;
  if (have == 0)
    return false;
  bool matches = memcmp(buffer_bytes(buffer), bom, have) == 0;
  if (matches && have < sizeof bom)
    return false;
  if (matches)
    sse->line = sizeof bom;
  sse->after_bom = true;
  return true;
}

/* Drops the LF of a CR LF pair. False when the byte that decides it has not come yet. */
static bool skip_lf_after_cr(struct sse *sse, const struct buffer *buffer) {
  if (sse->line == buffer->length)
    return false;
  if (buffer_bytes(buffer)[sse->line] == '\n')
    sse->line++;
  sse->skip_lf = false;
  return true;
}

static void search(struct sse_mark *mark, char character, size_t line,
                   const struct buffer *buffer) {
  const char *bytes = buffer_bytes(buffer);
  size_t from = mark->at < line ? line : mark->at;
  const char *at = memchr(bytes + from, character, buffer->length - from);
  mark->found = at != NULL;
  mark->at = at ? (size_t)(at - bytes) : buffer->length;
}

/* Inline: if lines end in LF, the mark of CR is still right in most calls. */
static inline void find(struct sse_mark *mark, char character, size_t line,
                        const struct buffer *buffer) {
  if (mark->found ? mark->at < line : mark->at < buffer->length)
    search(mark, character, line, buffer);
}

/* Finds the end of the line at `line`. Each byte is searched once for LF and once for CR. */
static bool find_line_end(struct sse *sse, const struct buffer *buffer, size_t *end) {
  find(&sse->lf, '\n', sse->line, buffer);
  find(&sse->cr, '\r', sse->line, buffer);
  *end = sse->lf.found && (!sse->cr.found || sse->lf.at < sse->cr.at) ? sse->lf.at : sse->cr.at;
  return sse->lf.found || sse->cr.found;
}

static bool replace(struct buffer *buffer, const char *bytes, size_t length) {
  buffer_clear(buffer);
  return buffer_append(buffer, bytes, length);
}

/* Data stays where it is; further lines of the same event are moved up to its end. The bytes that
 * they overwrite (line ends, field names) are always as many as they need. */
static void gather_data(struct sse *sse, char *bytes, size_t value, size_t length) {
  if (!sse->has_data) {
    sse->has_data = true;
    sse->data = value;
    sse->data_size = length;
    return;
  }
  size_t end = sse->data + sse->data_size;
  bytes[end] = '\n';
  memmove(bytes + end + 1, bytes + value, length);
  sse->data_size += 1 + length;
}

/* WHATWG: digits only; anything else is ignored. Larger than 2^53 stays at 2^53. */
static void read_retry(struct sse *sse, const char *digits, size_t length) {
  uint64_t retry = 0;
  for (size_t i = 0; i < length; i++) {
    if (digits[i] < '0' || digits[i] > '9')
      return;
    retry = retry * 10 + (uint64_t)(digits[i] - '0');
    if (retry > LARGEST_RETRY)
      retry = LARGEST_RETRY;
  }
  if (length == 0)
    return;
  sse->retry = retry;
  sse->has_retry = true;
}

/* Whether the line is of this field; `value` is then where its value starts. */
static inline bool is_field(const char *line, size_t length, const char *name, size_t name_length,
                            size_t *value) {
  if (length < name_length || memcmp(line, name, name_length) != 0)
    return false;
  *value = length;
  if (length == name_length)
    return true;
  if (line[name_length] != ':')
    return false;
  *value = name_length + 1;
  if (*value < length && line[*value] == ' ')
    ++*value;
  return true;
}

static bool begins_json(const char *text, size_t length) {
  return length > 0 && (*text == '{' || *text == '[');
}

static bool continues_json(const struct sse *sse, const char *line, size_t length) {
  bool begins = begins_json(line, length) && !sse->has_data && sse->name.length == 0;
  return sse->takes_json && (sse->is_json || begins);
}

/* Reads the field in [start, end). False when memory ran out. */
static bool read_field(struct sse *sse, char *bytes, size_t start, size_t end) {
  const char *line = bytes + start;
  size_t length = end - start, value;
  if (continues_json(sse, line, length)) {
    sse->is_json = true;
    gather_data(sse, bytes, start, length);
    return true;
  }
#define IS_FIELD(name) is_field(line, length, name, sizeof name - 1, &value)
  if (IS_FIELD("data"))
    gather_data(sse, bytes, start + value, length - value);
  else if (IS_FIELD("event"))
    return replace(&sse->name, line + value, length - value);
  else if (IS_FIELD("id")) {
    if (!memchr(line + value, '\0', length - value))
      return replace(&sse->id, line + value, length - value);
  } else if (IS_FIELD("retry"))
    read_retry(sse, line + value, length - value);
  else if (sse->takes_json && IS_FIELD("error") && begins_json(line + value, length - value)) {
    if (!replace(&sse->name, "error", sizeof "error" - 1))
      return false;
    gather_data(sse, bytes, start + value, length - value);
  }
#undef IS_FIELD
  return true;
}

/* If no event is under way, everything before `line` is spent. Otherwise the spent bytes after its
 * data are removed once they outnumber the bytes to move, so that keep-alive comments inside an
 * event do not pile up. */
static void drop_spent(struct sse *sse, struct buffer *buffer) {
  if (!sse->has_data) {
    shift(sse, buffer, sse->line);
    return;
  }
  shift(sse, buffer, sse->data);
  size_t tail = buffer->length - sse->line;
  size_t spent = sse->line - sse->data_size;
  if (spent <= tail || spent < 4096)
    return;
  char *bytes = buffer_bytes(buffer);
  memmove(bytes + sse->data_size, bytes + sse->line, tail);
  buffer->length -= spent;
  sse->line -= spent;
  shift_mark(&sse->lf, spent);
  shift_mark(&sse->cr, spent);
}

/* The two limits; neither depends on how the bytes were chunked. */
static bool exceeds_limit(struct sse *sse, size_t line_length) {
  bool line = line_length > FIELD_OVERHEAD && line_length - FIELD_OVERHEAD > sse->max_event_bytes;
  bool data = sse->has_data && sse->data_size > sse->max_event_bytes;
  sse->too_large = sse->too_large || line || data;
  return sse->too_large;
}

static void describe(struct sse *sse, const struct buffer *buffer, struct sse_event *event) {
  event->name = sse->name.length ? buffer_bytes(&sse->name) : "";
  event->name_length = sse->name.length;
  event->data = buffer_bytes(buffer) + sse->data;
  event->data_length = sse->data_size;
  event->id = sse->id.length ? buffer_bytes(&sse->id) : "";
  event->id_length = sse->id.length;
  event->raw = buffer_bytes(buffer);
  event->raw_length = sse->line;
}

/* Starts afresh after the event that was handed out. */
static void begin_event(struct sse *sse, struct buffer *buffer) {
  sse->has_data = sse->is_json = false;
  buffer_clear(&sse->name);
  shift(sse, buffer, sse->consumed);
  sse->consumed = 0;
}

enum sse_result sse_next(struct sse *sse, struct buffer *buffer, struct sse_event *event) {
  if (sse->too_large)
    return SSE_TOO_LARGE;
  if (sse->consumed)
    begin_event(sse, buffer);
  if (!sse->after_bom && !skip_bom(sse, buffer))
    return SSE_MORE;

  size_t end;
  while ((!sse->skip_lf || skip_lf_after_cr(sse, buffer)) && find_line_end(sse, buffer, &end)) {
    size_t start = sse->line;
    char *bytes = buffer_bytes(buffer);
    if (end > start && !read_field(sse, bytes, start, end))
      return SSE_NO_MEMORY;
    sse->skip_lf = bytes[end] == '\r';
    sse->line = end + 1;
    if (exceeds_limit(sse, end - start))
      return SSE_TOO_LARGE;
    if (end > start)
      continue;
    if (sse->has_data) {
      describe(sse, buffer, event);
      sse->consumed = sse->line;
      return SSE_EVENT;
    }
    buffer_clear(&sse->name);
  }
  drop_spent(sse, buffer);
  return exceeds_limit(sse, buffer->length - sse->line) ? SSE_TOO_LARGE : SSE_MORE;
}

enum sse_result sse_rest(struct sse *sse, struct buffer *buffer, struct sse_event *event) {
  if (sse->too_large)
    return SSE_TOO_LARGE;
  size_t start = sse->line;
  if (!sse->after_bom || sse->consumed)
    return SSE_MORE;
  if (buffer->length > start && !read_field(sse, buffer_bytes(buffer), start, buffer->length))
    return SSE_NO_MEMORY;
  sse->line = buffer->length;
  if (exceeds_limit(sse, buffer->length - start))
    return SSE_TOO_LARGE;
  if (!sse->has_data)
    return SSE_MORE;
  describe(sse, buffer, event);
  sse->consumed = sse->line;
  return SSE_EVENT;
}

/* Drops the event that was handed out last. True if nothing after it has been read. */
static bool is_at_beginning(struct sse *sse, struct buffer *buffer) {
  if (sse->consumed)
    begin_event(sse, buffer);
  return sse->after_bom && !sse->too_large && !sse->skip_lf && sse->line == 0 && !sse->has_data &&
         sse->name.length == 0;
}

bool sse_is_spent(struct sse *sse, struct buffer *buffer) {
  return is_at_beginning(sse, buffer) && buffer->length == 0;
}

/* Whether the first line was searched for its end before, and the end has not come. Such a line may
 * be long and come bit by bit: the caller would read it anew with each bit. */
static bool is_cut_off(struct sse *sse, const struct buffer *buffer) {
  if (sse->lf.found || sse->lf.at == 0)
    return false;
  find(&sse->lf, '\n', 0, buffer);
  return !sse->lf.found;
}

char *sse_ahead(struct sse *sse, struct buffer *buffer, size_t *length) {
  if (!is_at_beginning(sse, buffer) || is_cut_off(sse, buffer))
    return NULL;
  *length = buffer->length < sse->max_event_bytes ? buffer->length : sse->max_event_bytes;
  return buffer_bytes(buffer);
}

void sse_skip(struct sse *sse, size_t length) {
  sse->line = sse->consumed = length;
}

void sse_drop(struct sse *sse, struct buffer *buffer) {
  if (sse->consumed)
    begin_event(sse, buffer);
  buffer_trim(buffer);
}

void sse_free(struct sse *sse) {
  buffer_free(&sse->name);
  buffer_free(&sse->id);
}
