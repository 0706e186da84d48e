#define _POSIX_C_SOURCE 200809L
#include "net/process.h"

#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* --- the pipe -------------------------------------------------------------------------------- */

static void close_pipe(struct process *process) {
  if (process->entry.loop)
    loop_unwatch(process->entry.loop, &process->entry);
  if (process->pipe >= 0)
    close(process->pipe);
  process->pipe = -1;
}

static void fail(struct process *process) {
  process->is_too_large = true;
  kill(process->pid, SIGKILL);
  close_pipe(process);
}

static void read_output(struct process *process) {
  char bytes[4096];
  while (process->pipe >= 0) {
    ssize_t count = read(process->pipe, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return;
    if (count <= 0)
      close_pipe(process);
    else if (process->output.length + (size_t)count > PROCESS_MAX_OUTPUT ||
             !buffer_append(&process->output, bytes, (size_t)count))
      fail(process);
  }
}

/* --- what the loop is told ------------------------------------------------------------------- */

static void on_readable(struct loop_entry *entry) {
  struct loop *loop = entry->loop;
  read_output((struct process *)entry);
  entry->news = true;
  entry->loop = loop; /* whose ready list it leaves when it ends, though it is watched no more */
  loop_mark_ready(loop, entry);
}

/* In a forked child: the command is the parent's. */
static void abandon(struct loop_entry *entry) {
  struct process *process = (struct process *)entry;
  process->pid = 0;
  process->status = -SIGKILL;
  close_pipe(process);
}

static void notice_fork(struct process *process) {
  if (process->pid > 0 && process->owner != getpid())
    abandon(&process->entry);
}

static const struct loop_callbacks callbacks = {.readable = on_readable, .abandon = abandon};

/* --- starting and ending --------------------------------------------------------------------- */

static bool set_flags(int descriptor, bool is_ours) {
  return fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 &&
         (!is_ours || fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0);
}

/* The host may ignore SIGPIPE, and hold signals back. */
static int set_signals(posix_spawnattr_t *attributes) {
  sigset_t none, by_default;
  sigemptyset(&none);
  sigemptyset(&by_default);
  sigaddset(&by_default, SIGPIPE);
  int problem = posix_spawnattr_setsigmask(attributes, &none);
  if (!problem)
    problem = posix_spawnattr_setsigdefault(attributes, &by_default);
  if (!problem)
    problem = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  return problem;
}

static int spawn(struct process *process, char *const *arguments, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int problem = posix_spawn_file_actions_init(&actions);
  if (problem)
    return problem;
  problem = posix_spawnattr_init(&attributes);
  if (!problem) {
    problem = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!problem)
      problem = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (!problem)
      problem = set_signals(&attributes);
    if (!problem)
      problem =
          posix_spawnp(&process->pid, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return problem;
}

int process_start(struct process *process, char *const *arguments, struct loop *loop) {
  int ends[2];
  process->entry.callbacks = &callbacks;
  process->pipe = -1;
  if (pipe(ends) != 0)
    return errno;
  process->pipe = ends[0];
  int problem = set_flags(ends[0], true) && set_flags(ends[1], false) ? 0 : errno;
  if (!problem)
    problem = spawn(process, arguments, ends[1]);
  close(ends[1]);
  if (problem) {
    process->pid = 0;
    close_pipe(process);
  } else {
    process->owner = getpid();
    loop_watch(loop, &process->entry, ends[0]); /* else it is read when it is asked */
  }
  return problem;
}

/* A host that collects all its children may have been quicker: then nobody knows the status. */
static void collect(struct process *process, int options) {
  int status = 0;
  pid_t collected;
  do
    collected = waitpid(process->pid, &status, options);
  while (collected < 0 && errno == EINTR);
  if (collected == 0)
    return;
  process->pid = 0;
  if (collected > 0)
    process->status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

bool process_is_over(struct process *process) {
  notice_fork(process);
  read_output(process);
  if (process->pipe < 0 && process->pid > 0)
    collect(process, WNOHANG);
  return process->pipe < 0 && process->pid <= 0;
}

void process_end(struct process *process) {
  notice_fork(process);
  close_pipe(process);
  if (process->pid > 0) {
    kill(process->pid, SIGKILL);
    collect(process, 0);
  }
  buffer_free(&process->output);
}
