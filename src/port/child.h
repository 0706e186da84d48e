/* Programs that this one starts, and what they write. */
#ifndef ANTHROPIC_PORT_CHILD_H
#define ANTHROPIC_PORT_CHILD_H

#include "port/socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { NO_PIPE = -1, PORT_CHILD_KILLED = -9 /* the status after port_child_kill */ };

struct port_child {
  intptr_t pipe; /* its standard output; NO_PIPE: closed */

  /* private part */
  intptr_t process; /* 0: it is over, or it is no child of this process */
};

/* Starts a command: its name, which is looked up in PATH, its arguments, and NULL. Its standard
 * input is empty, its standard error the host's. Returns 0, or an errno number: then nothing is
 * open. The caller ends it with port_child_close_pipe, and with port_child_collect after
 * port_child_kill or when the pipe has ended. */
int port_child_start(struct port_child *child, char *const *arguments);

/* Whether the child runs, as far as this process knows. */
bool port_child_runs(const struct port_child *child);

/* Forgets the child: it belongs to another process. */
void port_child_forget(struct port_child *child);

/* What a poller can watch for the child's output; NO_SOCKET if the system has no such thing. */
port_socket port_child_output(const struct port_child *child);

/* Reads output that has come. True: *count bytes, 0 at the end; false: nothing has come yet. */
bool port_child_read(struct port_child *child, void *bytes, size_t size, size_t *count);

/* A closed pipe is fine. */
void port_child_close_pipe(struct port_child *child);

/* Ends the child at once. port_child_runs must be true. */
void port_child_kill(const struct port_child *child);

/* Notes whether the child has ended; if `waits`, waits for that. port_child_runs must be true.
 * *status becomes its exit status, or the negated number of the signal that ended it. If other code
 * of the host collected the status first, *status stays as it is. */
void port_child_collect(struct port_child *child, bool waits, int *status);

#pragma GCC visibility pop

#endif
