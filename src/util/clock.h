/* The time. No Lua, no curl. */
#ifndef ANTHROPIC_UTIL_CLOCK_H
#define ANTHROPIC_UTIL_CLOCK_H

#pragma GCC visibility push(hidden)

/* Seconds of a clock that only goes forward. */
double clock_now(void);

#pragma GCC visibility pop

#endif
