/* Checks JSON text by the grammar of RFC 8259, and copies it with what a plain decoder would lose
 * marked. A mark is a string that starts with the byte 0xFF, which no valid text contains:
 * \xFF a          an empty array
 * \xFF i digits   an integer beyond 2^53 that fits 64 bits, where the host has such integers
 * \xFF n number   a number whose digits the host's numbers do not hold, or may not hold
 * Where a member is looked for, an object that has it with an object or an array as its value has
 * one more, whose name is the byte 0xFF: the string "first last", the places of that value's first
 * and last byte in the text, from 1. No Lua. */
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
                            text stays, as three bytes: a high one that ends a string value, a low
                            one that begins it */
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
  size_t pending;      /* values to restore, at most: marks, nulls, empty objects, and where
                          JSON_INTEGERS says so all numbers */
  size_t found;        /* members that were looked for; each is one of the pending too */
  bool halves;         /* surrogates were kept */
  const char *message; /* JSON_INVALID: what is wrong */
  size_t position;     /* JSON_INVALID: the byte, from 1 */
};

/* `text` must have a NUL at `length`. `member` is the name that is looked for, in ASCII, or NULL.
 * With `output` NULL the scan stops with JSON_NEEDS_OUTPUT where something has to be replaced; call
 * again with an empty buffer. */
enum json_scan_status json_scan(const char *text, size_t length, unsigned options,
                                const char *member, struct buffer *output,
                                struct json_scan *result);

#pragma GCC visibility pop

#endif
