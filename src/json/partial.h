/* Reads JSON text that comes in pieces, cut anywhere, token by token, in time linear in its bytes.
 * Invalid UTF-8 and lone surrogates become U+FFFD. No Lua. */
#ifndef ANTHROPIC_JSON_PARTIAL_H
#define ANTHROPIC_JSON_PARTIAL_H

#include "util/buffer.h"
#include "json/scan.h"

#pragma GCC visibility push(hidden)

enum json_partial_token {
  JSON_PARTIAL_MORE,   /* no whole token is left */
  JSON_PARTIAL_OBJECT, /* a container has been opened */
  JSON_PARTIAL_ARRAY,
  JSON_PARTIAL_CLOSE,
  JSON_PARTIAL_NAME, /* a member's name, in `text` */
  JSON_PARTIAL_STRING,
  JSON_PARTIAL_NUMBER, /* `text` holds its digits */
  JSON_PARTIAL_TRUE,
  JSON_PARTIAL_FALSE,
  JSON_PARTIAL_NULL,
  JSON_PARTIAL_INVALID,
  JSON_PARTIAL_NO_MEMORY,
};

/* Zero-initialise to make a reader; `buffer_free(&text)` ends it. */
struct json_partial {
  struct buffer text;  /* the string or number being read, or the last one */
  size_t depth;        /* open containers */
  size_t position;     /* bytes read; JSON_PARTIAL_INVALID: of the wrong byte, from 1 */
  const char *message; /* JSON_PARTIAL_INVALID: what is wrong */
  /* private part */
  int state;
  int number;                         /* what has come of a number */
  const char *word;                   /* what is left of true, false or null */
  enum json_partial_token word_token; /* which of them it is */
  unsigned unit, high;  /* of \u escapes: the one being read; a high surrogate that waits */
  size_t escape;        /* bytes of the escape being read, the backslash included; 0: none */
  size_t sequence_size; /* of a UTF-8 sequence that is not complete */
  unsigned char sequence[5];
  unsigned char arrays[JSON_MAX_DEPTH]; /* whether an open container is an array */
  size_t members[JSON_MAX_DEPTH];       /* of each open container, with the one being read */
};

/* Reads the next token of [*at, end) and moves `*at`. There must be a NUL at `end`. After
 * JSON_PARTIAL_INVALID or JSON_PARTIAL_NO_MEMORY nothing more may be read. A number is complete
 * only when the byte after it has come. */
enum json_partial_token json_partial_next(struct json_partial *partial, const char **at,
                                          const char *end);

/* Whether a string value (not a name) is being read: `text` is then what has come of it. */
bool json_partial_in_string(const struct json_partial *partial);

#pragma GCC visibility pop

#endif
