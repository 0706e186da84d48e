#include "net/deadlines.h"

#include "net/poller.h"
#include "util/clock.h"

#include <math.h>

enum { LONGEST = 86400 /* seconds that a timer is set to */ };

void deadlines_reset(struct deadlines *deadlines) {
  deadlines->curl = deadlines->entry = deadlines->armed = HUGE_VAL;
}

double deadlines_next(const struct deadlines *deadlines) {
  return fmin(fmin(deadlines->curl, deadlines->entry), deadlines->alarm);
}

long deadlines_milliseconds(double time, double now) {
  if (time == HUGE_VAL)
    return -1;
  double seconds = time - now;
  return seconds < LONGEST ? (long)ceil(fmax(seconds, 0) * 1000) : LONGEST * 1000L;
}

/* A timer that comes too soon costs an empty step; setting it anew for each request costs more. */
void deadlines_arm(struct deadlines *deadlines, struct poller *poller) {
  double next = deadlines_next(deadlines);
  double now = clock_now();
  if (!deadlines->is_watched || (deadlines->armed > now && deadlines->armed <= next))
    return;
  poller_set_timer(poller, deadlines_milliseconds(next, now));
  deadlines->armed = next == HUGE_VAL ? next : fmin(next, now + LONGEST);
}
