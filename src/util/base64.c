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
