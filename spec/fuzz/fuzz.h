/* A fuzz target is one file with these functions. It is linked with libFuzzer, or with driver.c
 * where there is none. seeds.lua writes the inputs that both start from. */
#ifndef ANTHROPIC_FUZZ_H
#define ANTHROPIC_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Tries one input; a failed assertion or a sanitizer's report ends the program. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* A number below `limit`, the same ones for the same seed. */
uint32_t fuzz_random(uint32_t limit);

/* For driver.c, where a target has it, not with libFuzzer (FUZZ_WITHOUT_GENERATOR): writes an input
 * that gets far, and returns its size. */
size_t fuzz_generate(uint8_t *input, size_t capacity) __attribute__((weak));

/* Ends the program where `condition` does not hold. */
#define FUZZ_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())

#endif
