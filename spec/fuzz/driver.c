/* Runs a fuzz target where libFuzzer is missing: driver folder runs seed
 *
 * Tries each file of the folder (seeds.lua), then so many random inputs: files of the folder with
 * a few bytes changed, and what the target generates. */
#define _POSIX_C_SOURCE 200809L
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_INPUT = 8192, MOST_FILES = 4096 };

struct file {
  size_t size;
  uint8_t *bytes;
};

static struct file files[MOST_FILES];
static uint32_t file_count;
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

static void try(const uint8_t *input, size_t size) {
  uint8_t *exact = malloc(size ? size : 1); /* so that reading past its end is seen */
  if (!exact)
    exit(EXIT_FAILURE);
  memcpy(exact, input, size);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
}

static void read_files(const char *folder) {
  DIR *directory = opendir(folder);
  const struct dirent *entry;
  while (directory && file_count < MOST_FILES && (entry = readdir(directory))) {
    char path[1024];
    static uint8_t bytes[LARGEST_INPUT];
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    FILE *stream = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
    if (!stream)
      continue;
    struct file *file = &files[file_count++];
    file->size = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    file->bytes = malloc(file->size ? file->size : 1);
    if (!file->bytes)
      exit(EXIT_FAILURE);
    memcpy(file->bytes, bytes, file->size);
  }
  if (directory)
    closedir(directory);
  if (file_count == 0) {
    fprintf(stderr, "no seeds in %s\n", folder);
    exit(EXIT_FAILURE);
  }
}

int main(int count, char **words) {
  if (count < 4) {
    fprintf(stderr, "usage: %s folder runs seed\n", words[0]);
    return EXIT_FAILURE;
  }
  unsigned long runs = strtoul(words[2], NULL, 10), seed = strtoul(words[3], NULL, 10);
  static uint8_t input[LARGEST_INPUT];
  read_files(words[1]);
  for (uint32_t i = 0; i < file_count; i++)
    try(files[i].bytes, files[i].size);
  for (unsigned long run = 0; run < runs; run++) {
    size_t size;
    state = (seed + run) * UINT64_C(0x9E3779B97F4A7C15) + 1;
    if (fuzz_generate && run % 4 > 0) {
      size = fuzz_generate(input, sizeof input);
    } else {
      const struct file *file = &files[fuzz_random(file_count)];
      size = file->size;
      memcpy(input, file->bytes, size);
    }
    try(input, mutate(input, size));
  }
  for (uint32_t i = 0; i < file_count; i++)
    free(files[i].bytes);
  printf("%s: %u seeds, %lu inputs from seed %lu\n", words[0], file_count, runs, seed);
  return EXIT_SUCCESS;
}
