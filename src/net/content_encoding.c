#include "net/content_encoding.h"

#include <stdbool.h>

static const struct {
  const char *name;
  unsigned meaning;
} words[] = {
    {"identity", 0},
    {"none", 0}, /* libcurl takes it for `identity` */
    /* https://www.iana.org/assignments/http-parameters#content-coding */
    {"aes128gcm", ENCODING_KNOWN},
    {"br", ENCODING_KNOWN},
    {"compress", ENCODING_KNOWN},
    {"dcb", ENCODING_KNOWN},
    {"dcz", ENCODING_KNOWN},
    {"deflate", ENCODING_KNOWN},
    {"exi", ENCODING_KNOWN},
    {"gzip", ENCODING_KNOWN},
    {"pack200-gzip", ENCODING_KNOWN},
    {"x-compress", ENCODING_KNOWN},
    {"x-gzip", ENCODING_KNOWN},
    {"zstd", ENCODING_KNOWN},
};

static char to_lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

static bool is_word(const char *text, size_t length, const char *word) {
  size_t i = 0;
  while (i < length && word[i] != '\0' && to_lower(text[i]) == word[i])
    i++;
  return i == length && word[i] == '\0';
}

static unsigned meaning_of(const char *text, size_t length) {
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (is_word(text, length, words[i].name))
      return words[i].meaning;
  return ENCODING_UNKNOWN;
}

static bool is_between_words(char byte) {
  return byte == ',' || (unsigned char)byte <= ' ';
}

unsigned content_encoding_read(const char *line, size_t length) {
  static const char field[] = "content-encoding";
  size_t at = sizeof field - 1;
  unsigned found = 0;
  if (length <= at || line[at] != ':' || !is_word(line, at, field))
    return 0;
  for (at++; at < length; at++) {
    size_t start = at;
    while (at < length && !is_between_words(line[at]))
      at++;
    if (at > start)
      found |= meaning_of(line + start, at - start);
  }
  return found;
}
