/* A command whose output a loop watches: it runs, and the host goes on. No Lua. */
#ifndef ANTHROPIC_NET_PROCESS_H
#define ANTHROPIC_NET_PROCESS_H

#include "net/loop_entry.h"
#include "port/child.h"
#include "util/buffer.h"

#include <limits.h>

#pragma GCC visibility push(hidden)

enum {
  PROCESS_MAX_OUTPUT = 256 * 1024,
  PROCESS_UNKNOWN = INT_MIN /* the status if other code has collected the command */
};

struct process {
  struct loop_entry entry; /* its `news`: the result of process_is_over may have changed */
  struct buffer output;    /* what it has written to standard output; its owner frees it */
  bool is_too_large; /* it wrote more than PROCESS_MAX_OUTPUT, or there was no memory for it */
  int status;        /* once it is over: its exit status, negative: the signal that ended it, or
                        PROCESS_UNKNOWN */

  /* private part */
  struct port_child child;
  long owner; /* the process that started it: a forked child leaves it alone */
};

/* Starts a command: its name, which is looked up in PATH, its arguments, and NULL. Its standard
 * input is empty, its standard error the host's. 0, or the number of the error. `process` is
 * zero-initialised, stays where it is, and is ended with process_end. If the loop lacks the memory
 * to watch it, process_is_over reads its output. */
int process_start(struct process *process, char *const *arguments, struct loop *loop);

/* Whether more output may come. */
bool process_has_pipe(const struct process *process);

/* Reads what has come. True when the command is over, and all of its output is there. */
bool process_is_over(struct process *process);

/* Ends the command if it runs. What it has written stays. */
void process_end(struct process *process);

#pragma GCC visibility pop

#endif
