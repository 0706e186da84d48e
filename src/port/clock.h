/* The system's clocks. */
#ifndef ANTHROPIC_PORT_CLOCK_H
#define ANTHROPIC_PORT_CLOCK_H

#pragma GCC visibility push(hidden)

/* Seconds of a clock that only goes forward. */
double port_clock(void);

/* The time of day below a second: it mostly differs from one call to the next. */
unsigned long port_clock_fraction(void);

#pragma GCC visibility pop

#endif
