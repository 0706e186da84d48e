/* The Lua type of net/process.h: loop:run(arguments) -> process. */
#include "lua/modules.h"

#include "net/process.h"

#include <string.h>

#define PROCESS "anthropic.process"

static struct process *check_process(lua_State *L) {
  return bind_type_check(L, 1, PROCESS);
}

/* Pushes a userdata: an array for the list at index 2, which set_arguments fills. */
static char **push_arguments(lua_State *L, size_t *count) {
  *count = lua_istable(L, 2) ? lua_rawlen(L, 2) : 0;
  luaL_argcheck(L, *count > 0, 2, "a list of strings expected");
  return lua_newuserdata(L, (*count + 1) * sizeof(char *));
}

/* The list keeps the strings alive until Lua allocates: then a finalizer may change the list. */
static void set_arguments(lua_State *L, char **arguments, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t length = 0;
    lua_rawgeti(L, 2, (int)i + 1);
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    luaL_argcheck(L, text && strlen(text) == length, 2, "a list of strings without NUL expected");
    arguments[i] = (char *)text; /* which port_child_start does not change */
    lua_pop(L, 1);
  }
  arguments[count] = NULL;
}

struct loop_entry *bind_process_push(lua_State *L, struct loop **loop) {
  size_t count;
  char **arguments = push_arguments(L, &count);
  struct process *process = lua_newuserdata(L, sizeof *process);
  memset(process, 0, sizeof *process);
  process->child.pipe = NO_PIPE;
  luaL_getmetatable(L, PROCESS);
  lua_setmetatable(L, -2);
  lua_createtable(L, 1, 0); /* the loop outlives it */
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  set_uservalue(L, -2);
  set_arguments(L, arguments, count);
  if (!*loop) /* a finalizer has closed it */
    luaL_error(L, "the loop is closed");
  int problem = process_start(process, arguments, *loop);
  if (!problem)
    return &process->entry;
  lua_pushnil(L);
  lua_pushstring(L, strerror(problem));
  return NULL;
}

/* has_news() -> whether output() may return something else than before */
static int has_news(lua_State *L) {
  const struct process *process = check_process(L);
  lua_pushboolean(L, process->entry.news || !process_has_pipe(process));
  return 1;
}

/* output() -> nil while it runs, and "soon" once no more output comes | what it wrote, its exit
 * status (negative: the signal that ended it; "unknown") | nil, "too_large". */
static int output(lua_State *L) {
  struct process *process = check_process(L);
  process->entry.news = false;
  if (!process_is_over(process)) {
    lua_pushnil(L);
    lua_pushstring(L, process_has_pipe(process) ? NULL : "soon");
    return 2;
  }
  if (process->is_too_large) {
    lua_pushnil(L);
    lua_pushliteral(L, "too_large");
    return 2;
  }
  buffer_lend(&process->output);
  lua_pushlstring(L, process->output.length ? buffer_bytes(&process->output) : "",
                  process->output.length);
  buffer_take_back(&process->output);
  if (process->status == PROCESS_UNKNOWN)
    lua_pushliteral(L, "unknown");
  else
    lua_pushinteger(L, process->status);
  return 2;
}

static int close_process(lua_State *L) {
  process_end(check_process(L));
  return 0;
}

/* Not done on close: a finalizer may close it while the output is made a string. */
static int free_process(lua_State *L) {
  struct process *process = check_process(L);
  process_end(process);
  buffer_free(&process->output);
  return 0;
}

static const luaL_Reg metamethods[] = {
    {"__gc", free_process},
    {"__close", close_process},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"has_news", has_news},
    {"output", output},
    {"close", close_process},
    {NULL, NULL},
};

void bind_process_open(lua_State *L) {
  bind_type_make(L, PROCESS, metamethods, methods);
}
