/* The CRC-32 of zip and PNG (ISO 3309). No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_CRC32_H
#define ANTHROPIC_UTIL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `count` bytes. */
static inline uint32_t crc32_of(const void *bytes, size_t count) {
  /* for each value of four bits; reversed polynomial 0xedb88320 */
  static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                     0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                     0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                     0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  const unsigned char *at = bytes;
  uint32_t crc = 0xffffffff;
  for (; count > 0; count--, at++) {
    crc = crc >> 4 ^ table[(crc ^ *at) & 15];
    crc = crc >> 4 ^ table[(crc ^ *at >> 4) & 15];
  }
  return ~crc;
}

#endif
