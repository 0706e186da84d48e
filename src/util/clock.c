#define _POSIX_C_SOURCE 200809L
#include "util/clock.h"

#include <time.h>

#ifdef ANTHROPIC_TEST

static double ahead;

void clock_advance(double seconds) {
  ahead += seconds;
}

#else

enum { ahead = 0 };

#endif

double clock_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9 + ahead;
}
