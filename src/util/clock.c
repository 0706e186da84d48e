#define _POSIX_C_SOURCE 200809L
#include "util/clock.h"

#include <time.h>

double clock_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}
