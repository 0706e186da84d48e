#include "port/clock.h"

#include <windows.h>

/* The frequency stays the same as long as the system runs. */
double port_clock(void) {
  LARGE_INTEGER count, frequency;
  QueryPerformanceCounter(&count);
  QueryPerformanceFrequency(&frequency);
  return (double)count.QuadPart / (double)frequency.QuadPart;
}

unsigned long port_clock_fraction(void) {
  LARGE_INTEGER count;
  QueryPerformanceCounter(&count);
  return (unsigned long)count.LowPart;
}
