/* The Lua type of net/loop.h: core.loop() -> loop. */
#include "lua/modules.h"

#include "net/loop.h"
#include "net/transfer.h"
#include "port/held_signal.h"
#include "util/clock.h"

#include <math.h>

#define LOOP "anthropic.loop"

static struct loop **to_loop(lua_State *L) {
  return bind_type_check(L, 1, LOOP);
}

static struct loop *check_loop(lua_State *L) {
  struct loop *loop = *to_loop(L);
  if (!loop)
    luaL_error(L, "the loop is closed");
  return loop;
}

/* The uservalue maps the address of an entry to its userdata, without keeping that alive.
 */
static void push_transfers(lua_State *L) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

static int new_loop(lua_State *L) {
  struct loop **loop = lua_newuserdata(L, sizeof *loop);
  *loop = NULL;
  luaL_getmetatable(L, LOOP);
  lua_setmetatable(L, -2);
  push_transfers(L);
  set_uservalue(L, -2);
  *loop = loop_new();
  return *loop ? 1 : luaL_error(L, "not enough memory");
}

/* fd() -> number | nil if the platform has no such descriptor */
static int fd(lua_State *L) {
  int descriptor = loop_fd(check_loop(L));
  if (descriptor < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, descriptor);
  return 1;
}

/* Pushes what next_ready() returns; returns the number of results. */
static int push_ready(lua_State *L, struct loop *loop) {
  struct loop_entry *entry;
  bool has_more;
  get_uservalue(L, 1);
  while ((entry = loop_next_ready(loop, &has_more))) {
    lua_rawgetp(L, -1, entry);
    if (!lua_isnil(L, -1))
      break;
    lua_pop(L, 1);
  }
  lua_remove(L, entry ? -2 : -1);
  if (!entry && !has_more)
    return 0;
  if (!entry)
    lua_pushnil(L);
  lua_pushboolean(L, has_more);
  return 2;
}

/* next_ready() -> a transfer or command with news since it was last returned, whether there may be
 * more | nil, true if the budget is used up, and a step is due for the rest | nothing */
static int next_ready(lua_State *L) {
  return push_ready(L, check_loop(L));
}

/* wait(seconds, takes_interrupt?, budget?) -> whether there was work for libcurl, whether SIGINT
 * came, whether the alarm's time has come; with a budget also what next_ready() returns. Negative
 * waits for ever. An interrupt that is taken does not end the wait; the host does not see it. After
 * `budget` seconds, without what it has waited, next_ready() stops; this gives one all the same. */
static int wait(lua_State *L) {
  struct loop *loop = check_loop(L);
  double seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, !isnan(seconds), 2, "must be a number");
  bool takes_interrupt = lua_toboolean(L, 3);
  double budget = luaL_optnumber(L, 4, HUGE_VAL);
  double began = clock_now();
  struct held_signal interrupt = {0};
  if (takes_interrupt)
    signal_hold(&interrupt, PORT_INTERRUPT);
  lua_pushboolean(L, loop_wait(loop, seconds));
  lua_pushboolean(L, takes_interrupt && signal_release(&interrupt, false));
  lua_pushboolean(L, loop_is_due(loop));
  double limit = (seconds == 0 ? began : clock_now()) + budget;
  loop_set_limit(loop, HUGE_VAL);
  int results = budget == HUGE_VAL ? 3 : 3 + push_ready(L, loop);
  loop_set_limit(loop, limit);
  return results;
}

/* is_late() -> whether the budget of the last wait() is used up */
static int is_late(lua_State *L) {
  lua_pushboolean(L, loop_is_late(check_loop(L)));
  return 1;
}

static int step(lua_State *L) {
  loop_wait(check_loop(L), 0);
  return 0;
}

/* alarm(time|nil): of core.now() */
static int set_alarm(lua_State *L) {
  double time = luaL_optnumber(L, 2, HUGE_VAL);
  luaL_argcheck(L, !isnan(time), 2, "must be a number");
  if (!loop_set_alarm(check_loop(L), time))
    return luaL_error(L, "no alarm: not enough memory or descriptors");
  return 0;
}

/* Lets next_ready() find the userdata on top of the stack by its entry. */
static void keep_entry(lua_State *L, const struct loop_entry *entry) {
  get_uservalue(L, 1);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, entry);
  lua_pop(L, 1);
}

/* start(options) -> transfer | nil, message, "file" if a file is the reason */
static int start(lua_State *L) {
  check_loop(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  struct transfer *transfer = bind_transfer_push(L);
  if (!transfer)
    return 3;
  keep_entry(L, &transfer->entry);
  if (transfer_start(transfer, check_loop(L))) /* a finalizer may have closed the loop */
    return 1;
  lua_pushnil(L);
  lua_pushliteral(L, "cannot start: not enough memory or descriptors");
  return 2;
}

/* answer(options) -> a transfer that sends nothing and has ended with options.answer, which is
 * { status, head, body } | nil, message, "file" */
static int answer(lua_State *L) {
  check_loop(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  struct transfer *transfer = bind_transfer_push(L);
  if (!transfer)
    return 3;
  bind_transfer_answer(L, transfer);
  return 1;
}

/* run(arguments) -> a command that runs (lua/process.c) | nil, message */
static int run(lua_State *L) {
  check_loop(L);
  lua_settop(L, 2);
  struct loop_entry *entry = bind_process_push(L, to_loop(L));
  if (!entry)
    return 2;
  keep_entry(L, entry);
  return 1;
}

static int active(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)loop_active(check_loop(L)));
  return 1;
}

static int connections(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)loop_connections(check_loop(L)));
  return 1;
}

static int close_loop(lua_State *L) {
  struct loop **loop = to_loop(L);
  loop_free(*loop);
  *loop = NULL;
  return 0;
}

static int tostring(lua_State *L) {
  struct loop *loop = *to_loop(L);
  if (loop)
    lua_pushfstring(L, LOOP " (%d active)", (int)loop_active(loop));
  else
    lua_pushliteral(L, LOOP " (closed)");
  return 1;
}

static const luaL_Reg metamethods[] = {
    {"__gc", close_loop},
    {"__close", close_loop},
    {"__tostring", tostring},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"fd", fd},
    {"wait", wait},
    {"is_late", is_late},
    {"step", step},
    {"alarm", set_alarm},
    {"start", start},
    {"answer", answer},
    {"run", run},
    {"next_ready", next_ready},
    {"active", active},
    {"connections", connections},
    {"close", close_loop},
    {NULL, NULL},
};

void bind_loop_open(lua_State *L) {
  bind_type_make(L, LOOP, metamethods, methods);
  lua_pushcfunction(L, new_loop);
  lua_setfield(L, -2, "loop");
}
