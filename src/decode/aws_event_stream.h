/* Messages of AWS's event stream (application/vnd.amazon.eventstream), cut from a buffer in place,
 * incremental and linear in the bytes whatever the chunking. No Lua, no curl.
 *
 * A frame is its length, that of its headers, a checksum of both, headers, a payload, and a
 * checksum of all before: both are checked. The caller appends bytes to a `struct buffer` and asks
 * for messages; the decoder consumes from its front. What is in a payload is the reader's concern.
 */
#ifndef ANTHROPIC_DECODE_AWS_EVENT_STREAM_H
#define ANTHROPIC_DECODE_AWS_EVENT_STREAM_H

#include "util/buffer.h"

#pragma GCC visibility push(hidden)

/* Not NUL-terminated, may hold NUL; length 0 where the header is missing or is no string. */
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

/* Cuts the next message from `buffer`. At the end of input, bytes left in the buffer are a frame
 * that was cut off. Always called with the same buffer. */
enum aws_result aws_event_stream_next(struct aws_event_stream *stream, struct buffer *buffer,
                                      struct aws_message *message);

/* Drops the message that was handed out last, which nobody looks at any more, and gives its memory
 * back where that is much. Without it the next call does the former. */
void aws_event_stream_drop(struct aws_event_stream *stream, struct buffer *buffer);

#pragma GCC visibility pop

#endif
