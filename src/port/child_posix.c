#define _GNU_SOURCE /* pipe2 */
#include "port/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A pipe that no command inherits, even if another thread forks meanwhile. Systems without pipe2,
 * such as macOS, have no SOCK_CLOEXEC either: there a thread may fork in between. */
static int make_pipe(int *ends) {
#ifdef SOCK_CLOEXEC
  return pipe2(ends, O_CLOEXEC);
#else
  if (pipe(ends) != 0)
    return -1;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

/* The host may ignore SIGPIPE and SIGCHLD, and block signals. */
static int set_signals(posix_spawnattr_t *attributes) {
  sigset_t none, by_default;
  sigemptyset(&none);
  sigemptyset(&by_default);
  sigaddset(&by_default, SIGPIPE);
  sigaddset(&by_default, SIGCHLD);
  int problem = posix_spawnattr_setsigmask(attributes, &none);
  if (!problem)
    problem = posix_spawnattr_setsigdefault(attributes, &by_default);
  if (!problem)
    problem = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  return problem;
}

static int spawn(pid_t *pid, char *const *arguments, int output) {
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
      problem = posix_spawnp(pid, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return problem;
}

int port_child_start(struct port_child *child, char *const *arguments) {
  int ends[2];
  pid_t pid = 0;
  child->pipe = NO_PIPE;
  if (make_pipe(ends) != 0)
    return errno;
  child->pipe = ends[0];
  int problem = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
  if (!problem)
    problem = spawn(&pid, arguments, ends[1]);
  close(ends[1]);
  if (problem)
    port_child_close_pipe(child);
  child->process = problem ? 0 : pid;
  return problem;
}

bool port_child_runs(const struct port_child *child) {
  return child->process > 0;
}

void port_child_forget(struct port_child *child) {
  child->process = 0;
}

port_socket port_child_output(const struct port_child *child) {
  return (port_socket)child->pipe;
}

bool port_child_read(struct port_child *child, void *bytes, size_t size, size_t *count) {
  ssize_t length;
  do
    length = read((int)child->pipe, bytes, size);
  while (length < 0 && errno == EINTR);
  if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return false;
  *count = length > 0 ? (size_t)length : 0;
  return true;
}

void port_child_close_pipe(struct port_child *child) {
  if (child->pipe != NO_PIPE)
    close((int)child->pipe);
  child->pipe = NO_PIPE;
}

void port_child_kill(const struct port_child *child) {
  kill((pid_t)child->process, SIGKILL);
}

/* A host that collects all its children may have been quicker, and the system collects them if
 * SIGCHLD is ignored: then the status is unknown. */
void port_child_collect(struct port_child *child, bool waits, int *status) {
  int how = 0;
  pid_t collected;
  do
    collected = waitpid((pid_t)child->process, &how, waits ? 0 : WNOHANG);
  while (collected < 0 && errno == EINTR);
  if (collected == 0)
    return;
  child->process = 0;
  if (collected > 0)
    *status = WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
}
