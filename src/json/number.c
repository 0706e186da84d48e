#include "json/number.h"

#include "util/json_text.h"

enum {
  EXACT_DIGITS = 15,  /* a double holds every integer of so many digits */
  ENOUGH_DIGITS = 17, /* are enough for any double: more say more than a double holds */
  FINITE_EXPONENT = 2 /* an exponent of so many digits never leads to infinity */
};

bool json_number_read_integer(const char *digits, size_t length, int64_t *value) {
  bool negative = digits[0] == '-';
  uint64_t limit = (uint64_t)INT64_MAX + negative, sum = 0;
  for (size_t i = negative; i < length; i++) {
    unsigned digit = (unsigned)(digits[i] - '0');
    if (digit > 9 || sum > (limit - digit) / 10)
      return false;
    sum = sum * 10 + digit;
  }
  *value = negative ? (int64_t)(0 - sum) : (int64_t)sum;
  return sum > 0 || !negative;
}

static bool is_digit(unsigned char byte) {
  return byte >= '0' && byte <= '9';
}

static const unsigned char *skip_digits(const unsigned char *at) {
  while (is_digit(*at))
    at++;
  return at;
}

static enum json_number_kind kind_of_integer(const unsigned char *from, const unsigned char *end) {
  int64_t value;
  size_t digits = (size_t)(end - from) - (*from == '-');
  if (*from == '-' && from[1] == '0')
    return JSON_NUMBER_NEGATIVE_ZERO;
  if (digits <= EXACT_DIGITS)
    return JSON_NUMBER_PLAIN;
  if (!json_number_read_integer((const char *)from, (size_t)(end - from), &value))
    return JSON_NUMBER_INEXACT;
  return value >= -JSON_LARGEST_EXACT && value <= JSON_LARGEST_EXACT ? JSON_NUMBER_PLAIN
                                                                     : JSON_NUMBER_LONG;
}

/* How many digits are in [at, end), which may hold a point, counted from the first nonzero one. */
static size_t significant_digits(const unsigned char *at, const unsigned char *end) {
  size_t count = 0;
  for (; at < end; at++)
    count += *at != '.' && (count > 0 || *at != '0');
  return count;
}

struct json_number json_number_read(const unsigned char *from) {
  const unsigned char *digits = from + (*from == '-');
  const unsigned char *at = *digits == '0' ? digits + 1 : skip_digits(digits), *digits_end = at;
  bool valid = at > digits, is_inexact = false;
  if (valid && *at == '.') {
    const unsigned char *fraction = ++at;
    at = skip_digits(at);
    valid = at > fraction;
  }
  if (at - digits > ENOUGH_DIGITS)
    is_inexact = significant_digits(digits, at) > ENOUGH_DIGITS;
  if (valid && (*at | 0x20) == 'e') {
    at++;
    at += *at == '+' || *at == '-';
    const unsigned char *exponent = at;
    at = skip_digits(at);
    valid = at > exponent;
    is_inexact = is_inexact || at - exponent > FINITE_EXPONENT;
  }
  if (!valid)
    return (struct json_number){JSON_NUMBER_INVALID, at};
  if (at == digits_end)
    return (struct json_number){kind_of_integer(from, at), at};
  return (struct json_number){is_inexact ? JSON_NUMBER_INEXACT : JSON_NUMBER_PLAIN, at};
}
