/* Hexadecimal digits. No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_HEX_H
#define ANTHROPIC_UTIL_HEX_H

/* The value of a digit, or -1. */
static inline int hex_digit(unsigned char byte) {
  int letter = byte | 0x20;
  if (byte >= '0' && byte <= '9')
    return byte - '0';
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The value of the four digits at `at`, or -1. Reads no byte after one that is not a digit. */
static inline int hex_unit(const unsigned char *at) {
  int unit = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(at[i]);
    if (digit < 0)
      return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

#endif
