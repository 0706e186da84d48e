#include "json/partial.h"

#include "util/hex.h"
#include "util/json_text.h"
#include "util/utf8.h"

/* What comes next, or what is being read. */
enum state {
  VALUE,
  FIRST_ELEMENT, /* or the end of the array */
  FIRST_NAME,    /* or the end of the object */
  NEXT_NAME,
  COLON,
  AFTER_VALUE,
  NAME_STRING,
  VALUE_STRING,
  NUMBER,
  WORD,
};

/* What a number has so far. */
enum number {
  SIGN,
  ZERO,
  DIGITS,
  POINT,
  FRACTION,
  EXPONENT,
  EXPONENT_SIGN,
  EXPONENT_DIGITS,
  NUMBER_END,
  NO_NUMBER,
};

/* The reader is at the wrong byte. */
static enum json_partial_token fail(struct json_partial *partial, const char *message) {
  partial->message = message;
  return JSON_PARTIAL_INVALID;
}

static bool is_digit(unsigned char byte) {
  return byte >= '0' && byte <= '9';
}

/* --- strings -----------------------------------------------------------------------------------
 */

static bool append(struct json_partial *partial, const void *bytes, size_t count) {
  return buffer_append(&partial->text, bytes, count);
}

static bool append_character(struct json_partial *partial, unsigned code) {
  char bytes[4];
  return append(partial, bytes, utf8_write(bytes, code));
}

static bool append_replacement(struct json_partial *partial) {
  return append(partial, UTF8_REPLACEMENT, 3);
}

/* An incomplete sequence, or half of a surrogate pair, stays incomplete: U+FFFD. */
static bool settle(struct json_partial *partial) {
  bool waited = partial->high || partial->sequence_size;
  partial->high = 0;
  partial->sequence_size = 0;
  return !waited || append_replacement(partial);
}

/* Adds a byte to the incomplete sequence, which so far is the valid start of one. */
static bool append_to_sequence(struct json_partial *partial, unsigned char byte) {
  unsigned char *sequence = partial->sequence;
  size_t size = partial->sequence_size, part;
  sequence[size++] = byte;
  sequence[size] = 0;
  partial->sequence_size = 0;
  if (utf8_sequence(sequence, &part))
    return append(partial, sequence, part);
  if (part < size) { /* all but the new byte was ill-formed */
    if (!append_replacement(partial))
      return false;
    sequence[0] = byte;
    sequence[1] = 0;
    size = 1;
  }
  partial->sequence_size = size;
  return true;
}

/* Reads the run of bytes that are not ASCII. */
static bool read_sequences(struct json_partial *partial, const unsigned char **at,
                           const unsigned char *end) {
  while (*at < end && **at >= 0x80) {
    size_t length;
    bool done;
    if (partial->sequence_size == 0 && utf8_sequence(*at, &length)) {
      done = append(partial, *at, length);
    } else {
      done = append_to_sequence(partial, **at);
      length = 1;
    }
    if (!done)
      return false;
    *at += length;
  }
  return true;
}

/* A \u escape is complete. */
static bool append_unit(struct json_partial *partial) {
  unsigned unit = partial->unit, high = partial->high;
  bool is_low = utf8_is_low_surrogate(unit);
  if (high && is_low) {
    partial->high = 0;
    return append_character(partial, utf8_join(high, unit));
  }
  if (!settle(partial))
    return false;
  if (utf8_is_high_surrogate(unit)) {
    partial->high = unit;
    return true;
  }
  return is_low ? append_replacement(partial) : append_character(partial, unit);
}

/* Reads a byte of an escape; JSON_PARTIAL_MORE: the byte is valid. */
static enum json_partial_token read_escape(struct json_partial *partial, unsigned char byte) {
  if (partial->escape == 1 && byte != 'u') {
    char character = json_escaped((char)byte);
    if (!character)
      return fail(partial, "invalid escape");
    partial->escape = 0;
    return settle(partial) && append(partial, &character, 1) ? JSON_PARTIAL_MORE
                                                             : JSON_PARTIAL_NO_MEMORY;
  }
  int digit = hex_digit(byte);
  if (partial->escape == 1)
    partial->unit = 0;
  else if (digit < 0)
    return fail(partial, "invalid \\u escape");
  else
    partial->unit = partial->unit << 4 | (unsigned)digit;
  if (++partial->escape < 6)
    return JSON_PARTIAL_MORE;
  partial->escape = 0;
  return append_unit(partial) ? JSON_PARTIAL_MORE : JSON_PARTIAL_NO_MEMORY;
}

