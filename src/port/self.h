/* The process, and this module in it. */
#ifndef ANTHROPIC_PORT_SELF_H
#define ANTHROPIC_PORT_SELF_H

#pragma GCC visibility push(hidden)

/* The number of the process; a forked child has another. */
long port_self_id(void);

/* Keeps the module of a function loaded until the process ends. */
void port_self_stay_loaded(void (*function)(void));

#pragma GCC visibility pop

#endif
