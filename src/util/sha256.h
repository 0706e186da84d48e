/* SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104). No Lua, no curl, no allocation. */
#ifndef ANTHROPIC_UTIL_SHA256_H
#define ANTHROPIC_UTIL_SHA256_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64 };

/* Private: between sha256_start and sha256_finish. */
struct sha256 {
  uint32_t state[8];
  uint64_t length; /* bytes so far */
  unsigned char block[SHA256_BLOCK];
};

/* Prepares it for the first byte. */
void sha256_start(struct sha256 *sha256);

/* Takes in `count` bytes. Pieces of any size, one after the other, count as one text. */
void sha256_add(struct sha256 *sha256, const void *bytes, size_t count);

/* Writes the digest of all that was added. Before the next use, call sha256_start again. */
void sha256_finish(struct sha256 *sha256, unsigned char digest[SHA256_SIZE]);

/* Writes the keyed digest of `count` bytes. Its copies of the key are wiped. */
void sha256_hmac(const void *key, size_t key_length, const void *bytes, size_t count,
                 unsigned char digest[SHA256_SIZE]);

#pragma GCC visibility pop

#endif
