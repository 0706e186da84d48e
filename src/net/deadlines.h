/* When a loop needs its next step, and the poller's timer for it. No Lua, no curl. */
#ifndef ANTHROPIC_NET_DEADLINES_H
#define ANTHROPIC_NET_DEADLINES_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

struct poller;

/* Times of clock_now; HUGE_VAL: never. */
struct deadlines {
  double curl;     /* when libcurl wants to be called */
  double entry;    /* no entry runs out of time before this */
  double alarm;    /* when the host wants a step */
  bool is_watched; /* the host has the poller's descriptor, which needs the timer */

  /* private part */
  double armed; /* what the timer is set to */
};

/* Sets all but the alarm to never. */
void deadlines_reset(struct deadlines *deadlines);

/* The earliest of the three. */
double deadlines_next(const struct deadlines *deadlines);

/* The milliseconds from `now` to a time, at most a day; -1 if the time is never. */
long deadlines_milliseconds(double time, double now);

/* Sets the timer to the earliest, if the host has the descriptor. */
void deadlines_arm(struct deadlines *deadlines, struct poller *poller);

#pragma GCC visibility pop

#endif
