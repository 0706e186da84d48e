/* The time. No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_CLOCK_H
#define ANTHROPIC_UTIL_CLOCK_H

#pragma GCC visibility push(hidden)

/* Seconds of a clock that only goes forward. */
double clock_now(void);

/* Moves the clock forward, in a test build (-DANTHROPIC_TEST) only: specs need not wait. */
#ifdef ANTHROPIC_TEST
void clock_advance(double seconds);
#endif

#pragma GCC visibility pop

#endif
