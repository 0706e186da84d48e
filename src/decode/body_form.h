/* What a body is, by its first line that is not blank or a comment: gateways label event streams as
 * JSON, JSON as event streams, or neither. Incremental and linear in the bytes. No Lua, no curl. */
#ifndef ANTHROPIC_DECODE_BODY_FORM_H
#define ANTHROPIC_DECODE_BODY_FORM_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

enum body_form {
  FORM_UNKNOWN, /* nothing but blanks and comments yet, or the beginning of a word */
  FORM_EVENTS,  /* a field of an event stream */
  FORM_JSON,    /* an object or an array */
  FORM_TEXT     /* anything else */
};

/* Zero-initialise. */
struct body_start {
  size_t line;       /* where the first line begins that may decide it */
  size_t searched;   /* from `line` to here there is no line end */
  bool has_comments; /* then it is an event stream, unless JSON follows */
};

/* `bytes` are the whole body so far: those of the call before, and what came since. */
enum body_form body_form_read(struct body_start *start, const char *bytes, size_t length);

#pragma GCC visibility pop

#endif
