/* Runs a fuzz target on random inputs where libFuzzer is missing: driver [runs [seed]] */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_INPUT = 4096 };

static uint64_t state;

/* xorshift64* */
uint32_t fuzz_random(uint32_t limit) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * UINT64_C(2685821657736338717)) >> 32) % limit;
}

/* Changes, doubles or drops a few bytes. */
static size_t mutate(uint8_t *input, size_t size) {
  for (uint32_t left = fuzz_random(4); left > 0 && size > 0; left--) {
    size_t at = fuzz_random((uint32_t)size), count = 1 + fuzz_random(8);
    count = count < size - at ? count : size - at;
    switch (fuzz_random(3)) {
    case 0:
      input[at] = (uint8_t)fuzz_random(256);
      break;
    case 1:
      memmove(input + at, input + at + count, size - at - count);
      size -= count;
      break;
    default:
      if (size + count <= LARGEST_INPUT) {
        memmove(input + at + count, input + at, size - at);
        size += count;
      }
    }
  }
  return size;
}

int main(int count, char **words) {
  unsigned long runs = count > 1 ? strtoul(words[1], NULL, 10) : 200000;
  unsigned long seed = count > 2 ? strtoul(words[2], NULL, 10) : 1;
  static uint8_t input[LARGEST_INPUT];
  for (unsigned long run = 0; run < runs; run++) {
    state = (seed + run) * UINT64_C(0x9E3779B97F4A7C15) + 1;
    size_t size = mutate(input, fuzz_generate(input, sizeof input));
    uint8_t *exact = malloc(size ? size : 1); /* so that reading past its end is seen */
    if (!exact)
      return EXIT_FAILURE;
    memcpy(exact, input, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
  }
  printf("%s: %lu inputs from seed %lu\n", words[0], runs, seed);
  return EXIT_SUCCESS;
}
