/* Messages of AWS's event stream (application/vnd.amazon.eventstream), cut from a buffer in place,
 * incremental and linear in the bytes whatever the chunking. No Lua, no curl.
 *
 * A frame is: its length, its headers' length, a checksum of both, headers, a payload, a checksum
 * of all before it. Both checksums are checked. The caller appends bytes to a `struct buffer` and
 * asks for messages; the decoder consumes from its front. A payload is the reader's concern.
 */
#ifndef ANTHROPIC_DECODE_AWS_EVENT_STREAM_H
#define ANTHROPIC_DECODE_AWS_EVENT_STREAM_H

#include "util/buffer.h"

#pragma GCC visibility push(hidden)

/* Not NUL-terminated, may hold NUL; length 0 if the header is missing or not a string. */
struct aws_text {
  const char *bytes;
  size_t length;
};

/* Valid until the next call of any function of this file or of the buffer. */
struct aws_message {
  struct aws_text kind; /* the header `:message-type`: "event", "exception" or "error" */
  struct aws_text name; /* `:event-type`, `:exception-type` or `:error-code` */
  struct aws_text text; /* `:error-message` */
  struct aws_text payload;
};

enum aws_result {
  AWS_MESSAGE,   /* a message was cut */
  AWS_MORE,      /* no whole frame in the buffer */
  AWS_TOO_LARGE, /* a frame above the limit; stays so */
  AWS_BROKEN     /* a checksum, a length or a header is wrong; stays so */
};

/* Zero-initialise, then set `max_frame_bytes`. */
struct aws_event_stream {
  size_t max_frame_bytes;
  size_t consumed; /* bytes of the frame handed out last, dropped at the next call */

  /* private part */
  size_t frame; /* length of the frame whose beginning has been read, or 0 */
  size_t headers;
  bool too_large;
  bool broken;
};

/* Cuts the next message from `buffer`. At the end of input, bytes left in the buffer are an
 * interrupted frame. Always called with the same buffer. */
enum aws_result aws_event_stream_next(struct aws_event_stream *stream, struct buffer *buffer,
                                      struct aws_message *message);

/* Drops the message that was handed out last (the caller needs it no more), and frees its memory if
 * that is much. Otherwise the next call drops it, and keeps the memory. */
void aws_event_stream_drop(struct aws_event_stream *stream, struct buffer *buffer);

#pragma GCC visibility pop

#endif
