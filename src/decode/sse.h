/* Server-Sent Events, cut from a buffer in place: the parsing rules of WHATWG HTML section 9.2.6,
 * incremental and linear in the bytes whatever the chunking. No Lua, no curl.
 *
 * The caller appends bytes to a `struct buffer` and asks for events; the decoder consumes from its
 * front. Bytes pass as they came: whether they are valid UTF-8 is the reader's concern. */
#ifndef ANTHROPIC_DECODE_SSE_H
#define ANTHROPIC_DECODE_SSE_H

#include "util/buffer.h"

#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Strings are not NUL-terminated, may hold NUL, and are valid until the next call of any
 * function of this file or of the buffer. */
struct sse_event {
  const char *name; /* of the `event` field; length 0 if that is missing */
  size_t name_length;
  char *data; /* may be overwritten */
  size_t data_length;
  const char *id; /* the last event ID so far */
  size_t id_length;
  const char *raw; /* as it came, at least from the line of `data` on, or only `data` */
  size_t raw_length;
};

enum sse_result {
  SSE_EVENT,     /* an event was cut */
  SSE_MORE,      /* no whole event in the buffer */
  SSE_TOO_LARGE, /* an event or a line above the limit; stays so */
  SSE_FULL,      /* of delta_run_cut only: the run has no room for the event's text */
  SSE_NO_MEMORY  /* ask again after freeing some */
};

/* The next CR, or the next LF, as far as the buffer has been searched. */
struct sse_mark {
  size_t at; /* the first one from `line` on; if not found, all before this was searched */
  bool found;
};

/* Zero-initialise, then set `max_event_bytes`. All offsets are from the front of the buffer. */
struct sse {
  size_t max_event_bytes; /* most bytes in one event's data, or in the value of any other field */
  bool takes_json; /* JSON without a field's name, where an event could begin, is an event's data;
                      JSON in a field `error` is the data of an event `error`: some servers write
                      errors so */
  size_t consumed; /* bytes of the event handed out last, dropped at the next call */
  bool has_retry;  /* the stream has set `retry` */
  uint64_t retry;  /* milliseconds, at most 2^53 */

  /* private part */
  size_t line;      /* start of the first line that has not been read */
  size_t data;      /* start of the data gathered so far, when has_data */
  size_t data_size; /* its length */
  struct sse_mark lf;
  struct sse_mark cr;
  bool has_data;
  bool is_json; /* the data is such JSON, up to the empty line */
  bool after_bom;
  bool skip_lf; /* the last line ended in CR: a following LF belongs to it */
  bool too_large;
  struct buffer name; /* of the event that is being read */
  struct buffer id;
};

/* Cuts the next event from `buffer` into `event`. An unterminated last event is never cut, so the
 * end of input needs no call. Always called with the same buffer. */
enum sse_result sse_next(struct sse *sse, struct buffer *buffer, struct sse_event *event);

/* At the end of input, when sse_next has nothing more: cuts the rest as if an empty line ended it.
 * The standard drops such an event; the caller knows whether it is whole. */
enum sse_result sse_rest(struct sse *sse, struct buffer *buffer, struct sse_event *event);

/* Whether all bytes at hand were read and handed out. Drops the event that was handed out last. */
bool sse_is_spent(struct sse *sse, struct buffer *buffer);

/* The bytes at hand if they begin with a new event of which nothing has been read, else NULL. Also
 * NULL while its first line was searched for its end in vain. A caller that knows the event's form
 * can read it from the bytes, and then calls sse_skip. */
char *sse_ahead(struct sse *sse, struct buffer *buffer, size_t *length);

/* Skips `length` bytes that sse_ahead returned: an event that sse_next would have cut, of fields
 * that the event before had too, its lines ended by LF. They stay valid as an event's do. */
void sse_skip(struct sse *sse, size_t length);

/* Drops the event that was handed out last (the caller needs it no more), and frees its memory if
 * that is much. Otherwise the next call drops it, and keeps the memory. */
void sse_drop(struct sse *sse, struct buffer *buffer);

/* Frees what the decoder holds (the buffer is the caller's). Safe to call twice. */
void sse_free(struct sse *sse);

#pragma GCC visibility pop

#endif
