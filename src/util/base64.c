#include "util/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool base64_length(size_t count, size_t *length) {
  size_t groups = count / 3 + (count % 3 != 0);
  if (groups > SIZE_MAX / 4)
    return false;
  *length = groups * 4;
  return true;
}

void base64_encode(char *text, const void *bytes, size_t count) {
  const unsigned char *from = bytes;
  for (; count >= 3; count -= 3, from += 3, text += 4) {
    uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
    text[0] = alphabet[group >> 18];
    text[1] = alphabet[group >> 12 & 63];
    text[2] = alphabet[group >> 6 & 63];
    text[3] = alphabet[group & 63];
  }
  if (count == 0)
    return;
  uint32_t group = (uint32_t)from[0] << 16 | (count == 2 ? (uint32_t)from[1] << 8 : 0);
  text[0] = alphabet[group >> 18];
  text[1] = alphabet[group >> 12 & 63];
  text[2] = count == 2 ? alphabet[group >> 6 & 63] : '=';
  text[3] = '=';
}

/* The value of a character, or -1. */
static int value_of(char character) {
  if (character >= 'A' && character <= 'Z')
    return character - 'A';
  if (character >= 'a' && character <= 'z')
    return character - 'a' + 26;
  if (character >= '0' && character <= '9')
    return character - '0' + 52;
  return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* The length without the padding, if that is right or missing. */
static size_t without_padding(const char *text, size_t count) {
  size_t length = count;
  for (int i = 0; i < 2 && count % 4 == 0 && length > 0 && text[length - 1] == '='; i++)
    length--;
  return length;
}

bool base64_decode(void *bytes, const char *text, size_t count, size_t *length) {
  unsigned char *to = bytes;
  uint32_t group = 0;
  count = without_padding(text, count);
  if (count % 4 == 1)
    return false;
  for (size_t i = 0; i < count; i++) {
    int value = value_of(text[i]);
    if (value < 0)
      return false;
    group = group << 6 | (uint32_t)value;
    if (i % 4 > 0)
      *to++ = (unsigned char)(group >> (6 - 2 * (i % 4)));
  }
  *length = count / 4 * 3 + (count % 4 > 0 ? count % 4 - 1 : 0);
  return true;
}
