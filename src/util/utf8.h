/* UTF-8, which the readers and writers of JSON share: finding the bytes of a string that need a
 * closer look, checking a sequence and writing one, and the surrogates of UTF-16. */
#ifndef ANTHROPIC_UTIL_UTF8_H
#define ANTHROPIC_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#pragma GCC visibility push(hidden)

#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* The first byte from `at` on that is a quote, a backslash, a control character or not ASCII, or
 * `end`. */
static inline const unsigned char *utf8_skip_plain(const unsigned char *at,
                                                   const unsigned char *end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(' '); /* as signed bytes, those not of ASCII are below it */
  for (; end - at >= 16; at += 16) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmplt_epi8(bytes, space));
    int mask = _mm_movemask_epi8(special);
    if (mask)
      return at + __builtin_ctz((unsigned)mask);
  }
#endif
  const uint64_t each = UINT64_C(0x0101010101010101);
  for (; end - at >= 8; at += 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    /* A byte's high bit is set if the subtraction borrows, or if it was set before. */
    uint64_t special =
        (word - each * 0x20) | ((word ^ each * '"') - each) | ((word ^ each * '\\') - each) | word;
    special &= each * 0x80;
    if (special)
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
      return at + __builtin_ctzll(special) / 8;
#else
      break;
#endif
  }
  while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
    at++;
  return at;
}

/* Whether a well-formed sequence starts at `at`; `length` is its length, or that of the ill-formed
 * part (at least 1). The text must end in NUL, which ends every sequence. */
static inline bool utf8_sequence(const unsigned char *at, size_t *length) {
  unsigned char lead = *at, lowest = 0x80, highest = 0xBF;
  size_t whole;
  *length = 1;
  if (lead < 0x80)
    return true;
  if (lead < 0xC2 || lead > 0xF4)
    return false;
  if (lead < 0xE0) {
    whole = 2;
  } else if (lead < 0xF0) {
    whole = 3;
    lowest = lead == 0xE0 ? 0xA0 : 0x80;
    highest = lead == 0xED ? 0x9F : 0xBF;
  } else {
    whole = 4;
    lowest = lead == 0xF0 ? 0x90 : 0x80;
    highest = lead == 0xF4 ? 0x8F : 0xBF;
  }
  for (; *length < whole; ++*length) {
    if (at[*length] < lowest || at[*length] > highest)
      return false;
    lowest = 0x80;
    highest = 0xBF;
  }
  return true;
}

/* Writes a code point, in up to four bytes. Returns how many. */
static inline size_t utf8_write(char *to, uint32_t code) {
  static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  size_t count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = count; i-- > 1; code >>= 6)
    to[i] = (char)(0x80 | (code & 0x3F));
  to[0] = (char)(leads[count] | code);
  return count;
}

static inline bool utf8_is_high_surrogate(long unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}

static inline bool utf8_is_low_surrogate(long unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* The code point of two surrogates. */
static inline uint32_t utf8_join(uint32_t high, uint32_t low) {
  return 0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF));
}

#pragma GCC visibility pop

#endif
