#include "util/sha256.h"

#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t word, int count) {
  return word >> count | word << (32 - count);
}

static uint32_t read_word(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void write_word(unsigned char *at, uint32_t word) {
  for (int i = 0; i < 4; i++)
    at[i] = (unsigned char)(word >> (24 - 8 * i));
}

/* Sixteen words are enough: each is made of those that it replaces. */
static uint32_t next_word(uint32_t words[16], int t) {
  uint32_t early = words[(t + 1) & 15], late = words[(t + 14) & 15];
  words[t & 15] += (rotate(early, 7) ^ rotate(early, 18) ^ early >> 3) + words[(t + 9) & 15] +
                   (rotate(late, 17) ^ rotate(late, 19) ^ late >> 10);
  return words[t & 15];
}

static void take_block(uint32_t state[8], const unsigned char *block) {
  uint32_t words[16];
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int t = 0; t < 64; t++) {
    uint32_t word = t < 16 ? (words[t] = read_word(&block[4 * (size_t)t])) : next_word(words, t);
    uint32_t first = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
                     constants[t] + word;
    uint32_t second =
        (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + first;
    d = c, c = b, b = a, a = first + second;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256_start(struct sha256 *sha256) {
  static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(sha256->state, first, sizeof first);
  sha256->length = 0;
}

void sha256_add(struct sha256 *sha256, const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  size_t held = (size_t)(sha256->length % SHA256_BLOCK);
  sha256->length += count;
  if (held > 0 && count >= SHA256_BLOCK - held) {
    memcpy(sha256->block + held, at, SHA256_BLOCK - held);
    take_block(sha256->state, sha256->block);
    at += SHA256_BLOCK - held;
    count -= SHA256_BLOCK - held;
    held = 0;
  }
  for (; held == 0 && count >= SHA256_BLOCK; at += SHA256_BLOCK, count -= SHA256_BLOCK)
    take_block(sha256->state, at);
  if (count > 0)
    memcpy(sha256->block + held, at, count);
}

void sha256_finish(struct sha256 *sha256, unsigned char digest[SHA256_SIZE]) {
  static const unsigned char padding[SHA256_BLOCK] = {0x80};
  unsigned char length[8];
  write_word(length, (uint32_t)(sha256->length >> 29));
  write_word(length + 4, (uint32_t)(sha256->length << 3));
  size_t held = (size_t)(sha256->length % SHA256_BLOCK);
  sha256_add(sha256, padding, held < 56 ? 56 - held : 120 - held);
  sha256_add(sha256, length, sizeof length);
  for (int i = 0; i < 8; i++)
    write_word(digest + 4 * (size_t)i, sha256->state[i]);
}

/* The compiler must not leave this out. */
static void wipe(void *memory, size_t size) {
  for (volatile unsigned char *at = memory; size > 0; size--)
    *at++ = 0;
}

static void start_with_key(struct sha256 *sha256, const unsigned char key[SHA256_BLOCK],
                           unsigned char mask) {
  unsigned char block[SHA256_BLOCK];
  for (size_t i = 0; i < SHA256_BLOCK; i++)
    block[i] = key[i] ^ mask;
  sha256_start(sha256);
  sha256_add(sha256, block, sizeof block);
  wipe(block, sizeof block);
}

void sha256_hmac(const void *key, size_t key_length, const void *bytes, size_t count,
                 unsigned char digest[SHA256_SIZE]) {
  struct sha256 sha256;
  unsigned char block[SHA256_BLOCK] = {0};
  if (key_length > SHA256_BLOCK) {
    sha256_start(&sha256);
    sha256_add(&sha256, key, key_length);
    sha256_finish(&sha256, block);
  } else if (key_length > 0) {
    memcpy(block, key, key_length);
  }
  start_with_key(&sha256, block, 0x36);
  sha256_add(&sha256, bytes, count);
  sha256_finish(&sha256, digest);
  start_with_key(&sha256, block, 0x5c);
  sha256_add(&sha256, digest, SHA256_SIZE);
  sha256_finish(&sha256, digest);
  wipe(block, sizeof block);
  wipe(&sha256, sizeof sha256);
}
