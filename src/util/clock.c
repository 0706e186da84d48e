#include "util/clock.h"

#include "port/clock.h"

#ifdef ANTHROPIC_TEST

static double ahead;

void clock_advance(double seconds) {
  ahead += seconds;
}

#else

enum { ahead = 0 };

#endif

double clock_now(void) {
  return port_clock() + ahead;
}
