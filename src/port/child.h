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

/* Starts a command: its name, which is looked for in PATH, and its arguments, then NULL. It reads
 * nothing, and its standard error is the host's. 0, or the number of the error, as errno has it:
 * then nothing is open. The caller ends it: port_child_close_pipe, and port_child_collect after
 * port_child_kill or when the pipe has ended. */
int port_child_start(struct port_child *child, char *const *arguments);

/* Whether it runs, as far as this process knows. */
bool port_child_runs(const struct port_child *child);

/* Forgets it: it is another process's. */
void port_child_forget(struct port_child *child);

/* What a poller can watch for its output; NO_SOCKET where the system has no such thing. */
port_socket port_child_output(const struct port_child *child);

/* Reads what has come: true with how much that is, 0 being the end; false: nothing yet. */
bool port_child_read(struct port_child *child, void *bytes, size_t size, size_t *count);

/* A closed one is fine. */
void port_child_close_pipe(struct port_child *child);

/* Ends it at once. It must run, as port_child_runs tells. */
void port_child_kill(const struct port_child *child);

/* Takes notice of its end, and waits for that where `waits`. It must run, as port_child_runs tells.
 * *status becomes its exit status, or, negative, the signal that ended it; where somebody else
 * collected that first, *status stays as it is. */
void port_child_collect(struct port_child *child, bool waits, int *status);

#pragma GCC visibility pop

#endif