/* Reads what has come of the string's content. JSON_PARTIAL_STRING: it has ended. */
static enum json_partial_token read_string(struct json_partial *partial, const unsigned char **at,
                                           const unsigned char *end) {
  enum json_partial_token token = JSON_PARTIAL_MORE;
  while (*at < end && token == JSON_PARTIAL_MORE) {
    if (partial->escape) {
      token = read_escape(partial, **at);
      *at += token == JSON_PARTIAL_MORE;
      continue;
    }
    const unsigned char *plain = *at;
    *at = utf8_skip_plain(plain, end);
    if (*at > plain && !(settle(partial) && append(partial, plain, (size_t)(*at - plain))))
      return JSON_PARTIAL_NO_MEMORY;
    if (*at == end)
      break;
    if (**at >= 0x80) {
      if ((partial->high && !settle(partial)) || !read_sequences(partial, at, end))
        return JSON_PARTIAL_NO_MEMORY;
    } else if (**at == '\\') {
      if (partial->sequence_size && !settle(partial))
        return JSON_PARTIAL_NO_MEMORY;
      partial->escape = 1;
      ++*at;
    } else if (**at == '"') {
      ++*at;
      return settle(partial) ? JSON_PARTIAL_STRING : JSON_PARTIAL_NO_MEMORY;
    } else {
      token = fail(partial, "control character in a string");
    }
  }
  return token;
}

/* --- numbers and words -------------------------------------------------------------------------
 */

static enum number after_digits(enum number now, unsigned char byte) {
  if (is_digit(byte))
    return now == ZERO ? NUMBER_END : now;
  if (byte == '.' && (now == ZERO || now == DIGITS))
    return POINT;
  return (byte | 0x20) == 'e' && now != EXPONENT_DIGITS ? EXPONENT : NUMBER_END;
}

/* What a number has with one more byte. */
static enum number next_number(enum number now, unsigned char byte) {
  switch (now) {
  case SIGN:
    return byte == '0' ? ZERO : is_digit(byte) ? DIGITS : NO_NUMBER;
  case POINT:
    return is_digit(byte) ? FRACTION : NO_NUMBER;
  case EXPONENT:
    if (byte == '+' || byte == '-')
      return EXPONENT_SIGN;
    return is_digit(byte) ? EXPONENT_DIGITS : NO_NUMBER;
  case EXPONENT_SIGN:
    return is_digit(byte) ? EXPONENT_DIGITS : NO_NUMBER;
  default:
    return after_digits(now, byte);
  }
}

static enum json_partial_token read_number(struct json_partial *partial, const unsigned char **at,
                                           const unsigned char *end) {
  const unsigned char *from = *at;
  enum number now = (enum number)partial->number;
  for (; *at < end; ++*at) {
    enum number next = next_number(now, **at);
    if (next == NO_NUMBER)
      return fail(partial, "invalid number");
    if (next == NUMBER_END)
      break;
    now = next;
  }
  partial->number = (int)now;
  if (!append(partial, from, (size_t)(*at - from)))
    return JSON_PARTIAL_NO_MEMORY;
  return *at < end ? JSON_PARTIAL_NUMBER : JSON_PARTIAL_MORE;
}

static enum json_partial_token read_word(struct json_partial *partial, const unsigned char **at,
                                         const unsigned char *end) {
  for (; *at < end && *partial->word; ++*at, partial->word++)
    if (**at != (unsigned char)*partial->word)
      return fail(partial, "invalid value");
  return *partial->word ? JSON_PARTIAL_MORE : partial->word_token;
}

/* --- structure ---------------------------------------------------------------------------------
 */

static enum json_partial_token open_container(struct json_partial *partial, bool array) {
  if (partial->depth == JSON_MAX_DEPTH)
    return fail(partial, "nested deeper than 1000");
  partial->arrays[partial->depth] = array;
  partial->members[partial->depth++] = 0;
  partial->state = array ? FIRST_ELEMENT : FIRST_NAME;
  return array ? JSON_PARTIAL_ARRAY : JSON_PARTIAL_OBJECT;
}

static enum json_partial_token close_container(struct json_partial *partial) {
  partial->depth--;
  partial->state = AFTER_VALUE;
  return JSON_PARTIAL_CLOSE;
}

