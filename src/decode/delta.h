/* Reads the few events that make up nearly all of a stream, in the form in which they are sent;
 * anything else is left to a JSON decoder. No Lua, no curl.
 *
 *   {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"..."}}
 *   the same with thinking_delta and "thinking", or input_json_delta and "partial_json" */
#ifndef ANTHROPIC_DECODE_DELTA_H
#define ANTHROPIC_DECODE_DELTA_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

enum delta_kind { DELTA_TEXT, DELTA_THINKING, DELTA_INPUT_JSON, DELTA_KINDS };

/* Each kind's name, the field that holds its text, and how both are written in the JSON text. */
extern const struct delta_names {
  const char *type;
  const char *field;
  const char *form;
  size_t form_length;
} delta_names[DELTA_KINDS];

struct delta {
  enum delta_kind kind;
  long index;
  const char *text; /* in the JSON text, unescaped; not NUL-terminated */
  size_t length;
};

/* False leaves `json` as it was. Otherwise the text is unescaped in place, which overwrites it. */
bool delta_read(char *json, size_t length, struct delta *delta);

/* The same for JSON that is left from the text's opening quote on; sets only the text. */
bool delta_read_text(char *json, size_t length, struct delta *delta);

#pragma GCC visibility pop

#endif
