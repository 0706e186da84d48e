#include "net/process.h"

#include "net/loop.h"
#include "port/self.h"

/* --- the pipe -------------------------------------------------------------------------------- */

static void close_pipe(struct process *process) {
  if (process->entry.loop)
    loop_unwatch(process->entry.loop, &process->entry);
  port_child_close_pipe(&process->child);
}

/* True if it still ran. Once other code has collected it, its number may be another process's. */
static bool kill_running(struct process *process) {
  if (port_child_runs(&process->child))
    port_child_collect(&process->child, false, &process->status);
  if (!port_child_runs(&process->child))
    return false;
  port_child_kill(&process->child);
  return true;
}

static void fail(struct process *process) {
  process->is_too_large = true;
  kill_running(process);
  close_pipe(process);
}

static void read_output(struct process *process) {
  char bytes[4096];
  size_t count;
  while (process_has_pipe(process) &&
         port_child_read(&process->child, bytes, sizeof bytes, &count)) {
    if (count == 0)
      close_pipe(process);
    else if (process->output.length + count > PROCESS_MAX_OUTPUT ||
             !buffer_append(&process->output, bytes, count))
      fail(process);
  }
}

/* --- what the loop is told ------------------------------------------------------------------- */

static void on_readable(struct loop_entry *entry) {
  struct loop *loop = entry->loop;
  read_output((struct process *)entry);
  entry->news = true;
  entry->loop = loop; /* it leaves the loop's ready list when it ends, though no longer watched */
  loop_mark_ready(loop, entry);
}

/* In a forked child: the command is the parent's. */
static void abandon(struct loop_entry *entry) {
  struct process *process = (struct process *)entry;
  port_child_forget(&process->child);
  process->status = PORT_CHILD_KILLED;
  close_pipe(process);
}

static void notice_fork(struct process *process) {
  if (port_child_runs(&process->child) && process->owner != port_self_id())
    abandon(&process->entry);
}

static const struct loop_callbacks callbacks = {.readable = on_readable, .abandon = abandon};

/* --- starting and ending --------------------------------------------------------------------- */

int process_start(struct process *process, char *const *arguments, struct loop *loop) {
  process->entry.callbacks = &callbacks;
  int problem = port_child_start(&process->child, arguments);
  if (problem)
    return problem;
  process->owner = port_self_id();
  process->status = PROCESS_UNKNOWN;
  port_socket output = port_child_output(&process->child);
  if (output != NO_SOCKET)
    loop_watch(loop, &process->entry, output); /* else it is read when it is asked */
  return 0;
}

bool process_has_pipe(const struct process *process) {
  return process->child.pipe != NO_PIPE;
}

bool process_is_over(struct process *process) {
  notice_fork(process);
  read_output(process);
  if (!process_has_pipe(process) && port_child_runs(&process->child))
    port_child_collect(&process->child, false, &process->status);
  return !process_has_pipe(process) && !port_child_runs(&process->child);
}

void process_end(struct process *process) {
  notice_fork(process);
  close_pipe(process);
  if (kill_running(process))
    port_child_collect(&process->child, true, &process->status);
}
