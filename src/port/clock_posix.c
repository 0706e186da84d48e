#define _POSIX_C_SOURCE 200809L
#include "port/clock.h"

#include <time.h>

double port_clock(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

unsigned long port_clock_fraction(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (unsigned long)now.tv_nsec;
}
