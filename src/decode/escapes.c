#include "decode/escapes.h"

#include "util/hex.h"
#include "util/utf8.h"

#include <string.h>

/* An escape: its `length` in the text, 0 if there is no escape, and the `count` bytes it stands
 * for. */
struct escape {
  size_t length, count;
  unsigned char bytes[4];
};

/* Whether a non-ASCII character is invisible. */
static bool is_unseen(uint32_t code) {
  static const struct {
    uint32_t first, last;
  } ranges[] = {
      {0x80, 0x9F},     {0xAD, 0xAD},     {0x61C, 0x61C},   {0x200B, 0x200F},
      {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
  };
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    if (code >= ranges[i].first && code <= ranges[i].last)
      return true;
  return false;
}

static struct escape of_byte(size_t length, unsigned char byte) {
  struct escape escape = {length, byte >= 0x20 && byte != 0x7F, {byte}};
  return escape;
}

static struct escape of_code(size_t length, uint32_t code) {
  struct escape escape = {length, 0, {0}};
  if (code < 0x80)
    return of_byte(length, (unsigned char)code);
  if (code > 0x10FFFF)
    escape.length = 0;
  else if (!is_unseen(code))
    escape.count = utf8_write((char *)escape.bytes, code);
  return escape;
}

/* The text of the readers below ends in NUL. */

static int digit(unsigned char byte, int base) {
  int value = hex_digit(byte);
  return value < base ? value : -1;
}

/* Reads `least` to `most` digits; how many there are, or 0. */
static size_t number(const unsigned char *at, int base, size_t least, size_t most,
                     uint32_t *value) {
  size_t count = 0;
  for (*value = 0; count < most && digit(at[count], base) >= 0; count++)
    *value = *value * (uint32_t)base + (uint32_t)digit(at[count], base);
  return count >= least ? count : 0;
}

static bool unicode(const unsigned char *at, uint32_t *code) {
  return *at == 'u' && number(at + 1, 16, 4, 4, code) == 4;
}

static size_t backslashes_at(const unsigned char *at) {
  size_t count = 0;
  while (at[count] == '\\')
    count++;
  return count;
}

/* Takes any number of backslashes: JSON in JSON doubles them. */
static struct escape after_backslashes(const unsigned char *at) {
  size_t run = backslashes_at(at), more, digits;
  const unsigned char *next = at + run;
  uint32_t code, low;
  if (unicode(next, &code)) {
    if (utf8_is_high_surrogate(code) && (more = backslashes_at(next + 5)) > 0 &&
        unicode(next + 5 + more, &low) && utf8_is_low_surrogate(low))
      return of_code(run + 10 + more, utf8_join(code, low));
    return of_code(run + 5, code);
  }
  if (*next == 'x' && number(next + 1, 16, 2, 2, &code) == 2)
    return of_code(run + 3, code);
  if (*next == 'u' && next[1] == '{' && (digits = number(next + 2, 16, 1, 6, &code)) > 0 &&
      next[2 + digits] == '}')
    return of_code(run + 3 + digits, code);
  if (*next && strchr("/\"'", *next))
    return of_byte(run + 1, *next);
  if (*next && strchr("bfnrt", *next))
    return of_byte(run + 1, '\n');
  return of_byte(run > 1 ? run : 0, '\\');
}

/* The percent sign may itself be escaped, any number of times. */
static struct escape after_percent(const unsigned char *at) {
  size_t length = 1;
  uint32_t code;
  while (at[length] == '2' && at[length + 1] == '5')
    length += 2;
  if (number(at + length, 16, 2, 2, &code) == 2)
    return of_byte(length + 2, (unsigned char)code);
  return of_byte(length > 1 ? length : 0, '%');
}

static struct escape after_ampersand(const unsigned char *at) {
  static const struct {
    const char *name;
    unsigned char byte;
  } entities[] = {
      {"amp;", '&'},  {"apos;", '\''},  {"colon;", ':'}, {"equals;", '='},
      {"gt;", '>'},   {"lowbar;", '_'}, {"lt;", '<'},    {"period;", '.'},
      {"plus;", '+'}, {"quot;", '"'},   {"sol;", '/'},
  };
  uint32_t code;
  size_t digits;
  if (at[1] == '#' && (at[2] == 'x' || at[2] == 'X')) {
    digits = number(at + 3, 16, 1, 7, &code);
    return of_code(digits > 0 && at[3 + digits] == ';' ? digits + 4 : 0, code);
  }
  if (at[1] == '#') {
    digits = number(at + 2, 10, 1, 8, &code);
    return of_code(digits > 0 && at[2 + digits] == ';' ? digits + 3 : 0, code);
  }
  for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
    if (strncmp((const char *)at + 1, entities[i].name, strlen(entities[i].name)) == 0)
      return of_byte(1 + strlen(entities[i].name), entities[i].byte);
  return of_byte(0, '&');
}

/* An invisible character of two or three bytes. */
static struct escape unseen(const unsigned char *at) {
  struct escape escape = {0, 0, {0}};
  size_t length;
  if (!utf8_sequence(at, &length) || length > 3)
    return escape;
  uint32_t code = length == 2 ? at[0] & 0x1F : at[0] & 0x0F;
  for (size_t i = 1; i < length; i++)
    code = code << 6 | (at[i] & 0x3F);
  if (is_unseen(code))
    escape.length = length;
  return escape;
}

static struct escape escape_at(const unsigned char *at) {
  switch (*at) {
  case '\\':
    return after_backslashes(at);
  case '%':
    return after_percent(at);
  case '&':
    return after_ampersand(at);
  case 0xC2:
  case 0xD8:
  case 0xE2:
  case 0xEF:
    return unseen(at);
  default:
    return of_byte(*at < 0x20 || *at == 0x7F ? 1 : 0, *at); /* a control character is left out */
  }
}

void escapes_begin(struct escapes *text, const char *bytes, size_t length) {
  memcpy(text->bytes, bytes, length);
  text->bytes[length] = '\0';
  text->length = length;
  for (size_t i = 0; i < length; i++)
    text->first[i] = text->last[i] = (uint32_t)i;
}

static void move(struct escapes *text, size_t to, unsigned char byte, uint32_t first,
                 uint32_t last) {
  text->bytes[to] = byte;
  text->first[to] = first;
  text->last[to] = last;
}

bool escapes_decode(struct escapes *text) {
  size_t to = 0;
  bool is_changed = false;
  for (size_t from = 0; from < text->length;) {
    struct escape escape = escape_at(text->bytes + from);
    if (escape.length == 0) {
      move(text, to++, text->bytes[from], text->first[from], text->last[from]);
      from++;
      continue;
    }
    uint32_t first = text->first[from], last = text->last[from + escape.length - 1];
    for (size_t i = 0; i < escape.count; i++)
      move(text, to++, escape.bytes[i], first, last);
    from += escape.length;
    is_changed = true;
  }
  text->bytes[to] = '\0';
  text->length = to;
  return is_changed;
}
