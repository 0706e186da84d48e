// Runs a program on one core and tells what it cost:
//
//     run CORE SECONDS PROGRAM ARGUMENT...
//
// After the program's own output comes a line "run STATUS CPU WALL PEAK": its exit status, seconds
// of CPU (user and system, of the children it waited for too), seconds, and the peak of its memory
// in KiB. A program that takes longer than that many seconds is ended.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 8192 };

static pid_t program;

static void end_program(int number) {
  (void)number;
  kill(-program, SIGKILL);
}

static double seconds_of(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void become(char **arguments) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  cpu_set_t core;
  CPU_ZERO(&core);
  CPU_SET(strtoul(arguments[1], NULL, 10), &core);
  sched_setaffinity(0, sizeof core, &core);
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES) {
    files.rlim_cur = files.rlim_max < FILES ? files.rlim_max : FILES;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  execvp(arguments[3], arguments + 3);
  perror(arguments[3]);
  _exit(127);
}

int main(int count, char **arguments) {
  if (count < 4) {
    fprintf(stderr, "usage: %s CORE SECONDS PROGRAM ARGUMENT...\n", arguments[0]);
    return EXIT_FAILURE;
  }
  double start = now();
  program = fork();
  if (program < 0) {
    perror("fork");
    return EXIT_FAILURE;
  }
  if (program == 0)
    become(arguments);
  setpgid(program, program);
  struct sigaction action = {.sa_handler = end_program, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  alarm((unsigned)strtoul(arguments[2], NULL, 10));
  int status;
  struct rusage usage;
  if (wait4(program, &status, 0, &usage) != program) {
    perror("wait4");
    return EXIT_FAILURE;
  }
  printf("run %d %.6f %.6f %ld\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
         seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), now() - start, usage.ru_maxrss);
  return EXIT_SUCCESS;
}
