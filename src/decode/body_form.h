/* What a body is, by the first line that says something: gateways label event streams as JSON, JSON
 * as event streams, and either as nothing. Incremental and linear in the bytes. No Lua, no curl. */
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
  size_t line;       /* where the first line that may say something begins */
  size_t searched;   /* from there to here there is no line end */
  bool has_comments; /* so it is an event stream, unless JSON follows */
};

/* `bytes` are the whole body so far: those of the call before, and more. */
enum body_form body_form_read(struct body_start *start, const char *bytes, size_t length);

#pragma GCC visibility pop

#endif
