/* Runs a Lua program in threads of one process, each in a state of its own:
 *
 *     threads count program.lua [argument ...]
 *
 * The program gets the number of its thread, from 1, and the arguments as its `...`. The core is
 * found by package.cpath, or linked in (make tsan). SIGINT is for the threads, not for the first.
 */
#define _POSIX_C_SOURCE 200809L
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_THREADS = 64 };

int luaopen_anthropic_core(lua_State *L) __attribute__((weak));

struct job {
  pthread_t thread;
  int number;
  char **words; /* the program and its arguments, then NULL */
  bool ok;
};

static int run(lua_State *L) {
  const struct job *job = lua_touserdata(L, 1);
  int arguments = 1;
  luaL_openlibs(L);
  if (luaopen_anthropic_core) {
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, luaopen_anthropic_core);
    lua_setfield(L, -2, "anthropic.core");
  }
  if (luaL_loadfile(L, job->words[0]) != 0)
    return lua_error(L);
  lua_pushinteger(L, job->number);
  for (char **word = job->words + 1; *word; word++, arguments++) {
    luaL_checkstack(L, 1, "too many arguments");
    lua_pushstring(L, *word);
  }
  lua_call(L, arguments, 0);
  return 0;
}

static void *run_thread(void *userdata) {
  struct job *job = userdata;
  lua_State *L = luaL_newstate();
  if (!L)
    return NULL;
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, job);
  job->ok = lua_pcall(L, 1, 0, 0) == 0;
  if (!job->ok)
    fprintf(stderr, "thread %d: %s\n", job->number, lua_tostring(L, -1));
  lua_close(L);
  return NULL;
}

int main(int count, char **words) {
  static struct job jobs[MOST_THREADS];
  int threads = count < 3 ? 0 : atoi(words[1]);
  bool ok = true;
  if (threads < 1 || threads > MOST_THREADS) {
    fprintf(stderr, "usage: %s count program.lua [argument ...]\n", words[0]);
    return EXIT_FAILURE;
  }
  for (int i = 0; i < threads; i++) {
    jobs[i].number = i + 1;
    jobs[i].words = words + 2;
    if (pthread_create(&jobs[i].thread, NULL, run_thread, &jobs[i]) != 0)
      return EXIT_FAILURE;
  }
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_BLOCK, &interrupt, NULL);
  for (int i = 0; i < threads; i++) {
    pthread_join(jobs[i].thread, NULL);
    ok = ok && jobs[i].ok;
  }
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