static enum json_partial_token start_word(struct json_partial *partial, const char *word,
                                          enum json_partial_token token) {
  partial->state = WORD;
  partial->word = word;
  partial->word_token = token;
  return JSON_PARTIAL_MORE;
}

/* The start_ functions read one byte. JSON_PARTIAL_MORE: it began or separated something. */
static enum json_partial_token start_value(struct json_partial *partial, unsigned char byte) {
  if (partial->depth > 0)
    partial->members[partial->depth - 1]++;
  buffer_clear(&partial->text);
  switch (byte) {
  case '{':
    return open_container(partial, false);
  case '[':
    return open_container(partial, true);
  case '"':
    partial->state = VALUE_STRING;
    return JSON_PARTIAL_MORE;
  case 't':
    return start_word(partial, "rue", JSON_PARTIAL_TRUE);
  case 'f':
    return start_word(partial, "alse", JSON_PARTIAL_FALSE);
  case 'n':
    return start_word(partial, "ull", JSON_PARTIAL_NULL);
  default:
    if (byte != '-' && !is_digit(byte))
      return fail(partial, "expected a value");
    partial->state = NUMBER;
    partial->number = (int)(byte == '-' ? SIGN : next_number(SIGN, byte));
    return append(partial, &byte, 1) ? JSON_PARTIAL_MORE : JSON_PARTIAL_NO_MEMORY;
  }
}

static enum json_partial_token start_name(struct json_partial *partial, unsigned char byte) {
  if (byte != '"')
    return fail(partial, "expected a name");
  buffer_clear(&partial->text);
  partial->state = NAME_STRING;
  return JSON_PARTIAL_MORE;
}

static enum json_partial_token end_value(struct json_partial *partial, unsigned char byte) {
  if (partial->depth == 0)
    return fail(partial, "expected the end of the text");
  bool array = partial->arrays[partial->depth - 1];
  if (byte == (array ? ']' : '}'))
    return close_container(partial);
  if (byte != ',')
    return fail(partial, array ? "expected ',' or ']'" : "expected ',' or '}'");
  partial->state = array ? VALUE : NEXT_NAME;
  return JSON_PARTIAL_MORE;
}

static enum json_partial_token read_colon(struct json_partial *partial, unsigned char byte) {
  if (byte != ':')
    return fail(partial, "expected ':'");
  partial->state = VALUE;
  return JSON_PARTIAL_MORE;
}

/* Reads a byte between tokens. */
static enum json_partial_token read_structure(struct json_partial *partial, unsigned char byte) {
  if (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t')
    return JSON_PARTIAL_MORE;
  switch (partial->state) {
  case FIRST_ELEMENT:
    return byte == ']' ? close_container(partial) : start_value(partial, byte);
  case FIRST_NAME:
    return byte == '}' ? close_container(partial) : start_name(partial, byte);
  case NEXT_NAME:
    return start_name(partial, byte);
  case COLON:
    return read_colon(partial, byte);
  case AFTER_VALUE:
    return end_value(partial, byte);
  default:
    return start_value(partial, byte);
  }
}

static enum json_partial_token read_token(struct json_partial *partial, const unsigned char **at,
                                          const unsigned char *end) {
  enum json_partial_token token = JSON_PARTIAL_MORE;
  while (*at < end && token == JSON_PARTIAL_MORE) {
    switch (partial->state) {
    case NAME_STRING:
      token = read_string(partial, at, end);
      if (token == JSON_PARTIAL_STRING) {
        partial->state = COLON;
        return JSON_PARTIAL_NAME;
      }
      break;
    case VALUE_STRING:
      token = read_string(partial, at, end);
      break;
    case NUMBER:
      token = read_number(partial, at, end);
      break;
    case WORD:
      token = read_word(partial, at, end);
      break;
    default:
      token = read_structure(partial, **at);
      *at += token != JSON_PARTIAL_INVALID;
    }
  }
  if (token >= JSON_PARTIAL_STRING && token <= JSON_PARTIAL_NULL)
    partial->state = AFTER_VALUE;
  return token;
}

enum json_partial_token json_partial_next(struct json_partial *partial, const char **at,
                                          const char *end) {
  const unsigned char *now = (const unsigned char *)*at;
  enum json_partial_token token = read_token(partial, &now, (const unsigned char *)end);
  partial->position += (size_t)((const char *)now - *at) + (token == JSON_PARTIAL_INVALID);
  *at = (const char *)now;
  return token;
}

bool json_partial_in_string(const struct json_partial *partial) {
  return partial->state == VALUE_STRING;
}
