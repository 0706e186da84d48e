/* Checks JSON text by the grammar of RFC 8259, and copies it with marks for what a plain decoder
 * would lose. A mark is a string that starts with the byte 0xFF, which no valid text contains:
 * \xFF a          an empty array
 * \xFF i digits   an integer beyond 2^53 that fits 64 bits, if the host has such integers
 * \xFF n number   a number whose digits the host's numbers cannot hold, or perhaps cannot
 * A caller may look for a member by name. If its value is an object or an array, the copy has one
 * more member after it, named by the byte 0xFF. That is the string "first last": the positions of
 * the value's first and last byte in the text, from 1. No Lua. */
#ifndef ANTHROPIC_JSON_SCAN_H
#define ANTHROPIC_JSON_SCAN_H

#include "util/buffer.h"
#include "json/weight.h"

#pragma GCC visibility push(hidden)

enum json_scan_option {
  JSON_MARK = 1,     /* mark empty arrays and numbers */
  JSON_INTEGERS = 2, /* the decoder's host has 64 bit integers; count numbers */
  JSON_REPAIR = 4,   /* invalid UTF-8 and lone surrogates become U+FFFD; a leading BOM is skipped */
  JSON_KEEP_HALVES = 8,  /* with JSON_REPAIR: a lone surrogate whose other half may be in another
                            text stays, as three bytes: a high one at the end of a string value, a
                            low one at its beginning */
  JSON_NAN_IS_NULL = 16, /* NaN, Infinity and -Infinity become null */
  JSON_BOUNDED = 32      /* values that cost too much (weight.h) are invalid */
};

enum json_scan_status {
  JSON_UNCHANGED, /* valid, and nothing to replace: the text itself is the result */
  JSON_REWRITTEN, /* valid, `output` is the result */
  JSON_NEEDS_OUTPUT,
  JSON_INVALID,
  JSON_NO_MEMORY,
};

struct json_scan {
  size_t pending;      /* values to restore, at most: marks, nulls, empty objects, and with
                          JSON_INTEGERS all numbers */
  size_t found;        /* members found by name; `pending` counts them, too */
  bool halves;         /* lone surrogates were kept */
  const char *message; /* JSON_INVALID: what is wrong */
  size_t position;     /* JSON_INVALID: of the wrong byte, from 1 */
};

/* `text` must have a NUL at `length`. `member` is the name to look for, in ASCII, or NULL. With
 * `output` NULL the scan stops with JSON_NEEDS_OUTPUT when something has to be replaced: call again
 * with an empty buffer. */
enum json_scan_status json_scan(const char *text, size_t length, unsigned options,
                                const char *member, struct buffer *output,
                                struct json_scan *result);

#pragma GCC visibility pop

#endif
